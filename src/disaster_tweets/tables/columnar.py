"""Read Parquet and Arrow files in batches of rows, and add the columns of the scores."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from disaster_tweets.tables import arrow as bridge
from disaster_tweets.tables.columns import find, shortened
from disaster_tweets.tables.errors import (
    ColumnError,
    DifferenceError,
    RowError,
)
from disaster_tweets.tables.formats import PARQUET
from disaster_tweets.tables.json_document import ARCHIVE_TEXTS
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    CHUNK_SIZE,
    Chunk,
    Position,
    Reader,
    Score,
    text_or_none,
)
from disaster_tweets.tables.source import Source

_FRAMES = {b"\x04\x22\x4d\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd"}  # by first bytes
# The keys of the metadata that hold a schema of their own.
_PANDAS, _SPARK = b"pandas", b"org.apache.spark.sql.parquet.row.metadata"
_BUFFER = 1 << 20  # bytes of a column in memory, instead of a whole row group


class _Layout(NamedTuple):
    """The schema of the input, its columns, and the schema of the output.

    Attributes:
        title: The name of the file in messages.
        input: The schema of the input.
        kept: The indices of the columns that stay.
        fields: The columns, and the fields of structs that the user asked for.
        text: The place of the texts.
        output: The schema of the output.
    """

    title: str
    input: Any
    kept: list[int]
    fields: list[bridge.Field]
    text: bridge.Place
    output: Any


class ColumnarReader(Reader):
    """Reads Parquet or Arrow files of one schema; see `rows.Reader`."""

    _layout: _Layout | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._arrow, self._parquet, self._ipc = bridge.import_arrow("parquet", "ipc")

    def check(self, source: Source) -> None:
        """Read the schema of a file; raise TableError if it does not fit."""
        with self._open(source) as file:
            self._begin(file, source.title)

    def _begin(self, file: _ParquetFile | _ArrowFile, title: str) -> _Layout:
        if self._layout is None:
            self._layout = self._laid_out(file.schema, title)
            self.columns = list(file.schema.names)
            self.compression = file.compression()
        elif not file.schema.equals(self._layout.input):
            raise DifferenceError(
                f"its schema differs from that of {self._layout.title}", file=title
            )
        return self._layout

    def header(self) -> Any:
        """Return an empty table with the output's schema."""
        assert self._layout is not None
        return self._arrow.Table.from_batches([], self._layout.output)

    def rejected_header(self) -> Any:
        """Return an empty table with the input's schema."""
        assert self._layout is not None
        return self._arrow.Table.from_batches([], self._layout.input)

    def chunks(self, source: Source, start: Position) -> Iterator[ColumnarChunk]:
        """Read a file from a row on."""
        size = source.size() or 0
        with self._open(source) as file:
            layout = self._begin(file, source.title)
            row = start.rows
            batches = file.batches(row)
            while True:
                with bridge.reading(source.title, self._what):
                    batch = next(batches, None)
                if batch is None:
                    break
                row += batch.num_rows
                chunk = ColumnarChunk(self, source.title)
                chunk.end = Position(start.input, row)
                chunk.consumed = size * row // max(file.rows, 1)
                chunk.fill(self._arrow, layout, batch)
                yield chunk

    @property
    def _what(self) -> str:
        return "Parquet" if self._reading.format == PARQUET else "Arrow"

    @contextmanager
    def _open(self, source: Source) -> Iterator[_ParquetFile | _ArrowFile]:
        with source.open(self._reading.format) as content:
            file: _ParquetFile | _ArrowFile
            with bridge.reading(source.title, self._what):
                if self._reading.format == PARQUET:
                    file = _ParquetFile(self._parquet, content.file)
                else:
                    file = _ArrowFile(self._ipc, content.file)
            yield file

    def _laid_out(self, schema: Any, title: str) -> _Layout:
        self._guess_inside(schema, title)
        fields = self._fields(schema)
        named = [field.path for field in fields]

        def check(path: str) -> None:
            column = fields[named.index(path)]
            if bridge.may_be_text(column.type):
                return
            inside = [
                field.path
                for field in bridge.fields(schema)
                if field.place[: len(column.place)] == column.place
                and bridge.is_text(field.type)
            ]
            hint = f"; a text in it has the path {inside[0]!r}" if inside else ""
            raise ColumnError(
                f"column {path!r} holds {column.type}, not texts{hint}",
                file=title,
                column=path,
                candidates=[*named, *inside],
            )

        def of_text() -> list[str]:
            return [field.path for field in fields if bridge.is_text(field.type)]

        text = fields[self._choose(named, title, of_text, named=True, check=check)]
        new = self._new.names if self._new else ()
        kept = [i for i, column in enumerate(schema.names) if column not in new]
        types = self._arrow.float32(), self._arrow.string()
        output = self._arrow.schema(
            [*(schema.field(i) for i in kept), *zip(new, types, strict=False)],
            _metadata(schema.metadata or {}, new),
        )
        return _Layout(title, schema, kept, fields, text.place, output)

    def _guess_inside(self, schema: Any, title: str) -> None:
        """Choose the texts in an only column of structs, as the readers of JSON do."""
        if self._reading.text_column is not None or len(schema.names) != 1:
            return
        texts = {field.path for field in bridge.fields(schema) if bridge.is_text(field.type)}
        for name in ARCHIVE_TEXTS:
            path = f"{schema.names[0]}.{name}"
            if path in texts:
                self._reading = replace(self._reading, text_column=path)
                self._notify(f"{title}: the texts are taken from {shortened(path)}")
                return

    def _fields(self, schema: Any) -> list[bridge.Field]:
        """Return all columns, and the fields of structs that the user asked for.

        If something that the user asked for does not exist, all fields count, for the message.
        """
        fields = list(bridge.fields(schema))
        names = self._reading.text_column, *self._reading.other_columns
        asked = {name.strip() for name in names if name is not None}
        if not asked <= {field.path.strip() for field in fields}:
            return fields
        return [f for f in fields if len(f.place) == 1 or f.path.strip() in asked]


def _metadata(old: dict[bytes, bytes], new: Collection[str]) -> dict[bytes, bytes]:
    """Return the metadata of the output, without what it says about replaced columns."""
    metadata = {key: value for key, value in old.items() if key != _SPARK or not new}
    if _PANDAS in metadata:
        try:
            pandas = json.loads(metadata[_PANDAS])
            pandas["index_columns"] = [i for i in pandas["index_columns"] if i not in new]
            pandas["columns"] = [
                column
                for column in pandas["columns"]
                if column.get("field_name", column["name"]) not in new
            ]
            metadata[_PANDAS] = json.dumps(pandas).encode()
        except (ValueError, LookupError, TypeError, AttributeError):
            del metadata[_PANDAS]  # pandas could not read it either
    return metadata


class _ParquetFile:
    def __init__(self, parquet: Any, file: Any) -> None:
        # Spark stores dates as INT96, and some do not fit into nanoseconds.
        self._file = parquet.ParquetFile(
            file, buffer_size=_BUFFER, pre_buffer=False, coerce_int96_timestamp_unit="us"
        )
        self.schema = self._file.schema_arrow
        self.rows = self._file.metadata.num_rows

    def batches(self, skip: int) -> Iterator[Any]:
        metadata = self._file.metadata
        groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        first = 0
        while first < len(groups) and groups[first].num_rows <= skip:
            skip -= groups[first].num_rows
            first += 1
        row_bytes = sum(group.total_byte_size for group in groups) // max(self.rows, 1)
        for batch in self._file.iter_batches(
            batch_size=min(CHUNK_ROWS, CHUNK_SIZE // max(row_bytes, 1) + 1),
            row_groups=range(first, len(groups)),
        ):
            rest = batch.slice(min(skip, batch.num_rows))
            skip -= batch.num_rows - rest.num_rows
            if rest.num_rows:
                yield rest

    def compression(self) -> dict[str, str]:
        metadata = self._file.metadata
        if not metadata.num_row_groups:
            return {}
        group = metadata.row_group(0)
        columns = [group.column(index) for index in range(group.num_columns)]
        return {column.path_in_schema: _codec(column.compression) for column in columns}


class _ArrowFile:
    def __init__(self, ipc: Any, file: Any) -> None:
        beginning = file.read(6)
        file.seek(0)
        self._ipc, self._file = ipc, file
        self._random = beginning == b"ARROW1"
        self._reader = ipc.open_file(file) if self._random else ipc.open_stream(file)
        self.schema = self._reader.schema
        self.rows = sum(batch.num_rows for batch in self._batches()) if self._random else 0

    def _batches(self) -> Iterator[Any]:
        if not self._random:
            return iter(self._reader)
        return map(self._reader.get_batch, range(self._reader.num_record_batches))

    def batches(self, skip: int) -> Iterator[Any]:
        for batch in self._batches():
            batch.validate(full=True)  # its offsets stay inside it
            rest = batch.slice(min(skip, batch.num_rows))
            skip -= batch.num_rows - rest.num_rows
            size = min(
                CHUNK_ROWS, CHUNK_SIZE * max(batch.num_rows, 1) // (batch.nbytes + 1) + 1
            )
            for first in range(0, rest.num_rows, size):
                yield rest.slice(first, size)

    def compression(self) -> str | None:
        """Return the codec of the first batch with rows; PyArrow does not expose it."""
        self._file.seek(8 if self._random else 0)
        try:
            for message in self._ipc.MessageReader.open_stream(self._file):
                if message.type == "record batch" and message.body:
                    # A compressed buffer is its length in 8 bytes, and a frame.
                    return _FRAMES.get(message.body[8:12].to_pybytes())
        except Exception:  # the output then gets PyArrow's default codec
            return None
        finally:
            self._file.seek(0)
        return None


def _codec(compression: str) -> str:
    return "NONE" if compression == "UNCOMPRESSED" else str(compression)


class ColumnarChunk(Chunk):
    """Consecutive rows of a Parquet or Arrow file; see `rows.Chunk`."""

    def fill(self, arrow: Any, layout: _Layout, batch: Any) -> None:
        """Add the rows of a batch."""
        self._arrow, self._layout, self._batch = arrow, layout, batch
        self.rows = batch.num_rows
        self._broken: list[bool] = []
        first = self.end.rows - batch.num_rows + 1
        values = bridge.texts(bridge.column_at(batch, layout.text))
        if all(value is None or isinstance(value, str) for value in values):
            self.numbers = list(range(first, first + self.rows))
            self.texts = [text_or_none(value) for value in values]
            return
        for number, value in enumerate(values, first):
            readable = value is None or isinstance(value, str)
            self._broken.append(not readable)
            if readable:
                self.numbers.append(number)
                self.texts.append(text_or_none(value))
                continue
            problem = (
                "not valid UTF-8"
                if isinstance(value, bridge.Unreadable)
                else f"the text is not a string but {type(value).__name__}"
            )
            self.broken.append(RowError(problem, file=self._title, row=number))

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with the columns of the scores."""
        readable = self._take(False)
        columns = [readable.column(index) for index in self._layout.kept]
        columns += bridge.score_columns(scores)
        return self._arrow.Table.from_arrays(columns, schema=self._layout.output)

    def rejected(self) -> Any:
        """Return the unreadable rows."""
        return self._take(True)

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row."""
        names = self._reader.columns
        columns = [self._plain((index,), name) for index, name in enumerate(names)]
        return [list(row) for row in zip(*columns, strict=True)]

    def column(self, name: str) -> list[Any]:
        """Return one cell of each readable row."""
        fields = self._layout.fields
        named = [field.path for field in fields]
        index = named.index(find(named, name, file=self._title))
        return self._plain(fields[index].place, name)

    def _plain(self, place: bridge.Place, name: str) -> list[Any]:
        values = bridge.plain(bridge.column_at(self._take(False), place))
        for number, value in zip(self.numbers, values, strict=True):
            if isinstance(value, bridge.Unreadable):
                raise RowError(
                    f"column {name!r} holds a value that is no text, and that no other format "
                    "can hold; write Parquet or Arrow, or drop the column",
                    file=self._title,
                    row=number,
                    column=name,
                )
        return values

    def _take(self, broken: bool) -> Any:
        """Return the broken or the readable rows: as a table, or as a batch if they are all."""
        if not self.broken and not broken:
            return self._batch
        # Some types cannot be filtered, but every type can be sliced.
        slices = []
        first = 0
        for each, run in groupby(self._broken):
            count = len(list(run))
            if each == broken:
                slices.append(self._batch.slice(first, count))
            first += count
        return self._arrow.Table.from_batches(slices, self._layout.input)
