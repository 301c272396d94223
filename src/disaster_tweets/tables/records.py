"""Records of delimited text: their fields, and whether their quotes are what they seem.

A field that begins with a quote ends with one, and holds a quote as two of them; spaces may
stand before it. Everywhere else a quote is a character like others.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from disaster_tweets.tables.lines import LONGEST

QUOTE = '"'


class QuoteProblem(Exception):  # noqa: N818 - not yet an error: nobody knows the place
    """A quote opens and does not close where the field ends.

    Attributes:
        line: In which line of the record it opens, from 0.
        closes: In which line it closes too early; None where it never does.
    """

    def __init__(self, line: int, closes: int | None) -> None:
        super().__init__()
        self.line, self.closes = line, closes


class TooLong(Exception):  # noqa: N818 - as above
    """A record does not fit into the memory.

    Attributes:
        line: In which line of the record its last quote opens, from 0.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class Record(NamedTuple):
    """The fields of a record.

    Attributes:
        fields: What each field holds.
        raw: Each field as it is written.
        body: The record as it is written, without the end of its last line.
        lines: How many lines it takes.
        quoted_lines: The fields in quotes that hold a line end.
    """

    fields: list[str]
    raw: list[str]
    body: str
    lines: int
    quoted_lines: list[int]


def fields_of_line(body: str, delimiter: str) -> list[str] | None:
    """Return the fields of a record of one line with quotes; None where it takes a closer look.

    The csv module does it several times faster than `record`.
    """
    if ' "' in body or "\0" in body:  # spaces before a quote; what csv cannot read everywhere
        return None
    try:
        return next(csv.reader((body,), delimiter=delimiter, strict=True), None)
    except csv.Error:
        return None


def record(first: str, delimiter: str, end: str, more: Callable[[], str | None]) -> Record:
    """Read a record, whose quotes may span lines.

    Args:
        first: Its first line, without its end.
        delimiter: What separates the fields.
        end: What ends a line.
        more: Returns the next line without its end, or None where there is none.

    Raises:
        QuoteProblem: A quote does not close where the field ends.
        TooLong: The record does not fit into the memory.
    """
    whole = [first]
    # Where each field begins and ends in the record, and the text in its quotes, if any.
    spans: list[tuple[int, int, int, int]] = []
    quoted_lines: list[int] = []
    line, position, before = first, 0, 0  # the length of the lines before this one
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
                    raise TooLong(opened)
                following = more()
                if following is None:
                    raise QuoteProblem(opened, None)
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
            raise QuoteProblem(opened, len(whole) - 1)
    body = end.join(whole)
    raw = [body[begin:stop] for begin, stop, _, _ in spans]
    fields = [
        body[inner:outer].replace(QUOTE * 2, QUOTE) if inner else field
        for field, (_, _, inner, outer) in zip(raw, spans, strict=True)
    ]
    return Record(fields, raw, body.rstrip("\r"), len(whole), quoted_lines)


class RowShapes:
    """Knows what the cells of a table look like, to tell rows from the lines of one text.

    Where quotes are mere characters, one that begins a text seems to open a field, which takes
    in the rows behind it until a text ends with a quote. What gives it away: each of the lines
    is a row, with the right number of cells, and in one column a number, a date, the same word,
    or what stands there in other rows, too.
    """

    def __init__(self, rows: Sequence[Sequence[str]], columns: int) -> None:
        self._columns = columns
        whole = [row for row in rows if len(row) == columns]
        self._words = [
            {row[i].strip() for row in whole if row[i].strip()} for i in range(columns)
        ]

    def are_rows(self, record: Record, delimiter: str, end: str) -> bool:
        """Say whether the lines of a record look like rows of their own."""
        lines = [line.rstrip("\r").split(delimiter) for line in record.body.split(end)]
        # In prose, tabs and pipes are rarer than commas: with one too many, it is a row, too.
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
    """Return what a date, an identifier or the like has in common with its neighbours."""
    return _LETTERS.sub("a", _DIGITS.sub("9", cell))
