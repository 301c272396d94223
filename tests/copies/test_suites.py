"""Whole copies: each passes its tests, in the environments of its tox.ini."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ..conftest import ROOT, Completed
from .conftest import Copy

# These tests take most of the time of their suites. They test how files are read, resumed runs,
# and DVC. A topic and its labels cannot change these. Copies run them if the variable is set.
WHOLE = os.environ.get("DISASTER_TWEETS_WHOLE_COPIES")
OF_ANY_TOPIC = (
    *("tests/test_tables*.py", "tests/test_odd_files.py", "tests/test_language.py"),
    *("tests/test_score_killed.py", "tests/test_score_resume.py", "tests/test_score_jobs.py"),
    *("tests/test_score_streams.py", "tests/test_once.py"),
)
# With two labels, the suite of this repository tests the rest: a copy with two labels runs only
# the tests of what shows its labels or its words.
OF_TWO_LABELS = (
    *("tests/test_classifier.py", "tests/test_cli.py", "tests/test_docs.py"),
    *("tests/test_evaluate.py", "tests/test_explain.py", "tests/test_generate.py"),
    *("tests/test_house.py", "tests/test_plugins.py", "tests/test_score.py"),
    *("tests/test_topic.py", "tests/test_wheel.py"),
)
OF_ANY_PIPELINE = (
    *("tests/pipeline/test_download.py", "tests/pipeline/test_encoder.py"),
    *("tests/pipeline/test_optimizer.py", "tests/pipeline/test_perturbation.py"),
)
# Each runs the pipeline again, which has built the copy already.
REBUILDS = (
    "two_trainings_give_the_same_bytes or push_and_pull or every_plot_renders or "
    "parity_beyond_its_limit or other_kind_ships or reproducible_and_complete or "
    "stale_model or changed_parameter"
)


def assert_passed(done: Completed) -> None:
    assert done.status == 0, done.out


def test_every_environment_names_what_is_there(copy: Copy) -> None:
    lines = (copy.folder / "tox.ini").read_text("utf-8").splitlines()
    tox = "\n".join(line for line in lines if not line.startswith("#"))
    named = re.findall(r"(?<![\w/=])(?:tests|topic|docs|src|pipeline)/[\w/.]+", tox)

    assert named
    assert [name for name in named if not (copy.folder / name).exists()] == []


def test_lint(copy: Copy) -> None:
    pytest.importorskip("ruff")
    assert_passed(copy.tox("testenv:lint", copy.editable))


def test_types(copy: Copy) -> None:
    pytest.importorskip("mypy")
    assert_passed(copy.tox("testenv:types", copy.installed))


def test_the_wheel(copy: Copy) -> None:
    options: list[str] = []
    if not WHOLE and copy.labels == 2:
        options = [*OF_TWO_LABELS]
    elif not WHOLE:
        options = [f"--ignore-glob=*{name}" for name in OF_ANY_TOPIC]
    assert_passed(copy.tox("testenv", copy.installed, *options))


@pytest.fixture
def other_labels(copy: Copy) -> Copy:
    """The copy, unless this repository's own suite already tests so many labels."""
    if copy.labels == 2 and not WHOLE:
        pytest.skip("two labels: the suite of this repository tests them")
    return copy


def test_the_pipeline(other_labels: Copy) -> None:
    copy = other_labels
    left_out = [] if WHOLE else [f"--ignore-glob=*{name}" for name in OF_ANY_PIPELINE]
    left_out += [] if WHOLE else ["-k", f"not ({REBUILDS})"]
    assert_passed(copy.tox("testenv:pipeline", copy.editable, *left_out))


def test_the_service_and_the_page(other_labels: Copy) -> None:
    copy = other_labels
    without_browser = "--ignore=tests/web/test_browser.py"
    assert_passed(copy.tox("testenv:web", copy.installed, without_browser))


def test_the_documents(copy: Copy) -> None:
    pytest.importorskip("sphinx", reason="needs the extra docs")
    assert_passed(copy.tox("testenv:docs", copy.installed))


def test_nothing_is_left_to_do(copy: Copy) -> None:
    repro = copy.run(copy.editable, "dvc", "repro", "--all-pipelines")
    documents = copy.run(copy.editable, "python", "docs/generate.py", "--check")
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=copy.folder, capture_output=True, text=True
    )

    assert "Data and pipelines are up to date." in repro.out
    assert_passed(documents)
    assert status.stdout == ""


def test_a_clone_is_up_to_date_without_its_data(copy: Copy, tmp_path: Path) -> None:
    clone = replace(copy, folder=tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", copy.folder, clone.folder], check=True)
    dry = clone.run(
        copy.editable, "dvc", "repro", "--all-pipelines", "--allow-missing", "--dry"
    )

    assert "Data and pipelines are up to date." in dry.out


def test_the_wheel_requires_what_runs_the_model(copy: Copy) -> None:
    manifest = json.loads((copy.folder / "artifacts" / "manifest.json").read_text("utf-8"))
    with zipfile.ZipFile(copy.wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode("utf-8")
    required = re.findall(r"^Requires-Dist: ([\w.-]+)[^;\n]*$", metadata, re.MULTILINE)

    assert manifest["kind"] == copy.ships
    assert {"click", "numpy"} < set(required)
    assert ("ai-edge-litert" in required) == (copy.ships == "encoder")


def test_a_step_that_fails_is_named(copy: Copy, tmp_path: Path) -> None:
    clone = replace(copy, folder=tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", copy.folder, clone.folder], check=True)
    (clone.folder / "params.yaml").write_text("prepare:\n  seed: 7\n", "utf-8")
    done = clone.run(copy.editable, "python", "scripts/workspace.py", "build", "--this-python")

    assert done.status == 1
    assert done.out.splitlines()[-1] == (
        "error: the step pipeline failed; its messages are above. Mend that, then run "
        "python3 scripts/workspace.py build"
    )


def test_nothing_in_it_tells_of_this_topic(copy: Copy) -> None:
    words = (ROOT / "topic" / "words.txt").read_text("utf-8").split()
    pattern = re.compile("|".join(words), re.IGNORECASE)
    with zipfile.ZipFile(copy.wheel) as archive:
        named = [name for name in archive.namelist() if pattern.search(name)]
        said = [
            name
            for name in archive.namelist()
            if pattern.search(archive.read(name).decode("utf-8", "replace"))
        ]

    assert named == said == []


def test_its_command_answers(copy: Copy) -> None:
    command = next((copy.folder / "src").iterdir()).name.replace("_", "-")
    done = copy.run(copy.installed, command, "predict", "A text")

    assert_passed(done)
    assert shutil.which(command, path=str(copy.installed.parent))
    assert re.fullmatch(r"0\.\d+\t\w+\tA text\n", done.out)


def test_it_is_found_beside_others(copy: Copy) -> None:
    host = ROOT / "examples" / "text-classifier-host" / "text_classifier_host.py"
    done = copy.run(copy.installed, "python", host, "A text")
    (module,) = (path.name for path in (copy.folder / "src").iterdir())

    assert_passed(done)
    assert re.search(rf"^{module}\t\w+\t", done.out, re.MULTILINE)
