"""Convert cell values between formats: to text, to JSON, and to typed columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from disaster_tweets.tables.json_rows import Number, dump

_LARGEST = 1 << 63
_EXACT = 1 << 53  # a float holds every integer up to here


def as_text(value: Any) -> str:
    """Return the value of a cell as delimited text; None becomes the empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    if isinstance(value, (int, timedelta)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return dump(value)


def as_json(value: Any) -> Any:
    """Return the value of a cell as JSON; a value without a JSON type becomes a text."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None if value != value else str(value)
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, (datetime, date, time, timedelta)):
        return as_text(value)
    return value


def kinds_of(values: Iterable[Any]) -> set[str]:
    """Return the kinds of the values: text, boolean, integer, long integer, number or json."""
    return {_kind(value) for value in values if value is not None}


def common(kinds: set[str]) -> str:
    """Return the kind of a column that holds values of these kinds; json if they differ."""
    if not kinds:
        return "text"
    if len(kinds) == 1:
        (kind,) = kinds
        return "integer" if kind == "long integer" else kind
    if kinds == {"integer", "long integer"}:
        return "integer"
    # A float would round a long integer.
    return "number" if kinds == {"integer", "number"} else "json"


def typed(value: Any, kind: str) -> Any:
    """Convert the value of a cell to the kind of its column.

    Raises:
        ValueError: The value is of another kind.
    """
    if value is None:
        return None
    if kind in ("text", "json"):
        return as_text(value)
    found = _kind(value)
    if common({found, kind}) != kind:
        raise ValueError
    return (
        bool(value) if kind == "boolean" else int(value) if kind == "integer" else float(value)
    )


def _kind(value: Any) -> str:
    if isinstance(value, Number):
        return _kind_of_number(value)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return _kind_of_integer(value)
    if isinstance(value, float):
        return "number"
    return "text" if isinstance(value, (str, date, time, timedelta)) else "json"


def _kind_of_number(value: Number) -> str:
    if value.removeprefix("-").isdecimal():
        return _kind_of_integer(int(value)) if len(value) <= 20 else "json"
    number = float(value)
    spelled_zero = not any(digit in "123456789" for digit in value.lower().partition("e")[0])
    return "number" if math.isfinite(number) and (number != 0) != spelled_zero else "json"


def _kind_of_integer(value: int) -> str:
    if not -_LARGEST <= value < _LARGEST:
        return "json"
    return "integer" if -_EXACT <= value <= _EXACT else "long integer"
