"""Read JSON Lines; each object stays unchanged and gets two more keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from disaster_tweets.tables.errors import DifferenceError, RowError
from disaster_tweets.tables.formats import JSONL
from disaster_tweets.tables.lines import Lines
from disaster_tweets.tables.objects import ObjectReader
from disaster_tweets.tables.rows import Position
from disaster_tweets.tables.source import Content, Source
from disaster_tweets.tables.text_rows import TextChunk

_BLANK = " \t\r"


class JsonLinesReader(ObjectReader):
    """Reads one object per line and keeps blank lines; see `rows.Reader`."""

    _title: str | None = None  # of the first file

    def check(self, source: Source) -> None:
        """Choose the key of the texts; for tabular output collect all keys."""
        with source.open(JSONL) as content:
            lines = self._begin(content)
            rest = iter(lines)
            self._examine(rest, lines.title)
            self._note(rest)

    def _begin(self, content: Content) -> Lines:
        final = content.source is self._last
        lines = Lines(content, self._reading.encoding, final=final)
        if self._title is None:
            self.encoding, self._title = lines.encoding, lines.title
        elif self.encoding.name != lines.encoding.name:
            raise DifferenceError(
                f"is {lines.encoding.name}, and {self._title} is {self.encoding.name}",
                file=lines.title,
            )
        return lines

    def header(self) -> bytes:
        """Return the byte order mark, if any."""
        return self.encoding.mark

    def chunks(self, source: Source, start: Position) -> Iterator[TextChunk]:
        """Read a file from a position on."""
        with source.open(JSONL) as content:
            lines = self._begin(content)
            lines.skip(start.offset, start.line)
            rest = iter(lines)
            if self._unknown:
                rest = lines.again(self._examine(rest, lines.title), rest)
            yield from self._chunks(lines, rest, start)

    def _add(
        self, chunk: TextChunk, line: str, number: int, place: int, lines: Lines, rest: Any
    ) -> str:
        if not line.strip(_BLANK):
            chunk.blank(line + lines.ending)
            return line
        try:
            lines.check(line)
            record, text = self.read(line)
        except RowError as problem:
            chunk.reject(number, place, line + lines.ending, problem)
        else:
            body = line.rstrip()
            chunk.add(number, text, body, line[len(body) :] + lines.ending, record)
        return line
