"""Detect a table by its first line, in input that should have one text per line."""

from __future__ import annotations

import re

_FORMATS = {",": "csv", ";": "csv", "|": "csv", "\t": "tsv"}

# A name of one word, in quotes or not. In prose, a space follows a comma.
_NAME = re.compile(r'[^\W\d][\w.-]*|"[^\W\d][\w .-]*"|')
_JSON = re.compile(r'\s*\[?\s*\{\s*("[^"]*"\s*:.*)?|\s*\[\s*')


def format_by_first_line(line: str) -> str | None:
    """Return the format of a table by its first line: csv, tsv, jsonl or json; None for a text.

    A header has at least two names, and one of them is usual for a column of texts. JSON begins
    with an object, alone or in an array.
    """
    # Imported here because only standard input needs it.
    from disaster_tweets.tables.columns import is_usual

    if _JSON.fullmatch(line):
        return "json" if line.lstrip().startswith("[") else "jsonl"
    for separator, format_ in _FORMATS.items():
        names = line.split(separator)
        known = any(is_usual(name.strip('"')) for name in names)
        if len(names) > 1 and known and all(map(_NAME.fullmatch, names)):
            return format_
    return None
