"""`disaster-tweets score`: broken rows and files, each with one line of error."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .test_score import refused, score, summary

GOOD = {
    "csv": "{n},cake {n}\n",
    "tsv": "{n}\tcake {n}\n",
    "jsonl": '{{"text": "cake {n}"}}\n',
    "txt": "cake {n}\n",
}
HEADERS = {"csv": b"id,text\n", "tsv": b"id\ttext\n"}
BROKEN = [
    ("csv", b"1\n"),
    ("csv", b"1,2,3\n"),
    ("csv", b'1,"two\nlines, and ""quotes""",3\r\n'),
    ("csv", b"1,caf\xe9\n"),
    ("csv", b"caf\xe9,cake\n"),
    ("csv", b'1,"a \xff\nb"\n'),
    ("csv", "1,cake\n".encode("utf-16-le").replace(b"\n\0", b"\xff\n")),
    ("tsv", b"1,2\n"),
    ("tsv", b"1\t2\t3\n"),
    ("tsv", b"1\t\xed\xa0\x80\n"),  # half a surrogate pair
    ("jsonl", b"cake\n"),
    ("jsonl", b'{"text": "cake"\n'),
    ("jsonl", b'{"text": "cake"} {}\n'),
    ("jsonl", b'["text"]\n'),
    ("jsonl", b'"text"\r\n'),
    ("jsonl", b"null\n"),
    ("jsonl", b'{"text": 5}\n'),
    ("jsonl", b'{"text": true}\n'),
    ("jsonl", b'{"text": ["cake"]}\n'),
    ("jsonl", b'{"text": {"text": "cake"}}\n'),
    ("jsonl", b'{"text": "caf\xe9"}\n'),
    ("jsonl", b'{"text": "cake", "n": "\xff"}\n'),
    ("jsonl", b'{"text": ' + b"7" * 5000 + b"}\n"),
    ("jsonl", b'{"text": ' + b"[" * 100_000 + b"\n"),
    ("txt", b"caf\xe9\n"),
    ("txt", b"\xff\xfef\x00\n"),
]


def rows(name: str, *numbers: int) -> bytes:
    return "".join(GOOD[name].format(n=number) for number in numbers).encode()


@pytest.mark.parametrize(("name", "record"), BROKEN, ids=[repr(row[1][:20]) for row in BROKEN])
class TestBrokenRows:
    def test_fail(self, tmp_path: Path, name: str, record: bytes) -> None:
        first, second = tmp_path / f"first.{name}", tmp_path / f"in.{name}"
        target = tmp_path / f"out.{name.replace('txt', 'csv')}"
        first.write_bytes(HEADERS.get(name, b"") + rows(name, 1, 2))
        second.write_bytes(HEADERS.get(name, b"") + rows(name, 3, 4) + record + rows(name, 5))
        completed = score(first, second, "-o", target)

        refused(completed)
        assert re.match(rf"Error: {re.escape(str(second))}, row 3\b", completed.err)
        assert len(completed.err) < 600
        assert not target.exists()

    def test_skip(self, tmp_path: Path, name: str, record: bytes) -> None:
        source, clean = tmp_path / f"in.{name}", tmp_path / f"clean.{name}"
        target = tmp_path / f"out.{name.replace('txt', 'csv')}"
        header = HEADERS.get(name, b"")
        source.write_bytes(header + rows(name, 1) + record + rows(name, 2, 3) + record)
        clean.write_bytes(header + rows(name, 1, 2, 3))
        completed = score(source, "-o", target, "--on-error", "skip")
        score(clean, "-o", target.with_stem("clean-out"))

        assert completed.status == 0
        assert summary(completed.err) == (5, 3, 0, 2)
        assert f"{target.name}.rejected" in completed.err
        assert target.read_bytes() == target.with_stem("clean-out").read_bytes()
        assert target.with_name(f"{target.name}.rejected").read_bytes() == header + 2 * record


class TestRejected:
    def test_none(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv").write_bytes(b"text\ncake\n")
        completed = score(tmp_path / "in.csv", "-o", tmp_path / "out.csv", "--on-error", "skip")

        assert summary(completed.err) == (1, 1, 0, 0)
        assert "rejected (" not in completed.err
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]

    def test_all(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv").write_bytes(b"id,text\r\n1\r\n2")
        completed = score(tmp_path / "in.csv", "-o", tmp_path / "out.csv", "--on-error", "skip")

        assert summary(completed.err) == (2, 0, 0, 2)
        assert (tmp_path / "out.csv").read_bytes() == b"id,text,probability,label\r\n"
        assert (tmp_path / "out.csv.rejected").read_bytes() == b"id,text\r\n1\r\n2"

    def test_at_the_end_of_one_of_several(self, tmp_path: Path) -> None:
        (tmp_path / "1.jsonl").write_bytes(b'{"text": "cake"}\n{')
        (tmp_path / "2.jsonl").write_bytes(b'[]\n{"text": "bread"}')
        target = tmp_path / "out.jsonl"
        sources = (tmp_path / "1.jsonl", tmp_path / "2.jsonl")
        score(*sources, "-o", target, "--on-error", "skip")

        lines = target.read_text("utf-8").splitlines()
        assert [json.loads(line)["text"] for line in lines] == ["cake", "bread"]
        rejected = tmp_path / "out.jsonl.rejected"
        assert rejected.read_bytes().split() == [b"{", b"[]"]

    def test_of_a_former_run(self, tmp_path: Path) -> None:
        """An old file of rejected rows would not belong to the new output."""
        (tmp_path / "in.csv").write_bytes(b"text\ncake\n")
        (tmp_path / "out.csv.rejected").write_bytes(b"text\n1,2\n")
        score(tmp_path / "in.csv", "-o", tmp_path / "out.csv", "--on-error", "skip")

        assert not (tmp_path / "out.csv.rejected").exists()

    def test_compressed_input(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv.gz").write_bytes(gzip.compress(b"id,text\n1,cake\n2\n"))
        target = tmp_path / "out.csv"
        completed = score(tmp_path / "in.csv.gz", "-o", target, "--on-error", "skip")

        assert summary(completed.err) == (2, 1, 0, 1)
        assert (tmp_path / "out.csv.rejected").read_bytes() == b"id,text\n2\n"


class TestTheHeaderAgain:
    """Files joined with ``cat`` keep the header of each of them."""

    @pytest.mark.parametrize(
        "content",
        [
            b"id,text\n1,cake\nid,text\n2,tea\n",
            b"id\ttext\n1\tcake\nid\ttext\n2\ttea\n",
            b'"id","text"\r\n1,cake\r\nid,text\r\n2,tea\r\n',
            b"id,text\n1,cake\n\xef\xbb\xbfid,text\n2,tea\n",
            b"text\tid\ncake\t1\n\xef\xbb\xbftext\tid\ntea\t2\n",
        ],
    )
    def test_delimited(self, tmp_path: Path, content: bytes) -> None:
        source = tmp_path / ("in.tsv" if b"\t" in content else "in.csv")
        source.write_bytes(content)
        target = tmp_path / "out.csv"
        refused(
            score(source, "-o", target),
            f"{source}, row 2 (line 3): the header again; delete this row, or set such rows",
        )

        skipped = score(source, "-o", target, "--on-error", "skip")
        assert summary(skipped.err) == (3, 2, 0, 1)
        header, _, again, _ = content.splitlines()
        rejected = (tmp_path / "out.csv.rejected").read_bytes().splitlines()
        assert rejected == [header, again]

    def test_workbook(self, tmp_path: Path) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        pytest.importorskip("defusedxml")
        book = openpyxl.Workbook()
        for row in (["id", "text"], [1, "cake"], ["id", "text"], [2, "tea"]):
            book.active.append(row)
        book.save(tmp_path / "in.xlsx")
        target = tmp_path / "out.csv"

        refused(score(tmp_path / "in.xlsx", "-o", target), "row 2 (line 3): the header again")
        skipped = score(tmp_path / "in.xlsx", "-o", target, "--on-error", "skip")
        assert summary(skipped.err) == (3, 2, 0, 1)

    @pytest.mark.parametrize(
        ("content", "options"),
        [
            (b"text\ncake\ntext\n", []),  # a text may be this word
            (b"id,text\n1,text\nid,cake\n", []),
            (b"id,text\nid,text\n", ["--no-header", "--text-column", "2"]),
        ],
    )
    def test_what_is_none(self, tmp_path: Path, content: bytes, options: list[str]) -> None:
        (tmp_path / "in.csv").write_bytes(content)
        completed = score(tmp_path / "in.csv", "-o", tmp_path / "out.csv", *options)

        assert summary(completed.err) == (2, 2, 0, 0)


class TestNames:
    @pytest.mark.parametrize("command", ["score", "evaluate"])
    def test_a_file_that_looks_like_an_option(self, run_here: Any, command: str) -> None:
        status, out, err = run_here("disaster-tweets", command, "-dash.csv")

        assert (status, out) == (2, "")
        advice = "put ./ before the name of a file that begins with -"
        assert err.splitlines()[-1] == f"Error: No such option '-d' ({advice})"

    def test_with_the_advice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("-dash.csv").write_text("text\ncake\n", "utf-8")

        assert score("./-dash.csv", "-o", "./-out.csv").status == 0

    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            (["score", "", "-o", "out.csv"], "INPUT..."),
            (["score", "in.csv", "-o", ""], "--output"),
            (["evaluate", "", "--target-column", "target"], "FILE"),
        ],
    )
    def test_an_empty_name(self, run_here: Any, arguments: list[str], name: str) -> None:
        status, out, err = run_here("disaster-tweets", *arguments)

        assert (status, out) == (2, "")
        last = err.splitlines()[-1]
        assert name in last
        assert last.endswith(": the name is empty; name a file, or - for a pipe")


class TestFilesThatCannotBe:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        (tmp_path / "in.csv").write_bytes(b"text\ncake\n")
        return tmp_path / "in.csv"

    def test_inputs(self, tmp_path: Path) -> None:
        whole = gzip.compress(b"text\n" + os.urandom(50_000).hex().encode())
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as archive:
            archive.writestr("in.csv", b"text\ncake\n")
        contents = {
            "cut.csv.gz": whole[:-20],
            "cut-in-two.csv.gz": whole[:20_000],
            "altered.csv.gz": whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:],
            "mangled.csv.gz": whole[:9_000] + bytes(50) + whole[9_050:],
            "more-behind.csv.gz": whole + b"more",
            "cut.zip": zipped.getvalue()[:-20],
        }
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "folder.csv").mkdir()
        missing = ["missing.csv", "missing.csv.gz", "missing.zip"]
        if find_spec("pyarrow") is not None:
            missing.append("missing.parquet")
        for name in (*contents, "folder.csv", *missing):
            target = tmp_path / f"out-{name}.csv"

            refused(score(tmp_path / name, "-o", target), str(tmp_path / name))
            assert not target.exists()

    def test_outputs(self, source: Path, tmp_path: Path) -> None:
        folder = tmp_path / "folder.csv"
        folder.mkdir()
        for target in (tmp_path / "missing" / "out.csv", source / "out.csv", folder):
            refused(score(source, "-o", target), str(target))

    def test_an_output_that_is_an_input(self, source: Path, tmp_path: Path) -> None:
        other, link = tmp_path / "other.csv", tmp_path / "link.csv"
        other.write_bytes(b"text\nbread\n")
        os.link(source, link)

        for target in (source, tmp_path / ".." / tmp_path.name / "in.csv", link):
            refused(score(other, source, "-o", target), str(target), status=2)
        assert source.read_bytes() == b"text\ncake\n"

    @pytest.mark.skipif(os.name == "nt", reason="makes a named pipe")
    def test_an_output_that_is_a_device(self, source: Path, tmp_path: Path) -> None:
        # Otherwise a file would replace /dev/null for every process.
        pipe = tmp_path / "out.csv"
        os.mkfifo(pipe)

        refused(score(source, "-o", pipe), str(pipe))
        assert pipe.is_fifo()
