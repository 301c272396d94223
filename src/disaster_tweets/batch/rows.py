"""What the formats share: options, rows, and chunks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from disaster_tweets.batch import FileError
from disaster_tweets.batch.source import Source, Stream

CHUNK_ROWS = 2048
CHUNK_BYTES = 1 << 24

NOT_UTF8 = "not valid UTF-8"


@dataclass(frozen=True)
class Options:
    """What decides how the output looks, apart from the scores.

    Attributes:
        format: The format of the inputs; one of `FORMATS`.
        output_format: The format of the output: another one only where ``format`` is txt.
        text_column: The column that is scored; None for the obvious one.
        probability_column: Name of the first new column.
        label_column: Name of the second.
        overwrite: Drop columns of the input that have these names.
    """

    format: str
    output_format: str
    text_column: str | None = None
    probability_column: str = "probability"
    label_column: str = "label"
    overwrite: bool = False

    @property
    def new_columns(self) -> tuple[str, str]:
        """The names of the new columns, in their order."""
        return self.probability_column, self.label_column


class Score(NamedTuple):
    """The two new values of a row."""

    probability: float
    label: str


@dataclass(frozen=True)
class Position:
    """How far the inputs were read.

    Attributes:
        input: Index of the file.
        rows: Rows read of it, broken ones included.
        line: Lines read of it, in a text format.
        offset: Bytes read of it, after decompression, in a text format.
    """

    input: int = 0
    rows: int = 0
    line: int = 0
    offset: int = 0


class BrokenRow(Exception):  # noqa: N818 - a row, which may be set aside
    """A row that cannot be read; the message is the reason."""


class Rejected(NamedTuple):
    """Where a broken row is, and why it is one."""

    place: str
    reason: str


class Chunk(Protocol):
    """Some rows of one file.

    Attributes:
        texts: The text of each readable row, None where it is missing.
        broken: The other rows.
        rows: How many there are of both.
        consumed: Bytes of the file read so far.
        end: Where the next chunk begins.
    """

    texts: list[str | None]
    broken: list[Rejected]
    rows: int
    consumed: int
    end: Position

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with a score for each, as the output holds them."""

    def rejected(self) -> Any:
        """Return the broken rows as they were."""


class Reader(Protocol):
    """Reads the inputs of one format, one after the other."""

    def check(self, source: Source) -> None:
        """Find out early what is wrong with a file, before the first is scored."""

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""

    def head(self) -> Any:
        """Return what the output begins with; known once `chunks` was asked for one."""

    def rejected_head(self) -> Any:
        """Return what the file of the rejected rows begins with."""


@dataclass
class Row:
    """A record of a text format.

    Attributes:
        raw: Its bytes, with the line ending.
        line: The number of its first line.
        number: Its number among the rows of the file, from 1; 0 for a blank line.
        record: What it was parsed to.
        text: Its text; None where that is missing.
        problem: Why it cannot be read, if so.
    """

    raw: bytes
    line: int
    number: int = 0
    record: Any = None
    text: str | None = None
    problem: str | None = None


class TextReader(ABC):
    """Reads a format of bytes and lines; `rows` and `render` know which."""

    def __init__(self, options: Options, last: Source) -> None:
        self.options = options
        self._last = last

    @abstractmethod
    def begin(self, stream: Stream) -> None:
        """Read what stands before the first row."""

    @abstractmethod
    def rows(self, stream: Stream, number: int) -> Iterator[Row]:
        """Read the rows that follow row ``number``."""

    @abstractmethod
    def render(self, row: Row, score: Score | None) -> bytes:
        """Return a row with its score, or with two empty values."""

    @abstractmethod
    def head(self) -> bytes:
        """Return what the output begins with."""

    @abstractmethod
    def rejected_head(self) -> bytes:
        """Return what the file of the rejected rows begins with."""

    def check(self, source: Source) -> None:
        """Read the beginning of a file; FileError if nothing can be read after it."""
        with source.open() as stream:
            self.begin(stream)

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""
        with source.open() as stream:
            self.begin(stream)
            stream.seek(start.offset, start.line)
            number, rows, size = start.rows, list[Row](), 0
            for row in self.rows(stream, number):
                number = row.number or number
                rows.append(self._ended(row, source))
                size += len(row.raw)
                if len(rows) == CHUNK_ROWS or size >= CHUNK_BYTES:
                    yield TextChunk(self, rows, stream, Position(start.input, number))
                    rows, size = [], 0
            yield TextChunk(self, rows, stream, Position(start.input, number))

    def _ended(self, row: Row, source: Source) -> Row:
        """End the last line of a file that another follows."""
        if not row.raw.endswith(b"\n") and source is not self._last:
            row.raw += b"\n"
        return row


class TextChunk:
    """Some rows of a text format; see `Chunk`."""

    def __init__(
        self, reader: TextReader, rows: list[Row], stream: Stream, end: Position
    ) -> None:
        self._reader, self._rows = reader, rows
        readable = [row for row in rows if row.number and row.problem is None]
        self.texts = [row.text for row in readable]
        self.broken = [
            Rejected(f"{stream.source.title}, row {row.number} (line {row.line})", row.problem)
            for row in rows
            if row.problem is not None
        ]
        self.rows = len(readable) + len(self.broken)
        self.consumed = stream.consumed
        self.end = Position(end.input, end.rows, stream.line, stream.offset)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows, and the blank lines between them."""
        remaining = iter(scores)
        return b"".join(
            self._reader.render(row, next(remaining)) if row.number else row.raw
            for row in self._rows
            if row.problem is None
        )

    def rejected(self) -> bytes:
        """Return the bytes of the broken rows."""
        return b"".join(row.raw for row in self._rows if row.problem is not None)


def body_and_ending(raw: bytes) -> tuple[bytes, bytes]:
    """Split a record from its line ending."""
    body = raw.rstrip(b"\r\n")
    return body, raw[len(body) :]


def check_new_columns(options: Options, columns: Sequence[str], text: str | None) -> None:
    """Raise BrokenRow where a new column has the name of one that must stay."""
    for name in options.new_columns:
        if name == text:
            raise BrokenRow(f"column {name!r} is the text; name the new column otherwise")
        if name in columns and not options.overwrite:
            raise BrokenRow(
                f"there is a column {name!r} already; drop it with --overwrite-columns, or "
                "name the new ones with --probability-column and --label-column"
            )


def choose_text_column(
    wanted: str | None, columns: Sequence[str], candidates: Sequence[str]
) -> str:
    """Return the column to score.

    Args:
        wanted: The one that was asked for, if any.
        columns: All columns.
        candidates: Those that may be scored unasked, if there is but one.

    Raises:
        BrokenRow: None fits, or several do.
    """
    if wanted is None and "text" not in columns and len(candidates) == 1:
        return candidates[0]
    name = "text" if wanted is None else wanted
    if columns.count(name) == 1:
        return name
    problem = "several columns are named" if name in columns else "there is no column"
    raise BrokenRow(
        f"{problem} {name!r}; choose another with --text-column: "
        + (", ".join(map(repr, columns)) or "there are none")
    )


def broken_file(source: Source, problem: BrokenRow) -> FileError:
    """Return the error for a file none of whose rows can be read for this reason."""
    return FileError(f"{source.title}: {problem}")
