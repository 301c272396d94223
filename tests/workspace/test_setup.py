"""The set-up script: from nothing, again, without network, without data, after a break."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..conftest import ROOT, load_script
from .conftest import MIRROR, SCRIPT, Workspace

SECONDS = 120  # for anything that is waited for
EXAMPLES = load_script(ROOT / "src" / "disaster_tweets" / "topic.py").EXAMPLES
SOURCES = load_script(ROOT / SCRIPT).sources()
DOWNLOADED = [source for source in SOURCES if source.by_stage]
PARTS = [
    *("environment", "package", "notebook kernel", "artifacts", "Git hooks"),
    *(source.part for source in SOURCES),
]
NOTEBOOK = """
import nbformat, sys
from nbclient import NotebookClient
cell = nbformat.v4.new_code_cell("import disaster_tweets, sys; print(sys.prefix)")
notebook = nbformat.v4.new_notebook(cells=[cell])
NotebookClient(notebook, kernel_name="disaster-tweets").execute()
print(notebook.cells[0].outputs[0].text)
"""
VERSIONS = """
import json
from importlib.metadata import distributions
print(json.dumps({d.name: d.version for d in distributions()}))
"""


def states(out: str) -> dict[str, str]:
    """Return what `check` printed on each part: ok or missing."""
    return {
        match[2]: match[1]
        for match in re.finditer(r"^(ok|missing) +([\w.]+( \w+)?)  ", out, re.MULTILINE)
    }


def all_but(*missing: str) -> dict[str, str]:
    return {part: "missing" if part in missing else "ok" for part in PARTS}


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of every file, but those that any command leaves behind."""
    kept = {}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if "__pycache__" in path.parts or inside.parts[:2] == (".dvc", "tmp"):
            continue
        if path.is_file() and inside != Path(".git", "index"):
            kept[inside] = (path.stat().st_size, path.stat().st_mtime_ns)
    return kept


class TestLifecycle:
    def test_each_command_of_the_container_succeeds(self, workspace: Workspace) -> None:
        *before, (last, attached) = workspace.setup_log.items()

        assert before
        assert last == "postAttachCommand"
        for name, done in before:
            assert done.status == 0, f"{name}: {done.out}{done.err}"
        assert set(states(attached.out).items()) >= {
            (part, "ok") for part in PARTS[: -len(SOURCES)]
        }

    def test_it_ends_ready(self, workspace_with_data: Workspace) -> None:
        attached = workspace_with_data.setup_log["postAttachCommand"]

        assert (attached.status, attached.err) == (0, "")
        assert states(attached.out) == all_but()
        assert attached.out.endswith("\nREADY\n")

    def test_the_clone_stays_as_it_was(self, workspace: Workspace) -> None:
        assert workspace.git("status", "--porcelain") == ""

    def test_the_constraints_are_what_is_installed(self, workspace: Workspace) -> None:
        installed = {
            canonical(name): version
            for name, version in json.loads(
                workspace.run(workspace.python, "-c", VERSIONS).out
            ).items()
        }
        constraints = (ROOT / "constraints.txt").read_text("utf-8")
        pinned = dict(re.findall(r"^([\w.-]+)==(.+)$", constraints, re.MULTILINE))

        assert "tensorflow" in installed
        wrong = {
            name: (version, installed[canonical(name)])
            for name, version in pinned.items()
            if installed.get(canonical(name), version) != version
        }
        assert wrong == {}
        assert workspace.run(workspace.python, "-m", "pip", "check").status == 0

    def test_a_notebook_finds_its_kernel(self, workspace: Workspace) -> None:
        done = workspace.run(workspace.python, "-c", NOTEBOOK)

        assert done.status == 0, done.err
        assert Path(done.out.strip()) == workspace.folder / ".venv"

    def test_the_tests_run_in_it(self, workspace: Workspace) -> None:
        done = workspace.run(workspace.python, "-m", "pytest", "-q", "tests/test_text.py")

        assert done.status == 0, done.out


class TestAgain:
    def test_a_second_run_changes_nothing(self, workspace_with_data: Workspace) -> None:
        before = files(workspace_with_data.folder)
        done = workspace_with_data.setup()

        assert (done.status, done.err) == (0, "")
        assert states(done.out.partition("\n\n")[0]) == all_but()
        assert done.out.startswith("ok ")
        assert files(workspace_with_data.folder) == before

    def test_without_network_nothing_is_lacking(self, workspace_with_data: Workspace) -> None:
        with workspace_with_data.without_network():
            done = workspace_with_data.setup()

        assert (done.status, done.err) == (0, "")
        assert done.out.endswith("\nREADY\n")

    def test_kernel_and_hooks_come_back(self, workspace: Workspace) -> None:
        shutil.rmtree(workspace.folder / ".venv" / "share" / "jupyter" / "kernels")
        workspace.git("config", "--unset", "core.hooksPath")
        with workspace.without_network():
            lacking = workspace.check()
            workspace.setup()
            mended = workspace.check()

        assert lacking.status == 1
        for part in ("notebook kernel", "Git hooks"):
            assert states(lacking.out)[part] == "missing"
            assert states(mended.out)[part] == "ok"

    def test_a_change_of_the_requirements_is_noticed(self, workspace: Workspace) -> None:
        setup = workspace.folder / "setup.cfg"
        before = setup.read_text("utf-8")
        setup.write_text(before + "\n# A new requirement.\n", "utf-8")
        with workspace.without_network():
            done = workspace.check()
        setup.write_text(before, "utf-8")

        assert states(done.out)["environment"] == "missing"
        assert "not what setup.cfg and constraints.txt ask for: run python3" in done.out

    def test_an_interrupted_run_is_mended(self, clone: Callable[[], Workspace]) -> None:
        fresh = clone()
        stamp = fresh.folder / ".venv" / "workspace.json"
        process = subprocess.Popen(
            ["python3", SCRIPT, "setup"],
            cwd=fresh.folder,
            env={**fresh.environment, "PIP_CACHE_DIR": str(fresh.folder.parent / "cache")},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + SECONDS
        while not stamp.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with fresh.without_network():
            checked, again = fresh.check(), fresh.setup()

        assert states(checked.out)["environment"] == "missing"
        assert "an earlier set-up was interrupted: run python3" in checked.out
        assert again.out.startswith("environment: an earlier set-up was interrupted; making")
        # What it lacks without network is said, in the last line.
        assert again.status == 1
        assert again.err.splitlines()[-1].startswith("error: pip could not install")
        assert fresh.git("status", "--porcelain") == ""


class TestData:
    @pytest.fixture(params=["empty", "wrong", "no network"])
    def bad_source(self, request: pytest.FixtureRequest, tmp_path: Path) -> str:
        if request.param == "wrong":
            for name in (Path(path).name for source in DOWNLOADED for path in source.outputs):
                (tmp_path / name).write_text("id,text\n1,A made-up text", "utf-8")
        return request.param

    def test_a_failing_source_leaves_a_usable_workspace(
        self, workspace: Workspace, bad_source: str, tmp_path: Path
    ) -> None:
        with workspace.without_data():
            if bad_source == "no network":
                with workspace.without_network():
                    done = workspace.setup()
            else:
                done = workspace.setup(**{MIRROR: str(tmp_path)})
            checked = workspace.check()
            predicted = workspace.run(
                workspace.folder / ".venv/bin/disaster-tweets", "predict", EXAMPLES[0]
            )
            status = workspace.git("status", "--porcelain")

        assert (done.status, checked.status, predicted.status) == (0, 1, 0)
        assert states(checked.out) == all_but(*(source.part for source in SOURCES))
        assert checked.out.splitlines()[-1].startswith("NOT READY to train; all else works")
        reasons = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(reasons) == len(DOWNLOADED)
        assert all(MIRROR in reason for reason in reasons)
        assert "Traceback" not in done.out + done.err
        assert status == ""

    def test_a_damaged_file_is_fetched_anew(self, workspace_with_data: Workspace) -> None:
        name = next(iter(DOWNLOADED[0].outputs))
        path = workspace_with_data.folder / name
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[:1000])
        checked = workspace_with_data.check()
        done = workspace_with_data.setup()

        # To DVC, artifacts made from other data are not those of this data.
        assert states(checked.out) == all_but(DOWNLOADED[0].part, "artifacts")
        assert f"{name}: run python3" in checked.out
        assert done.out.endswith("\nREADY\n")
        assert path.read_bytes() == content

    def test_a_remote_is_asked_first(
        self, workspace_with_data: Workspace, tmp_path: Path
    ) -> None:
        local = workspace_with_data.folder / ".dvc" / "config.local"
        dvc = (workspace_with_data.python, "-m", "dvc")
        remote = ("remote", "add", "--quiet", "--local", "--default", "storage", str(tmp_path))
        tracked = [path for source in SOURCES if not source.by_stage for path in source.outputs]
        push = ("push", "--quiet", *(source.target for source in SOURCES))
        for command in (remote, *([("add", "--quiet", *tracked)] if tracked else []), push):
            assert workspace_with_data.run(*dvc, *command).status == 0
        with workspace_with_data.without_data():
            done = workspace_with_data.setup(**{MIRROR: str(tmp_path / "none")})
            status = workspace_with_data.git("status", "--porcelain")
        local.unlink()

        assert done.out.endswith("\nREADY\n"), done.err
        assert status == ""


class TestPythons:
    """Which Python makes .venv. Those on the PATH are stand-ins that only say their version."""

    @pytest.fixture
    def find(self, script: ModuleType, tmp_path: Path, monkeypatch: Any) -> Callable[..., str]:
        if os.name == "nt":
            pytest.skip("the stand-ins are shell scripts")

        def find(own: str, **others: str) -> str:
            for name, version in {"own": own, **others}.items():
                python = tmp_path / name.replace("_", ".")
                python.write_text(
                    f"#!/bin/sh\necho {python}\necho {version}\n" if version else "exit 1\n"
                )
                python.chmod(0o755)
            monkeypatch.setenv("PATH", str(tmp_path))
            monkeypatch.setattr(script.sys, "executable", str(tmp_path / "own"))
            return script.find_interpreter().version

        return find

    def test_this_one_is_taken_if_it_can_train(self, find: Callable[..., str]) -> None:
        assert find("3.13.2", python3_12="3.12.1") == "3.13.2"

    @pytest.mark.parametrize("own", ["3.9.6", "3.10.4", "3.14.0", "3.15.0"])
    def test_else_another_that_can(self, find: Callable[..., str], own: str) -> None:
        assert find(own, python3_12="", python3_11="3.11.7") == "3.11.7"

    def test_else_one_that_can_do_the_rest(self, find: Callable[..., str]) -> None:
        assert find("3.14.0", python3_12="") == "3.14.0"
        assert find("3.9.6", python3_10="3.10.4") == "3.10.4"

    def test_none_at_all_is_said(self, find: Callable[..., str], script: ModuleType) -> None:
        with pytest.raises(script.WorkspaceError, match="install Python 3"):
            find("3.9.6", python3_12="")

    def test_an_environment_is_not_made_with_itself(self, workspace: Workspace) -> None:
        code = (
            "import workspace, sys; print(workspace.find_interpreter().executable, sys.prefix)"
        )
        scripts = str(workspace.folder / "scripts")
        done = workspace.run(workspace.python, "-B", "-c", code, PYTHONPATH=scripts)
        found, prefix = done.out.split()

        assert Path(prefix) == workspace.folder / ".venv"
        assert Path(prefix) not in Path(found).parents

    def test_those_that_can_train_are_those_of_the_pipeline(self, script: ModuleType) -> None:
        tox = (ROOT / "tox.ini").read_text("utf-8")
        section = tox.partition("[testenv:pipeline]")[2].partition("[testenv")[0]
        pythons = re.search(r"^base_python = (.+)$", section, re.MULTILINE)

        assert pythons
        assert {f"python{version}" for version in script.TRAINABLE} == set(
            pythons[1].split(", ")
        )


def test_a_folder_has_the_hash_that_dvc_gives_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_bytes(b"one\n")
    (tmp_path / "sub" / "a.txt").write_bytes(b"two\n")
    md5_of = load_script(ROOT / SCRIPT).md5_of

    # As `dvc add` writes it.
    assert md5_of(tmp_path) == "6b1e1375a7232b636627dc7a2cdfcfe3.dir"
    (tmp_path / "b.txt").write_bytes(b"other\n")
    assert md5_of(tmp_path) != "6b1e1375a7232b636627dc7a2cdfcfe3.dir"
    assert md5_of(tmp_path / "missing") is None


def canonical(name: str) -> str:
    """Return the name of a distribution in the form that package indexes compare."""
    return re.sub(r"[-_.]+", "-", name).lower()
