"""Read delimited text; each record keeps its characters and gets two more fields."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from disaster_tweets.counting import plural
from disaster_tweets.tables.columns import (
    check_room,
    choose_text_column,
    find,
    is_usual,
    shortened,
)
from disaster_tweets.tables.dialect import delimiter_name, detect, sample, separator_line
from disaster_tweets.tables.encoding import UTF8, Encoding
from disaster_tweets.tables.errors import (
    ContentError,
    DifferenceError,
    EncodingError,
    QuoteError,
    RowError,
    TableError,
)
from disaster_tweets.tables.formats import CSV, DELIMITED
from disaster_tweets.tables.lines import (
    Lines,
    Undecodable,
    empty,
    encoded,
    long_beginning,
    size_of,
    too_long,
)
from disaster_tweets.tables.records import (
    QUOTE,
    QuoteProblem,
    Record,
    RowShapes,
    TooLong,
    fields_of_line,
    record,
)
from disaster_tweets.tables.rows import (
    CHUNK_ROWS,
    CHUNK_SIZE,
    NONE,
    NewColumns,
    Notify,
    Position,
    Reading,
    Score,
    TextChunk,
    text_or_none,
)
from disaster_tweets.tables.source import Source

_MARKDOWN_RULE = re.compile(r"\s*\|?(\s*:?-{3,}:?\s*\|)+\s*(:?-{3,}:?)?\s*")
_UNDECODED = re.compile("[\udc80-\udcff]")
_LONGEST_FIELD = (1 << 31) - 1  # the largest limit that the csv module accepts on every system


@dataclass(frozen=True)
class Dialect:
    """The way in which records are written.

    Attributes:
        delimiter: The delimiter of fields.
        quoting: ``"standard"``, ``"none"``, or None for standard with a check of the lines.
        end: The line end.
    """

    delimiter: str
    quoting: str | None
    end: str

    @property
    def has_quotes(self) -> bool:
        """Whether fields may be quoted."""
        return self.quoting != NONE


@dataclass
class _Table:
    """The properties of the first file, which later files must share."""

    title: str
    columns: list[str]
    text: int
    dialect: Dialect
    encoding: Encoding
    preface: str  # the lines before the header, without the byte order mark
    header: str  # the header with its line end; empty if there is none


class DelimitedReader:
    """Reads the records of delimited text; see `rows.Reader`.

    Args:
        reading: Options for reading.
        new: The columns for the scores, if there are any.
        notify: Receives a line about each assumption.
        last: The last file of the table, after which no line end is added.
        chunk_rows: The number of rows of a chunk.
    """

    def __init__(
        self,
        reading: Reading,
        new: NewColumns | None,
        notify: Notify,
        last: Source,
        *,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self._reading, self._new, self._notify, self._last = reading, new, notify, last
        self._chunk_rows = chunk_rows
        self._table: _Table | None = None
        self._notified: set[str] = set()
        csv.field_size_limit(_LONGEST_FIELD)

    @property
    def columns(self) -> list[str]:
        """The column names; without a header, numbers from 1."""
        return self._known.columns

    @property
    def dialect(self) -> Dialect:
        """The dialect of the first file."""
        return self._known.dialect

    @property
    def encoding(self) -> Encoding:
        """The encoding of the first file."""
        return self._known.encoding

    @property
    def _known(self) -> _Table:
        assert self._table is not None
        return self._table

    def check(self, source: Source) -> None:
        """Read the beginning of a file; raise TableError if no row can follow."""
        with self._open(source):
            pass

    def header(self) -> bytes:
        """Return the header line with the new columns."""
        table = self._known
        head = table.header
        if self._reading.header:
            body = head.rstrip("\r\n")
            ending = head[len(body) :]
            names = self._new.names if self._new else ()
            added = [self.written(name, "the name of a new column") for name in names]
            if self._kept is not None:
                body = self.rendered(body, table.columns, "")
            head = table.dialect.delimiter.join([*([body] if body else []), *added]) + ending
        return table.encoding.mark + encoded(table.preface + head, table.encoding, table.title)

    def footer(self) -> bytes:
        """Return nothing."""
        return b""

    def rejected_header(self) -> bytes:
        """Return the header line unchanged."""
        table = self._known
        head = table.preface + table.header
        return table.encoding.mark + encoded(head, table.encoding, table.title)

    def chunks(self, source: Source, start: Position) -> Iterator[DelimitedChunk]:
        """Read a file from a position on."""
        with self._open(source) as (lines, line, offset):
            if start.line:
                line, offset = start.line, start.offset
            lines.skip(offset, line)
            yield from self._chunks(
                source, lines, Position(start.input, start.rows, line, offset)
            )

    def _chunks(
        self, source: Source, lines: Lines, start: Position
    ) -> Iterator[DelimitedChunk]:
        table, dialect = self._known, self._known.dialect
        delimiter, count, text_index = dialect.delimiter, len(table.columns), table.text
        quotes, other = dialect.has_quotes, "\r" if dialect.end == "\n" else "\n"
        number, line_number, offset = start.rows, start.line, start.offset
        remaining = iter(lines)
        default_end = dialect.end  # for a last line without an end, before another file
        chunk = DelimitedChunk(self, lines)
        size = 0
        for line in remaining:
            line_number += 1
            if quotes and QUOTE in line:
                line, fields, line_count = self._quoted(line, remaining, lines, line_number)
            else:
                line_count = 1
                fields = None
            body = line.rstrip("\r") if line.endswith("\r") else line
            written = f"{line}{dialect.end}"
            ending = written[len(body) :]
            if lines.unended:
                ending = line[len(body) :] if source is self._last else default_end
                written = f"{body}{ending}"
            elif body:
                default_end = ending
            size += len(written)
            if not body:
                chunk.blank(written)
            else:
                number += 1
                if fields is None:
                    fields = body.split(delimiter)
                problem = self._problem(line, body, fields, count, other, lines)
                if problem is None:
                    chunk.add(number, body, ending, fields, text_or_none(fields[text_index]))
                else:
                    problem.file, problem.row, problem.line = lines.title, number, line_number
                    chunk.reject(written, problem)
            line_number += line_count - 1
            offset += _size(line, lines.unended)
            if chunk.rows == self._chunk_rows or size >= CHUNK_SIZE:
                end = Position(start.input, number, line_number, offset)
                chunk.finish(end, lines.consumed(offset))
                yield chunk
                chunk, size = DelimitedChunk(self, lines), 0
        end = Position(start.input, number, line_number, offset)
        chunk.finish(end, lines.consumed(offset))
        yield chunk

    def _problem(
        self, line: str, body: str, fields: list[str], count: int, other: str, lines: Lines
    ) -> RowError | None:
        if isinstance(line, Undecodable):
            return RowError("not valid UTF-8", candidates=lines.encodings_to_try(line))
        if len(fields) != count:
            where = "the header has" if self._reading.header else "the first row has"
            hint = ""
            if count == 1 and not self._reading.header:
                hint = "; if each line is one text, name the file .txt"
            return RowError(f"{plural(len(fields), 'field')}, but {where} {count}{hint}")
        if other in body and self._is_outside_quotes(other, body):
            name = "carriage return" if other == "\r" else "line feed"
            return RowError(f"a {name} outside quotes, which ends no other line")
        return None

    def _is_outside_quotes(self, character: str, body: str) -> bool:
        dialect = self.dialect
        if not dialect.has_quotes or QUOTE not in body:
            return True
        return any(
            character in field
            for field in self._raw_fields(body)
            if not field.lstrip(" ").startswith(QUOTE)
        )

    def _quoted(
        self, line: str, remaining: Iterator[str], lines: Lines, number: int
    ) -> tuple[str, list[str], int]:
        """Return a record with quotes, its fields, and its number of lines."""
        dialect = self._known.dialect
        body = line.rstrip("\r")
        fields = fields_of_line(body, dialect.delimiter)
        if fields is not None:
            return line, fields, 1
        undecodable = isinstance(line, Undecodable)
        last = line

        def more() -> str | None:
            nonlocal undecodable, last
            following = next(remaining, None)
            undecodable = undecodable or isinstance(following, Undecodable)
            last = following if following is not None else last
            return following

        found = self._record(line, dialect, more, lines.title, number)
        if (
            found.lines > 1
            and dialect.quoting is None
            and len(found.fields) == len(self.columns)
        ) and self._shapes.are_rows(found, dialect.delimiter, dialect.end):
            raise QuoteError(
                "a quote opens a field here, and the lines up to the next quote look like "
                f"{found.lines} rows",
                file=lines.title,
                line=number,
            )
        whole = found.body + last[len(last.rstrip("\r")) :]
        return (Undecodable(whole) if undecodable else whole), found.fields, found.lines

    def _record(
        self, line: str, dialect: Dialect, more: Any, title: str, number: int
    ) -> Record:
        try:
            return record(line, dialect.delimiter, dialect.end, more)
        except QuoteProblem as problem:
            closes = "never closes"
            if problem.closes is not None:
                elsewhere = problem.closes != problem.line
                where = f" in line {number + problem.closes}" if elsewhere else ""
                closes = f"closes{where} before the end of the field"
            raise QuoteError(
                f"a quote opens a field here and {closes}",
                file=title,
                line=number + problem.line,
            ) from None
        except TooLong as problem:
            raise too_long(title, number + problem.line) from None

    @contextmanager
    def _open(self, source: Source) -> Iterator[tuple[Lines, int, int]]:
        """Open a file after its header, and yield the lines and bytes of the header."""
        with source.open(self._reading.format) as content:
            quotes = self._reading.quoting != NONE
            lines = Lines(content, self._reading.encoding, records=True, quotes=quotes)
            found, line, offset = self._begin(lines, source)
            if self._table is None:
                if lines.encoding.name != UTF8 and lines.encoding.mark:
                    self._notify_once(
                        f"{lines.title}: is {lines.encoding.name}, by its byte order mark"
                    )
                self._table = found
                self._choose_kept()
            elif found.columns != self._table.columns:
                what = (
                    "header differs from that"
                    if self._reading.header
                    else "columns differ from those"
                )
                raise DifferenceError(f"its {what} of {self._table.title}", file=lines.title)
            elif found.dialect.delimiter != self._table.dialect.delimiter:
                raise DifferenceError(
                    f"{delimiter_name(found.dialect.delimiter)} separate its fields, but "
                    f"{delimiter_name(self._table.dialect.delimiter)} those of "
                    f"{self._table.title}",
                    file=lines.title,
                )
            elif found.dialect.end != self._table.dialect.end:
                raise DifferenceError(
                    f"its line ends differ from those of {self._table.title}",
                    file=lines.title,
                )
            elif found.encoding.name != self._table.encoding.name:
                raise DifferenceError(
                    f"is {found.encoding.name}, and {self._table.title} is "
                    f"{self._table.encoding.name}",
                    file=lines.title,
                )
            yield lines, line, offset

    def _begin(self, lines: Lines, source: Source) -> tuple[_Table, int, int]:
        """Detect the dialect and the columns; return them and the position of the first row."""
        first = lines.beginning.split(lines.end)
        skipped = _blank_lines(first, 0)
        declared = separator_line(first[skipped]) if skipped < len(first) else None
        if declared is not None:
            self._check_decodable(declared, lines, skipped + 1)
            skipped = _blank_lines(first, skipped + 1)
        preface, first = first[:skipped], first[skipped:]
        if not first:
            raise empty(lines.title)
        if len(first) > 1 and _MARKDOWN_RULE.fullmatch(first[1]) and "|" in first[0]:
            raise ContentError(
                "is a Markdown table; save it as CSV",
                file=lines.title,
            )
        dialect, records = self._dialect(lines, first, declared)
        header = self._header(lines, first, dialect, len(preface) + 1)
        if len(first) <= header.lines and not lines.complete:
            raise long_beginning(lines.title, len(preface) + 1)
        columns = header.fields
        if not self._reading.header:
            columns = [str(number) for number in range(1, len(columns) + 1)]
        if self._table is None:
            self._shapes = RowShapes(records[self._reading.header :], len(columns))
            text = self._text(lines.title, columns)
        else:
            text = self._table.text
        before = "".join(f"{line}{lines.end}" for line in preface)
        header_lines = header.lines if self._reading.header else 0
        written = lines.end.join(first[:header_lines])
        size = len(lines.encoding.mark) + size_of(before + written)
        if header_lines and (len(first) > header_lines or source is not self._last):
            written += lines.end
            size += len(first) > header_lines
        table = _Table(lines.title, columns, text, dialect, lines.encoding, before, written)
        return table, len(preface) + header_lines, size

    def _dialect(
        self, lines: Lines, first: list[str], declared: str | None
    ) -> tuple[Dialect, list[list[str]]]:
        default = DELIMITED[self._reading.format]
        quoting = self._reading.quoting
        delimiter = self._reading.delimiter or declared
        if delimiter is None and self._table is not None:
            delimiter = self._table.dialect.delimiter
            if self._reading.header and delimiter not in first[0]:
                delimiter = None
        whole = first if lines.complete else first[:-1]
        if delimiter is None:
            found = detect(
                whole or first, lines.end, default, quoting, self._names_texts, lines.title
            )
        else:
            found = sample(whole or first, lines.end, delimiter, quoting)
        if found.delimiter != default and self._reading.delimiter is None:
            suffix = "CSV" if self._reading.format == CSV else "TSV"
            self._notify_once(
                f"{lines.title}: its fields are separated by {delimiter_name(found.delimiter)}"
                f", not by {delimiter_name(default)} as in {suffix}"
            )
        return Dialect(found.delimiter, quoting, lines.end), found.records

    def _header(self, lines: Lines, first: list[str], dialect: Dialect, number: int) -> Record:
        """Return the first record: the header, or a row that shows the number of columns."""
        line, remaining = first[0], iter(first[1:])
        self._check_decodable(line, lines, number)
        if not dialect.has_quotes or QUOTE not in line:
            body = line.rstrip("\r")
            fields = body.split(dialect.delimiter)
            return Record(fields, fields, body, 1, [])
        try:
            found = self._record(
                line, dialect, lambda: next(remaining, None), lines.title, number
            )
        except QuoteError:
            if lines.complete:
                raise
            raise long_beginning(lines.title, number) from None
        self._check_decodable(found.body, lines, number)
        return found

    def _check_decodable(self, text: str, lines: Lines, number: int) -> None:
        """Raise EncodingError if the header or a line before it is not UTF-8."""
        if _UNDECODED.search(text) and self._reading.header:
            raise EncodingError(
                "header: not valid UTF-8",
                file=lines.title,
                line=number,
                candidates=lines.encodings_to_try(text),
            )

    def _names_texts(self, columns: list[str]) -> bool:
        """Say whether the columns include one that certainly holds the texts."""
        if not self._reading.header:
            return False
        requested = self._reading.text_column
        if requested is not None:
            return requested.strip() in [column.strip() for column in columns]
        return any(map(is_usual, columns))

    def _text(self, title: str, columns: list[str]) -> int:
        """Return the index of the text column."""
        reading = self._reading
        if not reading.header and reading.text_column is None and len(columns) == 1:
            return 0
        found, guessed = choose_text_column(
            columns,
            reading.text_column,
            file=title,
            others=reading.other_columns,
            maybe_no_header=reading.header,
        )
        if guessed:
            self._notify_once(f"{title}: the texts are taken from column {shortened(found)}")
        for other in reading.other_columns:
            find(columns, other, file=title)
        if reading.header:
            check_room(self._new, columns, found, file=title)
        return columns.index(found)

    def _choose_kept(self) -> None:
        names = self._new.names if self._new and self._reading.header else ()
        columns = self._known.columns
        kept = [i for i, name in enumerate(columns) if name not in names]
        self._kept = kept if len(kept) < len(columns) else None

    _kept: list[int] | None = None

    def _notify_once(self, notice: str) -> None:
        if notice not in self._notified:
            self._notified.add(notice)
            self._notify(notice)

    def written(self, field: str, what: str) -> str:
        """Return a field as this dialect writes it; TableError on ``what`` if it cannot."""
        dialect = self._known.dialect
        special = (dialect.delimiter, QUOTE, "\r", "\n") if dialect.has_quotes else ()
        if any(character in field for character in special):
            return QUOTE + field.replace(QUOTE, QUOTE * 2) + QUOTE
        if not dialect.has_quotes and any(
            character in field for character in (dialect.delimiter, "\r", "\n")
        ):
            raise TableError(
                f"{what}, {shortened(field)}, holds what separates fields or lines, and "
                "nothing is quoted here"
            )
        return field

    def rendered(self, body: str, fields: list[str], added: str) -> str:
        """Return a record without the overwritten fields, and with ``added`` at its end."""
        delimiter, kept = self._known.dialect.delimiter, self._kept or []
        raw = fields
        if self._known.dialect.has_quotes and QUOTE in body:
            raw = self._raw_fields(body)
        body = delimiter.join(raw[i] for i in kept)
        return f"{body}{added}" if kept else added[len(delimiter) :]

    def _raw_fields(self, body: str) -> list[str]:
        """Return the fields of a record as the file has them, quotes included."""
        dialect = self._known.dialect
        lines = iter(body.split(dialect.end))
        return record(
            next(lines), dialect.delimiter, dialect.end, lambda: next(lines, None)
        ).raw


class DelimitedChunk(TextChunk):
    """Consecutive records of a file; see `rows.Chunk`."""

    def __init__(self, reader: DelimitedReader, lines: Lines) -> None:
        super().__init__()
        self._reader, self._lines = reader, lines
        self._bodies: list[str] = []
        self._endings: list[str] = []
        self._fields: list[list[str]] = []

    def add(
        self, number: int, body: str, ending: str, fields: list[str], text: str | None
    ) -> None:
        """Add a readable row."""
        self.take(number, text)
        self._bodies.append(body)
        self._endings.append(ending)
        self._fields.append(fields)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows with their scores, and the blank lines between them."""
        reader = self._reader
        delimiter = reader.dialect.delimiter
        empty = delimiter * 2
        labels: dict[str, str] = {}  # each label as a written field
        out = []
        for index, (body, ending, score) in enumerate(
            zip(self._bodies, self._endings, scores, strict=True)
        ):
            if score is None:
                added = empty
            else:
                label = labels.get(score.label)
                if label is None:
                    label = labels[score.label] = reader.written(score.label, "a label")
                added = f"{delimiter}{score.probability:.6f}{delimiter}{label}"
            if reader._kept is not None:
                out.append(reader.rendered(body, self._fields[index], added) + ending)
            else:
                out.append(f"{body}{added}{ending}")
        return encoded(self._with_blank(out), reader.encoding, self._lines.title)

    def rejected(self) -> bytes:
        """Return the unreadable rows unchanged."""
        return encoded("".join(self._rejected), self._reader.encoding, self._lines.title)

    def values(self) -> list[list[Any]]:
        """Return the fields of each readable row."""
        return [list(fields) for fields in self._fields]

    def column(self, name: str) -> list[Any]:
        """Return one field of each readable row."""
        columns = self._reader.columns
        index = columns.index(find(columns, name, file=self._lines.title))
        return [fields[index] for fields in self._fields]


def _blank_lines(lines: list[str], start: int) -> int:
    """Return the index of the first line from ``start`` on that is not blank."""
    while start < len(lines) and not lines[start].rstrip("\r"):
        start += 1
    return start


def _size(line: str, unended: bool) -> int:
    """Return the bytes of a record as UTF-8, including its last line end."""
    return size_of(line) + (not unended)
