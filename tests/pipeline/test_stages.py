"""The dependencies of the stages of both files: all modules that a stage imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import load_script
from .conftest import ROOT, stages

FILES = ("dvc.yaml", "topic/dvc.yaml")
SCRIPT = ROOT / "scripts" / "stage_dependencies.py"

# A program that prints, for each given module, the files of this repository that its import
# loads, or the name of a missing package. The packages of this repository are replaced by empty
# ones: their public names would import further files.
IMPORTED = """
import importlib, json, sys, types
from pathlib import Path

packages = {"disaster_tweets": "src/disaster_tweets", "pipeline": "pipeline", "topic": "topic"}
found = {}
for name in sys.argv[1:]:
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] in packages]:
        del sys.modules[loaded]
    for package, folder in packages.items():
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [str(Path(folder).absolute())]
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        found[name] = error.name
        continue
    files = {
        Path(module.__file__).relative_to(Path.cwd()).as_posix()
        for loaded, module in sys.modules.items()
        if loaded.partition(".")[0] in packages and getattr(module, "__file__", None)
    }
    found[name] = sorted(files)
print(json.dumps(found))
"""


def commands(stage: dict[str, object]) -> list[str]:
    """Return the modules that a stage runs."""
    lines = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    return [re.fullmatch(r"python -m ([\w.]+)", line)[1] for line in lines]


def every_stage() -> dict[str, dict[str, object]]:
    """Return the stages of both files."""
    return {
        f"{file}:{name}": stage for file in FILES for name, stage in stages(ROOT, file).items()
    }


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str] | str]:
    """The files that each module of a stage imports, or the name of a missing package."""
    modules = [module for stage in every_stage().values() for module in commands(stage)]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *modules],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, list[str] | str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", every_stage())
def test_a_stage_depends_on_all_that_it_imports(
    name: str, imported: dict[str, list[str] | str]
) -> None:
    stage = every_stage()[name]
    for module in commands(stage):
        files = imported[module]
        if isinstance(files, str):
            pytest.skip(f"needs {files}")
        assert f"{module.replace('.', '/')}.py" in files
        assert set(files) <= set(stage["deps"])


@pytest.mark.parametrize("name", every_stage())
def test_every_dependency_of_a_stage_is_there_or_made_by_another_one(name: str) -> None:
    made = {output_path(out) for stage in every_stage().values() for out in stage["outs"]}
    tracked = {path.with_suffix("") for path in ROOT.glob("data/raw/*.dvc")}
    for dependency in every_stage()[name]["deps"]:
        path = ROOT / dependency
        assert dependency in made or path in tracked or path.is_file(), dependency


def output_path(output: str | dict[str, object]) -> str:
    return output if isinstance(output, str) else next(iter(output))


def test_the_lists_are_those_that_the_script_writes() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


class TestScript:
    """The script, on a repository of four modules."""

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        script = load_script(SCRIPT)
        monkeypatch.setattr(script, "ROOT", tmp_path)
        monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
        files = {
            "src/disaster_tweets/__init__.py": "from disaster_tweets.public import name\n",
            "src/disaster_tweets/public.py": "name = 1\n",
            "src/disaster_tweets/text.py": "",
            "pipeline/__init__.py": "",
            "pipeline/first.py": """
import json
from typing import TYPE_CHECKING
from pipeline import second
if TYPE_CHECKING:
    from pipeline import third
""",
            "pipeline/second.py": "def late():\n    import disaster_tweets.text\n",
            "pipeline/third.py": "from disaster_tweets import name\n",
            "topic/dvc.yaml": "stages:\n",
            "dvc.yaml": """stages:
  one:
    cmd: python -m pipeline.first
    deps:
      - data/x.csv
      - pipeline/gone.py
    outs:
      - y.csv

  two:
    cmd: python -m pipeline.third
    deps: []
""",
        }
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content, "utf-8")
        self.script = script
        return tmp_path

    def test_modules_are_found_through_others_and_within_functions(self, root: Path) -> None:
        assert self.script.main() == 0
        one, two = stages(root)["one"], stages(root)["two"]
        assert one["deps"] == [
            *("data/x.csv", "pipeline/first.py", "pipeline/second.py"),
            "src/disaster_tweets/text.py",
        ]
        assert one["outs"] == ["y.csv"]
        # The stage imports a name of the package itself.
        assert two["deps"] == [
            *("pipeline/third.py", "src/disaster_tweets/__init__.py"),
            "src/disaster_tweets/public.py",
        ]

    def test_a_check_changes_nothing_and_says_what_to_do(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--check"])
        before = (root / "dvc.yaml").read_bytes()
        assert self.script.main() == 1
        assert (root / "dvc.yaml").read_bytes() == before
        message = "dvc.yaml: run python scripts/stage_dependencies.py\n"
        assert capsys.readouterr().err == message

        monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
        self.script.main()
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--check"])
        assert self.script.main() == 0
