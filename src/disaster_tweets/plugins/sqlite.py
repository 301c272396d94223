"""The plugin of sqlite-utils and of Datasette: SQL functions, a command, an enrichment.

Either host may be missing, so its parts are imported only when the host calls them.
"""

from __future__ import annotations

import functools
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pluggy

from disaster_tweets.plugins.column import LABEL, PROBABILITY
from disaster_tweets.plugins.sqlite_columns import as_text

if TYPE_CHECKING:
    from sqlite3 import Connection

    import click

    from disaster_tweets.prediction import Prediction

for_sqlite_utils = pluggy.HookimplMarker("sqlite_utils")
for_datasette = pluggy.HookimplMarker("datasette")

_log = logging.getLogger(__name__)


@for_sqlite_utils
@for_datasette
def prepare_connection(conn: Connection) -> None:
    """Register the SQL functions on a connection."""
    for name, function in ((PROBABILITY, probability), (LABEL, label)):
        conn.create_function(name, 1, function, deterministic=True)


@for_sqlite_utils
def register_commands(cli: click.Group) -> None:
    """Add the command that scores a table."""
    from disaster_tweets.plugins.sqlite_command import score

    cli.add_command(score)


@for_datasette
def startup() -> None:
    """Load the model before the first query, because queries have a time limit."""
    with suppress(Exception):  # the error is logged, and only the functions are missing
        cached_prediction("")


@for_datasette
def register_enrichments() -> list[Any]:
    """Register the enrichment; only datasette-enrichments calls this."""
    from disaster_tweets.plugins.datasette_enrichment import DisasterTweets

    return [DisasterTweets()]


def probability(value: str | float | bytes | None) -> float | None:
    """Return the probability of a text, in [0, 1]: the SQL function.

    With two labels it is the probability of the second label, with more that of the text's
    label. A number is scored as its digits. NULL and a BLOB give NULL.
    """
    text = as_text(value)
    return None if text is None else cached_prediction(text).probability


def label(value: str | float | bytes | None) -> str | None:
    """Return the label of a text; None as in `probability`: the SQL function."""
    text = as_text(value)
    return None if text is None else cached_prediction(text).label


@functools.lru_cache(maxsize=16)  # for a row's probability and label, or a filter and a result
def cached_prediction(text: str) -> Prediction:
    """Return the prediction for a text; an error is logged before it is raised."""
    try:
        from disaster_tweets.classifier import bundled_classifier

        return bundled_classifier().predict(text)
    except Exception as error:
        # SQLite reports that a function failed, but not why.
        _log.error("%s", error)
        raise
