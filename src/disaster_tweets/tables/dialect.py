"""The dialect of delimited text: what separates its fields, found out from its first lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from disaster_tweets.tables.errors import DelimiterError
from disaster_tweets.tables.records import QuoteProblem, TooLong, record
from disaster_tweets.tables.rows import NONE

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_RECORDS = 500  # that are looked at
_CONSISTENT = 0.9  # of the rows have as many fields as the header, in a table


@dataclass(frozen=True)
class Sample:
    """The first records of a file, as a delimiter would cut them.

    Attributes:
        delimiter: The character.
        records: The records, the header first.
        share: Of the records behind the first, those with as many fields, in [0, 1].
    """

    delimiter: str
    records: list[list[str]]
    share: float

    @property
    def columns(self) -> int:
        """The number of fields of the first record."""
        return len(self.records[0]) if self.records else 0


def separator_line(line: str) -> str | None:
    """Return the delimiter that a first line ``sep=;`` tells spreadsheet programs, or None."""
    found = _SEPARATOR_LINE.fullmatch(line.rstrip("\r"))
    return found[1] if found else None


def detect(
    lines: Sequence[str],
    end: str,
    promised: str,
    quoting: str | None,
    has_texts: Callable[[list[str]], bool],
    title: str,
) -> Sample:
    """Return the first records of a table as its delimiter cuts them.

    Args:
        lines: The first lines of the file, the header first.
        end: What ends a line.
        promised: The delimiter that the format promises, which is taken in doubt.
        quoting: As in `rows.Reading`.
        has_texts: Says whether the names of columns include one that surely holds the texts.
        title: What messages call the file.

    Raises:
        DelimiterError: Two others fit equally well.
    """
    samples = {d: sample(lines, end, d, quoting) for d in {promised: "", **DELIMITERS}}
    named = {d: has_texts(s.records[0]) if s.records else False for d, s in samples.items()}
    first = samples[promised]
    others = [s for s in samples.values() if s is not first and s.columns > 1]
    fitting = [s for s in others if named[s.delimiter]]
    if named[promised]:
        return first
    if not fitting:
        if first.columns > 1 and first.share >= _CONSISTENT:
            return first
        fitting = [s for s in others if s.share >= _CONSISTENT]
    if not fitting:
        return first
    best = max(fitting, key=lambda s: s.share)
    rivals = [s for s in fitting if s.share == best.share]
    if len(rivals) > 1:
        names = [called(s.delimiter) for s in rivals]
        raise DelimiterError(
            f"{' or '.join(names)} could separate its fields",
            file=title,
            candidates=[s.delimiter for s in rivals],
        )
    return best


def sample(lines: Sequence[str], end: str, delimiter: str, quoting: str | None) -> Sample:
    """Cut the first lines of a file into records; those that cannot be read are left out."""
    records: list[list[str]] = []
    unread = 0
    remaining = iter(lines)
    for line in remaining:
        if len(records) + unread > _RECORDS:
            break
        if not line.rstrip("\r"):
            continue
        fields = _fields(line, delimiter, end, quoting, remaining)
        if fields is None:
            unread += 1
        else:
            records.append(fields)
    behind = records[1:]
    fitting = sum(len(fields) == len(records[0]) for fields in behind)
    share = fitting / (len(behind) + unread) if behind or unread else 1.0
    return Sample(delimiter, records, share)


def _fields(
    line: str, delimiter: str, end: str, quoting: str | None, remaining: Iterator[str]
) -> list[str] | None:
    if quoting == NONE or '"' not in line:
        return line.rstrip("\r").split(delimiter)
    try:
        return record(line, delimiter, end, lambda: next(remaining, None)).fields
    except (QuoteProblem, TooLong):
        return None


def called(delimiter: str) -> str:
    """Return what a message calls a delimiter."""
    name = DELIMITERS.get(delimiter)
    return repr(delimiter) if name is None else f"{name} ({delimiter!r})"
