"""CSV and TSV: the bytes of each record are kept, and two fields appended."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from disaster_tweets.batch import FileError
from disaster_tweets.batch.columns import broken_file, check_new_columns, choose_text_column
from disaster_tweets.batch.rows import NOT_UTF8, BrokenRow, Options, Score
from disaster_tweets.batch.source import Source, Stream
from disaster_tweets.batch.text_rows import Row, TextReader, body_and_ending

DELIMITERS = {"csv": ",", "tsv": "\t"}

# Stands in for NUL, which the csv module of Python 3.10 refuses. No UTF-8 decodes to it.
_NUL = "\ud800"
_LONGEST_FIELD = (1 << 31) - 1  # the most that csv takes on every system


def encode(fields: Sequence[str], delimiter: str) -> bytes:
    """Return a record without line ending; only fields that need quotes have them."""
    return delimiter.join(_quoted(field, delimiter) for field in fields).encode()


def values(score: Score | None) -> tuple[str, str]:
    """Return the new fields of a row; both are empty without a score."""
    return ("", "") if score is None else (f"{score.probability:.6f}", score.label)


def _quoted(field: str, delimiter: str) -> str:
    if any(character in field for character in (delimiter, '"', "\r", "\n")):
        return '"' + field.replace('"', '""') + '"'
    return field


class DelimitedReader(TextReader):
    """Reads records of fields; the first names the columns."""

    def __init__(self, options: Options, last: Source) -> None:
        super().__init__(options, last)
        self._delimiter = DELIMITERS[options.format]
        self._columns: list[str] | None = None
        self._header = b""
        self._text = 0
        self._kept: list[int] | None = None  # columns, where some are dropped
        csv.field_size_limit(_LONGEST_FIELD)

    def begin(self, stream: Stream) -> None:
        """Read the header, and any blank lines before it."""
        source, header = stream.source, stream.bom
        for row in self._records(stream):
            header += row.raw
            if row.problem is not None:
                raise FileError(f"{source.title}, header: {row.problem}; repair or convert it")
            if row.record:
                break
        else:
            raise FileError(f"{source.title}: is empty; a header line is needed")
        if self._columns is None:
            self._choose(row.record, source)
        elif row.record != self._columns:
            raise FileError(
                f"{source.title}: its header differs from that of the other files; "
                "score it on its own"
            )
        self._header = self._header or self._ended(Row(header, 1), source).raw

    def head(self) -> bytes:
        """Return the header with the new columns."""
        body, ending = body_and_ending(self._header)
        return self._with(body, self._columns or [], self.options.new_columns) + ending

    def rejected_head(self) -> bytes:
        """Return the header as it is."""
        return self._header

    def rows(self, stream: Stream, number: int) -> Iterator[Row]:
        """Read the records that follow row ``number``."""
        columns = len(self._columns or ())
        for row in self._records(stream):
            if row.record or row.problem is not None:
                row.number = number = number + 1
            if row.problem is None and row.record:
                if len(row.record) == columns:
                    row.text = row.record[self._text].replace(_NUL, "\0") or None
                else:
                    row.problem = f"{_count(len(row.record))}, where the header has {columns}"
            yield row

    def render(self, row: Row, score: Score | None) -> bytes:
        """Return the record with two more fields."""
        body, ending = body_and_ending(row.raw)
        return self._with(body, row.record, values(score)) + ending

    def _with(self, body: bytes, fields: list[str], new: Sequence[str]) -> bytes:
        added = encode(new, self._delimiter)
        if self._kept is not None:
            kept = [fields[index].replace(_NUL, "\0") for index in self._kept]
            body = encode(kept, self._delimiter)
        return body + self._delimiter.encode() + added

    def _choose(self, columns: list[str], source: Source) -> None:
        try:
            text = choose_text_column(self.options.text_column, columns, columns)
            check_new_columns(self.options, columns, text)
        except BrokenRow as problem:
            raise broken_file(source, problem) from None
        self._columns, self._text = columns, columns.index(text)
        kept = [i for i, name in enumerate(columns) if name not in self.options.new_columns]
        self._kept = kept if len(kept) < len(columns) else None

    def _records(self, stream: Stream) -> Iterator[Row]:
        lines = _Lines(stream)
        reader = csv.reader(lines, delimiter=self._delimiter)
        while True:
            problem, first_line = None, stream.line + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                record, problem = [], str(error).partition(" - ")[0]
            if lines.open:
                problem = "a quote is opened and never closed"
            elif not lines.valid:
                problem = NOT_UTF8
            yield Row(lines.take(), first_line, record=record, problem=problem)


class _Lines:
    """Feeds csv.reader, and remembers the bytes of the current record.

    Attributes:
        valid: The record is UTF-8 so far.
        open: The input ended within the record.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._raw: list[bytes] = []
        self._size = 0
        self.valid, self.open = True, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline()
        if not line:
            self.open = bool(self._raw)
            raise StopIteration
        self._raw.append(line)
        self._size += len(line)
        self._stream.check_length(self._size)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self.valid = False  # of this record; where it ends can be told nevertheless
            text = line.decode(errors="surrogateescape")
        return text.replace("\0", _NUL)

    def take(self) -> bytes:
        """Return the bytes of the record that was read, and begin another."""
        raw = b"".join(self._raw)
        self._raw.clear()
        self._size, self.valid = 0, True
        return raw


def _count(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"
