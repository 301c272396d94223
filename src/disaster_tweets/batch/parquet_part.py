"""Unfinished Parquet files; pyarrow is imported only here, and only when asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from disaster_tweets.batch import FileError
from disaster_tweets.batch.part import shorter, writing
from disaster_tweets.errors import DISTRIBUTION

_GROUP_ROWS, _GROUP_BYTES = 1 << 16, 1 << 26  # of a row group of the output, at most


class ParquetPart:
    """An unfinished Parquet file: a folder of complete ones, which are merged at the end.

    Its length is the number of these files.
    """

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self._target = path, target
        self._arrow, self._parquet = import_pyarrow()
        self._length = 0

    def write(self, table: Any) -> None:
        """Append a file with the rows of ``table``."""
        with writing(self.path):
            if not self._length:
                self.path.mkdir(exist_ok=True)
            with self._file(self._length).open("wb") as file:
                self._parquet.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
        self._length += 1

    def sync(self) -> int:
        """Return the number of files; each was stored when it was written."""
        return self._length

    def resume(self, length: int) -> None:
        """Go on after the first ``length`` files; what follows them is overwritten."""
        if not all(self._file(number).is_file() for number in range(length)):
            raise shorter(self.path)
        self._length = length

    def complete(self) -> None:
        """Merge the files, into larger row groups."""
        if not self._length:
            return
        try:
            with writing(self.path), self._merged.open("wb") as file:
                schema = self._parquet.read_schema(self._file(0))
                with self._parquet.ParquetWriter(file, schema) as writer:
                    for table in self._groups():
                        writer.write_table(table)
                file.flush()
                os.fsync(file.fileno())
        except self._arrow.ArrowException:
            raise FileError(
                f"{self.path}: a file in it is damaged; delete the folder to start anew"
            ) from None

    def finish(self) -> None:
        """Put the merged file in place."""
        if self._length:
            with writing(self.path):
                self._merged.replace(self._target)

    def close(self) -> None:
        """Do nothing: no file is open between two writes."""

    def discard(self) -> None:
        """Remove the folder, if it is there.

        It gets another name first: one that a kill left half empty could not be resumed.
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
        tables: list[Any] = []
        rows = size = 0
        for number in range(self._length):
            table = self._parquet.read_table(self._file(number), memory_map=False)
            if tables and (
                rows + table.num_rows > _GROUP_ROWS or size + table.nbytes > _GROUP_BYTES
            ):
                yield self._arrow.concat_tables(tables)
                tables, rows, size = [], 0, 0
            tables.append(table)
            rows += table.num_rows
            size += table.nbytes
        yield self._arrow.concat_tables(tables)

    def _file(self, number: int) -> Path:
        return self.path / f"{number:06}.parquet"

    @property
    def _merged(self) -> Path:
        return self.path / "merged.parquet"


def import_pyarrow() -> tuple[Any, Any]:
    """Return the modules pyarrow and pyarrow.parquet; FileError where they are missing."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise FileError(
            f'Parquet needs pyarrow; install it with pip install "{DISTRIBUTION}[parquet]"'
        ) from None
