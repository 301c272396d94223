"""Tables, through the commands: guesses are reported, and no error is silent."""

from __future__ import annotations

import csv
import gzip
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import Classifier, predict
from disaster_tweets.tables import errors
from disaster_tweets.tables.reading import open_table, read_columns
from disaster_tweets.tables.rows import Position, Reading
from disaster_tweets.tables.source import Source
from disaster_tweets.topic import LABELS

from .test_score import refused, score, summary

CAKE = "The baker has crossed the street"


def probability(text: str) -> str:
    return f"{predict(text).probability:.6f}"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    """Write a file into the current folder, which is empty at first."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str | bytes) -> None:
        raw = content.encode() if isinstance(content, str) else content
        Path(name).write_bytes(raw)

    return write


class TestQuotes:
    SWALLOWING = (
        'id\ttext\n1\t"Cake near the school\n2\tthis album is great\n3\t"what a save\n',
        'id\ttext\n1\ta\n2\t"Cake near\n3\tthis album is great\n4\twhat a save"\n',
        'text\tlabel2\na\tyes\nb\tno\n"cake\tyes\nc"\tno\n',
        'day\ttext\n2020-01-02\ta\n2020-01-03\t"cake\n2020-01-04\tb"\n',
        'user\ttext\nalice\t"hello there\nbob\tworld"\ncarol\tfoo\n',
    )

    @pytest.mark.parametrize("content", SWALLOWING)
    @pytest.mark.parametrize("skip", [(), ("--on-error", "skip")], ids=["fail", "skip"])
    def test_take_in_no_rows(self, write: Any, content: str, skip: tuple[str, ...]) -> None:
        line = 1 + next(i for i, row in enumerate(content.split("\n")) if '"' in row)
        write("in.tsv", content)
        refused(
            score("in.tsv", "-o", "out.tsv", *skip), f"in.tsv, line {line}: ", "--quoting none"
        )
        assert [path.name for path in Path().iterdir()] == ["in.tsv"]

        rows = content.count("\n") - 1
        done = score("in.tsv", "-o", "out.tsv", "--quoting", "none")
        assert summary(done.err) == (rows, rows, 0, 0)
        scored = Path("out.tsv").read_text("utf-8").splitlines()
        assert [line.rsplit("\t", 2)[0] for line in scored] == content.splitlines()

    def test_standard_takes_lines_for_one_text(self, write: Any) -> None:
        write("in.tsv", self.SWALLOWING[1])
        done = score("in.tsv", "-o", "out.tsv", "--quoting", "standard")

        assert summary(done.err) == (2, 2, 0, 0)

    @pytest.mark.parametrize(
        "text", ["first\nsecond, more", "first\n\nthird", "1, 2\n3, 4", "a,b\nc"]
    )
    def test_a_text_of_several_lines_is_one(self, write: Any, text: str) -> None:
        rows = [f"u{n},word {n}" for n in range(3)]
        write("in.csv", "\n".join(["user,text", *rows, f'ann,"{text}"', ""]))

        assert score("in.csv", "-o", "out.csv").status == 0
        assert (
            Path("out.csv")
            .read_text("utf-8")
            .endswith(f'ann,"{text}",{probability(text)},{predict(text).label}\n')
        )

    def test_ids_do_not_make_rows_of_lines_without_any(self, write: Any) -> None:
        rows = [f"{n},word {n}" for n in range(3)]
        write("in.csv", "\n".join(["id,text", *rows, '4,"first\nsecond, more"', ""]))

        assert summary(score("in.csv", "-o", "out.csv").err) == (4, 4, 0, 0)


class TestGuesses:
    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("in.csv", "place;text\nBread Lane;decorate the dance floor\n", "semicolons (';')"),
            ("in.csv", "place,Post\nBread Lane,decorate the dance floor\n", "'Post'"),
            ("in.csv", "place,Full Text\nx,decorate the dance floor\n", "'Full Text'"),
        ],
    )
    def test_are_said_also_when_quiet(
        self, write: Any, name: str, content: str, said: str
    ) -> None:
        write(name, content)
        status, _, err = score(name, "-o", f"out{name[2:]}", "--quiet")

        assert status == 0
        assert err.startswith(f"{name}: ")
        assert said in err
        assert probability("decorate the dance floor") in Path(f"out{name[2:]}").read_text()

    def test_nothing_is_said_of_what_the_name_promises(self, write: Any) -> None:
        write("in.csv", "place,text\nBread Lane,cake; bread | honey\n")

        assert score("in.csv", "-o", "out.csv", "--quiet") == (0, "", "")

    def test_a_first_line_that_may_be_a_text(self, write: Any) -> None:
        write("in.csv", "Cake near the school\nthis album is great\n")

        refused(score("in.csv", "-o", "out.csv"), "--no-header", "--text-column")
        done = score("in.csv", "-o", "out.csv", "--no-header")
        assert summary(done.err) == (2, 2, 0, 0)
        assert (
            Path("out.csv")
            .read_text()
            .startswith(f"Cake near the school,{probability('Cake near the school')},")
        )


class TestCounts:
    def test_of_texts_that_are_cut_or_foreign(self, write: Any, manifest: Any) -> None:
        long = "cake " * manifest["max_tokens"]
        spanish = "no se puede salir de la casa porque la llave está en la mesa y no hay luz"
        write("in.csv", f"text\ncake\n{long}\n{spanish}\n{spanish}\n")
        *_, cut, foreign = score("in.csv", "-o", "out.csv").err.splitlines()

        pieces = manifest["max_tokens"] - 2  # without [CLS] and [SEP]
        assert cut.startswith(f"1 text is longer than the {pieces} word pieces")
        assert foreign.startswith("2 texts look like another language")

    def test_survive_an_interruption(self, write: Any) -> None:
        spanish = "no se puede salir de la casa porque la llave está en la mesa y no hay luz"
        write("in.csv", "text\n" + f"{spanish}\n" * 2000 + "1,2\n")
        assert score("in.csv", "-o", "out.csv", "--jobs", "1").status == 1
        done = score("in.csv", "-o", "out.csv", "--resume", "--on-error", "skip")

        assert "\n2,000 texts look like" in done.err


class TestOutputs:
    @pytest.mark.skipif(os.name == "nt", reason="the permissions of POSIX")
    @pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out.xlsx"])
    def test_keep_the_permissions_of_an_existing_file(self, write: Any, name: str) -> None:
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow", reason="writes Parquet")
        if name.endswith("xlsx"):
            pytest.importorskip("openpyxl", reason="writes workbooks")
        write("in.csv", "text\ncake\n")
        write(name, "old")
        Path(name).chmod(0o604)

        assert score("in.csv", "-o", name).status == 0
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o604
        assert Path(name).read_bytes() != b"old"

    def test_spelling_of_numbers_stays_under_overwrite_columns(self, write: Any) -> None:
        kept = '{"n": 1e400, "m": 1.10, "m": 2, "text": "cake", "x": "\\u00e9"'
        row = kept.replace('"m": 1.10', '"label": 1, "m": 1.10') + ', "probability": []}'
        write("in.jsonl", row)
        score("in.jsonl", "-o", "out.jsonl", "--overwrite-columns")
        out = Path("out.jsonl").read_text("utf-8")

        assert out.startswith(f'{kept}, "probability": {probability("cake")}, "label": "')

    def test_columns_that_are_overwritten_leave_the_others_as_they_are(
        self, write: Any
    ) -> None:
        write("in.csv", 'label,text,probability,x\n1, "cake, ""x""",,"a"\r\n')
        score("in.csv", "-o", "out.csv", "--overwrite-columns", "--quiet")
        text = 'cake, "x"'

        assert Path("out.csv").read_bytes().decode() == (
            "text,x,probability,label\n"
            f' "cake, ""x""","a",{probability(text)},{predict(text).label}\r\n'
        )


class TestLabels:
    """A label may contain any character."""

    LABEL = 'so-so, "mixed";\tré'

    @pytest.fixture(autouse=True)
    def labelled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def scores(_: Classifier, texts: list[str]) -> tuple[list[Any], ...]:
            return [0.5] * len(texts), [self.LABEL] * len(texts), [False] * len(texts)

        monkeypatch.setattr(Classifier, "_score", scores)

    @pytest.mark.parametrize(
        ("source", "content", "delimiter"),
        [
            ("in.csv", "id,text\n1,a\n", ","),
            ("in.csv", "id;text\n1;a\n", ";"),
            ("in.tsv", "id\ttext\n1\ta\n", "\t"),
            ("in.txt", "a\n", ","),
        ],
    )
    def test_in_delimited_text(
        self, write: Any, source: str, content: str, delimiter: str
    ) -> None:
        write(source, content)
        target = "out.tsv" if source == "in.tsv" else "out.csv"
        score(source, "-o", target)
        with Path(target).open(encoding="utf-8", newline="") as file:
            *_, row = csv.reader(file, delimiter=delimiter)

        assert row[-3:] == ["a", "0.500000", self.LABEL]

    @pytest.mark.parametrize("source", ["in.jsonl", "in.csv"])
    @pytest.mark.parametrize("target", ["out.jsonl", "out.json"])
    def test_in_json(self, write: Any, source: str, target: str) -> None:
        write("in.jsonl", '{"text": "a"}\n')
        write("in.csv", "text\na\n")
        score(source, "-o", target)
        found = json.loads(Path(target).read_text("utf-8"))

        row = {"text": "a", "probability": 0.5, "label": self.LABEL}
        assert found == ([row] if target == "out.json" else row)

    def test_where_nothing_is_quoted(self, write: Any) -> None:
        write("in.csv", "text,id\na,1\n")

        refused(score("in.csv", "-o", "out.csv", "--quoting", "none"), "a label", "so-so")


class TestLimits:
    def test_a_field_too_long_names_the_line_where_it_begins(self, write: Any) -> None:
        with Path("in.csv").open("wb") as file:
            file.write(b'id,text\n1,cake\n2,"')
            for _ in range(66):
                file.write((b"a" * 1023 + b"\n") * 1024)
        refused(score("in.csv", "-o", "out.csv", "--jobs", "1"), "in.csv, line 3: ", "64 MiB")

    def test_a_bomb(self, write: Any) -> None:
        write("in.csv.gz", gzip.compress(b"text\n" + (b"a" * 99_999 + b"\n") * 700))

        refused(score("in.csv.gz", "-o", "out.csv", "--jobs", "1"), "in.csv.gz")
        assert not Path("out.csv").exists()


class TestParquet:
    @pytest.fixture
    def arrow(self) -> Any:
        pytest.importorskip("pyarrow.feather", reason="writes files with pyarrow")
        pytest.importorskip("pyarrow.parquet", reason="writes files with pyarrow")
        return pytest.importorskip("pyarrow")

    def test_columns_that_python_cannot_hold(self, write: Any, arrow: Any) -> None:
        odd = {
            "nanoseconds": arrow.array([1, 2**62 + 1], arrow.timestamp("ns")),
            "duration": arrow.array([1, 3], arrow.duration("ns")),
            "time": arrow.array([1, 3], arrow.time64("ns")),
            "far": arrow.array([10**18, 0], arrow.timestamp("us")),
            "bytes": arrow.array([b"\xff", b"a"], arrow.binary()),
        }
        table = arrow.table({**odd, "text": [CAKE, "lovely day"], "target": [1, 0]})
        arrow.parquet.write_table(table, "in.parquet", compression="gzip")
        assert score("in.parquet", "-o", "out.parquet").status == 0
        out = arrow.parquet.read_table("out.parquet")

        assert out.drop_columns(["probability", "label"]).equals(table)
        group = arrow.parquet.ParquetFile("out.parquet").metadata.row_group(0)
        assert {group.column(i).compression for i in range(9)} == {"GZIP"}
        refused(score("in.parquet", "-o", "out.jsonl"), "row 1", "'far'", status=1)

    def test_evaluate_reads_only_what_it_needs(
        self, write: Any, arrow: Any, run_here: Any
    ) -> None:
        odd = arrow.array([10**18, 1], arrow.timestamp("us"))
        labels = [LABELS[1], LABELS[0]]
        table = arrow.table({"far": odd, "text": [CAKE, "lovely day"], "target": labels})
        arrow.parquet.write_table(table, "in.parquet")
        command = ("evaluate", "in.parquet", "--target-column", "target", "--json")
        status, out, _ = run_here("disaster-tweets", *command)

        assert (status, json.loads(out)["texts"]) == (0, 2)

    def test_two_columns_of_one_name(self, write: Any, arrow: Any) -> None:
        columns = [arrow.array(["a"]), arrow.array(["b"]), arrow.array([CAKE])]
        names = ["u", "u", "text"]
        arrow.parquet.write_table(arrow.Table.from_arrays(columns, names), "in.parquet")

        assert score("in.parquet", "-o", "out.parquet").status == 0
        out = arrow.parquet.ParquetFile("out.parquet").read()
        assert out.column_names == [*names, "probability", "label"]
        refused(score("in.parquet", "-o", "out.jsonl"), "2 columns are named 'u'")

    def test_strings_of_every_kind(self, write: Any, arrow: Any) -> None:
        kinds = [arrow.string(), arrow.large_string(), arrow.binary(), arrow.large_binary()]
        columns = [arrow.array([CAKE, None], kind) for kind in kinds]
        columns.append(arrow.array([CAKE, None]).dictionary_encode())
        for column in columns:
            arrow.feather.write_feather(arrow.table({"text": column}), "in.feather")
            done = score("in.feather", "-o", "out.feather")
            assert summary(done.err) == (2, 1, 1, 0)
            out = arrow.feather.read_table("out.feather")
            assert out["text"].type == column.type
            assert out["label"].to_pylist() == [predict(CAKE).label, None]


def test_errors_have_fields_and_know_no_option(tmp_path: Path) -> None:
    path = tmp_path / "in.tsv"

    def read(reading: Reading) -> None:
        source = Source(str(path))
        for chunk in open_table(reading, None, print, source).chunks(source, Position()):
            if chunk.broken:
                raise chunk.broken[0]

    def problem(content: str, reading: Reading) -> errors.TableError:
        path.write_text(content, "utf-8")
        with pytest.raises(errors.TableError) as found:
            read(reading)
        assert found.value.file == str(path)
        assert "--" not in str(found.value)
        return found.value

    quote = problem('id\ttext\n1\t"cake\n', Reading("tsv"))
    assert (type(quote), quote.line) == (errors.QuoteError, 2)
    column = problem("id\tremark\n1\tcake\n", Reading("tsv"))
    assert isinstance(column, errors.ColumnError)
    assert column.candidates == ("id", "remark")
    assert column.maybe_no_header
    wanted = problem("id\ttext\n1\tcake\n", Reading("tsv", text_column="post"))
    assert (type(wanted), wanted.column) == (errors.ColumnError, "post")
    row = problem("id\ttext\n1\tcake\n2\n", Reading("tsv"))
    assert (type(row), row.row, row.line) == (errors.RowError, 2, 3)


def test_columns_for_a_data_frame(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id;text\n007;"a;b"\n8;\n', "utf-8")

    assert read_columns(str(path)) == {"id": ["007", "8"], "text": ["a;b", ""]}


class TestSeveralFiles:
    @pytest.mark.parametrize(
        ("second", "words"),
        [
            (b"id,text\r3,c\r", "line ends differ"),
            ("id,text\n3,c\n".encode("utf-16"), "utf-16"),
            (b"id,Text\n3,c\n", "header differs"),
            (b"text,id\n", "header differs"),
            (b"text\n", "header differs"),
            (b"id,text,more\n", "header differs"),
        ],
    )
    def test_are_alike(self, write: Any, second: bytes, words: str) -> None:
        write("1.csv", b"id,text\n1,a\n")
        write("2.csv", second)

        refused(score("1.csv", "2.csv", "-o", "out.csv"), "2.csv", words)
        assert not Path("out.csv").exists()

    def test_without_line_ends_at_their_ends(self, write: Any) -> None:
        write("1.csv", b"id,text")
        write("2.csv", b"id,text\r\n1,a\r\n2,b")
        done = score("1.csv", "2.csv", "2.csv", "1.csv", "-o", "out.csv", "--quiet")

        assert done.status == 0
        rows = Path("out.csv").read_bytes().split(b"\n")
        assert [row.split(b",")[0] for row in rows] == [b"id", b"1", b"2", b"1", b"2", b""]
        assert all(row.endswith(b"\r") for row in rows[1:-1])


class TestEncodings:
    @pytest.mark.parametrize("name", ["iso2022_jp", "hz", "gb18030", "big5hkscs", "utf-16-le"])
    @pytest.mark.parametrize("suffix", [".csv", ".json"])
    def test_one_that_changes_its_character_set_between_two_reads(
        self, write: Any, name: str, suffix: str
    ) -> None:
        texts = ["大小" * (1 + number % 7) + " cake" for number in range(8_000)]
        if suffix == ".csv":
            written = "".join(f"{line}\n" for line in ["text", *texts])
        else:
            written = json.dumps([{"text": text} for text in texts], ensure_ascii=False)
        write("in" + suffix, written.encode(name))

        assert score("in" + suffix, "-o", "out" + suffix, "--encoding", name).status == 0

        out = Path("out" + suffix).read_text(encoding=name)
        if suffix == ".csv":
            kept = [line.split(",")[0] for line in out.splitlines()[1:]]
        else:
            kept = [row["text"] for row in json.loads(out)]
        assert kept == texts

    @pytest.mark.parametrize(
        "name", ["idna", "utf-7", "unicode_escape", "base64", "cp037", "no"]
    )
    def test_those_that_cannot_be(self, write: Any, name: str) -> None:
        write("in.csv", "text\ncake\n")

        completed = score("in.csv", "-o", "o.csv", "--encoding", name)
        refused(completed, "--encoding", name, status=2)


def test_many_blank_lines_take_no_time_to_speak_of(write: Any) -> None:
    write("in.csv", "\n" * 100_000 + "text\n" + "\n" * 300_000 + "cake\n")
    done = score("in.csv", "-o", "out.csv", "--jobs", "1")

    assert summary(done.err) == (1, 1, 0, 0)
    assert Path("out.csv").read_bytes().count(b"\n") == 400_002


@pytest.mark.skipif(os.name == "nt", reason="the locks of POSIX")
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_second_run_leaves_the_first_alone(write: Any, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="writes Parquet")
    import fcntl

    write("in.csv", "text\n" + "cake\n" * 2000 + "a,b\n")
    assert score("in.csv", "-o", name, "--jobs", "1").status == 1
    descriptor = os.open(f"{name}.part", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        again = score("in.csv", "-o", name, "--resume", "--on-error", "skip")
        refused(again, f"{name}.part", "another run")
    finally:
        os.close(descriptor)
    assert score("in.csv", "-o", name, "--resume", "--on-error", "skip").status == 0
