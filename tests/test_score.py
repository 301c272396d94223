"""`disaster-tweets score`: the columns that it reads and adds, the files and the counts."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import predict
from disaster_tweets.cli import commands
from disaster_tweets.topic import LABELS

from .conftest import Completed, two_labels

CAKE, PHONE = "The bakery on the corner opens again, with a new oven", "my phone is dying, brb"
SUMMARY = re.compile(
    r"([\d,]+) rows?: ([\d,]+) scored, ([\d,]+) missing, ([\d,]+) rejected"
    r"( \(.+\))?(; [\d,.]+ rows/s)?"
)


def score(*arguments: str | Path) -> Completed:
    """Run the command in this process, which is faster than a new one."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        commands.main(["score", *map(str, arguments)], prog_name="disaster-tweets")
    return Completed(end.value.code, out.getvalue(), err.getvalue())  # type: ignore[arg-type]


def summary(err: str) -> tuple[int, ...]:
    """Return the numbers of rows, scored, missing and rejected in the summary line.

    Lines on guesses may stand before the summary, and lines on odd texts after it.
    """
    lines = [found for line in err.splitlines() if (found := SUMMARY.fullmatch(line))]
    assert len(lines) == 1, err
    (found,) = lines
    rows, *parts = (int(found[group].replace(",", "")) for group in range(1, 5))
    assert rows == sum(parts)
    return (rows, *parts)


def refused(completed: Completed, *words: str, status: int = 1) -> None:
    """Check that one line reports the error. A usage error also has the usage before it."""
    assert (completed.status, completed.out) == (status, "")
    lines = completed.err.splitlines()
    assert len(lines) == 1 or (status == 2 and lines[0].startswith("Usage: "))
    assert lines[-1].startswith("Error: ")
    for word in words:
        assert word in lines[-1]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file, compressed if its name says so."""

    def write(name: str, content: str | bytes) -> Path:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return tmp_path / name

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.csv"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class TestSpeed:
    def test_a_short_run_shows_none(self, write: Any, out: Path) -> None:
        done = score(write("in.csv", f'text\n"{CAKE}"\n'), "-o", out)

        assert done.err.splitlines()[-1] == "1 row: 1 scored, 0 missing, 0 rejected"

    def test_a_long_run_shows_it(
        self, write: Any, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("disaster_tweets.cli.score._STEADY_SECONDS", 0)
        done = score(write("in.csv", f'text\n"{CAKE}"\n""\n'), "-o", out)

        assert re.fullmatch(
            r"2 rows: 1 scored, 1 missing, 0 rejected; [\d,]+ rows/s",
            done.err.splitlines()[-1],
        )


class TestTextColumn:
    @pytest.mark.parametrize(
        ("name", "content", "options"),
        [
            ("in.csv", f'id," a ""b"""\n1,"{CAKE}"\n', ("--text-column", ' a "b"')),
            ("in.jsonl", json.dumps({"n": 1, "message": CAKE, "l": ["a"]}), ()),
            ("in.ndjson", json.dumps({"text": CAKE, "message": "a"}), ()),
            ("in.jsonl", json.dumps({"text": 1, "é": CAKE}), ("--text-column", "é")),
        ],
    )
    def test_which_one(
        self, write: Any, name: str, content: str, options: tuple[str, ...]
    ) -> None:
        source = write(name, content)
        target = source.with_name("out" + source.suffix)

        assert score(source, "-o", target, *options).status == 0
        assert f"{predict(CAKE).probability:.6f}" in target.read_text("utf-8")


class TestNewColumns:
    @pytest.mark.parametrize("column", ["probability", "label"])
    def test_one_that_is_there(self, write: Any, out: Path, column: str) -> None:
        source = write("in.csv", f"text,{column}\ncake,1\n")
        lines = write("in.jsonl", json.dumps({"text": "cake", column: 1}))

        refused(score(source, "-o", out), column, "--overwrite-columns")
        refused(score(lines, "-o", out.with_suffix(".jsonl")), column, "--overwrite-columns")
        assert not out.exists()
        assert score(source, "-o", out, f"--{column}-column", "other").status == 0
        assert next(iter(table(out)))[column] == "1"

    def test_other_names(self, write: Any, out: Path) -> None:
        source = write("in.csv", "text\ncake\n")
        names = ("--probability-column", "p, calibrated", "--label-column", "Übel")
        score(source, "-o", out, *names)

        assert list(table(out)[0]) == ["text", "p, calibrated", "Übel"]
        assert score(source, "-o", out, "--probability-column", "label").status in (1, 2)

    @two_labels
    @pytest.mark.parametrize("threshold", ["0", "1"])
    def test_threshold(self, write: Any, out: Path, threshold: str) -> None:
        score(write("in.txt", f"{CAKE}\n{PHONE}\n"), "-o", out, "--threshold", threshold)

        assert [row["label"] for row in table(out)] == [
            LABELS[predict(text).probability >= float(threshold)] for text in (CAKE, PHONE)
        ]

    @pytest.mark.parametrize("threshold", ["2", "half"])
    def test_threshold_out_of_range(self, write: Any, out: Path, threshold: str) -> None:
        completed = score(write("in.txt", "a\n"), "-o", out, "--threshold", threshold)

        refused(completed, "--threshold", status=2)


class TestMissingTexts:
    def test_in_json_lines(self, write: Any, out: Path) -> None:
        lines = ['{"text": null}', '{"id": 1}', '{"text": "a"}', '{"a": {"text": "cake"}}']
        target = out.with_suffix(".jsonl")
        completed = score(write("in.jsonl", "\n".join(lines)), "-o", target)
        rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]

        assert summary(completed.err) == (4, 1, 3, 0)
        assert [row["label"] is None for row in rows] == [True, True, False, True]
        assert [row["probability"] is None for row in rows] == [True, True, False, True]


class TestInputs:
    def test_several(self, write: Any, out: Path) -> None:
        sources = [
            write("b.csv", b"\xef\xbb\xbftext,id\r\ncake,1"),
            write("a.csv.gz", "text,id\nbread,2\n"),
            write("c.csv", "text,id\n"),
            write("d.csv", "text,id\nhoney,3\n"),
        ]
        completed = score(*sources, "-o", out)

        assert summary(completed.err) == (3, 3, 0, 0)
        assert [row["id"] for row in table(out)] == ["1", "2", "3"]

    def test_formats_that_differ(self, write: Any, out: Path) -> None:
        source, other = write("in.csv", "text\ncake\n"), write("in.jsonl", '{"text": "a"}')

        refused(score(source, other, "-o", out), "in.jsonl", status=2)
        refused(score(source, "-o", out.with_suffix(".txt")), "out.txt", status=2)
        refused(score(write("data", "text\ncake\n"), "-o", out), "--format", status=2)
        refused(score(source.parent, "-o", out), "a folder")
        refused(score(source, "-o", out.with_suffix(".cvs")), ".csv?", status=2)
        assert not out.exists()

    @pytest.mark.parametrize("suffix", [".xls", ".pdf", ".tgz", ".db", ".zip"])
    def test_an_output_of_no_format(self, write: Any, out: Path, suffix: str) -> None:
        done = score(write("in.csv", "text\ncake\n"), "-o", out.with_suffix(suffix))

        refused(done, f"{suffix}: its name ends in no format that can be written; ", status=2)
        advice = done.err.rpartition("no format that can be written")[2]
        assert ".xlsx, also followed by .gz" in advice
        assert not any(word in advice for word in ("save", "export", "unpack", ".txt", ".zip"))

    @pytest.mark.parametrize(
        ("command", "option"),
        [
            *(("score", f"--{name}-column") for name in ("text", "probability", "label")),
            *(("score", f"--{name}") for name in ("sheet", "delimiter", "encoding")),
            *(("evaluate", name) for name in ("--target-column", "--positive")),
        ],
    )
    def test_an_option_that_is_not_utf_8(
        self, run_here: Any, out: Path, command: str, option: str
    ) -> None:
        out.with_name("in.csv").write_bytes(b"text\ncake\n")
        more = ("-o", out) if command == "score" else ("--target-column", "text")
        done = run_here(
            "disaster-tweets", command, "in.csv", *map(str, more), option, "a\udcff"
        )

        refused(done, f"'{option}': 'a\\udcff' is not valid UTF-8", status=2)
        assert not out.exists()

    def test_a_format_that_is_given(self, write: Any, out: Path) -> None:
        source = write("in.txt", "text\ncake\n")

        assert (
            score(source, write("data", "text\nbread\n"), "-o", out, "--format", "csv").status
            == 0
        )
        assert [row["text"] for row in table(out)] == ["cake", "bread"]
