"""`disaster-tweets score`: it scores the texts of a table, in every dialect.

What a reader makes of a table may be an error; it must not be other texts.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .conftest import Completed
from .fingerprint import fingerprints, scores_in, scores_of
from .test_score import score

pytestmark = pytest.mark.one_python

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1")
WORDS = ("cake", "calm", "sugar", "a", "5", "RT", "#rain", "3pm")
# Text with many characters that are special in these formats, all of it in Latin-1.
MARKS = '"""\',;|\t \\\r\n\x0b\x0c\x1c\x85é=#-'
BEYOND = "火🔥\u2028\u200b"
MANY = settings(deadline=None, max_examples=100)


@pytest.fixture(scope="module", autouse=True)
def fake() -> Iterator[None]:
    with fingerprints():
        yield


@dataclass(frozen=True)
class Dialect:
    """The dialect of a table."""

    delimiter: str
    quoted: bool  # fields are quoted where necessary; otherwise quotes have no meaning
    encoding: str
    end: str
    header: bool
    spaces: bool  # after delimiters

    @property
    def options(self) -> list[str]:
        """All options that describe the dialect."""
        delimiter = "tab" if self.delimiter == "\t" else self.delimiter
        options = ["--delimiter", delimiter]
        options += ["--quoting", "standard" if self.quoted else "none"]
        options += ["--encoding", self.encoding] if self.encoding == "latin-1" else []
        return options

    def join(self, fields: list[str]) -> str:
        return (self.delimiter + " " * self.spaces).join(fields) + self.end


DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from(",;\t|"),
    quoted=st.booleans(),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    header=st.booleans(),
    spaces=st.booleans(),
)


@dataclass(frozen=True)
class Table:
    """A table, and the place of its texts."""

    names: list[str]
    rows: list[list[str]]
    text: int

    @property
    def texts(self) -> list[str]:
        return [row[self.text] for row in self.rows]


@st.composite
def texts(draw: st.DrawFn, dialect: Dialect) -> str:
    """A text that the dialect can hold."""
    alphabet = MARKS if dialect.encoding == "latin-1" else MARKS + BEYOND
    parts = st.sampled_from(WORDS) | st.text(st.sampled_from(alphabet), max_size=3)
    text = "".join(draw(st.lists(parts, max_size=5)))
    if not dialect.quoted:
        for character in (dialect.delimiter, "\r", "\n"):
            text = text.replace(character, "")
    return text


@st.composite
def tables(draw: st.DrawFn, dialect: Dialect, columns: int = 1) -> Table:
    """A table with a text column, and number columns that identify its rows."""
    names = ["text", "id", "n"][: draw(st.integers(columns, 3))]
    names = draw(st.permutations(names))
    count = draw(st.integers(1, 5))
    rows = [
        [
            draw(texts(dialect)) if name == "text" else str(row * 10 + column)
            for column, name in enumerate(names)
        ]
        for row in range(1, count + 1)
    ]
    text = names.index("text")
    if not rows[0][text].strip():
        rows[0][text] = "cake"  # a table of one column needs at least one text
    return Table(names, rows, text)


def field(value: str, dialect: Dialect, needlessly: bool) -> str:
    """Return a field as it is written."""
    needs = any(character in value for character in f'{dialect.delimiter}"\r\n')
    # A leading space of the text could be mistaken for one after the delimiter.
    needs = needs or (dialect.spaces and value[:1] == " ")
    if dialect.quoted and (needs or needlessly):
        return '"' + value.replace('"', '""') + '"'
    return value


def written(table: Table, dialect: Dialect, quote_all: bool) -> bytes:
    lines = [table.names] if dialect.header else []
    out = ""
    for row in (*lines, *table.rows):
        fields = [field(value, dialect, quote_all) for value in row]
        if fields == [""] and dialect.quoted:
            fields = ['""']  # an empty record would be a blank line
        out += dialect.join(fields)
    return out.encode(dialect.encoding)


def scored(
    name: str, content: bytes, options: list[str], delimiter: str | None, encoding: str
) -> tuple[Completed, list[str]]:
    """Score a file; return the messages of the command, and the probabilities in its output."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, name), Path(folder, "out" + Path(name).suffix)
        source.write_bytes(content)
        completed = score(source, "-o", target, "--jobs", "1", *options)
        if completed.status:
            lines = completed.err.splitlines()
            assert completed.status == 1, completed
            assert lines[-1].startswith("Error: ")
            assert "Traceback" not in completed.err
            assert [path.name for path in Path(folder).iterdir()] == [name]
            return completed, []
        return completed, scores_in(target, encoding, delimiter)


def present(scores: list[str]) -> list[str]:
    """Return the scores without those of missing texts, because a blank line may be no row."""
    return [value for value in scores if value]


def told(table: Table, dialect: Dialect) -> list[str]:
    if dialect.header:
        return []
    return ["--no-header", "--text-column", str(table.text + 1)]


def as_written(text: str, table: Table, dialect: Dialect, quote_all: bool) -> str:
    """Return a text with the leading space that an unquoted field keeps."""
    if not dialect.spaces or table.text == 0 or not text.strip():
        return text
    unquoted = field(text, dialect, quote_all) == text
    return f" {text}" if unquoted else text


@MANY
@given(data=st.data(), dialect=DIALECTS, quote_all=st.booleans())
def test_a_dialect_that_is_told(data: Any, dialect: Dialect, quote_all: bool) -> None:
    table = data.draw(tables(dialect))
    content = written(table, dialect, quote_all)
    completed, found = scored(
        "in.csv",
        content,
        [*dialect.options, *told(table, dialect)],
        dialect.delimiter,
        dialect.encoding,
    )

    assert completed.status == 0, (completed.err, content)
    kept = [as_written(text, table, dialect, quote_all) for text in table.texts]
    assert present(found) in (present(scores_of(table.texts)), present(scores_of(kept)))


@MANY
@given(
    data=st.data(),
    dialect=DIALECTS.filter(lambda dialect: dialect.header),
    quote_all=st.booleans(),
    name=st.sampled_from(["in.csv", "in.tsv"]),
)
def test_a_dialect_that_is_detected(
    data: Any, dialect: Dialect, quote_all: bool, name: str
) -> None:
    table = data.draw(tables(dialect))
    content = written(table, dialect, quote_all)
    options = ["--encoding", "latin-1"] if dialect.encoding == "latin-1" else []
    completed, found = scored(name, content, options, None, dialect.encoding)

    if completed.status == 0:
        understood(found, table, dialect, quote_all)
    elif dialect.quoted and len(table.names) > 1 and not dialect.spaces:
        # Only lines within quotes are ambiguous, because they could be rows.
        assert any(len(f"{text}.".splitlines()) > 1 for text in table.texts), (
            completed.err,
            content,
        )


def understood(found: list[str], table: Table, dialect: Dialect, quote_all: bool) -> None:
    """Check that the scores match the texts in one interpretation of the quotes."""
    kept = [as_written(text, table, dialect, quote_all) for text in table.texts]
    if dialect.quoted:
        assert present(found) in (present(scores_of(table.texts)), present(scores_of(kept)))
    elif len(table.names) > 1:
        assert len(found) == len(kept)
        for value, text, with_space in zip(found, table.texts, kept, strict=True):
            # A quoted text may be read without its quotes, but ends at the end of its line.
            assert value in scores_of((text, with_space, _unquoted(text))), text
    else:  # a field of several lines is valid
        lines = "".join(text + dialect.end for text in table.texts)
        read = [kept]
        for skip in (False, True):  # spaces before a quote, which the text may begin with
            file = io.StringIO(lines, newline="")
            reader = csv.reader(file, delimiter="\x1f", skipinitialspace=skip)
            read.append([row[0] for row in reader if row])
        assert present(found) in [present(scores_of(each)) for each in read]


def _unquoted(text: str) -> str:
    inner = text.strip(" ")
    if len(inner) > 1 and inner[0] == inner[-1] == '"':
        body = inner[1:-1].replace('""', "\x1f")
        if '"' not in body:
            return body.replace("\x1f", '"')
    return text


QUOTED = st.sampled_from(
    ['"Cake!" she said', 'they say "calm"', '"Run', 'now"', '"a"', '"', '""', 'x "y" z', "rain"]
)


@MANY
@given(
    rows=st.lists(QUOTED | st.sampled_from(WORDS), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    names=st.sampled_from([["id", "text"], ["text", "id"], ["text"]]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
@example(rows=['"Run', 'now"'], delimiter="\t", names=["id", "text"], end="\n")
@example(rows=['"Run', "rain", 'now"', '"a"'], delimiter="\t", names=["text", "id"], end="\n")
@example(rows=['"', '"'], delimiter=",", names=["id", "text"], end="\r\n")
def test_quotes_that_say_nothing(
    rows: list[str], delimiter: str, names: list[str], end: str
) -> None:
    """Texts that begin or end with quotes, as in public files, are read unchanged."""
    dialect = Dialect(delimiter, False, "utf-8", end, True, False)
    lines = [
        [text if name == "text" else str(n) for name in names] for n, text in enumerate(rows)
    ]
    table = Table(names, lines, names.index("text"))
    content = written(table, dialect, False)
    if len(names) == 1:
        delimiter = ","  # of the output; the input has none
    name = "in.tsv" if delimiter == "\t" else "in.csv"
    completed, found = scored(name, content, [], delimiter, "utf-8")

    if completed.status == 0:
        understood(found, table, dialect, False)
    completed, found = scored(name, content, ["--quoting", "none"], delimiter, "utf-8")
    assert (completed.status, found) == (0, scores_of(rows)), content
