"""The interfaces that all formats share: reading options, positions, readers and chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from disaster_tweets.tables.columns import check_room, choose_text_column, find, shortened
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
        text_column: The text column: its name, a path of JSON keys or of fields of a struct, or
            its number from 1 in a table without a header. None to detect it.
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


class Chunk:
    """Consecutive rows of one file.

    Args:
        reader: The reader of the file.
        title: The name of the file in messages.

    Attributes:
        texts: The text of each readable row; None if it is absent, null or blank.
        numbers: The number of each readable row, from 1.
        broken: The error of each unreadable row.
        rows: The number of rows, readable and unreadable.
        consumed: Bytes of the file read so far.
        end: The position of the next chunk.
    """

    def __init__(self, reader: Reader, title: str) -> None:
        self._reader, self._title = reader, title
        self.texts: list[str | None] = []
        self.numbers: list[int] = []
        self.broken: list[RowError] = []
        self.rows = self.consumed = 0
        self.end = Position()

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with their scores, in the format of the input.

        Raises:
            NotImplementedError: The format of the input has no place for scores.
        """
        raise NotImplementedError

    def rejected(self) -> Any:
        """Return the unreadable rows unchanged."""
        raise NotImplementedError

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row, in the order of the reader's columns."""
        raise NotImplementedError

    def column(self, name: str) -> list[Any]:
        """Return the cell of each readable row in one of the columns named in `Reading`."""
        columns = self._reader.columns
        index = columns.index(find(columns, name, file=self._title))
        return [row[index] for row in self.values()]


class Reader:
    """Reads one or more files of one format as one table.

    Args:
        reading: Options for reading.
        new: The columns for the scores, if there are any.
        notify: Receives a line about each assumption.
        last: The last file of the table, after which no line end is added.
        tabular: The caller will ask for cell values, with the same columns in all rows.
        chunk_rows: The number of rows of a chunk, in a text format.

    Attributes:
        columns: The column names, known after the first `check` or `chunks`.
        compression: The codec of each column of a Parquet file, or of an Arrow file.
        sheet: The name of the first sheet that was read; None for another format.
    """

    columns: list[str]
    compression: dict[str, str] | str | None = None
    sheet: str | None = None

    def __init__(
        self,
        reading: Reading,
        new: NewColumns | None,
        notify: Notify,
        last: Source,
        *,
        tabular: bool = False,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self._reading, self._new, self._notify, self._last = reading, new, notify, last
        self._tabular, self._chunk_rows = tabular, chunk_rows
        self.columns = []

    def check(self, source: Source) -> None:
        """Raise TableError early if a file cannot be read."""
        raise NotImplementedError

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""
        raise NotImplementedError

    def header(self) -> Any:
        """Return the beginning of the output; known after the first chunk, or the end."""
        return b""

    def footer(self) -> Any:
        """Return the end of the output; known after the last chunk."""
        return b""

    def rejected_header(self) -> Any:
        """Return the beginning of the file of rejected rows."""
        return b""

    def kinds(self) -> dict[str, str]:
        """Return the kind of each column that is not text; see `cells.common`."""
        return {}

    def _choose(
        self,
        columns: list[str],
        title: str,
        typed: Callable[[], Sequence[str]] | None = None,
        *,
        named: bool = False,
        check: Callable[[str], object] = lambda column: None,
    ) -> int:
        """Return the index of the text column, and check the other columns.

        Args:
            columns: The column names of the first file.
            title: The name of the file in messages.
            typed: Returns the columns of type text, for a format with types.
            named: The format always has column names.
            check: Raises ColumnError for a column that cannot hold texts.

        Raises:
            ColumnError: No column is an obvious choice, or a requested one does not exist.
            TakenError: A new column has the name of an existing one.
        """
        reading = self._reading
        if not reading.header and reading.text_column is None and len(columns) == 1:
            return 0
        found, guessed = choose_text_column(
            columns,
            reading.text_column,
            file=title,
            typed=typed,
            others=reading.other_columns,
            maybe_no_header=reading.header and not named,
        )
        check(found)
        if guessed:
            self._notify(f"{title}: the texts are taken from column {shortened(found)}")
        for other in reading.other_columns:
            find(columns, other, file=title)
        if reading.header:
            check_room(self._new, columns, found, file=title)
        return columns.index(found)


def text_or_none(text: str | None) -> str | None:
    """Return the text, or None if it is blank."""
    return None if text is None or text.isspace() or not text else text
