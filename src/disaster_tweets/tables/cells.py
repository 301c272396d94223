"""Values of cells as other formats hold them: as text, as JSON, as a typed column."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from disaster_tweets.tables.json_rows import Number, dump

_LARGEST = 1 << 63
_LARGEST_FLOAT = 1.7e308
_EXACT = 1 << 53  # up to here a float holds every integer


def as_text(value: Any) -> str:
    """Return the value of a cell as delimited text holds it; None is nothing."""
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
    """Return the value of a cell as JSON can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, (datetime, date, time, timedelta)):
        return as_text(value)
    return value


def kinds_of(values: Iterable[Any]) -> set[str]:
    """Return the kinds of values: text, boolean, integer, number and json."""
    return {_kind(value) for value in values if value is not None}


def common(kinds: set[str]) -> str:
    """Return the kind of a column that holds values of these kinds."""
    if not kinds:
        return "text"
    if len(kinds) == 1:
        return next(iter(kinds))
    return "number" if kinds == {"integer", "number"} else "json"


def _kind(value: Any) -> str:
    if isinstance(value, Number):
        if value.lstrip("-").isdecimal():
            return "integer" if -_LARGEST <= int(value) < _LARGEST else "json"
        return "number" if abs(float(value)) <= _LARGEST_FLOAT else "json"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -_LARGEST <= value < _LARGEST else "json"
    if isinstance(value, float):
        return "number"
    return "text" if isinstance(value, (str, date, time, timedelta)) else "json"


def typed(value: Any, kind: str) -> Any:
    """Return the value of a cell for a column of a kind; of mixed kinds, as text."""
    if value is None:
        return None
    if kind == "integer":
        return int(value)
    if kind == "number":
        number = float(value)
        if isinstance(value, (int, Number)) and number.is_integer() and abs(number) >= _EXACT:
            raise OverflowError
        return number
    if kind == "boolean":
        return bool(value)
    return as_text(value)
