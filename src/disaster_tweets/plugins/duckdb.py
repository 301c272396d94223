"""DuckDB: SQL functions for the probability and the label of a text."""

from __future__ import annotations

import threading
from typing import Any

from disaster_tweets.errors import InputError
from disaster_tweets.plugins.column import LABEL, PROBABILITY, missing, score

try:
    import duckdb
    import pyarrow as pa
except ImportError as error:
    raise missing("DuckDB, with PyArrow,", "duckdb") from error


def register(con: duckdb.DuckDBPyConnection) -> None:
    """Add the SQL functions to the database of a connection, for all its connections.

    Their names begin with the ``PREFIX`` of the topic:

    - ``PREFIX_probability(text VARCHAR)``: DOUBLE in [0, 1]: with two labels the probability
      of the second label, with more that of the text's label;
    - ``PREFIX_label(text VARCHAR)``: VARCHAR, the text's label.

    Both return NULL for NULL. A second call changes nothing. Pending results and the
    transaction of the connection are not affected.

    Args:
        con: A connection from ``duckdb.connect()``. ``duckdb.connect(":default:")`` is the
            connection of ``duckdb.sql()``.

    Raises:
        InputError: ``con`` is no connection.
        duckdb.ConnectionException: ``con`` is closed.
    """
    if not isinstance(con, duckdb.DuckDBPyConnection):
        kind = type(con).__name__
        raise InputError(f"con must be what duckdb.connect() returns, not {kind}")
    # Use a cursor: a statement on the connection itself would end a result that is still being
    # fetched. A closed cursor releases its functions, but these belong to this module.
    with _registering, con.cursor() as cursor:
        for name, function, sql_type in (
            (PROBABILITY, _probabilities, "DOUBLE"),
            (LABEL, _labels, "VARCHAR"),
        ):
            if not _is_registered(cursor, name):
                cursor.create_function(
                    name,
                    function,
                    ["VARCHAR"],
                    sql_type,
                    type="arrow",
                    null_handling="special",  # the functions handle NULL themselves
                    side_effects=False,
                )


_registering = threading.Lock()  # otherwise two threads could both find a function missing


def _is_registered(cursor: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = cursor.execute(
        "SELECT 1 FROM duckdb_functions() WHERE function_type = 'scalar' AND function_name = ?",
        [name],
    )
    return bool(found.fetchall())


# The last vector of texts that each DuckDB thread has scored. DuckDB calls again for the same
# texts if a query uses both functions, or one twice. The key is the thread's number, because a
# threading.local loses a foreign thread's values after each call.
_last: dict[int, dict[str | None, tuple[float | None, str | None]]] = {}


def _probabilities(texts: pa.ChunkedArray) -> pa.Array:
    return pa.array([probability for probability, _ in _scores(texts)], pa.float64())


def _labels(texts: pa.ChunkedArray) -> pa.Array:
    return pa.array([label for _, label in _scores(texts)], pa.string())


def _scores(column: pa.ChunkedArray) -> list[Any]:
    texts, thread = column.to_pylist(), threading.get_ident()
    scores = _last.get(thread, {})
    if not scores.keys() >= set(texts):
        distinct = list(dict.fromkeys(texts))
        scores = dict(zip(distinct, zip(*score(distinct), strict=True), strict=True))
        _last[thread] = scores
    return [scores[text] for text in texts]
