"""Write scored tables: in the format of the input, or in another one."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.arrow import import_arrow, score_columns
from disaster_tweets.tables.cells import as_json, as_text, typed
from disaster_tweets.tables.columns import check_room
from disaster_tweets.tables.errors import RowError, TableError
from disaster_tweets.tables.formats import ARROW, DELIMITED, JSON, JSONL, PARQUET, XLSX
from disaster_tweets.tables.objects import ObjectChunk, members
from disaster_tweets.tables.records import quoted
from disaster_tweets.tables.rows import Chunk, NewColumns, Reader, Score


class Writer:
    """Formats the output from the chunks of a reader.

    Args:
        reader: The reader of the table.
        new: The columns for the scores.
        title: The name of the first file in messages.
        header: The input table has a header.
    """

    def __init__(self, reader: Reader, new: NewColumns, title: str, header: bool) -> None:
        self._reader, self._new, self._title, self._header = reader, new, title, header
        self._kept: list[int] | None = None

    def header(self) -> Any:
        """Return the beginning of the output; known after the first chunk."""
        return b""

    def rows(self, chunk: Chunk, scores: Sequence[Score | None], *, first: bool) -> Any:
        """Return the readable rows of a chunk; ``first`` if no row was written before."""
        raise NotImplementedError

    def footer(self) -> Any:
        """Return the end of the output; known after the last chunk."""
        return b""

    @property
    def kept(self) -> list[int]:
        """The indices of the columns that stay."""
        if self._kept is None:
            columns = self._reader.columns
            check_room(self._new, columns, None, file=self._title)
            self._kept = [i for i, name in enumerate(columns) if name not in self._new.names]
        return self._kept

    @property
    def names(self) -> list[str]:
        """The names of all columns of the output."""
        return [*(self._reader.columns[i] for i in self.kept), *self._new.names]

    def check_names(self, format_: str) -> None:
        """Raise TableError if two columns would have the same name."""
        name, count = Counter(self.names).most_common(1)[0]
        if count > 1:
            raise TableError(
                f"{count} columns are named {name!r}, which {format_} cannot hold; rename them",
                file=self._title,
                column=name,
            )

    @contextmanager
    def _naming(self, row: int | None) -> Iterator[None]:
        """Name the row that holds a lone surrogate, which only JSON can spell."""
        try:
            yield
        except UnicodeEncodeError:
            raise RowError(
                "holds half of a surrogate pair, which only JSON can hold; "
                "name the output .json or .jsonl",
                file=self._title,
                row=row,
            ) from None


class SameFormat(Writer):
    """Writes the format of the input, and keeps every byte of its rows."""

    def header(self) -> Any:
        """Return the beginning of the table that the reader read."""
        return self._reader.header()

    def rows(self, chunk: Chunk, scores: Sequence[Score | None], *, first: bool) -> Any:
        """Return the original rows with their scores."""
        return chunk.scored(scores)

    def footer(self) -> Any:
        """Return the end of the table that the reader read."""
        return self._reader.footer()


class ToDelimited(Writer):
    """Writes delimited text in UTF-8."""

    def __init__(self, *arguments: Any, delimiter: str) -> None:
        super().__init__(*arguments)
        self._delimiter = delimiter

    def header(self) -> bytes:
        """Return the header line, unless the input table has none."""
        with self._naming(None):
            return self._record(self.names) if self._header else b""

    def rows(self, chunk: Chunk, scores: Sequence[Score | None], *, first: bool) -> bytes:
        """Return a record for each row."""
        kept = self.kept
        written = []
        for row, number, score in zip(chunk.values(), chunk.numbers, scores, strict=True):
            with self._naming(number):
                written.append(self._record([*(as_text(row[i]) for i in kept), *_added(score)]))
        return b"".join(written)

    def _record(self, fields: Sequence[str]) -> bytes:
        written = self._delimiter.join(quoted(field, self._delimiter) for field in fields)
        return f"{written}\n".encode()


class ToJson(Writer):
    """Writes JSON Lines, or a JSON array of objects."""

    def __init__(self, *arguments: Any, array: bool) -> None:
        super().__init__(*arguments)
        self._array = array

    def header(self) -> bytes:
        """Return the opening bracket of an array."""
        return b"[\n" if self._array else b""

    def rows(self, chunk: Chunk, scores: Sequence[Score | None], *, first: bool) -> bytes:
        """Return an object for each row."""
        objects = [json_rows.on_one_line(text) for text in self._objects(chunk, scores)]
        if not self._array:
            return "".join(f"{text}\n" for text in objects).encode()
        text = ",\n".join(objects)
        return (text if first or not text else f",\n{text}").encode()

    def footer(self) -> bytes:
        """Return the closing bracket of an array."""
        return b"\n]\n" if self._array else b""

    def _objects(self, chunk: Chunk, scores: Sequence[Score | None]) -> Iterable[str]:
        if isinstance(chunk, ObjectChunk):
            return chunk.objects(scores)
        self.check_names("JSON")
        kept, columns = self.kept, self._reader.columns
        names = [(json_rows.dump(columns[i]), i) for i in kept]
        written = []
        for row, score in zip(chunk.values(), scores, strict=True):
            cells = [f"{name}: {json_rows.dump(as_json(row[i]))}" for name, i in names]
            written.append("{" + ", ".join([*cells, members(self._new, score)]) + "}")
        return written


class ToColumnar(Writer):
    """Makes Arrow tables, for a Parquet or an Arrow file."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        (self._arrow,) = import_arrow()
        self._schema: Any = None

    def header(self) -> Any:
        """Return a table without rows."""
        return self.schema.empty_table()

    @property
    def schema(self) -> Any:
        """The schema of the output."""
        if self._schema is None:
            self.check_names("Parquet")
            arrow = self._arrow
            types = {
                "text": arrow.string(),
                "integer": arrow.int64(),
                "number": arrow.float64(),
                "boolean": arrow.bool_(),
                "json": arrow.string(),
            }
            kinds, columns = self._reader.kinds(), self._reader.columns
            self._kinds = [kinds.get(columns[i], "text") for i in self.kept]
            fields = [types[kind] for kind in self._kinds]
            fields += [arrow.float32(), arrow.string()]
            with self._naming(None):
                self._schema = arrow.schema(list(zip(self.names, fields, strict=True)))
        return self._schema

    def rows(self, chunk: Chunk, scores: Sequence[Score | None], *, first: bool) -> Any:
        """Return a table of the rows."""
        schema, rows = self.schema, chunk.values()
        columns = [
            self._column(chunk, rows, i, kind, field)
            for i, kind, field in zip(self.kept, self._kinds, schema, strict=False)
        ]
        columns += score_columns(scores)
        return self._arrow.Table.from_arrays(columns, schema=schema)

    def _column(
        self, chunk: Chunk, rows: list[list[Any]], index: int, kind: str, field: Any
    ) -> Any:
        values = []
        for row, number in zip(rows, chunk.numbers, strict=True):
            try:
                with self._naming(number):
                    value = typed(row[index], kind)
                    if isinstance(value, str):
                        value.encode()
                values.append(value)
            except ValueError:
                raise RowError(
                    f"column {field.name!r} holds {kind} in the rows before, and something "
                    "else here; read it from a file, not from a pipe",
                    file=self._title,
                    row=number,
                    column=field.name,
                ) from None
        return self._arrow.array(values, field.type)


class ToWorkbook(Writer):
    """Writes rows as lines of JSON, from which `parts` makes a workbook at the end."""

    def __init__(self, *arguments: Any) -> None:
        from disaster_tweets.tables.workbook import Checker

        super().__init__(*arguments)
        self._workbook = Checker(self._title)

    def header(self) -> bytes:
        """Return the header as a row of cells."""
        self._workbook.check(self.names, None)
        return _cells(self.names) if self._header else b""

    def rows(self, chunk: Chunk, scores: Sequence[Score | None], *, first: bool) -> bytes:
        """Return a line of cells for each row."""
        kept = self.kept
        rows = []
        for row, number, score in zip(chunk.values(), chunk.numbers, scores, strict=True):
            added = (
                (None, None) if score is None else (round(score.probability, 6), score.label)
            )
            cells = [*(_cell(row[i]) for i in kept), *added]
            self._workbook.check(cells, number)
            rows.append(_cells(cells))
        return b"".join(rows)


def _cell(value: Any) -> Any:
    """Return a value for a workbook cell; a number that Excel would alter becomes text."""
    if isinstance(value, json_rows.Number):
        digits = sum(character.isdigit() for character in value.lower().partition("e")[0])
        if digits > 15 or not math.isfinite(float(value)):
            return str(value)
        number = float(value)
        if Decimal(value) != Decimal(repr(number)):
            return str(value)
        return int(value) if value.removeprefix("-").isdecimal() else number
    if isinstance(value, float) and not math.isfinite(value):
        return None if value != value else str(value)
    return as_text(value) if isinstance(value, (list, dict)) else value


_TIMES: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "seconds": lambda seconds: timedelta(seconds=seconds),
}


def _cells(row: Sequence[Any]) -> bytes:
    """Return a row as a line of JSON; a time becomes an object with its type."""
    return (json.dumps(row, default=_time) + "\n").encode()


def _time(value: Any) -> dict[str, Any]:
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    kind = next(kind for kind in (datetime, date, time) if isinstance(value, kind))
    return {kind.__name__: value.isoformat()}


def cells_of(line: bytes) -> list[Any]:
    """Return the cells of a line that `ToWorkbook` wrote."""
    return [
        _TIMES[next(iter(value))](*value.values()) if isinstance(value, dict) else value
        for value in json.loads(line)
    ]


def writer_for(
    reader: Reader,
    read: str,
    written: str,
    new: NewColumns,
    title: str,
    *,
    header: bool,
    as_is: bool,
) -> Writer:
    """Return the writer for an output format.

    Args:
        reader: The reader of the table.
        read: The format of the input.
        written: The format of the output.
        new: The columns for the scores.
        title: The name of the first file in messages.
        header: The input table has a header.
        as_is: Text around the rows of a JSON document may stay unchanged.
    """
    table = reader, new, title, header
    if (read == written and read != XLSX and (as_is or read != JSON)) or (
        {read, written} <= {PARQUET, ARROW}
    ):
        return SameFormat(*table)
    if written in DELIMITED:
        return ToDelimited(*table, delimiter=DELIMITED[written])
    if written in (JSONL, JSON):
        return ToJson(*table, array=written == JSON)
    return ToWorkbook(*table) if written == XLSX else ToColumnar(*table)


def _added(score: Score | None) -> tuple[str, str]:
    return ("", "") if score is None else (f"{score.probability:.6f}", score.label)
