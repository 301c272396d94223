"""Errors of tables: one class for each kind of problem, with fields for the caller.

The message says what is wrong and where. The command line and the web page each add the next
step in their own words.
"""

from __future__ import annotations

from collections.abc import Iterable

from disaster_tweets.errors import DisasterTweetsError


class TableError(DisasterTweetsError):
    """A table cannot be read or written.

    Attributes:
        problem: What is wrong, without the place.
        file: The name of the file.
        line: The number of the line in a text format, from 1.
        row: The number of the row, from 1; a header is no row.
        column: The name of the column.
        candidates: Possible corrections: columns, delimiters, encodings, sheets or formats.
        extra: The extra of this distribution that installs a missing library.
        maybe_no_header: The first line may be a row instead of the header.
        full: The disk is full.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        line: int | None = None,
        row: int | None = None,
        column: str | None = None,
        candidates: Iterable[str] = (),
        extra: str | None = None,
        maybe_no_header: bool = False,
        full: bool = False,
    ) -> None:
        super().__init__(problem)
        self.problem, self.file = problem, file
        self.line, self.row, self.column = line, row, column
        self.candidates = tuple(candidates)
        self.extra, self.maybe_no_header, self.full = extra, maybe_no_header, full

    @property
    def place(self) -> str:
        """The name of the file, with the row and the line where they are known."""
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
    """A file is truncated or corrupt: compressed data, a workbook or a Parquet file."""


class ContentError(TableError):
    """A file holds something other than a table of the expected format, such as a web page."""


class FormatError(TableError):
    """The format of a file is unknown or not possible here; `candidates` are known ones."""


class MissingLibraryError(TableError):
    """A format needs a library that is not installed; ``extra`` installs it."""


class EncodingError(TableError):
    """Bytes are not text in the expected encoding; `candidates` are other encodings."""


class QuoteError(TableError):
    """A quote opens a field in ``line`` and does not close at the end of the field."""


class DelimiterError(TableError):
    """The delimiter is ambiguous; `candidates` are the possible ones."""


class SizeError(TableError):
    """A record or the content of a compressed file is too large."""


class ColumnError(TableError):
    """The text column is missing or ambiguous; `candidates` are all columns."""

    @property
    def maybe_header_below(self) -> bool:
        """Whether the header may be a later row, because a column has no name."""
        return self.maybe_no_header and not all(map(str.strip, self.candidates))


class TakenError(TableError):
    """A new column has the name of an existing one."""


class SheetError(TableError):
    """The sheet of a workbook is missing or ambiguous; `candidates` are its sheets."""


class DifferenceError(TableError):
    """A later file does not match the first one in columns, schema or dialect."""


class RowError(TableError):
    """One row cannot be read, or cannot be written in another format."""


class HeaderRowError(RowError):
    """A row is the header again, as in files that were joined with all their lines."""


class TakenRowError(RowError):
    """A row has a key with the name of a new column, and the rows before it do not."""


class WriteError(TableError):
    """A file cannot be written."""
