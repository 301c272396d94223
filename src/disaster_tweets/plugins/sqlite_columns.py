"""Write two columns of scores to a SQLite table, for sqlite-utils and for Datasette.

This module knows SQLite and neither host: its functions take a connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from disaster_tweets.errors import DisasterTweetsError
from disaster_tweets.plugins.column import LABEL, PROBABILITY

if TYPE_CHECKING:
    from sqlite3 import Connection


class TableError(DisasterTweetsError):
    """A table cannot be scored as requested; the message names the table or the column."""


class ScoreColumns(NamedTuple):
    """The names of the probability and label columns."""

    probability: str = PROBABILITY
    label: str = LABEL


def as_text(value: Any) -> str | None:
    """Return a SQLite value as text: a number as its digits, None for NULL or a BLOB."""
    return str(value) if isinstance(value, str | int | float) else None


def quoted(name: str) -> str:
    """Return the name of a table or column, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit all changes, or none after an error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def check(connection: Connection, table: str, text: str, scores: ScoreColumns) -> None:
    """Raise TableError if the table cannot be scored into the two columns; change nothing.

    Args:
        connection: A connection to the database.
        table: The name of the table.
        text: The column of the texts.
        scores: The columns to write: both new, or both written by this module before.

    Raises:
        TableError: The table or the text column does not exist, or the score columns hold
            something else.
        ArtifactError: The model's manifest, which has the labels, is missing or damaged.
    """
    _check_table(connection, table)
    columns = _columns(connection, table)
    if _folded(text) not in columns:
        names = ", ".join(columns.values())
        raise TableError(f"table {table} has no column {text}; it has {names}")
    if len({_folded(name) for name in (text, *scores)}) < 3:
        raise TableError(
            f"{text}, {scores.probability} and {scores.label} are not three different columns"
        )
    for name in scores:
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise TableError(
                f"column {name!r}: its name is not valid UTF-8; choose another name"
            )
    there = [name for name in scores if _folded(name) in columns]
    if len(there) == 1 or (there and not _hold_scores(connection, table, scores)):
        raise TableError(
            f"table {table} has a column {there[0]} already, and not from an earlier scoring; "
            "choose other names for the new columns"
        )


def add(connection: Connection, table: str, scores: ScoreColumns) -> None:
    """Add the two columns unless they exist; call it inside a transaction."""
    if _folded(scores.probability) in _columns(connection, table):
        return
    for name, kind in zip(scores, ("REAL", "TEXT"), strict=True):
        connection.execute(f"ALTER TABLE main.{quoted(table)} ADD COLUMN {quoted(name)} {kind}")


def _check_table(connection: Connection, table: str) -> None:
    kinds = {
        _folded(name): kind
        for name, kind in connection.execute("SELECT name, type FROM main.sqlite_master")
        if kind in ("table", "view")
    }
    kind = kinds.get(_folded(table))
    if kind == "view":
        raise TableError(f"{table} is a view, which has no columns of its own; score its table")
    if kind is None:
        tables = ", ".join(name for name, kind in kinds.items() if kind == "table")
        raise TableError(f"there is no table {table}; there is {tables or 'none at all'}")


def _columns(connection: Connection, table: str) -> dict[str, str]:
    """Return the column names, keyed by their lower-case form."""
    rows = connection.execute(f"PRAGMA main.table_xinfo({quoted(table)})")
    return {_folded(name): name for _, name, *_ in rows}


def _hold_scores(connection: Connection, table: str, scores: ScoreColumns) -> bool:
    """Say whether two columns hold values of this module and nothing else."""
    from disaster_tweets.bundle import bundled_manifest

    probability, label = map(quoted, scores)
    labels = bundled_manifest()["labels"]
    foreign = connection.execute(
        f"SELECT 1 FROM main.{quoted(table)} WHERE NOT ("
        f"  {probability} IS NULL AND {label} IS NULL"
        f"  OR typeof({probability}) = 'real' AND {probability} BETWEEN 0 AND 1"
        f"     AND coalesce({label}, '') IN ({', '.join('?' * len(labels))})"
        ") LIMIT 1",
        labels,
    )
    return foreign.fetchone() is None


def _folded(name: str) -> str:
    """Return a name in lower case as SQLite compares names: ASCII letters only."""
    return name.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")
