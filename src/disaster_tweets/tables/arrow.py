"""PyArrow, imported only where a format needs it, and plain values of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from disaster_tweets.tables.errors import DamagedError, MissingLibraryError
from disaster_tweets.tables.json_rows import Number

_EXTRA = "parquet"


def import_arrow(*submodules: str) -> tuple[Any, ...]:
    """Return the module pyarrow and the submodules of these names.

    Raises:
        MissingLibraryError: It is not installed.
    """
    try:
        return tuple(
            import_module(name) for name in ("pyarrow", *(f"pyarrow.{s}" for s in submodules))
        )
    except ImportError:
        raise MissingLibraryError("Parquet and Arrow files need pyarrow", _EXTRA) from None


@contextmanager
def reading(title: str, what: str) -> Iterator[None]:
    """Name the file that PyArrow cannot read; what it raises is one of these."""
    (arrow,) = import_arrow()
    try:
        yield
    except (arrow.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0].rstrip(".")
        raise DamagedError(f"cannot be read as {what} ({reason})", file=title) from None


def is_text(kind: Any) -> bool:
    """Say whether a type of Arrow is a string, possibly in a dictionary."""
    return _storage(kind) in ("string", "large_string", "string_view")


def may_be_text(kind: Any) -> bool:
    """Say whether a column of a type may be read as texts."""
    # One without any text may have been stored as nulls, or as floats: as NaN.
    return (
        is_text(kind)
        or _storage(kind) in ("binary", "large_binary", "binary_view", "null")
        or _storage(kind) in ("float", "double", "halffloat")
    )


def _storage(kind: Any) -> str:
    while hasattr(kind, "storage_type"):  # an extension type
        kind = kind.storage_type
    if hasattr(kind, "value_type") and str(kind).startswith("dictionary"):
        kind = kind.value_type
    return str(kind)


class Unreadable:
    """Stands for a value that is no text, whatever its type says."""


def texts(column: Any) -> list[Any]:
    """Return the values of a column of texts: str, None, `Unreadable`, or something else."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = [_each(value) for value in column]
    return values if is_text(column.type) else [_text(value) for value in values]


def _each(value: Any) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return Unreadable()


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return Unreadable()
    return None if isinstance(value, float) and value != value else value


def plain(column: Any) -> list[Any]:
    """Return the values of a column as any format can hold them.

    Those are None, str, bool, int, float, `Number`, and lists and dicts of them; and
    `Unreadable` for bytes that are no text. A time is a text, as Arrow writes it.
    """
    arrow, compute = import_arrow("compute")
    kind = column.type
    types = arrow.types
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if is_text(kind) or _storage(kind).endswith(("binary", "binary_view")):
        return texts(column)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return [None if value != value else value for value in column.to_pylist()]
    if types.is_nested(kind):
        return _of_each(column, lambda value: json.loads(json.dumps(value, default=str)))
    try:
        values = compute.cast(column, arrow.string()).to_pylist()
    except (arrow.ArrowException, NotImplementedError):
        return _of_each(column, str)
    return [Number(v) if v is not None and types.is_decimal(kind) else v for v in values]


def _of_each(column: Any, convert: Callable[[Any], Any]) -> list[Any]:
    """Convert one by one; what Python cannot hold becomes what Arrow prints for it."""
    converted = []
    for value in column:
        try:
            found = value.as_py()
            converted.append(None if found is None else convert(found))
        except (ValueError, OverflowError, TypeError):
            converted.append(str(value.cast("int64")) if not value.is_valid else str(value))
    return converted
