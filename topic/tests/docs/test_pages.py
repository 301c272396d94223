"""The pages about this model: their examples run, and their numbers were measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT, load_script

DOCS = ROOT / "docs"
MODEL = DOCS / "model"


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
@pytest.mark.parametrize("name", ["index", "model/choose-a-threshold", "model/probability"])
def test_the_examples_of_a_page_print_what_it_shows(name: str) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "transcripts.py", "--check", DOCS / f"{name}.md"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["why", "probability"])
def test_a_number_in_an_explanation_is_one_that_was_measured(name: str) -> None:
    prose = re.sub(r"```.*?```", "", (MODEL / f"{name}.md").read_text("utf-8"), flags=re.DOTALL)
    prose = re.sub(r"https?://\S+", "", prose)
    measured = re.findall(r"[\d.,]*\d", (MODEL / "measurements.md").read_text("utf-8"))
    numbers = re.findall(r"\d+[.,]\d+", prose)

    assert numbers
    assert set(numbers) <= set(measured)


class TestHighlights:
    @pytest.fixture
    def highlights(self) -> ModuleType:
        """The module docs/model/highlights.py."""
        return load_script(MODEL / "highlights.py")

    def test_a_number_that_was_not_measured_is_named(self, highlights: ModuleType) -> None:
        with pytest.raises(SystemExit, match="no row 'a row'"):
            highlights.budget("a row")

    def test_one_score_that_differs_is_reported(
        self, highlights: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = tmp_path / "measurements.md"
        rows = "| here | 30 | 0 |\n| there | 30 | {} |\n"
        page.write_text("## Scores on other processors\n\n" + rows.format(0), "utf-8")
        monkeypatch.setattr(highlights, "MEASUREMENTS", page)
        assert highlights.environments() == 2

        page.write_text("## Scores on other processors\n\n" + rows.format(1), "utf-8")
        with pytest.raises(SystemExit, match="some scores differ"):
            highlights.environments()
