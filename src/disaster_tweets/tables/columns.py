"""Choose the text column, and check the names of new columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from disaster_tweets import topic
from disaster_tweets.tables.errors import ColumnError, TakenError

if TYPE_CHECKING:
    from disaster_tweets.tables.rows import NewColumns

TEXT = "text"

_SEPARATORS = re.compile(r"[\s_.\-]+")


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.casefold())


# Usual names of text columns, in lower case and without separators.
_USUAL = frozenset(
    """
    text texts fulltext textbody posttext content contents message messages messagetext
    messagebody msg body post posts comment comments commenttext commentbody sentence sentences
    review reviews reviewtext caption utterance headline sms smstext
    """.split()
).union(
    [_plain(topic.TEXTS)],
    (_plain(f"{topic.TEXT} {rest}") for rest in ("", "text", "content", "body")),
)


def is_usual(name: str) -> bool:
    """Say whether this is a usual name of a text column."""
    return _plain(name) in _USUAL


def choose_text_column(
    columns: Sequence[str],
    requested: str | None,
    *,
    file: str,
    typed: Callable[[], Sequence[str]] | None = None,
    others: Sequence[str] = (),
    maybe_no_header: bool = False,
) -> tuple[str, bool]:
    """Return the name of the text column, and whether it was guessed.

    Args:
        columns: The names of all columns.
        requested: The name that the user asked for, if any.
        file: The name of the file.
        typed: Returns the columns of type text, for a format with types.
        others: Columns that certainly hold something else.
        maybe_no_header: The first line may be a row instead of the header.

    Raises:
        ColumnError: The requested column does not exist, or no column is an obvious choice.
    """
    if requested is not None:
        return find(columns, requested, file=file, maybe_no_header=maybe_no_header), False
    if any(column.strip() == TEXT for column in columns):
        return find(columns, TEXT, file=file), False
    free = [column for column in columns if column not in others]
    usual = [column for column in free if is_usual(column)]
    if not usual and typed is not None:
        usual = [column for column in typed() if column not in others]
    if len(usual) == 1 and columns.count(usual[0]) == 1 and usual[0].strip():
        return usual[0], True
    if len(usual) > 1:
        problem = f"several columns could hold the texts: {listed(usual)}"
    else:
        problem = f"no column is named 'text'; it has {listed(columns)}"
    raise ColumnError(problem, file=file, candidates=columns, maybe_no_header=maybe_no_header)


def find(
    columns: Sequence[str], requested: str, *, file: str, maybe_no_header: bool = False
) -> str:
    """Return the column of a name; surrounding spaces are ignored.

    Raises:
        ColumnError: No column matches, or several do.
    """
    if columns.count(requested) == 1:
        return requested
    padded = [column for column in columns if column.strip() == requested.strip()]
    if requested not in columns and len(padded) == 1:
        return padded[0]
    problem = "several columns are named" if padded else "there is no column"
    raise ColumnError(
        f"{problem} {requested!r}; it has {listed(columns)}",
        file=file,
        column=requested,
        candidates=columns,
        maybe_no_header=maybe_no_header,
    )


def check_room(
    new: NewColumns | None, columns: Sequence[str], text: str | None, *, file: str
) -> None:
    """Raise TakenError if a new column has the name of an existing one that stays."""
    for name in new.names if new else ():
        if name == text:
            raise TakenError(f"column {name!r} is that of the texts", file=file, column=name)
        if new and name in columns and not new.overwrite:
            raise TakenError(
                f"there is a column {name!r} already",
                file=file,
                column=name,
                candidates=columns,
            )


def listed(names: Sequence[str], most: int = 20) -> str:
    """Return quoted names, separated by commas and shortened to a readable length."""
    shown = [shortened(name) for name in names[:most]]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(shown) or "none") + more


def shortened(value: str, most: int = 40) -> str:
    """Return a value in quotes on one line, cut if it is long."""
    quoted = repr(value) if value.isprintable() else ascii(value)
    return quoted if len(quoted) <= most else f"{quoted[:most]}..."
