"""The interfaces that all formats share: reading options, positions, readers and chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from disaster_tweets.tables.errors import RowError
from disaster_tweets.tables.source import Source

CHUNK_ROWS = 1024  # about 0.1 s of work for one processor
CHUNK_SIZE = 1 << 24  # characters or bytes

STANDARD, NONE = "standard", "none"  # values of ``quoting``

Notify = Callable[[str], object]  # receives one line of information about a file


@dataclass(frozen=True)
class Reading:
    """Options for reading a table.

    Attributes:
        format: One of `formats.FORMATS`.
        text_column: The text column: its name, a path of JSON keys, or its number from 1 in a
            table without a header. None to detect it.
        other_columns: Further columns that must exist.
        encoding: The encoding of a text format; None for UTF-8 or the byte order mark.
        delimiter: The delimiter of delimited text; None to detect it.
        quoting: ``"standard"``: fields may be quoted. ``"none"``: a quote is an ordinary
            character. None: standard, with a check for quotes that swallow rows.
        header: The first row of delimited text or of a sheet names the columns.
        sheet: The sheet of a workbook; None for the only sheet that is not empty.
        sure: The user named the format; it was not only taken from the file name.
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
    """The columns for the scores.

    Attributes:
        probability: Name of the probability column.
        label: Name of the label column.
        overwrite: Replace existing columns of these names.
    """

    probability: str = "probability"
    label: str = "label"
    overwrite: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """Both names: probability, label."""
        return self.probability, self.label


class Score(NamedTuple):
    """The two new values of a row, and two facts about its text.

    Attributes:
        probability: As in `Prediction`.
        label: As in `Prediction`.
        cut: The text is longer than the model reads.
        foreign: The text looks like a language that the model was not trained on.
    """

    probability: float
    label: str
    cut: bool = False
    foreign: bool = False


@dataclass(frozen=True)
class Position:
    """A place in the inputs.

    Attributes:
        input: Index of the file.
        rows: Rows of the file before this place, broken ones included.
        line: Lines of the file before this place, in a text format.
        offset: Decompressed bytes of the file before this place, in a text format.
    """

    input: int = 0
    rows: int = 0
    line: int = 0
    offset: int = 0


class Chunk(Protocol):
    """Consecutive rows of one file.

    Attributes:
        texts: The text of each readable row; None if it is absent, null or blank.
        broken: The error of each unreadable row.
        rows: The number of rows, readable and unreadable.
        numbers: The number of each readable row, from 1.
        consumed: Bytes of the file read so far.
        end: The position of the next chunk.
    """

    texts: list[str | None]
    broken: list[RowError]
    rows: int
    numbers: list[int]
    consumed: int
    end: Position

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with their scores, in the format of the input."""

    def rejected(self) -> Any:
        """Return the unreadable rows unchanged."""

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row, in the order of the reader's columns."""

    def column(self, name: str) -> list[Any]:
        """Return the cell of each readable row in one of the columns named in `Reading`."""


class TextChunk:
    """A chunk of a text format, filled row by row.

    Attributes:
        texts: See `Chunk`, also for the next five.
    """

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self.numbers: list[int] = []
        self.broken: list[RowError] = []
        self.rows = self.consumed = 0
        self.end = Position()
        self._between: dict[int, list[str]] = {}  # blank lines before the row of this index
        self._rejected: list[str] = []

    def take(self, number: int, text: str | None) -> None:
        """Add a readable row."""
        self.numbers.append(number)
        self.texts.append(text)
        self.rows += 1

    def blank(self, written: str) -> None:
        """Add a line that is no row."""
        self._between.setdefault(len(self.numbers), []).append(written)

    def reject(self, written: str, problem: RowError) -> None:
        """Add an unreadable row."""
        self._rejected.append(written)
        self.broken.append(problem)
        self.rows += 1

    def finish(self, end: Position, consumed: int) -> None:
        """Set the end of the chunk and the bytes of the file read so far."""
        self.end, self.consumed = end, consumed

    def _with_blank(self, written: Iterable[str]) -> str:
        """Return the written rows, with the blank lines between them."""
        if not self._between:
            return "".join(written)
        out = []
        for index, row in enumerate(written):
            out += [*self._between.get(index, ()), row]
        return "".join([*out, *self._between.get(len(self.numbers), ())])


class Reader(Protocol):
    """Reads one or more files of one format as one table."""

    @property
    def columns(self) -> list[str]:
        """The column names, known after the first `check` or `chunks`."""

    def check(self, source: Source) -> None:
        """Raise TableError early if a file cannot be read."""

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""

    def header(self) -> Any:
        """Return the beginning of the output; known after the first chunk, or the end."""

    def footer(self) -> Any:
        """Return the end of the output; known after the last chunk."""

    def rejected_header(self) -> Any:
        """Return the beginning of the file of rejected rows."""


def text_or_none(text: str | None) -> str | None:
    """Return the text, or None if it is blank."""
    return None if text is None or text.isspace() or not text else text
