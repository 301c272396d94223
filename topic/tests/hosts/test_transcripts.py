"""The examples of the pages on the hosts, which must print what the pages show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs" / "model" / "hosts").glob("*.md"))


@pytest.fixture(scope="session")
def where(wheel: Path) -> list[str | Path]:
    """Arguments for an environment of its own for each page, which takes minutes, or none."""
    return ["--wheel", wheel] if os.environ.get("DISASTER_TWEETS_FRESH_HOSTS") else []


def test_there_are_pages() -> None:
    assert PAGES


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_examples_of_a_page_print_what_it_shows(page, where) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "transcripts.py", "--check", *where, page],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
