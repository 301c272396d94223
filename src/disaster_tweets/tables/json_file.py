"""Read a JSON document with objects as rows; the text around them stays unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.columns import shortened
from disaster_tweets.tables.encoding import UTF8, Decoder, Encoding, encoding_of
from disaster_tweets.tables.errors import ContentError, RowError
from disaster_tweets.tables.formats import JSON
from disaster_tweets.tables.json_document import Document, Element
from disaster_tweets.tables.lines import encoded
from disaster_tweets.tables.objects import CHOSEN_OVER, ObjectChunk, ObjectReader
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    CHUNK_SIZE,
    Position,
    Score,
)
from disaster_tweets.tables.source import Content, Source, readable


class JsonFileReader(ObjectReader):
    """Reads the objects of a document; see `rows.Reader`.

    A position counts rows only: to continue there, earlier rows are read again.
    """

    encoding = Encoding(UTF8)
    _header = _footer = ""

    def check(self, source: Source) -> None:
        """Choose the key of the texts; for tabular output collect all keys."""
        with self._open(source) as document:
            self._look(document, iter(document), source.title, whole=self._tabular)

    def _look(
        self, document: Document, elements: Iterator[Element], title: str, *, whole: bool
    ) -> list[Element]:
        """Choose the key of the texts from the first rows, and return these rows."""
        first = list(islice(elements, CHOSEN_OVER))
        if document.kind == "values" and len(first) == 1 and first[0].text.startswith("{"):
            raise ContentError(
                "is one object without a list of rows; write a list of objects (with pandas: "
                "orient='records')",
                file=title,
            )
        self._check_wrapper(document.wrapper_key, title)
        self.objects.activities = document.is_activity_stream
        records = list(_readable(first))
        if first and not any(element.text.startswith("{") for element in first):
            raise ContentError(
                'holds no objects; write each row as one, such as {"text": "..."}', file=title
            )
        if self.objects.activities and self.objects.text is None:
            self._notify(f"{title}: the texts are taken from 'object.content', without HTML")
        if self.objects.text is None:
            self.objects.choose(records, title, all_rows=len(first) < CHOSEN_OVER)
        else:
            self.objects.check_key(records, title)
        if self._tabular:
            self._note(first)
            if whole:
                self._note(elements)
        return first

    def _check_wrapper(self, key: str | None, title: str) -> None:
        """Report which list of an object holds the rows, unless it is a usual one."""
        if key in ("errors", "error"):
            raise ContentError(f"holds {key}, and no other list of rows", file=title)
        if key not in (None, "data", "orderedItems"):
            self._notify(f"{title}: the rows are taken from the list {shortened(str(key))}")

    def _note(self, elements: Iterator[Element] | list[Element]) -> None:
        for element in elements:
            try:
                self.objects.note([json_rows.parse_exactly(element.text)])
            except RowError:
                continue

    def header(self) -> bytes:
        """Return the text before the first row."""
        return self.encoding.mark + self._written(self._header)

    def footer(self) -> bytes:
        """Return the text after the last row."""
        return self._written(self._footer)

    def _written(self, text: str) -> bytes:
        return encoded(text, self.encoding, self._title)

    def chunks(self, source: Source, start: Position) -> Iterator[JsonFileChunk]:
        """Read a file from a position on."""
        with self._open(source) as document:
            self._title = source.title
            remaining = iter(document)
            first = None
            if self.objects.text is None or (self._tabular and not self.objects.columns):
                looked = self._look(document, remaining, source.title, whole=False)
                remaining = chain(looked, remaining)
            number, written = 0, False
            size, consumed = 0, self._consumed
            chunk = JsonFileChunk(self, source.title)
            for element in remaining:
                self.objects.activities = document.is_activity_stream
                if first is None:
                    first = element
                    self._header = element.before
                number += 1
                before = element.before if written else ""
                done = number <= start.rows
                written = self._read(chunk, element, before, number, keep=not done) or written
                size += len(element.text)
                if not done and (chunk.rows == CHUNK_ROWS or size >= CHUNK_SIZE):
                    chunk.finish(Position(start.input, number, element.line, 0), consumed())
                    yield chunk
                    chunk, size = JsonFileChunk(self, source.title), 0
            self._footer = document.after
            chunk.finish(Position(start.input, number, 0, 0), consumed())
            yield chunk

    def _read(
        self, chunk: JsonFileChunk, element: Element, before: str, number: int, *, keep: bool
    ) -> bool:
        """Add a row; return whether it is readable."""
        try:
            record, text = self.objects.read(element.text)
        except RowError as problem:
            if keep:
                problem.file, problem.row, problem.line = self._title, number, element.line
                chunk.reject(json_rows.on_one_line(element.text) + "\n", problem)
            return False
        if keep:
            chunk.add_element(number, element.text, before, record, text)
        return True

    @contextmanager
    def _open(self, source: Source) -> Iterator[Document]:
        with source.open(JSON) as content:
            self.encoding = encoding_of(content.beginning, self._reading.encoding, source.title)
            file = content.file

            def consumed() -> int:
                if content.consumed is not None:
                    return content.consumed
                return file.tell() if file.seekable() else 0

            self._consumed: Callable[[], int] = consumed
            yield Document(_decoding(content, self.encoding), source.title)


def _decoding(content: Content, encoding: Encoding) -> Callable[[int], str]:
    """Return a function that reads at most that many characters, and none at the end."""
    title, file = content.source.title, content.file
    decoder = Decoder(encoding, title)
    with readable(title):
        file.read(len(encoding.mark))

    def read(size: int) -> str:
        text, piece = "", b"more"
        while piece and not text:  # a piece may end inside a character
            with readable(title):
                piece = file.read(size)
            text = decoder.decode(piece)
        return text

    return read


def _readable(elements: list[Element]) -> Iterator[dict[str, object]]:
    for element in elements:
        try:
            yield json_rows.parse(element.text)
        except RowError:
            continue


class JsonFileChunk(ObjectChunk):
    """Consecutive rows of a document; see `rows.Chunk`."""

    def __init__(self, reader: JsonFileReader, title: str) -> None:
        super().__init__(reader.objects, title)
        self._reader = reader
        self._before: list[str] = []

    def add_element(
        self, number: int, row: str, before: str, record: dict[str, object], text: str | None
    ) -> None:
        """Add a row, and the text before it."""
        self._before.append(before)
        self.add(number, row, record, text)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows with their scores, and the text between them."""
        rows = zip(self._before, self.objects(scores), strict=True)
        text = "".join(before + row for before, row in rows)
        return encoded(text, self._reader.encoding, self._title)

    def rejected(self) -> bytes:
        """Return each unreadable row as a line."""
        return encoded("".join(self._rejected), self._reader.encoding, self._title)
