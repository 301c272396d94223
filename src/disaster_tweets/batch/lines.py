"""JSON Lines, whose records are kept and get two keys more; and plain lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from disaster_tweets.batch.columns import broken_file, check_new_columns, choose_text_column
from disaster_tweets.batch.delimited import DELIMITERS, encode, values
from disaster_tweets.batch.rows import NOT_UTF8, BrokenRow, Options, Score
from disaster_tweets.batch.source import Source, Stream
from disaster_tweets.batch.text_rows import Row, TextReader


class JsonReader(TextReader):
    """Reads an object a line; blank lines are let through."""

    def __init__(self, options: Options, last: Source) -> None:
        super().__init__(options, last)
        self._text: str | None = options.text_column
        self._chosen = False
        self._bom: bytes | None = None

    def begin(self, stream: Stream) -> None:
        """Remember whether the first file begins with a mark of its byte order."""
        if self._bom is None:
            self._bom = stream.bom

    def head(self) -> bytes:
        """Return the mark of the byte order, if any."""
        return self._bom or b""

    def rejected_head(self) -> bytes:
        """Return nothing: the lines need no header."""
        return b""

    def check(self, source: Source) -> None:
        """Read until a first object tells the column of the text."""
        with source.open() as stream:
            self.begin(stream)
            for _ in self.rows(stream, 0):
                if self._chosen:
                    return

    def rows(self, stream: Stream, number: int) -> Iterator[Row]:
        """Read the lines that follow row ``number``."""
        while raw := stream.readline():
            row = Row(raw, stream.line)
            if raw.strip():
                row.number = number = number + 1
                try:
                    row.record = _parse(raw)
                    if not self._chosen:
                        self._choose(row.record, stream.source)
                    check_new_columns(self.options, list(row.record), self._text)
                    row.text = _text(row.record.get(self._text))
                except BrokenRow as problem:
                    row.problem = str(problem)
            yield row

    def render(self, row: Row, score: Score | None) -> bytes:
        """Return the record with two more keys before its closing brace."""
        body = row.raw.rstrip()
        ending = row.raw[len(body) :]
        if not row.record.keys().isdisjoint(self.options.new_columns):
            for name in self.options.new_columns:
                row.record.pop(name, None)
            body = _dump(row.record)
        separator = b", " if row.record else b""
        return body[:-1] + separator + _members(self.options, score) + b"}" + ending

    def _choose(self, record: dict[str, Any], source: Source) -> None:
        strings = [key for key, value in record.items() if isinstance(value, str)]
        try:
            if self._text is None:
                self._text = choose_text_column(None, list(record), strings)
            check_new_columns(self.options, list(record), self._text)
        except BrokenRow as problem:
            raise broken_file(source, problem) from None
        self._chosen = True


class LineReader(TextReader):
    """Reads a text a line, and writes a table of three columns."""

    def begin(self, stream: Stream) -> None:
        """Do nothing: the first line is a row."""

    def head(self) -> bytes:
        """Return the header of the table."""
        if self.options.output_format == "jsonl":
            return b""
        return encode((self._text_column, *self.options.new_columns), self._delimiter) + b"\n"

    def rejected_head(self) -> bytes:
        """Return nothing: the lines need no header."""
        return b""

    def rows(self, stream: Stream, number: int) -> Iterator[Row]:
        """Read the lines that follow row ``number``."""
        while raw := stream.readline():
            number += 1
            row = Row(raw, stream.line, number)
            line = raw.removesuffix(b"\n").removesuffix(b"\r")
            try:
                row.record = line.decode()
                row.text = row.record or None
            except UnicodeDecodeError:
                row.problem = NOT_UTF8
            yield row

    def render(self, row: Row, score: Score | None) -> bytes:
        """Return the text and its score as a row of the table."""
        if self.options.output_format == "jsonl":
            text = _dump({self._text_column: row.record})[:-1]
            return text + b", " + _members(self.options, score) + b"}\n"
        return encode((row.record, *values(score)), self._delimiter) + b"\n"

    @property
    def _text_column(self) -> str:
        return "text" if self.options.text_column is None else self.options.text_column

    @property
    def _delimiter(self) -> str:
        return DELIMITERS[self.options.output_format]


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        record = json.loads(raw.decode())
    except UnicodeDecodeError:
        raise BrokenRow(NOT_UTF8) from None
    except json.JSONDecodeError as error:
        raise BrokenRow(f"not JSON ({error.msg} at character {error.colno})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; too many brackets
        raise BrokenRow("not JSON that can be read here") from None
    if not isinstance(record, dict):
        raise BrokenRow("not a JSON object")
    return record


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise BrokenRow(f"the text is not a string but {type(value).__name__}")


def _dump(record: dict[str, Any]) -> bytes:
    # A lone surrogate comes out as the escape that JSON has for it.
    return json.dumps(record, ensure_ascii=False).encode(errors="backslashreplace")


def _members(options: Options, score: Score | None) -> bytes:
    probability, label = map(json.dumps, options.new_columns)
    if score is None:
        return f"{probability}: null, {label}: null".encode()
    return f'{probability}: {score.probability:.6f}, {label}: "{score.label}"'.encode()
