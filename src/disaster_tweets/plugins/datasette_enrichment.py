"""The enrichment for Datasette: scores a column of a table from its web page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from datasette.utils.asgi import BadRequest
from datasette_enrichments import Enrichment
from wtforms import Form, SelectField, StringField
from wtforms.validators import DataRequired

from disaster_tweets.errors import DisasterTweetsError
from disaster_tweets.plugins.column import score
from disaster_tweets.plugins.sqlite_columns import (
    ScoreColumns,
    TableError,
    add,
    as_text,
    check,
    quoted,
    transaction,
)
from disaster_tweets.topic import QUESTION, TITLE

if TYPE_CHECKING:
    from sqlite3 import Connection

    from datasette.database import Database

_DEFAULT = ScoreColumns()


class DisasterTweets(Enrichment):  # type: ignore[misc]
    """Writes the probability and the label beside each text."""

    name = TITLE
    slug = "disaster-tweets"
    description = QUESTION

    async def get_config_form(self, db: Database, table: str) -> type[Form]:
        """Return the form that asks for the columns."""
        columns = await db.table_columns(table)

        class ColumnsForm(Form):  # type: ignore[misc]
            text = SelectField("Column with the texts", choices=columns, default="text")
            probability = StringField(
                "Column for the probability", [DataRequired()], default=_DEFAULT.probability
            )
            label = StringField(
                "Column for the label", [DataRequired()], default=_DEFAULT.label
            )

        return ColumnsForm

    async def initialize(self, db: Database, table: str, config: dict[str, str]) -> None:
        """Add the columns for the scores.

        Raises:
            BadRequest: The columns hold something else, rows have no unique key, or the model
                is damaged.
        """
        scores = _scores(config)
        keys = await db.primary_keys(table)
        columns = await db.table_columns(table)

        def prepare(connection: Connection) -> None:
            check(connection, table, config["text"], scores)
            if not keys and "rowid" in map(str.lower, columns):
                # Datasette would use it as SQLite's own key, and mix up the rows' scores.
                raise TableError(
                    f"table {table} has no primary key, and a column named rowid, so Datasette "
                    "cannot tell its rows apart; rename this column"
                )
            with transaction(connection):
                add(connection, table, scores)

        try:
            await asyncio.to_thread(score, [])  # loads the model before any change
            await db.execute_write_fn(prepare)
        except DisasterTweetsError as error:
            raise BadRequest(str(error)) from error

    async def enrich_batch(
        self,
        db: Database,
        table: str,
        rows: list[dict[str, Any]],
        pks: list[str],
        config: dict[str, str],
    ) -> int:
        """Score the texts of a batch, write the scores, and return the number of rows."""
        texts = [as_text(row[config["text"]]) for row in rows]
        # In a thread, so that Datasette keeps answering requests.
        scored = await asyncio.to_thread(score, texts)
        keys = [[row[key] for key in pks] for row in rows]
        assignments = ", ".join(f"{quoted(name)} = ?" for name in _scores(config))
        same = " AND ".join(f"{quoted(key)} = ?" for key in pks)

        def write(connection: Connection) -> None:
            with transaction(connection):
                connection.executemany(
                    f"UPDATE {quoted(table)} SET {assignments} WHERE {same}",
                    [
                        (probability, label, *key)
                        for probability, label, key in zip(*scored, keys, strict=True)
                    ],
                )

        await db.execute_write_fn(write)
        return len(rows)


def _scores(config: dict[str, str]) -> ScoreColumns:
    return ScoreColumns(config["probability"], config["label"])
