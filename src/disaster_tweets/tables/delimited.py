"""Read delimited text; each record keeps its characters and gets two more fields."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from operator import add
from typing import Any

from disaster_tweets.counting import plural
from disaster_tweets.tables.columns import (
    is_usual,
    shortened,
)
from disaster_tweets.tables.dialect import delimiter_name, detect, sample, separator_line
from disaster_tweets.tables.encoding import UTF8, Encoding
from disaster_tweets.tables.errors import (
    ContentError,
    DifferenceError,
    EncodingError,
    HeaderRowError,
    QuoteError,
    RowError,
    TableError,
)
from disaster_tweets.tables.formats import CSV, DELIMITED
from disaster_tweets.tables.lines import (
    Lines,
    Undecodable,
    encoded,
    long_beginning,
    size_of,
)
from disaster_tweets.tables.records import (
    QUOTE,
    Record,
    RowShapes,
    fields_of_line,
    quoted,
    record,
)
from disaster_tweets.tables.rows import (
    NONE,
    Position,
    Score,
    text_or_none,
)
from disaster_tweets.tables.source import STANDARD_INPUT, Source
from disaster_tweets.tables.text_rows import TextChunk, TextReader

_MARKDOWN_RULE = re.compile(r"\s*\|?(\s*:?-{3,}:?\s*\|)+\s*(:?-{3,}:?)?\s*")
_UNDECODED = re.compile("[\udc80-\udcff]")
_LONGEST_FIELD = (1 << 31) - 1  # the largest limit that the csv module accepts on every system


@dataclass
class _Table:
    """The properties of the first file, which later files must share."""

    title: str
    columns: list[str]
    text: int
    delimiter: str
    end: str
    encoding: Encoding
    preface: str  # the lines before the header, without the byte order mark
    header: str  # the header with its line end; empty if there is none


class DelimitedReader(TextReader):
    """Reads the records of delimited text; see `rows.Reader`.

    Attributes:
        columns: The column names; without a header, numbers from 1.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._table: _Table | None = None
        self._notified: set[str] = set()
        self._quotes = self._reading.quoting != NONE
        self._kept: list[int] | None = None  # the columns that stay, if some do not
        # The name of the last column, which rejects most rows as a second header at once; None
        # if no row can be one. A single column may hold its name as a text.
        self._last_name: str | None = None
        csv.field_size_limit(_LONGEST_FIELD)

    @property
    def _known(self) -> _Table:
        assert self._table is not None
        return self._table

    @property
    def delimiter(self) -> str:
        """The delimiter of fields."""
        return self._known.delimiter

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
            body = self.rendered(body, table.columns, "")
            head = table.delimiter.join([*([body] if body else []), *added]) + ending
        return table.encoding.mark + encoded(table.preface + head, table.encoding, table.title)

    def rejected_header(self) -> bytes:
        """Return the header line unchanged."""
        table = self._known
        head = table.preface + table.header
        return table.encoding.mark + encoded(head, table.encoding, table.title)

    def chunks(self, source: Source, start: Position) -> Iterator[TextChunk]:
        """Read a file from a position on."""
        with self._open(source) as (lines, line, offset):
            if not start.line:
                start = Position(start.input, start.rows, line, offset)
            lines.skip(start.offset, start.line)
            self._usual_end = lines.end
            yield from self._chunks(lines, iter(lines), start)

    def _chunk(self, title: str) -> DelimitedChunk:
        return DelimitedChunk(self, title)

    def _add(
        self,
        chunk: DelimitedChunk,
        line: str,
        number: int,
        place: int,
        lines: Lines,
        rest: Iterator[str],
    ) -> str:
        table, fields = self._known, None
        if self._quotes and QUOTE in line:
            line, fields = self._quoted(line, rest, lines, place)
        body = line.rstrip("\r") if line.endswith("\r") else line
        ending = f"{line}{lines.ending}"[len(body) :]
        if not lines.unended:
            self._usual_end = ending if body else self._usual_end
        elif not lines.final:  # the line end is missing before another file
            ending = self._usual_end
        if not body:
            chunk.blank(ending)
            return line
        if fields is None:
            fields = body.split(table.delimiter)
        problem = self._problem(line, body, fields, lines)
        if problem is None:
            chunk.add(number, text_or_none(fields[table.text]), body, ending, fields)
        else:
            chunk.reject(number, place, body + ending, problem)
        return line

    def _problem(
        self, line: str, body: str, fields: list[str], lines: Lines
    ) -> RowError | None:
        count = len(self.columns)
        if isinstance(line, Undecodable):
            return RowError("not valid UTF-8", candidates=lines.encodings_to_try(line))
        if len(fields) != count:
            where = "the header has" if self._reading.header else "the first row has"
            hint = ""
            if count == 1 and not self._reading.header:
                piped = lines.title == STANDARD_INPUT
                plain = "give --format txt" if piped else "name the file .txt"
                hint = f"; if each line is one text, {plain}"
            return RowError(f"{plural(len(fields), 'field')}, but {where} {count}{hint}")
        if fields[-1] == self._last_name and self._is_header(fields):
            return HeaderRowError("the header again")
        other = "\r" if lines.end == "\n" else "\n"
        if other in body and self._is_outside_quotes(other, body):
            name = "carriage return" if other == "\r" else "line feed"
            return RowError(f"a {name} outside quotes, which ends no other line")
        return None

    def _is_header(self, fields: list[str]) -> bool:
        """Say whether a row equals the header; a byte order mark may be before it."""
        return [fields[0].removeprefix("\ufeff"), *fields[1:]] == self.columns

    def _is_outside_quotes(self, character: str, body: str) -> bool:
        if not self._quotes or QUOTE not in body:
            return True
        try:
            raw = self._raw_fields(body)
        except QuoteError:  # the character follows a closing quote
            return True
        return any(
            character in field for field in raw if not field.lstrip(" ").startswith(QUOTE)
        )

    def _quoted(
        self, line: str, remaining: Iterator[str], lines: Lines, number: int
    ) -> tuple[str, list[str]]:
        """Return a record with quotes, and its fields."""
        delimiter, title = self.delimiter, lines.title
        fields = fields_of_line(line.rstrip("\r"), delimiter)
        if fields is not None:
            return line, fields
        found = record(chain([line], remaining), delimiter, lines.end, title, number)
        if (
            found.lines > 1
            and self._reading.quoting is None
            and len(found.fields) == len(self.columns)
            and self._shapes.are_rows(found, delimiter, lines.end)
        ):
            raise QuoteError(
                "a quote opens a field here, and the lines up to the next quote look like "
                f"{found.lines} rows",
                file=title,
                line=number,
            )
        undecoded = _UNDECODED.search(found.body)
        return Undecodable(found.body) if undecoded else found.body, found.fields

    @contextmanager
    def _open(self, source: Source) -> Iterator[tuple[Lines, int, int]]:
        """Open a file after its header, and yield the lines and bytes of the header."""
        with source.open(self._reading.format) as content:
            lines = Lines(
                content,
                self._reading.encoding,
                final=source is self._last,
                records=True,
                quotes=self._quotes,
            )
            found, line, offset = self._begin(lines, source)
            if self._table is None:
                if lines.encoding.name != UTF8 and lines.encoding.mark:
                    self._notify_once(
                        f"{lines.title}: is {lines.encoding.name}, by its byte order mark"
                    )
                self._table = found
                self.columns, self.encoding = found.columns, found.encoding
                if self._reading.header and len(self.columns) > 1:
                    self._last_name = self.columns[-1]
                names = self._new.names if self._new and self._reading.header else ()
                kept = [i for i, name in enumerate(self.columns) if name not in names]
                self._kept = kept if len(kept) < len(self.columns) else None
            else:
                self._compare(found, self._table)
            yield lines, line, offset

    def _compare(self, found: _Table, known: _Table) -> None:
        """Raise DifferenceError if a later file differs from the first one."""
        if found.columns != known.columns:
            named = self._reading.header
            what = "header differs from that" if named else "columns differ from those"
            problem = f"its {what} of {known.title}"
        elif found.delimiter != known.delimiter:
            problem = (
                f"{delimiter_name(found.delimiter)} separate its fields, but "
                f"{delimiter_name(known.delimiter)} those of {known.title}"
            )
        elif found.end != known.end:
            problem = f"its line ends differ from those of {known.title}"
        elif found.encoding.name != known.encoding.name:
            problem = f"is {found.encoding.name}, and {known.title} is {known.encoding.name}"
        else:
            return
        raise DifferenceError(problem, file=found.title)

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
            raise ContentError("is empty; a header line is needed", file=lines.title)
        if len(first) > 1 and _MARKDOWN_RULE.fullmatch(first[1]) and "|" in first[0]:
            raise ContentError(
                "is a Markdown table; save it as CSV",
                file=lines.title,
            )
        delimiter, records = self._split(lines, first, declared)
        header = self._header(lines, first, delimiter, len(preface) + 1)
        if len(first) <= header.lines and not lines.complete:
            raise long_beginning(lines.title, len(preface) + 1)
        columns = header.fields
        if not self._reading.header:
            columns = [str(number) for number in range(1, len(columns) + 1)]
        if self._table is None:
            self._shapes = RowShapes(records[self._reading.header :], len(columns))
            text = self._choose(columns, lines.title)
        else:
            text = self._table.text
        before = "".join(f"{line}{lines.end}" for line in preface)
        header_lines = header.lines if self._reading.header else 0
        written = lines.end.join(first[:header_lines])
        size = len(lines.encoding.mark) + size_of(before + written)
        if header_lines and (len(first) > header_lines or source is not self._last):
            written += lines.end
            size += len(first) > header_lines
        table = _Table(
            lines.title, columns, text, delimiter, lines.end, lines.encoding, before, written
        )
        return table, len(preface) + header_lines, size

    def _split(
        self, lines: Lines, first: list[str], declared: str | None
    ) -> tuple[str, list[list[str]]]:
        """Return the delimiter, and the first records."""
        default = DELIMITED[self._reading.format]
        quoting = self._reading.quoting
        delimiter = self._reading.delimiter or declared
        if delimiter is None and self._table is not None:
            delimiter = self._table.delimiter
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
        return found.delimiter, found.records

    def _header(self, lines: Lines, first: list[str], delimiter: str, number: int) -> Record:
        """Return the first record: the header, or a row that shows the number of columns."""
        line = first[0]
        self._check_decodable(line, lines, number)
        if not self._quotes or QUOTE not in line:
            fields = line.rstrip("\r").split(delimiter)
            return Record(fields, fields, line, 1, [])
        try:
            found = record(iter(first), delimiter, lines.end, lines.title, number)
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

    def _notify_once(self, notice: str) -> None:
        if notice not in self._notified:
            self._notified.add(notice)
            self._notify(notice)

    def written(self, field: str, what: str) -> str:
        """Return a field as this dialect writes it; TableError on ``what`` if it cannot."""
        if self._quotes:
            return quoted(field, self.delimiter)
        if any(character in field for character in (self.delimiter, "\r", "\n")):
            raise TableError(
                f"{what}, {shortened(field)}, holds what separates fields or lines, and "
                "nothing is quoted here"
            )
        return field

    def rendered(self, body: str, fields: list[str], added: str) -> str:
        """Return a record without the overwritten fields, and with ``added`` at its end."""
        if self._kept is None:
            return body + added
        if self._quotes and QUOTE in body:
            fields = self._raw_fields(body)
        body = self.delimiter.join(fields[i] for i in self._kept)
        return body + added if self._kept else added.removeprefix(self.delimiter)

    def _raw_fields(self, body: str) -> list[str]:
        """Return the fields of a record as the file has them, quotes included."""
        end = self._known.end
        return record(iter(body.split(end)), self.delimiter, end).raw


class DelimitedChunk(TextChunk):
    """Consecutive records of a file; see `rows.Chunk`."""

    _reader: DelimitedReader

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows with their scores, and the blank lines between them."""
        rendered, delimiter = self._reader.rendered, self._reader.delimiter
        labels = {score.label for score in scores if score is not None}
        written = {label: self._reader.written(label, "a label") for label in labels}
        added = (
            delimiter * 2
            if score is None
            else f"{delimiter}{score.probability:.6f}{delimiter}{written[score.label]}"
            for score in scores
        )
        rows = map(rendered, self._bodies, self._cells, added)
        return self._encoded(map(add, rows, self._endings))


def _blank_lines(lines: list[str], start: int) -> int:
    """Return the index of the first line from ``start`` on that is not blank."""
    while start < len(lines) and not lines[start].rstrip("\r"):
        start += 1
    return start
