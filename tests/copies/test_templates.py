"""The templates, which replace the topic's files in a copy, fit the files of the copy."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import ROOT
from .conftest import made_up, make, write_csv


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that is not built."""
    home = tmp_path_factory.mktemp("fresh")
    table = write_csv(
        home / "reviews.csv", ["text", "label"], made_up(["complaint", "praise"], 220)
    )
    done = make(table, home / "complaints")
    assert done.status == 0, done.err
    return home / "complaints"


def test_every_form_of_the_name_is_replaced(fresh: Path) -> None:
    tokens = [b"disaster_tweets", b"disaster-tweets", b"DISASTER_TWEETS", b"DisasterTweets"]
    left = [
        path
        for path in fresh.rglob("*")
        if path.is_file() and any(token in path.read_bytes() for token in tokens)
    ]

    assert left == []
    assert not [path for path in fresh.rglob("*") if "disaster" in path.name]


def test_what_is_not_tracked_is_not_copied(fresh: Path) -> None:
    copied = {path.name for path in fresh.iterdir()}

    assert not copied & {".tox", ".venv", "models", "dist", "reports", "benchmarks"}
    assert not (fresh / "scripts" / "make_it_yours.py").exists()
    assert not (fresh / "tests" / "copies").exists()


def loaded(folder: Path, name: str = "params.yaml") -> Any:
    return yaml.safe_load((folder / name).read_text("utf-8"))


def keys(section: Any) -> Any:
    """Return the nested keys of parameters, without those that depend on the topic."""
    if not isinstance(section, dict):
        return None
    return {name: None if name == "labels" else keys(value) for name, value in section.items()}


def test_the_parameters_have_the_same_names(fresh: Path) -> None:
    ours, theirs = keys(loaded(ROOT)), keys(loaded(fresh))
    for found in (ours, theirs):
        assert {"text", "label"} <= found["prepare"].pop("columns").keys()

    assert theirs == ours
    assert list(theirs) == list(ours)


def test_what_does_not_depend_on_the_texts_has_the_same_value(fresh: Path) -> None:
    ours, theirs = loaded(ROOT), loaded(fresh)

    for section in ("download_backbone", "model", "training"):
        assert theirs[section] == ours[section]
    assert theirs["reads"] == {"urls": True, "handles": True, "emoji": True, "marks": "all"}


def test_the_topic_has_the_same_names(fresh: Path) -> None:
    (theirs,) = (fresh / "src").glob("*/topic.py")
    (ours,) = (ROOT / "src").glob("*/topic.py")

    assert defined(theirs) == defined(ours)


def defined(path: Path) -> list[tuple[str, str]]:
    """Return the names that a module defines, with their types."""
    names = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign):
            names.append((ast.unparse(node.target), ast.unparse(node.annotation)))
        elif isinstance(node, ast.Assign):
            names += [(ast.unparse(target), "") for target in node.targets]
    return names


def test_the_sources_write_what_ours_write(fresh: Path) -> None:
    ours = loaded(ROOT, "topic/dvc.yaml")["stages"]["sources"]
    theirs = loaded(fresh, "topic/dvc.yaml")["stages"]["sources"]

    assert theirs["outs"] == ours["outs"]
    assert theirs["cmd"] == ours["cmd"]


def test_the_stages_know_what_they_depend_on(fresh: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/stage_dependencies.py", "--check"], cwd=fresh
    )

    assert done.returncode == 0


def test_the_notice_tells_of_the_backbone(fresh: Path) -> None:
    backbone = loaded(fresh)["download_backbone"]
    notice = (fresh / "NOTICE").read_text("utf-8")

    assert backbone["repository"] in notice
    assert backbone["revision"] in notice


@pytest.mark.skipif(importlib.util.find_spec("dvc") is None, reason="needs the extra dev")
def test_the_records_of_the_data_are_those_of_dvc(fresh: Path) -> None:
    records = {path: path.read_bytes() for path in (fresh / "data" / "raw").glob("*.dvc")}
    tables = [str(path.with_suffix("")) for path in records]
    subprocess.run(
        [sys.executable, "-m", "dvc", "add", "--quiet", *tables], cwd=fresh, check=True
    )

    assert len(records) == 2
    assert {path: path.read_bytes() for path in records} == records
    ignored = subprocess.run(["git", "check-ignore", *tables], cwd=fresh, capture_output=True)
    assert len(ignored.stdout.splitlines()) == 2


def test_it_is_built_by_somebody_whom_git_knows(fresh: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/workspace.py", "build", "--this-python"],
        cwd=fresh,
        env=os.environ
        | {
            **{"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
            **{"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly"},
            "GIT_CONFIG_VALUE_0": "true",
        },
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Git does not know who commits: run git config")
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_installed_if_the_encoder_cannot_be_had(fresh: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/workspace.py", "build"],
        cwd=fresh,
        env=os.environ
        | {
            "SHOP_COMPLAINTS_MIRROR": str(tmp_path),
            "PIP_NO_INDEX": "1",
            "GIT_COMMITTER_NAME": "Somebody",
            "GIT_COMMITTER_EMAIL": "somebody@example.com",
        },
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {tmp_path}/all-MiniLM-L6-v2/model.safetensors: is not there; set "
        "SHOP_COMPLAINTS_MIRROR to a folder or URL that holds the right "
        "all-MiniLM-L6-v2/model.safetensors, then run python3 scripts/workspace.py build; "
        "nothing was installed\n"
    )
    assert not (fresh / ".venv").exists()


def test_git_has_everything_but_the_data(fresh: Path) -> None:
    done = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=fresh,
        capture_output=True,
        text=True,
        check=True,
    )
    untracked = {line.removeprefix("?? ") for line in done.stdout.splitlines()}

    assert {"data/raw/train.csv.dvc", "topic/sources.py", "params.yaml"} <= untracked
    assert not [name for name in untracked if name.endswith(".csv") and name.startswith("data")]
