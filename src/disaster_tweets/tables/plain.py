"""Read plain text with one text per line; the output is a table of another format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.columns import is_usual
from disaster_tweets.tables.dialect import DELIMITERS, delimiter_name, sample
from disaster_tweets.tables.errors import ContentError, RowError
from disaster_tweets.tables.formats import JSONL, TSV, TXT
from disaster_tweets.tables.lines import Lines
from disaster_tweets.tables.rows import (
    NONE,
    STANDARD,
    Position,
    Reading,
    text_or_none,
)
from disaster_tweets.tables.source import Source
from disaster_tweets.tables.text_rows import TextChunk, TextReader

_FEWEST = 20  # minimum number of lines to judge by tabs alone
_MOST, _SOME = 0.9, 0.6  # shares of the lines


class PlainReader(TextReader):
    """Reads one text per line; see `rows.Reader`."""

    def __init__(self, reading: Reading, *others: Any, **options: Any) -> None:
        super().__init__(reading, *others, **options)
        self.columns = [reading.text_column or "text"]

    def check(self, source: Source) -> None:
        """Examine the beginning of a file; raise TableError if it is not plain text."""
        with source.open(TXT) as content:
            self._check(Lines(content, self._reading.encoding))

    def _check(self, lines: Lines) -> None:
        """Raise ContentError if the lines look like rows of a table with columns."""
        if self._reading.sure:
            return
        first = lines.beginning.split(lines.end)
        if not lines.complete:
            del first[-1:]
        whole = next((line for line in first if line.strip()), "")
        if whole.startswith("{") and _is_object(whole):
            raise ContentError(
                "looks like JSON Lines, not like plain text",
                file=lines.title,
                candidates=[JSONL],
            )
        for delimiter in DELIMITERS:
            cuts = [
                sample(first, lines.end, delimiter, quoting) for quoting in (NONE, STANDARD)
            ]
            table = max(cuts, key=lambda cut: cut.share)
            if table.columns < 2 or len(table.records) < 2:
                continue
            # A text of several lines or a broken row does not rule out a table.
            tabs = delimiter == "\t" and len(table.records) >= _FEWEST and table.share > _MOST
            named = any(map(is_usual, table.records[0])) and table.share > _SOME
            if tabs or named:
                raise ContentError(
                    f"looks like a table of {table.columns} columns that "
                    f"{delimiter_name(delimiter)} separate, not like plain text",
                    file=lines.title,
                    candidates=[TSV if delimiter == "\t" else "csv", TXT],
                )

    def chunks(self, source: Source, start: Position) -> Iterator[TextChunk]:
        """Read a file from a position on."""
        with source.open(TXT) as content:
            lines = Lines(content, self._reading.encoding, final=source is self._last)
            self.encoding = lines.encoding
            if not start.line:
                self._check(lines)
            lines.skip(start.offset, start.line)
            yield from self._chunks(lines, iter(lines), start)

    def _add(
        self, chunk: TextChunk, line: str, number: int, place: int, lines: Lines, rest: Any
    ) -> str:
        try:
            lines.check(line)
        except RowError as problem:
            chunk.reject(number, place, line + lines.ending, problem)
        else:
            text = line.removesuffix("\r")
            chunk.add(number, text_or_none(text), text, "", [text])
        return line


def _is_object(line: str) -> bool:
    try:
        json_rows.parse(line)
    except RowError:
        return False
    return True
