"""The types of the public API: mypy accepts a file of type assertions."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

API = Path(__file__).parent / "typing" / "api.py"

Mypy = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def mypy(tmp_path: Path) -> Mypy:
    """Check a file against the installed package, strictly and without a configuration."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("needs mypy")

    def mypy(file: Path) -> subprocess.CompletedProcess[str]:
        options = ("--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}")
        return subprocess.run(
            [sys.executable, "-m", "mypy", *options, str(file)],
            capture_output=True,
            text=True,
            cwd=tmp_path,  # away from the sources, so that the installed package is used
            env={**os.environ, "MYPYPATH": ""},
        )

    return mypy


def test_the_public_api(mypy: Mypy) -> None:
    completed = mypy(API)

    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_a_wrong_type_is_noticed(mypy: Mypy, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    correct = API.read_text("utf-8")
    wrong.write_text(
        correct.replace("(one.probability, float)", "(one.probability, str)"),
        "utf-8",
    )
    completed = mypy(wrong)

    assert completed.returncode == 1
    assert "[assert-type]" in completed.stdout
    assert "Found 1 error in 1 file" in completed.stdout
