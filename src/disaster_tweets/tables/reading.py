"""Open a table with the reader of its format."""

from __future__ import annotations

from typing import Any

from disaster_tweets.tables import formats
from disaster_tweets.tables.errors import ColumnError
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    NewColumns,
    Notify,
    Position,
    Reader,
    Reading,
)
from disaster_tweets.tables.source import Source


def open_table(
    reading: Reading,
    new: NewColumns | None,
    notify: Notify,
    last: Source,
    *,
    tabular: bool = False,
    chunk_rows: int = CHUNK_ROWS,
) -> Reader:
    """Return the reader of a table.

    Args:
        reading: The format and the options.
        new: The columns for the scores, if there are any.
        notify: Receives a line about each assumption.
        last: The last file of the table.
        tabular: The caller will ask for cell values, with the same columns in all rows.
        chunk_rows: The number of rows of a chunk, in a text format.

    Raises:
        MissingLibraryError: The library for the format is not installed.
    """
    # Imports are local, so that a command starts fast.
    opened: type[Reader]
    if reading.format in formats.DELIMITED:
        from disaster_tweets.tables.delimited import DelimitedReader

        opened = DelimitedReader
    elif reading.format == formats.JSONL:
        from disaster_tweets.tables.json_lines import JsonLinesReader

        opened = JsonLinesReader
    elif reading.format == formats.JSON:
        from disaster_tweets.tables.json_file import JsonFileReader

        opened = JsonFileReader
    elif reading.format == formats.TXT:
        from disaster_tweets.tables.plain import PlainReader

        opened = PlainReader
    elif reading.format == formats.XLSX:
        from disaster_tweets.tables.sheet import SheetReader

        opened = SheetReader
    else:
        from disaster_tweets.tables.columnar import ColumnarReader

        opened = ColumnarReader
    return opened(reading, new, notify, last, tabular=tabular, chunk_rows=chunk_rows)


def read_columns(name: str, reading: Reading | None = None) -> dict[str, list[Any]]:
    """Return all columns of a table, for a data frame.

    Args:
        name: The name of a file.
        reading: Options for reading; None to take the format from the name.

    Returns:
        The cells of each column: texts for delimited text, otherwise typed values.

    Raises:
        TableError: The file or a row cannot be read, or two columns have the same name.
    """
    if reading is None:
        reading = Reading(formats.named_format(name))
    source = Source(name)
    table = open_table(reading, None, lambda notice: None, source, tabular=True)
    table.check(source)
    columns: dict[str, list[Any]] = {column: [] for column in table.columns}
    if len(columns) < len(table.columns):
        raise ColumnError("several columns have the same name", file=name)
    for chunk in table.chunks(source, Position()):
        if chunk.broken:
            raise chunk.broken[0]
        for row in chunk.values():
            for cells, cell in zip(columns.values(), row, strict=True):
                cells.append(cell)
    return columns
