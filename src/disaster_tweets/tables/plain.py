"""Read plain text with one text per line; the output is a table of another format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.columns import is_usual
from disaster_tweets.tables.dialect import DELIMITERS, delimiter_name, sample
from disaster_tweets.tables.errors import ContentError, RowError
from disaster_tweets.tables.formats import JSONL, TSV, TXT
from disaster_tweets.tables.lines import Lines, Undecodable, encoded, size_of
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    CHUNK_SIZE,
    NONE,
    STANDARD,
    NewColumns,
    Notify,
    Position,
    Reading,
    Score,
    TextChunk,
    text_or_none,
)
from disaster_tweets.tables.source import Source

_FEWEST = 20  # minimum number of lines to judge by tabs alone
_MOST, _SOME = 0.9, 0.6  # shares of the lines


class PlainReader:
    """Reads one text per line; see `rows.Reader`."""

    def __init__(
        self, reading: Reading, new: NewColumns | None, notify: Notify, last: Source
    ) -> None:
        self._reading, self._last = reading, last
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

    def header(self) -> bytes:
        """Return nothing."""
        return b""

    def footer(self) -> bytes:
        """Return nothing."""
        return b""

    def rejected_header(self) -> bytes:
        """Return nothing: lines need no header."""
        return b""

    def chunks(self, source: Source, start: Position) -> Iterator[PlainChunk]:
        """Read a file from a position on."""
        with source.open(TXT) as content:
            lines = Lines(content, self._reading.encoding)
            if not start.line:
                self._check(lines)
            lines.skip(start.offset, start.line)
            number, offset = start.rows, start.offset or len(lines.encoding.mark)
            last = source is self._last
            chunk, size = PlainChunk(lines, last), 0
            for line in lines:
                number += 1
                chunk.add(number, line)
                size += len(line)
                offset += size_of(line) + (not lines.unended)
                if chunk.rows == CHUNK_ROWS or size >= CHUNK_SIZE:
                    end = Position(start.input, number, number, offset)
                    chunk.finish(end, lines.consumed(offset))
                    yield chunk
                    chunk, size = PlainChunk(lines, last), 0
            end = Position(start.input, number, number, offset)
            chunk.finish(end, lines.consumed(offset))
            yield chunk


def _is_object(line: str) -> bool:
    try:
        json_rows.parse(line)
    except RowError:
        return False
    return True


class PlainChunk(TextChunk):
    """Consecutive lines of a file; see `rows.Chunk`."""

    def __init__(self, lines: Lines, last: bool) -> None:
        super().__init__()
        self._lines, self._last = lines, last
        self._values: list[str] = []

    def add(self, number: int, line: str) -> None:
        """Add a line."""
        misplaced = self._lines.end == "\r" and "\n" in line
        if misplaced or isinstance(line, Undecodable):
            tried = [] if misplaced else self._lines.encodings_to_try(line)
            problem = RowError(
                "a line feed, but carriage returns end the lines"
                if misplaced
                else "not valid UTF-8",
                file=self._lines.title,
                row=number,
                line=number,
                candidates=tried,
            )
            unended = self._lines.unended and self._last
            self.reject(line if unended else line + self._lines.end, problem)
            return
        text = line.removesuffix("\r")
        self.take(number, text_or_none(text))
        self._values.append(text)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Raise an error: plain text has no place for scores."""
        raise NotImplementedError

    def rejected(self) -> bytes:
        """Return the unreadable lines unchanged."""
        return encoded("".join(self._rejected), self._lines.encoding, self._lines.title)

    def values(self) -> list[list[Any]]:
        """Return the text of each readable line."""
        return [[text] for text in self._values]

    def column(self, name: str) -> list[Any]:
        """Return the text of each readable line."""
        return list(self._values)
