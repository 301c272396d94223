"""Detect the delimiter of a text file from its first lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from disaster_tweets.tables.errors import DelimiterError, QuoteError, SizeError
from disaster_tweets.tables.records import record
from disaster_tweets.tables.rows import NONE

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_RECORDS = 500  # records that are examined
_CONSISTENT = 0.9  # share of rows of a table that have as many fields as the header


@dataclass(frozen=True)
class Sample:
    """The first records of a file, split at one delimiter.

    Attributes:
        delimiter: The delimiter.
        records: The records, the header first.
        share: Share of the other records with as many fields as the first, in [0, 1].
    """

    delimiter: str
    records: list[list[str]]
    share: float

    @property
    def columns(self) -> int:
        """The number of fields of the first record."""
        return len(self.records[0]) if self.records else 0


def separator_line(line: str) -> str | None:
    """Return the delimiter that a first line such as ``sep=;`` declares, or None."""
    found = _SEPARATOR_LINE.fullmatch(line.rstrip("\r"))
    return found[1] if found else None


def detect(
    lines: Sequence[str],
    end: str,
    default: str,
    quoting: str | None,
    has_texts: Callable[[list[str]], bool],
    title: str,
) -> Sample:
    """Split the first lines of a file into records at its most likely delimiter.

    Args:
        lines: The first lines of the file, the header first.
        end: The line end.
        default: The delimiter of the file's format, which wins in doubt.
        quoting: As in `rows.Reading`.
        has_texts: Says whether column names include one that certainly holds the texts.
        title: The name of the file in messages.

    Raises:
        DelimiterError: Two other delimiters fit equally well.
    """
    samples = {d: sample(lines, end, d, quoting) for d in {default: "", **DELIMITERS}}
    named = {d: has_texts(s.records[0]) if s.records else False for d, s in samples.items()}
    first = samples[default]
    others = [s for s in samples.values() if s is not first and s.columns > 1]
    fitting = [s for s in others if named[s.delimiter]]
    if named[default]:
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
        names = [delimiter_name(s.delimiter) for s in rivals]
        raise DelimiterError(
            f"{' or '.join(names)} could separate its fields",
            file=title,
            candidates=[s.delimiter for s in rivals],
        )
    return best


def sample(lines: Sequence[str], end: str, delimiter: str, quoting: str | None) -> Sample:
    """Split the first lines of a file into records, and leave out unreadable ones."""
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
        return record(chain([line], remaining), delimiter, end).fields
    except (QuoteError, SizeError):
        return None


def delimiter_name(delimiter: str) -> str:
    """Return the name of a delimiter in messages."""
    name = DELIMITERS.get(delimiter)
    return repr(delimiter) if name is None else f"{name} ({delimiter!r})"
