"""Split delimited text into records and fields, and detect misplaced quotes.

A quoted field begins and ends with a quote, and a doubled quote in it stands for one. Spaces
may precede the first quote. Everywhere else a quote is an ordinary character.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from disaster_tweets.tables.errors import QuoteError
from disaster_tweets.tables.lines import LONGEST, too_long

QUOTE = '"'


class Record(NamedTuple):
    """The fields of a record.

    Attributes:
        fields: The value of each field.
        raw: The text of each field as the file has it.
        body: The text of the record, without the last line end.
        lines: The number of lines.
        quoted_lines: The quoted fields that contain a line end.
    """

    fields: list[str]
    raw: list[str]
    body: str
    lines: int
    quoted_lines: list[int]


def fields_of_line(body: str, delimiter: str) -> list[str] | None:
    """Return the fields of a one-line record with quotes, or None if only `record` can tell.

    The csv module is several times faster than `record`.
    """
    if ' "' in body or "\0" in body:  # csv cannot read these everywhere
        return None
    try:
        return next(csv.reader((body,), delimiter=delimiter, strict=True), None)
    except csv.Error:
        return None


def record(
    lines: Iterator[str], delimiter: str, end: str, title: str = "", number: int = 1
) -> Record:
    """Read one record, which may continue over several lines inside quotes.

    Args:
        lines: The lines from the first one of the record on, without their line ends.
        delimiter: The delimiter of fields.
        end: The line end.
        title: The name of the file in messages.
        number: The number of the first line in messages.

    Raises:
        QuoteError: A quote does not close at the end of its field.
        SizeError: The record does not fit into the memory.
    """
    line = next(lines)
    whole = [line]
    # Begin and end of each field in the record, and the quoted text if the field has quotes.
    spans: list[tuple[int, int, int, int]] = []
    quoted_lines: list[int] = []
    position, before = 0, 0  # ``before`` is the length of the earlier lines
    while True:
        start = position
        while line.startswith(" ", position):
            position += 1
        if not line.startswith(QUOTE, position):
            stop = line.find(delimiter, start)
            stop = len(line.rstrip("\r")) if stop < 0 else stop
            spans.append((before + start, before + stop, 0, 0))
            if not line.startswith(delimiter, stop):
                break
            position = stop + 1
            continue
        begin, opened, position = before + start, len(whole) - 1, position + 1
        text = before + position
        while True:
            stop = line.find(QUOTE, position)
            if stop < 0:
                before += len(line) + 1
                if before > LONGEST:
                    raise too_long(title, number + opened)
                following = next(lines, None)
                if following is None:
                    raise _unclosed("never closes", title, number + opened)
                line, position = following, 0
                whole.append(line)
            elif line.startswith(QUOTE, stop + 1):
                position = stop + 2
            else:
                position = stop + 1
                break
        if len(whole) - 1 > opened:
            quoted_lines.append(len(spans))
        spans.append((begin, before + position, text, before + stop))
        if line.startswith(delimiter, position):
            position += 1
        elif not line[position:].strip("\r"):
            break
        else:
            closed = len(whole) - 1
            where = f" in line {number + closed}" if closed != opened else ""
            problem = f"closes{where} before the end of the field"
            raise _unclosed(problem, title, number + opened)
    body = end.join(whole)
    raw = [body[begin:stop] for begin, stop, _, _ in spans]
    fields = [
        body[inner:outer].replace(QUOTE * 2, QUOTE) if inner else field
        for field, (_, _, inner, outer) in zip(raw, spans, strict=True)
    ]
    return Record(fields, raw, body, len(whole), quoted_lines)


def _unclosed(problem: str, title: str, line: int) -> QuoteError:
    return QuoteError(f"a quote opens a field here and {problem}", file=title, line=line)


def quoted(field: str, delimiter: str) -> str:
    """Return a field of delimited text, quoted only if necessary."""
    if any(character in field for character in (delimiter, '"', "\r", "\n")):
        return '"' + field.replace('"', '""') + '"'
    return field


class RowShapes:
    """Learns the shape of the cells of a table, to tell rows from the lines of one text.

    In a file without quoting, a text may begin with a quote. The quote then seems to open a
    field that swallows the following rows until a text ends with a quote. This class detects
    the case: each swallowed line has the right number of cells, and one column repeats a
    number, a date, or a word of that column.
    """

    def __init__(self, rows: Sequence[Sequence[str]], columns: int) -> None:
        self._columns = columns
        whole = [row for row in rows if len(row) == columns]
        self._words = [
            {row[i].strip() for row in whole if row[i].strip()} for i in range(columns)
        ]

    def are_rows(self, record: Record, delimiter: str, end: str) -> bool:
        """Say whether the lines of a record look like separate rows."""
        lines = [line.rstrip("\r").split(delimiter) for line in record.body.split(end)]
        # Prose rarely contains tabs and pipes, so a line with one extra delimiter is still a
        # row.
        rare = delimiter in "\t|"
        cells = [len(line) for line in lines]
        fewest, most = min(cells), max(cells)
        if self._columns < 2 or fewest < self._columns or (most > self._columns and not rare):
            return False
        return any(
            self._alike([line[column].strip(' "') for line in lines], self._words[column], rare)
            for column in range(self._columns)
            if column not in record.quoted_lines
        )

    @staticmethod
    def _alike(cells: list[str], words: set[str], rare: bool) -> bool:
        if not all(cells):
            return False
        if all(_NUMBER.fullmatch(cell) for cell in cells) or words.issuperset(cells):
            return True
        if len(set(cells)) == 1 or (rare and not any(_SPACE.search(cell) for cell in cells)):
            return True
        shapes = {_shape(cell) for cell in cells}
        return len(shapes) == 1 and "9" in shapes.pop()


_NUMBER = re.compile(r"[-+]?\d[\d.,]*(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
_SPACE = re.compile(r"\s")
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")


def _shape(cell: str) -> str:
    """Return the shape of a cell, such as that of a date or an identifier."""
    return _LETTERS.sub("a", _DIGITS.sub("9", cell))
