"""Tables converted to another format: no value changes silently."""

from __future__ import annotations

import datetime
import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import predict
from disaster_tweets.tables.workbook import sheet_name

from .test_score import refused, score, summary

CAKE = "The baker has crossed the street"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def arrow() -> Any:
    """pyarrow with its modules of files."""
    pytest.importorskip("pyarrow.feather", reason="reads and writes files with pyarrow")
    pytest.importorskip("pyarrow.parquet", reason="reads and writes files with pyarrow")
    return pytest.importorskip("pyarrow")


def scored(source: str, target: str, *options: str) -> None:
    completed = score(source, "-o", target, "--jobs", "1", *options)
    assert completed.status == 0, completed.err


def lines(*rows: Any) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


class TestJson:
    @pytest.mark.parametrize(
        ("values", "kind", "expected"),
        [
            (["1", "null", "-7"], "int64", [1, None, -7]),
            (["1", "9007199254740993"], "int64", [1, 2**53 + 1]),
            (["1.10", "2", "1e22"], "double", [1.1, 2.0, 1e22]),
            (["true", "null"], "bool", [True, None]),
            (['"a"', "null"], "string", ["a", None]),
            (["1", '"a"', "1.10"], "string", ["1", "a", "1.10"]),
            (["1", "true"], "string", ["1", "true"]),
            (["0.5", "9007199254740993"], "string", ["0.5", "9007199254740993"]),
            (["1e400", "1"], "string", ["1e400", "1"]),
            (["1e-400", "0.0"], "string", ["1e-400", "0.0"]),
            (['{"a": 1.10}', "[1]"], "string", ['{"a": 1.10}', "[1]"]),
            (["null", "null"], "string", [None, None]),
        ],
    )
    def test_kinds_in_parquet(
        self, arrow: Any, values: list[str], kind: str, expected: list[Any]
    ) -> None:
        rows = [f'{{"text": "a", "n": {value}}}' for value in values]
        Path("in.json").write_text(f"[{','.join(rows)}]", "utf-8")
        scored("in.json", "out.parquet")
        column = arrow.parquet.read_table("out.parquet")["n"]

        assert (str(column.type), column.to_pylist()) == (kind, expected)

    def test_a_key_that_comes_late_is_a_column_from_the_first_row_on(self) -> None:
        rows = [{"text": "a"}] * 1200 + [{"text": "b", "late": "v"}]
        Path("in.jsonl").write_text(lines(*rows), "utf-8")
        scored("in.jsonl", "out.csv")
        out = Path("out.csv").read_text("utf-8").splitlines()

        assert out[0] == "text,late,probability,label"
        assert out[-1].startswith(f"b,v,{predict('b').probability:.6f},")

    def test_every_file_has_the_key_of_the_texts(self) -> None:
        Path("a.jsonl").write_text(lines({"post": "a"}), "utf-8")
        Path("b.jsonl").write_text(lines({"text": "b"}), "utf-8")

        refused(
            score("a.jsonl", "b.jsonl", "-o", "o.jsonl", "--text-column", "post"), "b.jsonl"
        )

    def test_an_archive_becomes_json(self) -> None:
        Path("posts.js").write_text('window.YTD.posts.part0 = [{"post":{"full_text":"a"}}]')
        scored("posts.js", "out.json")
        scored("posts.js", "out.js")

        (row,) = json.loads(Path("out.json").read_text("utf-8"))
        assert row["post"] == {"full_text": "a"}
        assert Path("out.js").read_text("utf-8").startswith("window.YTD.posts.part0 = [")

    def test_a_pipe_whose_keys_come_late_leaves_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [{"text": f"a {n}"} for n in range(3000)] + [{"text": "b", "late": "v"}]
        stream = io.TextIOWrapper(io.BytesIO(lines(*rows).encode()))
        monkeypatch.setattr("sys.stdin", stream)
        completed = score("-", "--format", "jsonl", "-o", "out.csv", "--jobs", "1")

        assert completed.status == 1
        assert "row 3001: has a key 'late'" in completed.err.splitlines()[-1]
        assert os.listdir() == []  # noqa: PTH208


class TestColumnar:
    def test_values_in_other_formats(self, arrow: Any) -> None:
        table = arrow.table(
            {
                "text": [CAKE],
                "dec": [Decimal("1.10")],
                "when": [datetime.datetime(2020, 1, 2, 3, 4, 5)],
                "span": [datetime.timedelta(seconds=90)],
                "nan": [float("nan")],
                "inf": [float("-inf")],
                "bytes": [b"ok"],
                "fixed": arrow.array([b"okk"], arrow.binary(3)),
                "nested": [{"a": [1.5, None], "b": b"ok"}],
                "category": arrow.array(["x"]).dictionary_encode(),
            }
        )
        arrow.parquet.write_table(table, "in.parquet")
        scored("in.parquet", "out.jsonl")
        text = Path("out.jsonl").read_text("utf-8")
        row = json.loads(text)

        assert '"dec": 1.10,' in text
        assert row | {"probability": 0, "label": 0} == {
            "text": CAKE,
            "dec": 1.1,
            "when": "2020-01-02 03:04:05.000000",
            "span": "90000000 us",
            "nan": None,
            "inf": "-inf",
            "bytes": "ok",
            "fixed": "okk",
            "nested": {"a": [1.5, None], "b": "ok"},
            "category": "x",
            "probability": 0,
            "label": 0,
        }

    @pytest.mark.parametrize("to", ["csv", "jsonl", "xlsx"])
    def test_bytes_that_are_no_text(self, arrow: Any, to: str) -> None:
        if to == "xlsx":
            pytest.importorskip("openpyxl", reason="writes workbooks with openpyxl")
        table = arrow.table({"text": ["a", "b"], "bytes": [b"ok", b"\xff"]})
        arrow.parquet.write_table(table, "in.parquet")

        refused(score("in.parquet", "-o", f"out.{to}"), "row 2", "'bytes'")
        scored("in.parquet", "out.arrow")

    @pytest.mark.parametrize(
        "compression", ["none", "zstd", "gzip", {"text": "snappy", "n": "none"}]
    )
    def test_compression_stays(self, arrow: Any, compression: Any) -> None:
        table = arrow.table({"text": ["a"], "n": [1]})
        arrow.parquet.write_table(table, "in.parquet", compression=compression)
        scored("in.parquet", "out.parquet")

        def codecs(name: str) -> list[str]:
            group = arrow.parquet.ParquetFile(name).metadata.row_group(0)
            return [group.column(index).compression for index in range(2)]

        assert codecs("out.parquet") == codecs("in.parquet")

    def test_dates_beyond_nanoseconds(self, arrow: Any) -> None:
        far = arrow.array([datetime.datetime(9999, 12, 31), None], arrow.timestamp("us"))
        table = arrow.table({"text": ["a", "b"], "far": far})
        arrow.parquet.write_table(table, "in.parquet", use_deprecated_int96_timestamps=True)
        scored("in.parquet", "out.parquet")

        assert arrow.parquet.read_table("out.parquet")["far"].to_pylist() == far.to_pylist()

    def test_dictionaries_that_differ_between_batches(self, arrow: Any) -> None:
        def batch(values: list[str]) -> Any:
            column = arrow.array(values).dictionary_encode()
            return arrow.record_batch({"text": column, "n": arrow.array(range(len(values)))})

        first, second = batch(["a", "b"] * 700), batch(["c", "a"])
        with (
            Path("in.arrow").open("wb") as file,
            arrow.ipc.new_stream(file, first.schema) as writer,
        ):
            writer.write_batch(first)
            writer.write_batch(second)
        scored("in.arrow", "out.arrow")
        scored("in.arrow", "out.csv")

        out = arrow.feather.read_table("out.arrow")
        assert out["text"].to_pylist() == ["a", "b"] * 700 + ["c", "a"]
        assert Path("out.csv").read_text("utf-8").splitlines()[1401].startswith("c,0,")

    def test_views_beside_a_broken_text(self, arrow: Any) -> None:
        if not hasattr(arrow, "string_view"):
            pytest.skip("this PyArrow has no views")
        table = arrow.table(
            {
                "text": arrow.array([b"a", b"\xff", b"c"]),
                "view": arrow.array(["x", "y", "z"], arrow.string_view()),
            }
        )
        arrow.feather.write_feather(table, "in.arrow", compression="uncompressed")
        done = score("in.arrow", "-o", "out.arrow", "--on-error", "skip")

        assert summary(done.err) == (3, 2, 0, 1)
        assert arrow.feather.read_table("out.arrow")["view"].to_pylist() == ["x", "z"]
        assert arrow.feather.read_table("out.arrow.rejected")["view"].to_pylist() == ["y"]

    def test_a_type_that_parquet_lacks_is_told_before_anything_is_written(
        self, arrow: Any
    ) -> None:
        union = arrow.UnionArray.from_sparse(
            arrow.array([0, 1], arrow.int8()), [arrow.array([1, 2]), arrow.array(["a", "b"])]
        )
        batch = arrow.record_batch([arrow.array(["a", "b"]), union], names=["text", "union"])
        with (
            Path("in.arrow").open("wb") as file,
            arrow.ipc.new_file(file, batch.schema) as writer,
        ):
            writer.write_batch(batch)

        refused(score("in.arrow", "-o", "out.parquet"), "out.parquet")
        assert os.listdir() == ["in.arrow"]  # noqa: PTH208
        scored("in.arrow", "out.arrow")


class TestWorkbooks:
    @pytest.fixture(autouse=True)
    def openpyxl(self) -> Any:
        pytest.importorskip("defusedxml", reason="reads workbooks with defusedxml")
        return pytest.importorskip("openpyxl", reason="writes workbooks with openpyxl")

    def test_numbers_that_a_workbook_would_alter_are_texts(self, openpyxl: Any) -> None:
        numbers = ["7", "1.5", "1.10", "1234567890123456789", "1e400", "1e-400", "0.1"]
        rows = [f'{{"text": "a", "n": {number}}}' for number in numbers]
        Path("in.jsonl").write_text(lines(*rows), "utf-8")
        scored("in.jsonl", "out.xlsx")
        sheet = openpyxl.load_workbook("out.xlsx").active

        assert [sheet.cell(row, 2).value for row in range(2, 9)] == [
            *(7, 1.5, 1.1, "1234567890123456789", "1e400", "1e-400", 0.1)
        ]

    def test_the_sheet_keeps_its_name(self, openpyxl: Any) -> None:
        for file, name in (("in.xlsx", "Inbox"), ("more.xlsx", "Outbox")):
            book = openpyxl.Workbook()
            book.active.title = name
            for cell in ("text", "a"):
                book.active.append([cell])
            book.save(file)
        assert score("in.xlsx", "more.xlsx", "-o", "out.xlsx").status == 0

        assert openpyxl.load_workbook("out.xlsx").sheetnames == ["Inbox"]

    @pytest.mark.parametrize("name", ["n" * 32, "a/b", "", None])
    def test_a_name_that_excel_refuses(self, name: str | None) -> None:
        assert sheet_name(name) == "Sheet1"

    @pytest.mark.parametrize("text", ["x" * 32_768, "\x01" * 5000])
    def test_a_text_too_long_is_told_by_its_row_and_leaves_nothing(self, text: str) -> None:
        Path("in.jsonl").write_text(lines({"text": "a"}, {"text": text}), "utf-8")

        refused(score("in.jsonl", "-o", "out.xlsx"), "in.jsonl, row 2")
        assert os.listdir() == ["in.jsonl"]  # noqa: PTH208

    def test_kinds_that_differ_between_sheets(self, openpyxl: Any, arrow: Any) -> None:
        for name, value in (("a.xlsx", 1), ("b.xlsx", 1.75), ("c.xlsx", "no")):
            book = openpyxl.Workbook()
            for row in (["text", "n"], ["x", value]):
                book.active.append(row)
            book.save(name)
        assert score("a.xlsx", "b.xlsx", "-o", "ab.parquet").status == 0
        assert score("a.xlsx", "b.xlsx", "c.xlsx", "-o", "abc.parquet").status == 0

        assert arrow.parquet.read_table("ab.parquet")["n"].to_pylist() == [1.0, 1.75]
        assert arrow.parquet.read_table("abc.parquet")["n"].to_pylist() == ["1", "1.75", "no"]


class TestHeaders:
    def test_that_begin_as_some_binary_formats_do(self) -> None:
        for first in ("ORCID", "PAR1 ", "GIF8", "ARROW1 x"):
            Path("in.csv").write_text(f"{first},text\n1,cake\n", "utf-8")
            scored("in.csv", "out.csv", "--quiet")

    def test_of_many_columns(self) -> None:
        names = ",".join(f"column {n}" for n in range(30_000))
        Path("in.csv").write_text(f"{names},text\n{',' * 30_000}cake\n", "utf-8")
        scored("in.csv", "out.csv")

        assert (
            Path("out.csv").read_text("utf-8").split("\n")[0]
            == f"{names},text,probability,label"
        )

    @pytest.mark.parametrize(
        ("options", "name"),
        [
            (("--no-header",), "in.jsonl"),
            (("--sheet", "a"), "in.csv"),
            (("--delimiter", ";"), "in.jsonl"),
            (("--encoding", "latin-1"), "in.parquet"),
        ],
    )
    def test_options_that_say_nothing_of_a_format(
        self, options: tuple[str, ...], name: str
    ) -> None:
        Path(name).write_text('{"text": "a"}\n', "utf-8")

        refused(score(name, "-o", "out.csv", *options), options[0], status=2)
