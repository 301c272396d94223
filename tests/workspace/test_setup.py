"""The set-up script: a first run, a second run, and runs without network or data."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from contextlib import nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ..conftest import ROOT, load_script
from .conftest import DEAD, MIRROR, OFFLINE, PATH, RECORDS, Workspace

EXAMPLES = load_script(ROOT / "src" / "disaster_tweets" / "topic.py").EXAMPLES
PARTS = ("environment", "package", "notebook kernel", "Git hooks", "artifacts", "data")
# The stages that download.
STAGES = [
    f"{name}:{stage}"
    for name in ("dvc.yaml", "topic/dvc.yaml")
    if (ROOT / name).exists()
    for stage in re.findall(r"^  (download_\w+):$", (ROOT / name).read_text("utf-8"), re.M)
]
NOTEBOOK = """
import nbformat
from nbclient import NotebookClient
cell = nbformat.v4.new_code_cell("import disaster_tweets, sys; print(sys.prefix)")
notebook = nbformat.v4.new_notebook(cells=[cell])
NotebookClient(notebook, kernel_name="disaster-tweets").execute()
print(notebook.cells[0].outputs[0].text)
"""


def states(out: str) -> dict[str, str]:
    """Return the printed state of each part: ok or missing."""
    return {
        match[2]: match[1]
        for match in re.finditer(r"^(ok|missing) +([\w.]+( \w+)?)  ", out, re.MULTILINE)
    }


def all_but(*missing: str) -> dict[str, str]:
    return {part: "missing" if part in missing else "ok" for part in PARTS}


def pins(text: str) -> dict[str, str]:
    """Return the versions in lines NAME==VERSION, by normalized names of packages."""
    found = re.findall(r"^([\w.-]+)==(.+)$", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of every file, without those that every command writes."""
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
        assert states(attached.out) | {"data": "ok"} == all_but()
        assert workspace.git("status", "--porcelain") == ""

    def test_it_ends_ready(self, workspace_with_data: Workspace) -> None:
        attached = workspace_with_data.setup_log["postAttachCommand"]

        assert (attached.status, attached.err) == (0, "")
        assert states(attached.out) == all_but()
        assert attached.out.endswith("\nREADY\n")

    def test_the_constraints_are_what_is_installed(self, workspace: Workspace) -> None:
        frozen = workspace.run(workspace.python, "-m", "pip", "freeze", "--all").out
        installed = pins(frozen)

        assert "tensorflow" in installed
        for name, version in pins((ROOT / "constraints.txt").read_text("utf-8")).items():
            assert installed.get(name, version) == version, name
        assert workspace.run(workspace.python, "-m", "pip", "check").status == 0

    def test_a_notebook_finds_its_kernel(self, workspace: Workspace) -> None:
        done = workspace.run(workspace.python, "-c", NOTEBOOK)

        assert done.status == 0, done.err
        assert Path(done.out.strip()) == workspace.folder / ".venv"

    def test_the_tests_run_in_it(self, workspace: Workspace) -> None:
        done = workspace.run(workspace.python, "-m", "pytest", "-q", "tests/test_text.py")

        assert done.status == 0, done.out


class TestAgain:
    def test_without_network_a_second_run_changes_nothing(
        self, workspace_with_data: Workspace
    ) -> None:
        before = files(workspace_with_data.folder)
        done = workspace_with_data.setup(**OFFLINE)

        assert (done.status, done.err) == (0, "")
        assert done.out.startswith("ok ")
        assert states(done.out) == all_but()
        assert done.out.endswith("\nREADY\n")
        assert files(workspace_with_data.folder) == before

    def test_what_has_changed_is_noticed_and_mended(self, workspace: Workspace) -> None:
        for name in ("setup.cfg", "pipeline/training.py"):
            with (workspace.folder / name).open("a", encoding="utf-8") as file:
                file.write("\n# Something new.\n")
        shutil.rmtree(workspace.folder / ".venv" / "share" / "jupyter" / "kernels")
        workspace.git("config", "--unset", "core.hooksPath")
        lacking = workspace.check()
        workspace.git("checkout", "--", ".")
        mended = workspace.setup(PATH=PATH)

        expected = all_but("environment", "notebook kernel", "Git hooks", "artifacts")
        assert lacking.status == 1
        assert states(lacking.out) | {"data": "ok"} == expected
        assert re.search(
            r"^missing +artifacts .*\bstudent\b.* run dvc repro ", lacking.out, re.M
        )
        assert "not what setup.cfg and constraints.txt ask for: run python3" in lacking.out
        assert "environment: installing" in mended.out
        assert states(mended.out) | {"data": "ok"} == all_but()

    def test_a_set_up_that_failed_is_said(self, bare: Workspace) -> None:
        done = bare.setup(PATH=PATH, **OFFLINE)
        checked = bare.check()

        assert done.status == 1
        assert re.match(r"environment: making .venv with Python 3\.\d+\n", done.out)
        assert done.err.splitlines()[-1].startswith("error: pip could not install")
        assert "Traceback" not in done.err
        assert checked.status == 1
        assert "not all is installed: run python3 scripts/workspace.py setup" in checked.out
        assert checked.out.endswith("\nNOT READY\n")
        assert bare.git("status", "--porcelain") == ""


class TestData:
    @pytest.mark.parametrize("source", ["wrong", "no network"])
    def test_a_failing_source_leaves_a_usable_workspace(
        self, workspace: Workspace, source: str, tmp_path: Path
    ) -> None:
        for path in (workspace.folder / "data").rglob("*"):
            (tmp_path / path.name).write_text("id,text\n1,A made-up text", "utf-8")
        with workspace.without_data():
            wrong = {MIRROR: str(tmp_path)}
            done = workspace.setup(**(wrong if source == "wrong" else OFFLINE))
            predicted = workspace.run(
                workspace.folder / ".venv/bin/disaster-tweets", "predict", EXAMPLES[0]
            )
            status = workspace.git("status", "--porcelain")

        assert (done.status, predicted.status) == (0, 0)
        assert states(done.out) == all_but("data")
        lacking = re.findall(r"^missing +data .*: run python3 .* setup$", done.out, re.M)
        assert len(lacking) == len(STAGES)
        assert done.out.splitlines()[-1].startswith("NOT READY to train; all else works")
        reasons = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(reasons) == len(STAGES)
        assert all(MIRROR in reason for reason in reasons)
        assert "Traceback" not in done.out + done.err
        assert status == ""

    def test_a_damaged_file_is_fetched_anew(self, workspace_with_data: Workspace) -> None:
        path = workspace_with_data.folder / "data" / "backbone" / "tokenizer.json"
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[:1000])
        done = workspace_with_data.setup()

        assert done.out.startswith("data: fetching with DVC: download_backbone\n")
        assert done.out.endswith("\nREADY\n")
        assert path.read_bytes() == content

    def test_a_remote_is_asked_first(
        self, workspace_with_data: Workspace, tmp_path: Path
    ) -> None:
        workspace = workspace_with_data
        dvc = (workspace.python, "-m", "dvc")
        records = [path.relative_to(ROOT).as_posix() for path in ROOT.glob(RECORDS)]
        add = [("add", "--quiet", *(name.removesuffix(".dvc") for name in records))]
        for command in (
            ("remote", "add", "--quiet", "--local", "--default", "storage", str(tmp_path)),
            *(add if records else []),
            ("push", "--quiet", *STAGES, *records),
        ):
            assert workspace.run(*dvc, *command).status == 0
        with workspace.without_data():
            done = workspace.setup(**{MIRROR: str(tmp_path / "none")})
            status = workspace.git("status", "--porcelain")
        (workspace.folder / ".dvc" / "config.local").unlink()

        assert done.out.endswith("\nREADY\n"), done.err
        assert status == ""


class TestEncoder:
    """The check before the first build: can the encoder be had?"""

    @pytest.fixture
    def check(self, script: ModuleType, tmp_path: Path, monkeypatch: Any) -> Any:
        """Return the check, with a made-up encoder of one file and a hub that is not there."""
        digest = hashlib.sha256(b"weights").hexdigest()
        lines = (
            "download_backbone:\n  repository: somebody/small-encoder\n  revision: main\n"
            f"  checksums:\n    model.safetensors: sha256:{digest}\nprepare:\n  seed: 1\n"
        )
        (tmp_path / "params.yaml").write_text(lines, "utf-8")
        monkeypatch.setattr(script, "ROOT", tmp_path)
        monkeypatch.setenv("HF_ENDPOINT", DEAD)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.delenv(MIRROR, raising=False)
        return script.check_encoder

    def test_a_hub_that_does_not_answer(self, check: Any, script: ModuleType) -> None:
        message = (
            rf"^{DEAD}/somebody/small-encoder/resolve/main/model.safetensors: .*; set {MIRROR} "
        )
        with pytest.raises(script.WorkspaceError, match=message):
            check()

    def test_it_is_there_already(self, check: Any, tmp_path: Path) -> None:
        (tmp_path / "data" / "backbone").mkdir(parents=True)
        (tmp_path / "data" / "backbone" / "model.safetensors").write_bytes(b"weights")
        check()

    def test_a_mirror(
        self, check: Any, script: ModuleType, tmp_path: Path, monkeypatch: Any
    ) -> None:
        path = tmp_path / "mirror" / "small-encoder" / "model.safetensors"
        path.parent.mkdir(parents=True)
        handler = partial(SimpleHTTPRequestHandler, directory=str(path.parents[1]))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}/"
            said = []
            for content in (None, b"others", b"weights"):
                if content is not None:
                    path.write_bytes(content)
                for mirror in ("mirror", url):
                    monkeypatch.setenv(MIRROR, mirror)
                    try:
                        check()
                        said.append("")
                    except script.WorkspaceError as error:
                        said.append(str(error).partition("; ")[0].partition(": ")[2])
            server.shutdown()

        # The pipeline finds out what a URL holds.
        missing = ["is not there", "HTTP status 404 File not found"]
        assert said == [*missing, "is another file", "", "", ""]


def test_a_line_stands_before_each_long_step(
    script: ModuleType, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "new.whl").touch()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    for name, stub in {
        **{
            "in_git": lambda: True,
            "run": lambda *command: SimpleNamespace(returncode=int("--verify" in command)),
            "require_runtime": lambda: False,
        },
        "step": lambda name, *_, **__: print(f"<{name}>"),
    }.items():
        monkeypatch.setattr(script, name, stub)
    script.build(this_python=True, with_tests=True)

    lines = capsys.readouterr().out.splitlines()
    for long in ("pipeline", "transcripts", "first commit", "tests"):
        before = lines[lines.index(f"<{long}>") - 1]
        assert before.startswith(f"{long}: "), long


class TestPythons:
    """The Python and the content of .venv. The tests record the commands and run none."""

    @pytest.fixture
    def make(self, script: ModuleType, tmp_path: Path, monkeypatch: Any) -> Any:
        """Return a function that makes an environment and returns its first commands."""

        def make(this: str, then: str, uv: str = "") -> tuple[str, str]:
            commands = []

            def run(command: list[str], **_: Any) -> SimpleNamespace:
                commands.append(" ".join(map(str, command)))
                return SimpleNamespace(returncode=0)

            versions, number = iter(["", then]), tuple(map(int, this.split(".")))
            for name, value in {
                **{"THIS": this, "STAMP": tmp_path / "stamp", "VENV": ".venv"},
                "sys": SimpleNamespace(version_info=number, executable=f"python{this}"),
                "shutil": SimpleNamespace(which=lambda _: uv),
                "subprocess": SimpleNamespace(run=run),
                "environment_version": lambda: next(versions),
            }.items():
                monkeypatch.setattr(script, name, value)
            script.make_environment()
            return commands[0], commands[1]

        return make

    @pytest.mark.parametrize("this", ["3.10", "3.13", "3.14"])
    def test_only_some_can_train(
        self, make: Any, this: str, script: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        venv, install = make(this, this)

        assert "takes minutes, in which pip prints nothing\n" in capsys.readouterr().out
        assert venv == f"python{this} -m venv --clear .venv"
        extras, _, constraint = install.partition(" --editable ")[2].partition(" --constraint ")
        trains = this in script.TRAINABLE
        assert extras == f".[dev,excel,notebook,test,web{',train' if trains else ''}]"
        assert constraint == ("constraints.txt" if trains else "")

    @pytest.mark.parametrize(("this", "asked"), [("3.9", "3.12"), ("3.13", "python3.13")])
    def test_uv_finds_one_that_can(self, make: Any, this: str, asked: str) -> None:
        venv, install = make(this, "3.12", uv="uv")

        assert venv == f"uv venv --quiet --seed --python {asked} --clear .venv"
        assert install.startswith("uv pip install --python ")

    def test_one_that_is_too_old_is_said(self, make: Any, script: ModuleType) -> None:
        with pytest.raises(script.WorkspaceError, match=r"this is Python 3.9: run py\S*3.12 "):
            make("3.9", "")

    def test_what_cannot_train_is_not_ready_to_train(
        self, script: ModuleType, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        done = subprocess.CompletedProcess([], 0, script.HOOKS, "")
        for name, value in {
            **{"environment_version": "3.14", "flaw": "", "in_git": True, "run": done},
            "dvc_status": ([], {}),
        }.items():
            monkeypatch.setattr(script, name, lambda *_, value=value: value)
        monkeypatch.setattr(script, "KERNEL_FILE", ROOT / "setup.cfg")

        assert script.check() == 1
        out = capsys.readouterr().out
        assert states(out) == {"training": "missing", **all_but()}
        assert "not with Python 3.14: delete .venv, then run py" in out
        assert "\nNOT READY to train; all else works" in out

    @pytest.mark.parametrize(
        ("this", "venv", "uv", "said"),
        [
            (
                "3.10",
                "",
                "",
                r"this is Python 3\.10, and training needs 3\.11 to 3\.13: run py",
            ),
            ("3.12", "3.14", "uv", r"\.venv has Python 3\.14, .*: delete \.venv, then run py"),
            *[("3.14", "", "uv", ""), ("3.12", "", "", ""), ("3.14", "3.12", "", "")],
        ],
    )
    def test_a_build_needs_one_that_can(
        self, this: str, venv: str, uv: str, said: str, script: ModuleType, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(script, "THIS", this)
        monkeypatch.setattr(script.shutil, "which", lambda _: uv)
        expected = pytest.raises(script.WorkspaceError, match=f"^{said}.*build$")
        with expected if said else nullcontext():
            script.check_python(venv)

    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
    def test_the_documents_name_those_that_can_train(
        self, page: str, script: ModuleType
    ) -> None:
        words = " ".join((ROOT / page).read_text("utf-8").split())
        first, *_, last = script.TRAINABLE

        assert f"Use Python {first} to {last}; 3.10 and 3.14 do everything but train." in words

    def test_those_that_can_train_are_those_of_the_pipeline(self, script: ModuleType) -> None:
        tox = (ROOT / "tox.ini").read_text("utf-8")
        section = tox.partition("[testenv:pipeline]")[2].partition("[testenv")[0]
        pythons = re.search(r"^base_python = (.+)$", section, re.MULTILINE)

        assert pythons
        assert {f"python{version}" for version in script.TRAINABLE} == set(
            pythons[1].split(", ")
        )
