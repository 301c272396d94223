"""Read a sheet of an Excel workbook as a table; the whole sheet is read at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

from disaster_tweets.tables.cells import as_text, common, kinds_of
from disaster_tweets.tables.errors import (
    ContentError,
    DifferenceError,
    HeaderRowError,
    RowError,
)
from disaster_tweets.tables.formats import XLSX
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    Chunk,
    Position,
    Reader,
    text_or_none,
)
from disaster_tweets.tables.source import Source
from disaster_tweets.tables.workbook import ErrorValue, Sheet, read


class SheetReader(Reader):
    """Reads the rows of a sheet; see `rows.Reader`."""

    _title: str | None = None  # of the first file
    _text = 0
    _checked: tuple[Source, Sheet, int] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kinds: dict[str, set[str]] = {}

    def check(self, source: Source) -> None:
        """Find the columns, and keep the sheet for `chunks`, because reading it is slow."""
        self._checked = source, *self._sheet(source)

    def _sheet(self, source: Source) -> tuple[Sheet, int]:
        """Return a sheet, and the index of its first row after the header."""
        with source.open(XLSX) as content:
            sheet = read(content.file, source.title, self._reading.sheet)
        first = next((i for i, row in enumerate(sheet.rows) if not _is_empty(row)), None)
        if first is None:
            raise ContentError("has no rows; a row with the names of columns is needed",
                               file=source.title)  # fmt: skip
        columns = [as_text(cell) for cell in sheet.rows[first]]
        if not self._reading.header:
            columns = [str(number) for number in range(1, len(columns) + 1)]
        if self._title is None:
            self._begin(source.title, columns, sheet.rows[first + 1 :])
            self.sheet = sheet.name
        elif columns != self.columns:
            raise DifferenceError(
                f"its columns differ from those of {self._title}", file=source.title
            )
        behind = sheet.rows[first + self._reading.header :]
        for index, name in enumerate(self.columns):
            self._kinds.setdefault(name, set()).update(kinds_of(row[index] for row in behind))
        return sheet, first + self._reading.header

    def kinds(self) -> dict[str, str]:
        """Return the kind of each column: text, boolean, integer, number or json."""
        return {name: common(kinds) for name, kinds in self._kinds.items()}

    def _begin(self, title: str, columns: list[str], rows: list[list[Any]]) -> None:
        def of_text() -> list[str]:
            return [
                name
                for index, name in enumerate(columns)
                if any(isinstance(row[index], str) for row in rows)
                and all(row[index] is None or isinstance(row[index], str) for row in rows)
            ]

        self._text = self._choose(columns, title, of_text)
        self.columns, self._title = columns, title

    def rejected_header(self) -> bytes:
        """Return the column names as a line of CSV."""
        return _csv([self.columns]) if self._reading.header else b""

    def chunks(self, source: Source, start: Position) -> Iterator[SheetChunk]:
        """Read a sheet from a row on."""
        kept, self._checked = self._checked, None
        sheet, first = kept[1:] if kept and kept[0] is source else self._sheet(source)
        size = source.size() or 0
        rows = sheet.rows[first:]
        for begin in range(start.rows, max(len(rows), start.rows + 1), CHUNK_ROWS):
            part = rows[begin : begin + CHUNK_ROWS]
            end = begin + len(part)
            chunk = SheetChunk(self, source.title)
            # Spreadsheet programs count rows from 1 and include the header.
            chunk.fill(part, self._text, begin, first, self._is_header)
            chunk.end, chunk.consumed = (
                Position(start.input, end),
                size * end // max(len(rows), 1),
            )
            yield chunk

    def _is_header(self, row: list[Any]) -> bool:
        """Say whether a row equals the header. A single column may hold its name as a text."""
        names = self.columns
        if not self._reading.header or len(names) == 1 or row[self._text] != names[self._text]:
            return False
        return [as_text(cell) for cell in row] == names


class SheetChunk(Chunk):
    """Consecutive rows of a sheet; see `rows.Chunk`."""

    def fill(
        self,
        rows: list[list[Any]],
        text: int,
        before: int,
        header: int,
        is_header: Callable[[list[Any]], bool],
    ) -> None:
        """Add the rows.

        Args:
            rows: The rows.
            text: The index of the text column.
            before: The number of earlier rows of the table.
            header: The number of rows of the sheet before the first row of the table.
            is_header: Says whether a row is the header again.
        """
        self.rows = len(rows)
        self._rows: list[list[Any]] = []
        self._rejected: list[list[Any]] = []
        for number, row in enumerate(rows, before + 1):
            value = row[text]
            problem = _problem(value)
            if problem is None and is_header(row):
                problem = HeaderRowError("the header again")
            if problem is not None:
                problem.file, problem.row, problem.line = self._title, number, header + number
                self.broken.append(problem)
                self._rejected.append(row)
                continue
            self.numbers.append(number)
            self._rows.append(row)
            self.texts.append(text_or_none(None if value is None else as_text(value)))

    def rejected(self) -> bytes:
        """Return the unreadable rows as lines of CSV."""
        return _csv([[as_text(cell) for cell in row] for row in self._rejected])

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row."""
        return self._rows


def _problem(value: Any) -> RowError | None:
    """Return the error for a cell that is no text.

    A number is accepted, as programs convert texts to numbers.
    """
    if isinstance(value, ErrorValue):
        return RowError(f"the text is the error {value}")
    if value is None or (isinstance(value, (str, int, float)) and value is not bool(value)):
        return None
    return RowError(f"the text is not a string but {type(value).__name__}")


def _is_empty(row: list[Any]) -> bool:
    return all(cell is None or cell == "" for cell in row)


def _csv(rows: list[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode(errors="backslashreplace")
