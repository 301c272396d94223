"""Read a JSON document with objects as rows; the text around them stays unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice

from disaster_tweets.tables import json_rows
from disaster_tweets.tables.columns import shortened
from disaster_tweets.tables.encoding import Decoder, Encoding, encoding_of
from disaster_tweets.tables.errors import ContentError, RowError
from disaster_tweets.tables.formats import JSON
from disaster_tweets.tables.json_document import Document, Element
from disaster_tweets.tables.lines import encoded
from disaster_tweets.tables.objects import CHOSEN_OVER, ObjectChunk, ObjectReader
from disaster_tweets.tables.rows import CHUNK_SIZE, Position
from disaster_tweets.tables.source import Content, Source, readable


class JsonFileReader(ObjectReader):
    """Reads the objects of a document; see `rows.Reader`.

    A position counts rows only: to continue there, earlier rows are read again.
    """

    _title = _header = _footer = ""

    def check(self, source: Source) -> None:
        """Choose the key of the texts; for tabular output collect all keys."""
        with self._open(source) as document:
            elements = iter(document)
            self._look(document, elements, source.title)
            self._note(element.text for element in elements)

    def _look(
        self, document: Document, elements: Iterator[Element], title: str
    ) -> list[Element]:
        """Choose the key of the texts from the first rows, and return these rows."""
        first = list(islice(elements, CHOSEN_OVER))
        objects = [element.text.startswith("{") for element in first]
        if document.kind == "values" and objects == [True]:
            raise ContentError(
                "is one object without a list of rows; write a list of objects (with pandas: "
                "orient='records')",
                file=title,
            )
        self._check_wrapper(document.wrapper_key, title)
        if first and not any(objects):
            raise ContentError(
                'holds no objects; write each row as one, such as {"text": "..."}', file=title
            )
        self.activities = document.is_activity_stream
        if self.activities and self.text is None:
            self._notify(f"{title}: the texts are taken from 'object.content', without HTML")
        self._examine((element.text for element in first), title)
        return first

    def _check_wrapper(self, key: str | None, title: str) -> None:
        """Report which list of an object holds the rows, unless it is a usual one."""
        if key in ("errors", "error"):
            raise ContentError(f"holds {key}, and no other list of rows", file=title)
        if key not in (None, "data", "orderedItems"):
            self._notify(f"{title}: the rows are taken from the list {shortened(str(key))}")

    def header(self) -> bytes:
        """Return the text before the first row."""
        return self.encoding.mark + self._written(self._header)

    def footer(self) -> bytes:
        """Return the text after the last row."""
        return self._written(self._footer)

    def _written(self, text: str) -> bytes:
        return encoded(text, self.encoding, self._title)

    def chunks(self, source: Source, start: Position) -> Iterator[ObjectChunk]:
        """Read a file from a position on."""
        with self._open(source) as document:
            title = self._title = source.title
            elements = iter(document)
            if self._unknown:
                elements = chain(self._look(document, elements, title), elements)
            written, size, number, chunk = False, 0, 0, self._chunk(title)
            for number, element in enumerate(elements, 1):
                self.activities = document.is_activity_stream
                if number == 1:
                    self._header = element.before
                done = number <= start.rows
                size += len(element.text)
                try:
                    record, text = self.read(element.text)
                except RowError as problem:
                    if not done:
                        row = json_rows.on_one_line(element.text) + "\n"
                        chunk.reject(number, element.line, row, problem)
                else:
                    if not done:
                        chunk.blank(element.before * written)
                        chunk.add(number, text, element.text, "", record)
                    written = True
                if not done and (chunk.rows == self._chunk_rows or size >= CHUNK_SIZE):
                    chunk.end = Position(start.input, number, element.line)
                    chunk.consumed = self._consumed()
                    yield chunk
                    size, chunk = 0, self._chunk(title)
            self._footer = document.after
            chunk.end = Position(start.input, number)
            chunk.consumed = self._consumed()
            yield chunk

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
