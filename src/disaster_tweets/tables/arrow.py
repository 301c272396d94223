"""Import PyArrow only for the formats that need it, and convert its columns to plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from disaster_tweets.tables.errors import DamagedError, MissingLibraryError
from disaster_tweets.tables.json_rows import Number

if TYPE_CHECKING:
    from disaster_tweets.tables.rows import Score


def import_arrow(*submodules: str) -> tuple[Any, ...]:
    """Return the module pyarrow and its named submodules.

    Raises:
        MissingLibraryError: PyArrow is not installed.
    """
    try:
        return tuple(
            import_module(name) for name in ("pyarrow", *(f"pyarrow.{s}" for s in submodules))
        )
    except ImportError:
        raise MissingLibraryError(
            "Parquet and Arrow files need pyarrow", extra="parquet"
        ) from None


def _refusals(arrow: Any) -> tuple[type[Exception], ...]:
    """Return the exceptions that PyArrow raises for a damaged file."""
    return (arrow.ArrowException, OSError, ValueError, SystemError, MemoryError, IndexError)


@contextmanager
def reading(title: str, what: str) -> Iterator[None]:
    """Turn PyArrow's exceptions into a DamagedError that names the file."""
    (arrow,) = import_arrow()
    try:
        yield
    except _refusals(arrow) as error:
        raise DamagedError(f"cannot be read as {what} ({reason(error)})", file=title) from None


def reason(error: Exception) -> str:
    """Return the first line of the message of an exception of PyArrow."""
    return (str(error).splitlines() or ["damaged"])[0].rstrip(".")


def score_columns(scores: Sequence[Score | None]) -> list[Any]:
    """Return the columns of the probabilities and of the labels."""
    (arrow,) = import_arrow()
    return [
        arrow.array([score and score.probability for score in scores], arrow.float32()),
        arrow.array([score and score.label for score in scores], arrow.string()),
    ]


def is_text(kind: Any) -> bool:
    """Say whether an Arrow type is a string, also in a dictionary."""
    return _storage(kind) in ("string", "large_string", "string_view")


def may_be_text(kind: Any) -> bool:
    """Say whether a column of this type may hold texts."""
    # A column without any text may have been stored as nulls, or as floats (NaN).
    return (
        is_text(kind)
        or _is_binary(kind)
        or _storage(kind) == "null"
        or _storage(kind) in ("float", "double", "halffloat")
    )


def _is_binary(kind: Any) -> bool:
    stored = _storage(kind)
    return stored.startswith("fixed_size_binary") or stored in (
        *("binary", "large_binary", "binary_view"),
    )


def _storage(kind: Any) -> str:
    while hasattr(kind, "storage_type"):  # an extension type
        kind = kind.storage_type
    if hasattr(kind, "value_type") and str(kind).startswith("dictionary"):
        kind = kind.value_type
    return str(kind)


Place: TypeAlias = tuple[int, ...]
"""The index of a column, and then that of a field of its struct, and so on."""


class Field(NamedTuple):
    """A column, or a field of a struct.

    Attributes:
        path: The name of the column; then those of the fields, joined by dots.
        place: The same by indices.
        type: The Arrow type.
    """

    path: str
    place: Place
    type: Any


def fields(schema: Any) -> Iterator[Field]:
    """Yield the columns of a schema, and then the fields of their structs, level by level."""
    (arrow,) = import_arrow()
    level = [Field(field.name, (index,), field.type) for index, field in enumerate(schema)]
    while level:
        yield from level
        level = [
            Field(f"{outer.path}.{field.name}", (*outer.place, index), field.type)
            for outer in level
            if arrow.types.is_struct(outer.type)
            for index, field in enumerate(outer.type)
        ]


def column_at(table: Any, place: Place) -> Any:
    """Return a column of a table or batch, or a field of its struct; null in a null struct."""
    index, *inner = place
    column = table.column(index)
    if not inner:
        return column
    _, compute = import_arrow("compute")
    return compute.struct_field(column, inner)


class Unreadable:
    """Stands for a value that is no valid text although its type is text."""


def texts(column: Any) -> list[Any]:
    """Return the values of a text column: str, None, `Unreadable`, or another type."""
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
    """Return the values of a column as types that any format can hold.

    The types are None, str, bool, int, float, `Number`, and lists and dicts of them, with
    `Unreadable` for a value that no other format can hold. A time becomes Arrow's text for it.
    """
    arrow, compute = import_arrow("compute")
    kind = column.type
    types = arrow.types
    if types.is_dictionary(kind) and types.is_nested(kind.value_type):
        return _each_plain(column)
    if types.is_dictionary(kind):
        kind = kind.value_type
    if is_text(kind) or _is_binary(kind):
        return texts(column)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return [None if value != value else value for value in column.to_pylist()]
    if types.is_duration(kind):
        counts = compute.cast(column, arrow.int64()).to_pylist()
        return [None if count is None else f"{count} {kind.unit}" for count in counts]
    if types.is_decimal(kind) or types.is_temporal(kind):
        try:
            values = compute.cast(column, arrow.string()).to_pylist()
        except (arrow.ArrowException, NotImplementedError):
            return _each_plain(column)
        if types.is_decimal(kind):
            return [None if value is None else Number(value) for value in values]
        # Arrow prints this for a time outside the calendar.
        return [Unreadable() if v is not None and v.startswith("<") else v for v in values]
    return _each_plain(column)


def _each_plain(column: Any) -> list[Any]:
    """Convert the values one by one if Arrow cannot convert the whole column."""
    values: list[Any] = []
    for value in column:
        try:
            values.append(_plain(value.as_py()))
        except (ValueError, OverflowError, TypeError, ArithmeticError):
            values.append(Unreadable())
    return values


def _plain(value: Any) -> Any:
    """Return a Python value as a type that any format can hold; ValueError if impossible."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if value != value else str(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Decimal):
        return Number(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    return str(value)
