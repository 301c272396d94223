"""`disaster-tweets score`: standard input and output, and the display on a terminal."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import on_a_terminal
from .test_score import SUMMARY, refused, summary


class TestStandardStreams:
    def test_in_and_out(self, run: Any, tmp_path: Path) -> None:
        (tmp_path / "more.csv").write_bytes(b"text\nbread\n")
        stream = ("score", "-", "-o", "-")
        status, out, err = run(
            "disaster-tweets", *stream, "more.csv", "--format", "csv", stdin=b"text\ncake\n"
        )
        rows = list(csv.DictReader(io.StringIO(out)))

        assert (status, summary(err)) == (0, (2, 2, 0, 0))
        assert [row["text"] for row in rows] == ["cake", "bread"]
        lines = run("disaster-tweets", *stream, "--format", "txt", "--quiet", stdin=b"cake\n")
        assert lines.out.splitlines()[1] == ",".join(rows[0].values())
        assert (lines.status, lines.err) == (0, "")

    @pytest.mark.parametrize(
        ("options", "word"),
        [((), "--format"), (("--format", "csv", "--resume"), "--resume"),
         (("--format", "csv", "--on-error", "skip"), "--on-error")],
    )  # fmt: skip
    def test_what_they_cannot_do(
        self, run_here: Any, options: tuple[str, ...], word: str
    ) -> None:
        done = run_here("disaster-tweets", "score", "-", "-o", "-", *options, stdin=b"text\n")

        refused(done, word, status=2)

    @pytest.mark.parametrize(
        ("format_", "content", "advice"),
        [
            ("xlsx", b"text\ncake\n", "is text, not an Excel workbook; give --format csv"),
            ("parquet", b"text\ncake\n", "is text, not a Parquet file; give --format csv"),
            ("arrow", b"text\ncake\n", "is text, not an Arrow file; give --format csv"),
            (
                "csv",
                b'{"text": "cake"}\n',
                "is JSON Lines, not a CSV file; give --format jsonl",
            ),
        ],
    )
    def test_another_format(
        self, run_here: Any, format_: str, content: bytes, advice: str
    ) -> None:
        """Standard input has no name that could be changed."""
        if format_ != "csv":
            pytest.importorskip({"xlsx": "openpyxl"}.get(format_, "pyarrow"))
        done = run_here(
            "disaster-tweets", "score", "-", "-o", "-", "--format", format_, stdin=content
        )

        assert done == (1, "", f"Error: standard input: {advice}\n")

    def test_lines_in_place_of_rows(self, run_here: Any) -> None:
        options = ("--format", "csv", "--no-header")
        done = run_here("disaster-tweets", "score", "-", "-o", "-", *options, stdin=b"a\nb,c\n")

        assert "; if each line is one text, give --format txt" in done.err

    def test_a_reader_that_leaves(self, tmp_path: Path) -> None:
        source = tmp_path / "in.txt"
        source.write_text("cake\n" * 20_000, "utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "disaster_tweets", "score", source, "-o", "-", "--quiet"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"text,probability,label\n"
        process.stdout.close()
        assert process.stderr is not None
        with process.stderr:
            assert process.stderr.read() == b""
        assert process.wait(60) in (0, 1)


def test_a_terminal_shows_the_progress(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("cake\n" * 20_000, "utf-8")
    command = ("score", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.csv"))
    shown = on_a_terminal(*command)

    assert "%" in shown
    assert SUMMARY.search(shown)
    assert on_a_terminal(*command, "--quiet") == ""
