"""What all formats share: how a table is to be read, positions, and chunks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from disaster_tweets.tables.errors import RowError
from disaster_tweets.tables.source import Source

CHUNK_ROWS = 1024  # a tenth of a second of work for one processor
CHUNK_SIZE = 1 << 24  # characters or bytes

STANDARD, NONE = "standard", "none"  # quoting

Notify = Callable[[str], object]  # takes a line on what was found out about a file


@dataclass(frozen=True)
class Reading:
    """How a table is to be read.

    Attributes:
        format: One of `formats.FORMATS`.
        text_column: The column of the texts: its name, a path of keys in JSON, or its number,
            from 1, in a table without header. None for the obvious one.
        other_columns: Columns that must be there, too.
        encoding: Of a text format; None for UTF-8, or what a mark of the byte order says.
        delimiter: What separates the fields of delimited text; None to find out.
        quoting: ``"standard"``, where a field may stand in quotes; ``"none"``, where quotes are
            characters like others; None for standard, unless lines in quotes look like rows.
        header: The first row of delimited text or of a sheet names the columns.
        sheet: The sheet of a workbook; None for the only one that holds anything.
        sure: The format was asked for, not only told by the file's name.
    """

    format: str
    text_column: str | None = None
    other_columns: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    quoting: str | None = None
    header: bool = True
    sheet: str | None = None
    sure: bool = False


@dataclass(frozen=True)
class NewColumns:
    """The columns that scores go to.

    Attributes:
        probability: Name of the first.
        label: Name of the second.
        overwrite: Drop columns of the table that have these names.
    """

    probability: str = "probability"
    label: str = "label"
    overwrite: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """Both names, in their order."""
        return self.probability, self.label


class Score(NamedTuple):
    """The two new values of a row, and what is counted of its text.

    Attributes:
        probability: As in `Prediction`.
        label: As in `Prediction`.
        cut: The text is longer than the model reads.
        foreign: The text looks like another language than the model's.
    """

    probability: float
    label: str
    cut: bool = False
    foreign: bool = False


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


class Chunk(Protocol):
    """Some rows of one file.

    Attributes:
        texts: The text of each readable row, None where it is missing: absent, null or blank.
        broken: What is wrong with each of the other rows.
        rows: How many there are of both.
        numbers: The number of each readable row, from 1.
        consumed: Bytes of the file read so far.
        end: Where the next chunk begins.
    """

    texts: list[str | None]
    broken: list[RowError]
    rows: int
    numbers: list[int]
    consumed: int
    end: Position

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with a score for each, in the format that they came in."""

    def rejected(self) -> Any:
        """Return the broken rows as they were."""

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row, in the order of the reader's columns."""

    def column(self, name: str) -> list[Any]:
        """Return a cell of each readable row, of a column that the reading named."""


class TakenRows:
    """What chunks of text formats share: they take the rows of a file one by one.

    Attributes:
        texts: See `Chunk`, as for the next five.
    """

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self.numbers: list[int] = []
        self.broken: list[RowError] = []
        self.rows = self.consumed = 0
        self.end = Position()
        self._between: dict[int, list[str]] = {}  # what stands before the row of that index
        self._rejected: list[str] = []

    def take(self, number: int, text: str | None) -> None:
        """Count a readable row."""
        self.numbers.append(number)
        self.texts.append(text)
        self.rows += 1

    def blank(self, written: str) -> None:
        """Take a line without a row."""
        self._between.setdefault(len(self.numbers), []).append(written)

    def reject(self, written: str, problem: RowError) -> None:
        """Take a row that cannot be read."""
        self._rejected.append(written)
        self.broken.append(problem)
        self.rows += 1

    def finish(self, end: Position, consumed: int) -> None:
        """Say where it ends, and how many bytes of the file were read."""
        self.end, self.consumed = end, consumed

    def _with_blank(self, written: Iterable[str]) -> str:
        """Return the rows as they are written, with the blank lines between them."""
        if not self._between:
            return "".join(written)
        out = []
        for index, row in enumerate(written):
            out += [*self._between.get(index, ()), row]
        return "".join([*out, *self._between.get(len(self.numbers), ())])


class Reader(Protocol):
    """Reads the files of one format, one after the other, as one table."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, once `check` or `chunks` has read of a file."""

    def check(self, source: Source) -> None:
        """Find out early what is wrong with a file, before the first row is used."""

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""

    def head(self) -> Any:
        """Return what the output begins with; known once `chunks` gave a chunk, or ended."""

    def tail(self) -> Any:
        """Return what the output ends with; known once all chunks were read."""

    def rejected_head(self) -> Any:
        """Return what the file of the rejected rows begins with."""


def text_or_none(text: str | None) -> str | None:
    """Return a text, or None where it is blank."""
    return None if text is None or text.isspace() or not text else text
