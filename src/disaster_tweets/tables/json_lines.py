"""Read JSON Lines; each object stays unchanged and gets two more keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.encoding import UTF8, Encoding
from disaster_tweets.tables.errors import DifferenceError, RowError
from disaster_tweets.tables.formats import JSONL
from disaster_tweets.tables.lines import Lines, Undecodable, encoded, size_of
from disaster_tweets.tables.objects import CHOSEN_OVER, ObjectChunk, ObjectReader
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    CHUNK_SIZE,
    Position,
    Score,
)
from disaster_tweets.tables.source import Source

_BLANK = " \t\r"


class JsonLinesReader(ObjectReader):
    """Reads one object per line and keeps blank lines; see `rows.Reader`."""

    _encoding: Encoding | None = None

    def check(self, source: Source) -> None:
        """Choose the key of the texts; for tabular output collect all keys."""
        with source.open(JSONL) as content:
            lines = self._begin(Lines(content, self._reading.encoding))
            self._look(iter(lines), lines.title, whole=self._tabular)

    def _begin(self, lines: Lines) -> Lines:
        if self._encoding is None:
            self._encoding, self._title = lines.encoding, lines.title
        elif self._encoding.name != lines.encoding.name:
            raise DifferenceError(
                f"is {lines.encoding.name}, and {self._title} is {self._encoding.name}",
                file=lines.title,
            )
        return lines

    def _look(self, lines: Iterator[str], title: str, *, whole: bool) -> list[str]:
        """Choose the key of the texts from the first lines, and return these lines."""
        first: list[str] = []
        records = []
        for line in lines:
            first.append(line)
            if line.strip(_BLANK) and not isinstance(line, Undecodable):
                try:
                    records.append(json_rows.parse(line))
                except RowError:
                    continue  # raised when the line is read as a row
                if self._tabular:
                    self.objects.note([json_rows.parse_exactly(line)])
            if len(records) == CHOSEN_OVER:
                break
        if self.objects.text is None:
            self.objects.choose(records, title, all_rows=len(records) < CHOSEN_OVER)
        else:
            self.objects.check_key(records, title)
        if whole:
            for line in lines:
                if line.strip(_BLANK) and not isinstance(line, Undecodable):
                    try:
                        self.objects.note([json_rows.parse_exactly(line)])
                    except RowError:
                        continue
        return first

    def header(self) -> bytes:
        """Return the byte order mark, if any."""
        return self._encoding.mark if self._encoding else b""

    def footer(self) -> bytes:
        """Return nothing."""
        return b""

    def chunks(self, source: Source, start: Position) -> Iterator[JsonLinesChunk]:
        """Read a file from a position on."""
        with source.open(JSONL) as content:
            lines = self._begin(Lines(content, self._reading.encoding))
            lines.skip(start.offset, start.line)
            remaining = iter(lines)
            looked: deque[str] = deque()
            if self.objects.text is None or (self._tabular and not self.objects.columns):
                looked.extend(self._look(remaining, lines.title, whole=False))
            number, line_number = start.rows, start.line
            offset = start.offset or len(lines.encoding.mark)
            last = source is self._last
            chunk, size = JsonLinesChunk(self, lines), 0
            while True:
                line = looked.popleft() if looked else next(remaining, None)
                if line is None:
                    break
                line_number += 1
                unended = lines.unended and not looked
                offset += size_of(line) + (not unended)
                ending = lines.end if not (unended and last) else ""
                size += len(line)
                if not line.strip(_BLANK):
                    chunk.blank(line + ending)
                else:
                    number += 1
                    self._read(chunk, line, ending, number, line_number, lines)
                if chunk.rows == CHUNK_ROWS or size >= CHUNK_SIZE:
                    end = Position(start.input, number, line_number, offset)
                    chunk.finish(end, lines.consumed(offset))
                    yield chunk
                    chunk, size = JsonLinesChunk(self, lines), 0
            end = Position(start.input, number, line_number, offset)
            chunk.finish(end, lines.consumed(offset))
            yield chunk

    def _read(
        self,
        chunk: JsonLinesChunk,
        line: str,
        ending: str,
        number: int,
        line_number: int,
        lines: Lines,
    ) -> None:
        try:
            if isinstance(line, Undecodable):
                raise RowError("not valid UTF-8", candidates=lines.encodings_to_try(line))
            if lines.end == "\r" and "\n" in line:
                raise RowError("a line feed, but carriage returns end the lines")
            record, text = self.objects.read(line)
        except RowError as problem:
            problem.file, problem.row, problem.line = lines.title, number, line_number
            chunk.reject(line + ending, problem)
        else:
            chunk.add_line(number, line, ending, record, text)

    @property
    def encoding(self) -> Encoding:
        """The encoding of the first file."""
        return self._encoding or Encoding(UTF8)


class JsonLinesChunk(ObjectChunk):
    """Consecutive lines of a file; see `rows.Chunk`."""

    def __init__(self, reader: JsonLinesReader, lines: Lines) -> None:
        super().__init__(reader.objects, lines.title)
        self._reader, self._lines = reader, lines
        self._endings: list[str] = []

    def add_line(
        self, number: int, line: str, ending: str, record: dict[str, object], text: str | None
    ) -> None:
        """Add a line."""
        body = line.rstrip()
        self._endings.append(line[len(body) :] + ending)
        self.add(number, body, record, text)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows with their scores, and the blank lines between them."""
        rows = zip(self.objects(scores), self._endings, strict=True)
        written = self._with_blank(row + ending for row, ending in rows)
        return encoded(written, self._reader.encoding, self._title)

    def rejected(self) -> bytes:
        """Return the unreadable lines unchanged."""
        return encoded("".join(self._rejected), self._reader.encoding, self._title)
