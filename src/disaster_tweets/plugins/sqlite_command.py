"""The sqlite-utils command that scores a column of a table in place."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click
from sqlite_utils import Database
from sqlite_utils.utils import sqlite3

from disaster_tweets import topic
from disaster_tweets.counting import plural
from disaster_tweets.errors import DisasterTweetsError
from disaster_tweets.plugins.column import SCORE_COMMAND
from disaster_tweets.plugins.sqlite_columns import (
    ScoreColumns,
    TableError,
    add,
    check,
    quoted,
    transaction,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

    from disaster_tweets.classifier import Classifier, Progress

_DEFAULT = ScoreColumns()
_HELP = f"""Score the {topic.TEXTS} in a column of a table. {topic.QUESTION}

Adds two columns to TABLE: the {topic.PROBABILITY}, and the label, one of
{", ".join(topic.LABELS)}. They are NULL where COLUMN is NULL or a BLOB.

Each batch is one transaction. Rows that have a score are skipped: after an interruption the
same command scores the rest, and later on the rows that are new.

\b
Example:
  sqlite-utils {SCORE_COMMAND} texts.db texts text
"""


@click.command(SCORE_COMMAND, help=_HELP)
@click.argument("path", metavar="DB", type=click.Path(exists=True, dir_okay=False))
@click.argument("table")
@click.argument("column")
@click.option(
    "--probability-column", default=_DEFAULT.probability, show_default=True, metavar="NAME",
    help=f"Column for the {topic.PROBABILITY}.",
)  # fmt: skip
@click.option(
    "--label-column", default=_DEFAULT.label, show_default=True, metavar="NAME",
    help="Column for the label.",
)  # fmt: skip
@click.option(
    "--rescore", is_flag=True, help="Forget the scores that are there, and score every row."
)
@click.option(
    "--batch-size", type=click.IntRange(1), default=1000, show_default=True, metavar="N",
    help="Rows to score and to write at a time.",
)  # fmt: skip
@click.option("-s", "--silent", is_flag=True, help="Don't show a progress bar or a summary.")
def score(
    path: str,
    table: str,
    column: str,
    probability_column: str,
    label_column: str,
    rescore: bool,
    batch_size: int,
    silent: bool,
) -> None:
    """Score the texts in a column of a table: the command."""
    scores = ScoreColumns(probability_column, label_column)
    with _errors_in_one_line(path), closing(Database(path).conn) as connection:
        connection.isolation_level = None  # `transaction` begins transactions explicitly
        check(connection, table, column, scores)
        keys = _keys(connection, table)
        classifier = _classifier()
        with transaction(connection):
            add(connection, table, scores)
            if rescore:
                _clear_scores(connection, table, scores)
        job = _Job(connection, table, column, scores, keys)
        with _progress(0 if silent else job.pending) as progress:
            job.run(classifier, batch_size, progress)
        if not silent:
            click.echo(job.summary())


class _Job:
    """The rows of a table with a text and without a score, and counts of the results.

    Attributes:
        pending: The number of such rows.
    """

    def __init__(
        self,
        connection: Connection,
        table: str,
        column: str,
        scores: ScoreColumns,
        keys: Sequence[str],
    ) -> None:
        self._connection = connection
        self._table = f"main.{quoted(table)}"
        self._text = quoted(column)
        self._probability, self._label = map(quoted, scores)
        self._keys = keys
        (self._encoding,) = connection.execute("PRAGMA main.encoding").fetchone()
        self._rows, self._had_score = connection.execute(
            f"SELECT count(*), count({self._probability}) FROM {self._table}"
        ).fetchone()
        self.pending = self._list_pending()
        self._scored = 0

    def run(self, classifier: Classifier, batch_size: int, progress: Progress) -> None:
        """Score the rows, batch by batch."""
        for first in range(1, self.pending + 1, batch_size):
            rows, raw = self._read(first, first + batch_size - 1)
            # SQLite allows text values with bytes that are not valid text.
            texts = [value.decode(self._encoding, errors="replace") for value in raw]
            predictions = classifier.predict(texts, progress=progress)
            values = [
                {"row": row, "text": text, "probability": p.probability, "label": p.label}
                for row, text, p in zip(rows, raw, predictions, strict=True)
            ]
            with transaction(self._connection):
                self._scored += self._write(values)

    def summary(self) -> str:
        """Return one line for the user."""
        changed = self.pending - self._scored
        without_text = self._rows - self._had_score - self.pending
        counts = [
            f"{plural(self._scored, 'row')} scored",
            f"{self._had_score:,} had a score" if self._had_score else "",
            f"{without_text:,} without text" if without_text else "",
            f"{changed:,} changed meanwhile: run it again" if changed else "",
        ]
        return ", ".join(filter(None, counts))

    def _list_pending(self) -> int:
        """Copy the keys of the rows into a temporary table, numbered from 1, and count them.

        So the keys, of whatever type, do not pass through Python, and a row that gets no score
        is not found again.
        """
        keys = ", ".join(f"{key} AS k{i}" for i, key in enumerate(self._keys))
        self._connection.execute(
            f"CREATE TEMP TABLE pending AS SELECT {keys} FROM {self._table}"
            f" WHERE {self._probability} IS NULL"
            f" AND typeof({self._text}) IN ('text', 'integer', 'real')"
        )
        (count,) = self._connection.execute("SELECT count(*) FROM temp.pending").fetchone()
        return int(count)

    def _read(self, first: int, last: int) -> tuple[list[int], list[bytes]]:
        """Return the numbers of the rows that still exist, and their texts as bytes."""
        same = " AND ".join(f"t.{key} IS pending.k{i}" for i, key in enumerate(self._keys))
        found = self._connection.execute(
            f"SELECT pending.rowid, CAST(t.{self._text} AS BLOB)"
            f" FROM temp.pending CROSS JOIN {self._table} AS t ON {same}"
            f" WHERE pending.rowid BETWEEN ? AND ? AND t.{self._text} IS NOT NULL",
            (first, last),
        ).fetchall()
        return [row for row, _ in found], [raw for _, raw in found]

    def _write(self, values: Sequence[Mapping[str, object]]) -> int:
        """Write the scores of texts that did not change, and return the number of rows.

        Rows with a NULL in their key may share a key. Those with the same text get the score
        together and count once.
        """
        same = " AND ".join(
            f"{key} IS (SELECT k{i} FROM temp.pending WHERE rowid = :row)"
            for i, key in enumerate(self._keys)
        )
        cursor = self._connection.executemany(
            f"UPDATE {self._table} SET {self._probability} = :probability,"
            f" {self._label} = :label WHERE {same} AND CAST({self._text} AS BLOB) IS :text"
            f" AND {self._probability} IS NULL",
            values,
        )
        return max(cursor.rowcount, 0)  # -1 if there was nothing to write


def _clear_scores(connection: Connection, table: str, scores: ScoreColumns) -> None:
    # All at the start, so that an interrupted --rescore continues like any run.
    probability, label = map(quoted, scores)
    connection.execute(
        f"UPDATE main.{quoted(table)} SET {probability} = NULL, {label} = NULL"
        f" WHERE {probability} IS NOT NULL"
    )


def _keys(connection: Connection, table: str) -> list[str]:
    """Return the columns that identify a row, as SQL: the rowid, or the primary key.

    Raises:
        TableError: There is neither: columns use all names of the rowid.
    """
    columns = connection.execute(f"PRAGMA main.table_xinfo({quoted(table)})").fetchall()
    names = {name.lower() for _, name, *_ in columns}
    for alias in ("rowid", "_rowid_", "oid"):
        if alias in names:
            continue
        try:
            connection.execute(f"SELECT {alias} FROM main.{quoted(table)} LIMIT 0")
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                raise
        else:
            return [alias]
    key = [(place, name) for _, name, _, _, _, place, _ in columns if place]
    if not key:
        raise TableError(
            f"table {table} has no primary key, and columns with all names of SQLite's own "
            "key, so nothing tells its rows apart; rename one of these columns: "
            f"ALTER TABLE {quoted(table)} RENAME COLUMN oid TO another_name"
        )
    return [quoted(name) for _, name in sorted(key)]


def _classifier() -> Classifier:
    from disaster_tweets.classifier import bundled_classifier

    return bundled_classifier()


@contextmanager
def _errors_in_one_line(path: str) -> Iterator[None]:
    try:
        yield
    except DisasterTweetsError as error:
        raise click.ClickException(f"{path}: {error}") from error
    except sqlite3.Error as error:
        advice = "; another program uses it: try again" if "locked" in str(error) else ""
        raise click.ClickException(f"{path}: {error}{advice}") from error
    except KeyboardInterrupt:
        click.echo("Interrupted; the same command scores the rest", err=True)
        sys.exit(130)


@contextmanager
def _progress(rows: int) -> Iterator[Progress]:
    """Show a progress bar on a terminal, and yield a function that advances it."""
    if not rows or sys.stderr is None or not sys.stderr.isatty():
        yield lambda count: None
        return
    with click.progressbar(length=rows, file=sys.stderr, label="Scoring") as bar:
        yield bar.update
