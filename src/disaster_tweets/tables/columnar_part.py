"""Write Parquet and Arrow files as a folder of pieces, which are merged at the end."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from disaster_tweets.tables.arrow import import_arrow, reason
from disaster_tweets.tables.errors import WriteError
from disaster_tweets.tables.formats import PARQUET
from disaster_tweets.tables.parts import Part, lock, put_in_place, shorter, writing

_GROUP_ROWS, _GROUP_BYTES = 1 << 16, 1 << 26  # largest row group of the output


class ColumnarPart(Part):
    """An unfinished file: a folder of Arrow files, which keep every type.

    The length is the number of files in the folder.

    Args:
        path: The path of the folder until the file is finished.
        target: The path of the finished file.
        format_: ``"parquet"`` or ``"arrow"``.
        compression: Called at the end. Returns the codecs by column for Parquet, one codec for
            Arrow, or None for the default.
    """

    def __init__(
        self, path: Path, target: Path, format_: str, compression: Callable[[], Any]
    ) -> None:
        self.path, self._target, self._format = path, target, format_
        self._compression = compression
        self._arrow, self._parquet, self._ipc = import_arrow("parquet", "ipc")
        self._length = 0
        self._descriptor: int | None = None  # of the folder, which holds the lock

    def write(self, table: Any) -> None:
        """Append a file with the rows of ``table``."""
        if self._format == PARQUET:
            table = self._storable(table)
        if not self._length:
            self._check_types(table.schema)
        self._store(table)
        self._length += 1

    def _store(self, table: Any) -> None:
        with writing(self.path):
            if not self._length:
                self.path.mkdir(exist_ok=True)
            self._lock()
            with self._file(self._length).open("wb") as file:
                with self._ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
                file.flush()
                os.fsync(file.fileno())

    def _storable(self, table: Any) -> Any:
        """Return the table with dictionaries of strings instead of string views."""
        for index, field in enumerate(table.schema):
            if str(field.type).startswith("dictionary<values=string_view"):
                values = self._arrow.array(
                    table.column(index).to_pylist(), self._arrow.string()
                )
                kind = self._arrow.dictionary(self._arrow.int32(), self._arrow.string())
                table = table.set_column(index, field.with_type(kind), values.cast(kind))
        return table

    def _check_types(self, schema: Any) -> None:
        """Raise WriteError before any work if the format lacks a type of the schema."""
        if self._format != PARQUET:
            return
        try:
            self._paths(schema)
        except (self._arrow.ArrowException, NotImplementedError) as error:
            raise WriteError(
                f"Parquet cannot hold one of the columns ({reason(error)}); write .arrow, or "
                "drop it",
                file=str(self._target),
            ) from None

    def sync(self) -> int:
        """Return the number of files; each file was flushed when it was written."""
        return self._length

    def resume(self, length: int) -> None:
        """Continue after the first ``length`` files; later files are overwritten."""
        if not all(self._file(number).is_file() for number in range(length)):
            raise shorter(self.path)
        self._lock()
        self._length = length

    def _lock(self) -> None:
        if self._descriptor is None and os.name != "nt":
            self._descriptor = os.open(self.path, os.O_RDONLY)
            lock(self._descriptor, self.path)

    def complete(self) -> None:
        """Merge the files into larger row groups."""
        if not self._length:
            return
        try:
            with writing(self.path), self._merged.open("wb") as file:
                self._merge(file)
                file.flush()
                os.fsync(file.fileno())
        except self._arrow.ArrowException as error:
            raise WriteError(
                f"a file in it is damaged or cannot be written as {self._format} "
                f"({reason(error)}); delete the folder to start anew",
                file=str(self.path),
            ) from None

    def _merge(self, file: Any) -> None:
        with self._writer(file, self._read(0).schema) as writer:
            for table in self._groups():
                writer.write_table(table)

    def _writer(self, file: Any, schema: Any) -> Any:
        compression = self._compression()
        if self._format == PARQUET:
            usual = compression if isinstance(compression, dict) and compression else "snappy"
            if isinstance(usual, dict):  # the new columns get the codec of the first column
                first = next(iter(usual.values()))
                paths = self._paths(schema)
                usual = {path: usual.get(path, first) for path in paths}
            return self._parquet.ParquetWriter(file, schema, compression=usual)
        codec = compression if isinstance(compression, str) else None
        options = self._ipc.IpcWriteOptions(compression=codec, unify_dictionaries=True)
        return self._ipc.new_file(file, schema, options=options)

    def _paths(self, schema: Any) -> list[str]:
        """Return the columns of a Parquet file, also nested, as its metadata names them."""
        sink = self._arrow.BufferOutputStream()
        with self._parquet.ParquetWriter(sink, schema):
            pass
        metadata = self._parquet.ParquetFile(self._arrow.BufferReader(sink.getvalue())).metadata
        columns = range(metadata.num_columns)
        return [metadata.schema.column(index).path for index in columns]

    def finish(self) -> None:
        """Put the merged file in place."""
        if self._length:
            with writing(self.path):
                put_in_place(self._merged, self._target)

    def close(self) -> None:
        """Close the folder; no file in it is open between two writes."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self) -> None:
        """Remove the folder, if it exists.

        The folder is renamed first, because a half-removed folder could not be resumed.
        """
        doomed = self.path.with_name(f"{self.path.name}.old")
        with writing(self.path):
            if doomed.is_dir():
                shutil.rmtree(doomed)
            if self.path.is_dir():
                self.path.rename(doomed)
                shutil.rmtree(doomed)

    def _groups(self) -> Iterator[Any]:
        """Yield tables of the size of a row group."""
        if self._format != PARQUET and _has_dictionary(self._read(0).schema):
            # An Arrow file has one dictionary per column, which is complete only after all
            # rows.
            whole = [self._read(number) for number in range(self._length)]
            yield self._arrow.concat_tables(whole).unify_dictionaries()
            return
        tables: list[Any] = []
        rows = size = 0
        for number in range(self._length):
            table = self._read(number)
            if tables and (
                rows + table.num_rows > _GROUP_ROWS or size + table.nbytes > _GROUP_BYTES
            ):
                yield self._arrow.concat_tables(tables)
                tables, rows, size = [], 0, 0
            tables.append(table)
            rows += table.num_rows
            size += table.nbytes
        yield self._arrow.concat_tables(tables)

    def _read(self, number: int) -> Any:
        with self._file(number).open("rb") as file:
            return self._ipc.open_file(file).read_all()

    def _file(self, number: int) -> Path:
        return self.path / f"{number:06}.arrow"

    @property
    def _merged(self) -> Path:
        return self.path / f"merged.{self._format}"


class MemoryPart(ColumnarPart):
    """The same in memory, for a file that no disk is to hold.

    Args:
        target: What messages call the file.
        format_: As for `ColumnarPart`.
        compression: As for `ColumnarPart`.
    """

    def __init__(self, target: Path, format_: str, compression: Callable[[], Any]) -> None:
        super().__init__(target, target, format_, compression)
        self._tables: list[Any] = []

    def _store(self, table: Any) -> None:
        self._tables.append(table)

    def _read(self, number: int) -> Any:
        return self._tables[number]

    def content(self) -> bytes:
        """Return the file; there must have been a write."""
        file = io.BytesIO()
        self._merge(file)
        return file.getvalue()


def _has_dictionary(schema: Any) -> bool:
    return any("dictionary<" in str(field.type) for field in schema)
