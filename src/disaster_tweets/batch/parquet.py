"""Parquet: batches of rows are read, and get two columns more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from disaster_tweets.batch import FileError
from disaster_tweets.batch.columns import broken_file, check_new_columns, choose_text_column
from disaster_tweets.batch.parquet_part import import_pyarrow
from disaster_tweets.batch.rows import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    NOT_UTF8,
    BrokenRow,
    Options,
    Position,
    Rejected,
    Score,
)
from disaster_tweets.batch.source import Source

_BUFFER = 1 << 20  # bytes read of a column at a time, instead of all of a row group


class _Layout(NamedTuple):
    """The columns: all of the input, those kept, the text, and those of the output."""

    input: Any
    kept: list[int]
    text: int
    output: Any


class ParquetReader:
    """Reads Parquet files of one schema."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._arrow, self._parquet = import_pyarrow()
        self._layout: _Layout | None = None

    def check(self, source: Source) -> None:
        """Read the schema of a file; FileError if it does not fit."""
        with self._open(source) as file:
            schema = file.schema_arrow
        if self._layout is None:
            self._layout = self._choose(schema, source)
        elif not schema.equals(self._layout.input):
            raise FileError(
                f"{source.title}: its schema differs from that of the other files; "
                "score it on its own"
            )

    def head(self) -> Any:
        """Return a table of the output that has no rows."""
        assert self._layout is not None
        return self._layout.output.empty_table()

    def rejected_head(self) -> Any:
        """Return a table of the input that has no rows."""
        assert self._layout is not None
        return self._layout.input.empty_table()

    def chunks(self, source: Source, start: Position) -> Iterator[ParquetChunk]:
        """Read a file from a row on."""
        assert self._layout is not None
        size = source.size() or 0
        with self._open(source) as file:
            total = file.metadata.num_rows
            row = start.rows
            for batch in self._batches(file, row):
                place = f"{source.title}, row "
                row += batch.num_rows
                end = Position(start.input, row)
                yield ParquetChunk(
                    self._arrow, self._layout, batch, place, end, size * row // max(total, 1)
                )

    def _batches(self, file: Any, skip: int) -> Iterator[Any]:
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
        first = 0
        while first < len(groups) and groups[first].num_rows <= skip:
            skip -= groups[first].num_rows
            first += 1
        row_bytes = sum(group.total_byte_size for group in groups) // max(
            file.metadata.num_rows, 1
        )
        for batch in file.iter_batches(
            batch_size=min(CHUNK_ROWS, CHUNK_BYTES // max(row_bytes, 1) + 1),
            row_groups=range(first, len(groups)),
        ):
            rest = batch.slice(min(skip, batch.num_rows))
            skip -= batch.num_rows - rest.num_rows
            if rest.num_rows:
                yield rest

    @contextmanager
    def _open(self, source: Source) -> Iterator[Any]:
        if source.size() is None:
            raise FileError(f"{source.title}: not a regular file, which Parquet has to be")
        try:
            with self._parquet.ParquetFile(
                source.name, buffer_size=_BUFFER, pre_buffer=False
            ) as file:
                yield file
        except (self._arrow.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise FileError(
                f"{source.title}: cannot be read as Parquet ({reason}); "
                "check its permissions, or get it anew"
            ) from None

    def _choose(self, schema: Any, source: Source) -> _Layout:
        strings = [field.name for field in schema if self._is_string(field.type)]
        try:
            name = choose_text_column(self._options.text_column, schema.names, strings)
            check_new_columns(self._options, schema.names, name)
            text = schema.get_field_index(name)
            self._check_type(schema.field(text))
        except BrokenRow as problem:
            raise broken_file(source, problem) from None
        new = self._options.new_columns
        kept = [i for i, column in enumerate(schema.names) if column not in new]
        types = self._arrow.float32(), self._arrow.string()
        output = self._arrow.schema(
            [*(schema.field(i) for i in kept), *zip(new, types, strict=True)], schema.metadata
        )
        return _Layout(schema, kept, text, output)

    def _check_type(self, field: Any) -> None:
        types = self._arrow.types
        # A column without any text may have been stored as nulls, or as floats: as NaN.
        if not (
            self._is_string(field.type)
            or types.is_null(field.type)
            or types.is_floating(field.type)
        ):
            raise BrokenRow(
                f"column {field.name!r} holds {field.type}, not strings; "
                "choose another with --text-column"
            )

    def _is_string(self, kind: Any) -> bool:
        types = self._arrow.types
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return str(kind) in ("string", "large_string", "string_view")


class ParquetChunk:
    """Some rows of a Parquet file; see `rows.Chunk`."""

    def __init__(
        self, arrow: Any, layout: _Layout, batch: Any, place: str, end: Position, consumed: int
    ) -> None:
        self._arrow, self._layout, self._batch = arrow, layout, batch
        self.rows, self.end, self.consumed = batch.num_rows, end, consumed
        self.texts: list[str | None] = []
        self.broken: list[Rejected] = []
        self._broken: list[bool] = []
        first = end.rows - batch.num_rows + 1
        for number, value in enumerate(_python_values(batch.column(layout.text)), first):
            try:
                self.texts.append(_text(value))
                self._broken.append(False)
            except BrokenRow as problem:
                self.broken.append(Rejected(f"{place}{number}", str(problem)))
                self._broken.append(True)

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with two more columns."""
        readable = self._take(False)
        columns = [readable.column(index) for index in self._layout.kept]
        probabilities = [score and score.probability for score in scores]
        labels = [score and score.label for score in scores]
        return self._arrow.Table.from_arrays(
            [
                *columns,
                self._arrow.array(probabilities, self._arrow.float32()),
                self._arrow.array(labels, self._arrow.string()),
            ],
            schema=self._layout.output,
        )

    def rejected(self) -> Any:
        """Return the broken rows."""
        return self._arrow.Table.from_batches([self._take(True)], self._layout.input)

    def _take(self, broken: bool) -> Any:
        if not self.broken:
            return self._batch.slice(0, 0) if broken else self._batch
        return self._batch.filter(self._arrow.array([each == broken for each in self._broken]))


def _python_values(column: Any) -> Iterator[Any]:
    """Yield the values; a BrokenRow in place of a string that is none."""
    try:
        yield from column.to_pylist()
        return
    except UnicodeDecodeError:
        pass  # nothing was yielded yet
    for value in column:
        try:
            yield value.as_py()
        except UnicodeDecodeError:
            yield BrokenRow(NOT_UTF8)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, BrokenRow):
        raise value
    if value != value:  # NaN
        return None
    raise BrokenRow(f"the text is not a string but {type(value).__name__}")
