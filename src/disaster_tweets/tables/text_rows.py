"""Read the rows of text formats, and keep every byte of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from disaster_tweets.tables.encoding import UTF8, Encoding
from disaster_tweets.tables.errors import RowError
from disaster_tweets.tables.lines import Lines, encoded, size_of
from disaster_tweets.tables.rows import CHUNK_SIZE, Chunk, Position, Reader


class TextChunk(Chunk):
    """A chunk of a text format, filled row by row."""

    def __init__(self, reader: TextReader, title: str) -> None:
        super().__init__(reader, title)
        self._encoding = reader.encoding
        # Of each readable row: its text in the file, what follows it, and its cells.
        self._bodies: list[str] = []
        self._endings: list[str] = []
        self._cells: list[Any] = []
        self._between: dict[int, list[str]] = {}  # blank lines before the row of this index
        self._rejected: list[str] = []

    def add(self, number: int, text: str | None, body: str, ending: str, cells: Any) -> None:
        """Add a readable row."""
        self.numbers.append(number)
        self.texts.append(text)
        self._bodies.append(body)
        self._endings.append(ending)
        self._cells.append(cells)
        self.rows += 1

    def blank(self, written: str) -> None:
        """Add text that belongs to no row."""
        self._between.setdefault(len(self.numbers), []).append(written)

    def reject(self, number: int, place: int, written: str, problem: RowError) -> None:
        """Add an unreadable row, which begins in the line ``place``."""
        problem.file, problem.row, problem.line = self._title, number, place
        self._rejected.append(written)
        self.broken.append(problem)
        self.rows += 1

    def rejected(self) -> bytes:
        """Return the unreadable rows unchanged."""
        return encoded("".join(self._rejected), self._encoding, self._title)

    def values(self) -> list[list[Any]]:
        """Return the cells of each readable row."""
        return self._cells

    def _encoded(self, written: Iterable[str]) -> bytes:
        """Return the written rows, with the text between them."""
        if self._between:
            out = []
            for index, row in enumerate(written):
                out += [*self._between.get(index, ()), row]
            written = [*out, *self._between.get(len(self.numbers), ())]
        return encoded("".join(written), self._encoding, self._title)


class TextReader(Reader):
    """A reader of a text format.

    Attributes:
        encoding: The encoding of the first file.
    """

    encoding = Encoding(UTF8)

    def _chunk(self, title: str) -> TextChunk:
        return TextChunk(self, title)

    def _add(
        self, chunk: Any, line: str, number: int, place: int, lines: Lines, rest: Iterator[str]
    ) -> str:
        """Add a row to a chunk.

        Args:
            chunk: The chunk that `_chunk` returned.
            line: A line without its end.
            number: The number of the row, if the line is one.
            place: The number of the line.
            lines: The file.
            rest: The following lines, which the row may continue over.

        Returns:
            The lines that were read, without the last line end.
        """
        raise NotImplementedError

    def _chunks(
        self, lines: Lines, rest: Iterator[str], start: Position
    ) -> Iterator[TextChunk]:
        """Read the lines of a file from a position on."""
        number, place, offset = start.rows, start.line, start.offset
        offset = offset or len(lines.encoding.mark)
        chunk, size = self._chunk(lines.title), 0
        for line in rest:
            read = self._add(chunk, line, number + chunk.rows + 1, place + 1, lines, rest)
            place += 1 + read.count(lines.end)
            offset += size_of(read) + (not lines.unended)
            size += len(read)
            if chunk.rows == self._chunk_rows or size >= CHUNK_SIZE:
                number += chunk.rows
                chunk.end = Position(start.input, number, place, offset)
                chunk.consumed = lines.consumed(offset)
                yield chunk
                chunk, size = self._chunk(lines.title), 0
        chunk.end = Position(start.input, number + chunk.rows, place, offset)
        chunk.consumed = lines.consumed(offset)
        yield chunk
