"""What goes wrong with a table: one class a problem, with fields that a caller can use.

The message says what is wrong and where. What to do about it depends on who asked, so each
surface adds that itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from disaster_tweets.errors import DisasterTweetsError


class TableError(DisasterTweetsError):
    """A table cannot be read or written.

    Attributes:
        problem: What is wrong, without the place.
        file: The name of the file.
        line: The number of the line in a text format, from 1.
        row: The number of the row, from 1; a header is no row.
        column: The name of the column.
        candidates: What could be meant instead: columns, delimiters, encodings, sheets or
            formats.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        line: int | None = None,
        row: int | None = None,
        column: str | None = None,
        candidates: Sequence[str] = (),
    ) -> None:
        super().__init__(problem)
        self.problem, self.file = problem, file
        self.line, self.row, self.column = line, row, column
        self.candidates = tuple(candidates)

    @property
    def place(self) -> str:
        """The file, and the row and the line where they are known."""
        place = self.file or ""
        if self.row is not None:
            place += f", row {self.row}" if place else f"row {self.row}"
            return place if self.line is None else f"{place} (line {self.line})"
        return place if self.line is None else f"{place}, line {self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


class FileError(TableError):
    """A file cannot be opened or read: it is missing, a folder, closed or forbidden."""


class DamagedError(TableError):
    """A file is not whole: compressed data, a workbook or a Parquet file that breaks off."""


class ContentError(TableError):
    """A file holds something else than a table of the expected format, such as a web page."""


class FormatError(TableError):
    """The format of a file is not known, or not possible here; `candidates` are known ones."""


class MissingLibraryError(TableError):
    """A format needs a library that is not installed.

    Attributes:
        extra: The extra of this distribution that installs it.
    """

    def __init__(self, problem: str, extra: str, *, file: str | None = None) -> None:
        super().__init__(problem, file=file)
        self.extra = extra


class EncodingError(TableError):
    """Bytes are not text in the expected encoding; `candidates` are encodings to try."""


class QuoteError(TableError):
    """A quote opens a field in ``line`` and does not close where the field ends."""


class DelimiterError(TableError):
    """It cannot be told which character separates the fields; `candidates` are possible."""


class SizeError(TableError):
    """A record, or what a compressed file unpacks to, is too large."""


class ColumnError(TableError):
    """The column of the texts cannot be told, or is not there; `candidates` are all columns.

    Attributes:
        maybe_no_header: The first line may be a row already.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        column: str | None = None,
        candidates: Iterable[str] = (),
        maybe_no_header: bool = False,
    ) -> None:
        super().__init__(problem, file=file, column=column, candidates=tuple(candidates))
        self.maybe_no_header = maybe_no_header


class TakenError(TableError):
    """A new column has the name of one that is there."""


class SheetError(TableError):
    """It cannot be told which sheet of a workbook is meant; `candidates` are its sheets."""


class DifferenceError(TableError):
    """A file cannot follow the first one: its columns, schema or dialect differ."""


class RowError(TableError):
    """A row cannot be read, or not be written in another format; the others may be fine."""


class TakenRowError(RowError):
    """A row has a key with the name of a new one, which the rows before it lack."""


class WriteError(TableError):
    """A file cannot be written.

    Attributes:
        full: There is no room for it.
    """

    def __init__(self, problem: str, *, file: str | None = None, full: bool = False) -> None:
        super().__init__(problem, file=file)
        self.full = full
