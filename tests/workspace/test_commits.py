"""Commits as an editor makes them: no active environment, and no variables."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import Workspace

GOOD = '"""The number of the house."""\n\nNUMBER = 12\n'


@pytest.fixture
def repository(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace. After the test, its history and files are restored."""
    head = workspace.git("rev-parse", "HEAD").strip()
    yield workspace
    workspace.git("reset", "--hard", "--quiet", head)


def commit(workspace: Workspace) -> subprocess.CompletedProcess[str]:
    """Commit the staged files, without any environment variables."""
    git = shutil.which("git")
    assert git
    return subprocess.run(
        [git, "commit", "--message", "From the editor"],
        capture_output=True,
        cwd=workspace.folder,
        encoding="utf-8",
        env={},
    )


def stage(workspace: Workspace, name: str, content: str) -> None:
    (workspace.folder / name).write_text(content, "utf-8")
    workspace.git("add", name)


def test_a_clean_change_is_committed(repository: Workspace) -> None:
    stage(repository, "scripts/house.py", GOOD)
    done = commit(repository)

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Passed") + done.stdout.count("Passed") >= 4
    assert repository.git("show", "HEAD:scripts/house.py") == GOOD


def test_hooks_refuse(repository: Workspace) -> None:
    head = repository.git("rev-parse", "HEAD")
    odd = GOOD.replace(" = ", "=") + "from os import path\n"
    stage(repository, "scripts/house.py", odd)
    stage(repository, "notes.csv", "text\nA made-up text\n")
    done = commit(repository)
    failed = [line for line in (done.stdout + done.stderr).splitlines() if "Failed" in line]

    assert done.returncode == 1
    assert [line.partition("...")[0] for line in failed] == ["format", "lint", "no data"]
    assert repository.git("rev-parse", "HEAD") == head


def test_artifacts_of_other_sources_are_refused(repository: Workspace) -> None:
    source = repository.folder / "pipeline" / "training.py"
    stage(repository, str(source.relative_to(repository.folder)), source.read_text() + "# x\n")
    done = commit(repository)

    assert done.returncode == 1
    assert "run dvc repro" in done.stdout + done.stderr


def test_without_an_environment_the_next_step_is_said(bare: Workspace) -> None:
    bare.git("config", "core.hooksPath", ".githooks")
    stage(bare, "scripts/house.py", GOOD)
    done = commit(bare)
    bare.git("reset", "--hard", "--quiet")

    assert done.returncode == 1
    assert done.stderr == (
        "not committed: the hooks need .venv; run python3 scripts/workspace.py setup\n"
    )
