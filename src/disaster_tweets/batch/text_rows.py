"""Rows of bytes and lines: what the text formats share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from disaster_tweets.batch.rows import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    Chunk,
    Options,
    Position,
    Rejected,
    Score,
)
from disaster_tweets.batch.source import Source, Stream


@dataclass
class Row:
    """A record of a text format.

    Attributes:
        raw: Its bytes, with the line ending.
        line: The number of its first line.
        number: Its number among the rows of the file, from 1; 0 for a blank line.
        record: What it was parsed to.
        text: Its text; None where that is missing.
        problem: Why it cannot be read, if so.
    """

    raw: bytes
    line: int
    number: int = 0
    record: Any = None
    text: str | None = None
    problem: str | None = None


class TextReader(ABC):
    """Reads a format of bytes and lines; `rows` and `render` know which."""

    def __init__(self, options: Options, last: Source) -> None:
        self.options = options
        self._last = last

    @abstractmethod
    def begin(self, stream: Stream) -> None:
        """Read what stands before the first row."""

    @abstractmethod
    def rows(self, stream: Stream, number: int) -> Iterator[Row]:
        """Read the rows that follow row ``number``."""

    @abstractmethod
    def render(self, row: Row, score: Score | None) -> bytes:
        """Return a row with its score, or with two empty values."""

    @abstractmethod
    def head(self) -> bytes:
        """Return what the output begins with."""

    @abstractmethod
    def rejected_head(self) -> bytes:
        """Return what the file of the rejected rows begins with."""

    def check(self, source: Source) -> None:
        """Read the beginning of a file; FileError if nothing can be read after it."""
        with source.open() as stream:
            self.begin(stream)

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""
        with source.open() as stream:
            self.begin(stream)
            stream.seek(start.offset, start.line)
            number, rows, size = start.rows, list[Row](), 0
            for row in self.rows(stream, number):
                number = row.number or number
                rows.append(self._ended(row, source))
                size += len(row.raw)
                if len(rows) == CHUNK_ROWS or size >= CHUNK_BYTES:
                    yield TextChunk(self, rows, stream, Position(start.input, number))
                    rows, size = [], 0
            yield TextChunk(self, rows, stream, Position(start.input, number))

    def _ended(self, row: Row, source: Source) -> Row:
        """End the last line of a file that another follows."""
        if not row.raw.endswith(b"\n") and source is not self._last:
            row.raw += b"\n"
        return row


class TextChunk:
    """Some rows of a text format; see `Chunk`."""

    def __init__(
        self, reader: TextReader, rows: list[Row], stream: Stream, end: Position
    ) -> None:
        self._reader, self._rows = reader, rows
        readable = [row for row in rows if row.number and row.problem is None]
        self.texts = [row.text for row in readable]
        self.broken = [
            Rejected(f"{stream.source.title}, row {row.number} (line {row.line})", row.problem)
            for row in rows
            if row.problem is not None
        ]
        self.rows = len(readable) + len(self.broken)
        self.consumed = stream.consumed
        self.end = Position(end.input, end.rows, stream.line, stream.offset)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows, and the blank lines between them."""
        remaining = iter(scores)
        return b"".join(
            self._reader.render(row, next(remaining)) if row.number else row.raw
            for row in self._rows
            if row.problem is None
        )

    def rejected(self) -> bytes:
        """Return the bytes of the broken rows."""
        return b"".join(row.raw for row in self._rows if row.problem is not None)


def body_and_ending(raw: bytes) -> tuple[bytes, bytes]:
    """Split a record from its line ending."""
    body = raw.rstrip(b"\r\n")
    return body, raw[len(body) :]
