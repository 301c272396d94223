"""Read a sheet of an Excel workbook as a table; the whole sheet is read at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from disaster_tweets.tables.cells import as_text, common, kinds_of
from disaster_tweets.tables.columns import check_room, choose_text_column, find, shortened
from disaster_tweets.tables.errors import ContentError, DifferenceError, RowError
from disaster_tweets.tables.formats import XLSX
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    NewColumns,
    Notify,
    Position,
    Reading,
    Score,
    text_or_none,
)
from disaster_tweets.tables.source import Source
from disaster_tweets.tables.workbook import ErrorValue, Sheet, read


class SheetReader:
    """Reads the rows of a sheet; see `rows.Reader`."""

    def __init__(
        self, reading: Reading, new: NewColumns | None, notify: Notify, last: Source
    ) -> None:
        self._reading, self.new, self._notify = reading, new, notify
        self.columns: list[str] = []
        self._title: str | None = None
        self._text = 0
        self._kinds: dict[str, set[str]] = {}
        self._checked: tuple[Source, Sheet, int] | None = None

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
        reading = self._reading

        def of_text() -> list[str]:
            return [
                name
                for index, name in enumerate(columns)
                if any(isinstance(row[index], str) for row in rows)
                and all(row[index] is None or isinstance(row[index], str) for row in rows)
            ]

        if not reading.header and reading.text_column is None and len(columns) == 1:
            found, guessed = columns[0], False
        else:
            found, guessed = choose_text_column(
                columns,
                reading.text_column,
                file=title,
                typed=of_text,
                others=reading.other_columns,
                maybe_no_header=reading.header,
            )
        for other in reading.other_columns:
            find(columns, other, file=title)
        check_room(self.new, columns, found, file=title)
        if guessed:
            self._notify(f"{title}: the texts are taken from column {shortened(found)}")
        self.columns, self._title, self._text = columns, title, columns.index(found)

    def header(self) -> bytes:
        """Return nothing: `ToWorkbook` writes the rows."""
        return b""

    def footer(self) -> bytes:
        """Return nothing."""
        return b""

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
            consumed = size * end // max(len(rows), 1)
            # Spreadsheet programs count rows from 1 and include the header.
            yield SheetChunk(
                self,
                part,
                source.title,
                begin + 1,
                first + begin + 1,
                Position(start.input, end),
                consumed,
            )


class SheetChunk:
    """Consecutive rows of a sheet; see `rows.Chunk`."""

    def __init__(
        self,
        reader: SheetReader,
        rows: list[list[Any]],
        title: str,
        first: int,
        place: int,
        end: Position,
        consumed: int,
    ) -> None:
        self._reader, self._title = reader, title
        self.rows, self.end, self.consumed = len(rows), end, consumed
        self.texts: list[str | None] = []
        self.numbers: list[int] = []
        self.broken: list[RowError] = []
        self._rows: list[list[Any]] = []
        self._rejected: list[list[Any]] = []
        for number, row in enumerate(rows, first):
            value = row[reader._text]
            problem = _problem(value)
            if problem is not None:
                self.broken.append(
                    RowError(problem, file=title, row=number, line=place + number - first)
                )
                self._rejected.append(row)
                continue
            self.numbers.append(number)
            self._rows.append(row)
            self.texts.append(text_or_none(None if value is None else as_text(value)))

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Raise an error: `ToWorkbook` takes the values instead."""
        raise NotImplementedError

    def rejected(self) -> bytes:
        """Return the unreadable rows as lines of CSV."""
        return _csv([[as_text(cell) for cell in row] for row in self._rejected])

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row."""
        return [list(row) for row in self._rows]

    def column(self, name: str) -> list[Any]:
        """Return one cell of each readable row."""
        columns = self._reader.columns
        index = columns.index(find(columns, name, file=self._title))
        return [row[index] for row in self._rows]


def _problem(value: Any) -> str | None:
    """Say why a cell is no text. A number is accepted, as programs convert texts to numbers."""
    if isinstance(value, ErrorValue):
        return f"the text is the error {value}"
    if value is None or (isinstance(value, (str, int, float)) and value is not bool(value)):
        return None
    return f"the text is not a string but {type(value).__name__}"


def _is_empty(row: list[Any]) -> bool:
    return all(cell is None or cell == "" for cell in row)


def _csv(rows: list[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode(errors="backslashreplace")
