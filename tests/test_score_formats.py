"""`disaster-tweets score`: each format keeps its rows, and adds two fields to each."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .fingerprint import added, fingerprints
from .test_score import score, summary

DELIMITERS = {"csv": ",", "tsv": "\t"}
# Text with many characters that are special in these formats.
CELLS = st.text(st.characters(codec="utf-8"), max_size=20) | st.text(
    st.sampled_from("\"',;\t\r\n \x00\x0b\x1c\x85\u2028\ufeffaé火🔥\\"), max_size=12
)
HEADERS = st.permutations(["text", "id", "size, in m", 'the "b"', "new\nline"])
ENDINGS = st.sampled_from(["\n", "\r\n"])
SOME = settings(deadline=None, max_examples=25)


@pytest.fixture(scope="module", autouse=True)
def fake() -> Iterator[None]:
    with fingerprints():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("score")


Scored = Callable[..., bytes]


@pytest.fixture(scope="module")
def scored(folder: Path) -> Scored:
    """Score the content of a file; check the counts, and return the content of the output."""

    def scored(
        name: str, content: bytes, rows: int, missing: int = 0, *options: str, to: str = ""
    ) -> bytes:
        source, target = folder / f"in.{name}", folder / f"out.{to or name}"
        source.write_bytes(content)
        options = ("--jobs", "1", "--text-column", "text", *options)
        status, _, err = score(source, "-o", target, *options)

        assert (status, summary(err)) == (0, (rows, rows - missing, missing, 0))
        return target.read_bytes()

    return scored


def cell(value: str, delimiter: str, quoted: bool) -> str:
    """Return a field as the command writes it, without unnecessary quotes."""
    if quoted or any(character in value for character in f'{delimiter}"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


@st.composite
def tables(draw: st.DrawFn, delimiter: str) -> tuple[bytes, bytes, list[dict[str, str]]]:
    """A file before and after scoring, and its rows."""
    names = draw(HEADERS)[: draw(st.integers(1, 5))]
    names = names if "text" in names else ["text", *names]
    rows = draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=6))
    before = after = "\ufeff" if draw(st.booleans()) else ""
    for number, row in enumerate([names, *rows]):
        cells = [cell(value, delimiter, draw(st.booleans())) for value in row]
        record = delimiter.join(cells) or '""'  # an empty record would be a blank line
        text = row[names.index("text")]
        new = added(text) if number else ("probability", "label")
        ending = draw(ENDINGS) if number < len(rows) or draw(st.booleans()) else ""
        blank = draw(st.sampled_from(["", "", "", "\n", "\r\n"])) if ending else ""
        before += record + ending + blank
        after += delimiter.join([record, *new]) + ending + blank
    dictionaries = [dict(zip(names, row, strict=True)) for row in rows]
    return before.encode(), after.encode(), dictionaries


class TestTables:
    @pytest.mark.parametrize("name", DELIMITERS)
    @SOME
    @given(data=st.data())
    def test_every_byte_stays(self, scored: Scored, name: str, data: Any) -> None:
        content, scores, rows = data.draw(tables(DELIMITERS[name]))
        missing = sum(not row["text"].strip() for row in rows)
        # A few short quoted fields look like quotes that are ordinary characters.
        out = scored(name, content, len(rows), missing, "--quoting", "standard")

        assert out == scores
        if sys.version_info >= (3, 11) or b"\0" not in out:  # older csv cannot read NUL
            text = io.StringIO(out.decode("utf-8-sig"), newline="")
            read = list(csv.DictReader(text, delimiter=DELIMITERS[name]))
            new = [(row.pop("probability"), row.pop("label")) for row in read]
            assert read == rows
            assert new == [added(row["text"]) for row in rows]


# Including lone surrogates: JSON can spell them.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | CELLS,
    lambda values: st.lists(values, max_size=2) | st.dictionaries(CELLS, values, max_size=2),
    max_leaves=4,
)
TEXTS = st.none() | CELLS.filter(len) | st.text(st.characters(categories=None), min_size=1)


@st.composite
def objects(draw: st.DrawFn) -> tuple[str, str]:
    """A JSON record before scoring, and after it without the scores."""
    record = draw(st.dictionaries(CELLS, VALUES, min_size=1, max_size=3))
    for taken in ("text", "probability", "label"):
        record.pop(taken, None)
    record = {"é": 1, **record}
    if draw(st.booleans()):
        record["text"] = draw(TEXTS)
    text = json.dumps(record)
    separators = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " : ")]))
    if not any(
        "\ud800" <= character <= "\udfff" for character in json.loads(text).get("text") or ""
    ):
        text = json.dumps(record, ensure_ascii=draw(st.booleans()), separators=separators)
    space = st.sampled_from(["", " ", "\t"])
    inner = draw(space)
    return f"{draw(space)}{text[:-1]}{inner}", "}" + draw(space)


class TestJsonLines:
    @SOME
    @given(records=st.lists(objects(), max_size=6), ending=ENDINGS, ended=st.booleans())
    def test_every_byte_stays(
        self, scored: Scored, records: list[tuple[str, str]], ending: str, ended: bool
    ) -> None:
        last = ending if ended and records else ""
        content = ending.join(map("".join, records)) + last
        texts = [json.loads("".join(record)).get("text", ...) for record in records]
        assume(not records or set(texts) != {...})  # otherwise no row has the requested key
        scores = [added(None if text is ... else text) for text in texts]
        after = [
            f'{start}, "probability": {probability or "null"}, '
            f'"label": {json.dumps(label or None)}{end}'
            for (start, end), (probability, label) in zip(records, scores, strict=True)
        ]
        out = scored("jsonl", content.encode(), len(records), scores.count(("", "")))

        assert out.decode() == ending.join(after) + last


LINES = st.lists(
    CELLS.map(lambda text: f"a{text}".replace("\n", " ").replace("\r", " ")), max_size=6
)


class TestLines:
    @pytest.mark.parametrize("to", ["csv", "tsv", "jsonl"])
    @SOME
    @given(lines=LINES, ending=ENDINGS, ended=st.booleans())
    def test_a_row_for_each_line(
        self, scored: Scored, to: str, lines: list[str], ending: str, ended: bool
    ) -> None:
        last = ending if ended and lines else ""
        out = scored("txt", (ending.join(lines) + last).encode(), len(lines), to=to).decode()
        rows = [(line, *added(line)) for line in lines]

        if to == "jsonl":
            read = [json.loads(line) for line in out.split("\n") if line]
            assert read == [
                {"text": text, "probability": float(probability), "label": label}
                for text, probability, label in rows
            ]
        elif sys.version_info >= (3, 11) or "\0" not in out:
            header, *read = csv.reader(io.StringIO(out, newline=""), delimiter=DELIMITERS[to])
            assert header == ["text", "probability", "label"]
            assert [tuple(row) for row in read] == rows


class TestCompression:
    CONTENT = "text\ncake\nsome café, then\n".replace("some café, then", '"a\ncafé, then"')

    def test_in_and_out(self, scored: Scored) -> None:
        content = self.CONTENT.encode()
        plain = scored("csv", content, 2)
        members = gzip.compress(content[:9]) + gzip.compress(b"") + gzip.compress(content[9:])

        assert scored("csv.gz", gzip.compress(content), 2, to="csv") == plain
        assert scored("csv.gz", members, 2, to="csv") == plain
        assert gzip.decompress(scored("csv", content, 2, to="csv.gz")) == plain
        assert gzip.decompress(scored("csv.gz", members, 2)) == plain

    def test_of_every_text_format(self, scored: Scored) -> None:
        for name, content in {"tsv": "text\ncake\n", "jsonl": '{"text": "cake"}\n'}.items():
            plain = scored(name, content.encode(), 1)

            assert gzip.decompress(
                scored(f"{name}.gz", gzip.compress(content.encode()), 1)
            ) == (plain)
        line = scored("txt.gz", gzip.compress(b"cake\n"), 1, to="csv.gz")
        assert gzip.decompress(line).decode().splitlines()[1:] == [
            ",".join(["cake", *added("cake")])
        ]
