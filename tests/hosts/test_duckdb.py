"""The functions for DuckDB: in every clause, over many rows and from several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import duckdb
import pyarrow as pa
import pytest

from disaster_tweets import InputError, predict
from disaster_tweets.errors import ArtifactError
from disaster_tweets.plugins import duckdb as adapter
from disaster_tweets.plugins.duckdb import register
from disaster_tweets.topic import EXAMPLES, PREFIX

from .conftest import check_own_probabilities

HOSTS = ("duckdb",)

PROBABILITY, LABEL = f"{PREFIX}_probability", f"{PREFIX}_label"
EXAMPLE = EXAMPLES[0]
TEXTS = [
    *EXAMPLES[:2],
    "",
    "☕",
    "çok büyük şehir",
    *(f"{EXAMPLE} {i}" for i in range(30)),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        register(connection)
        yield connection


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """The texts that reach the classifier, in order."""
    texts: list[str] = []

    def score(values, score=adapter.score):
        texts.extend(values)
        return score(values)

    monkeypatch.setattr(adapter, "score", score)
    monkeypatch.setattr(adapter, "_last", {})  # without the results of other tests
    return texts


def label_of_example(con: duckdb.DuckDBPyConnection) -> str:
    """Return the result of the SQL function for `EXAMPLE`."""
    ((label,),) = con.execute(f"SELECT {LABEL}(?)", [EXAMPLE]).fetchall()
    return label


def table(con: duckdb.DuckDBPyConnection, rows: int) -> list[tuple]:
    """Make the table texts, in which every seventh text is missing; return its scored rows."""
    predictions = {text: predict(text) for text in TEXTS}
    texts = [None if row % 7 == 6 else TEXTS[row % len(TEXTS)] for row in range(rows)]
    column = pa.array(texts, pa.string())
    con.from_arrow(pa.table({"id": range(rows), "text": column})).create("texts")
    scores = [predictions.get(text) for text in texts]
    return [
        (row, text, score and score.probability, score and score.label)
        for row, (text, score) in enumerate(zip(texts, scores, strict=True))
    ]


def test_where_group_by_and_order_by_use_the_scores(con) -> None:
    want = table(con, 100)
    middle = median(probability for *_, probability, _ in want if probability is not None)
    likely = [row for row, _, probability, _ in want if probability and probability > middle]
    assert con.execute(
        f"SELECT id FROM texts WHERE {PROBABILITY}(text) > ? ORDER BY id", [middle]
    ).fetchall() == [(row,) for row in likely]
    groups = con.execute(
        f"SELECT {LABEL}(text), count(*) FROM texts GROUP BY {LABEL}(text)"
    ).fetchall()
    labels = [label for *_, label in want]
    assert dict(groups) == {label: labels.count(label) for label in labels}
    assert con.execute(
        f"SELECT DISTINCT {PROBABILITY}(text) FROM texts "
        f"ORDER BY {PROBABILITY}(text) DESC NULLS LAST LIMIT 1"
    ).fetchall() == [(max(p for _, _, p, _ in want if p is not None),)]


def test_null_stays_null(con) -> None:
    query = f"SELECT {PROBABILITY}(NULL), {LABEL}(text) FROM (VALUES (NULL::VARCHAR)) t(text)"
    assert con.execute(query).fetchall() == [(None, None)]


def test_both_functions_in_one_query_score_each_text_once(con, scored) -> None:
    con.execute("CREATE TABLE texts AS SELECT unnest(?) AS text", [TEXTS])
    con.execute(
        f"SELECT {LABEL}(text), {PROBABILITY}(text) FROM texts "
        f"WHERE {LABEL}(text) = ? AND {PROBABILITY}(text) > 0.6",
        [predict(EXAMPLE).label],
    ).fetchall()
    assert sorted(scored) == sorted(TEXTS)


def test_a_constant_is_scored_when_the_query_is_planned(con, scored) -> None:
    ((_, plan),) = con.execute(
        f"EXPLAIN SELECT {PROBABILITY}('a constant') FROM range(3)"
    ).fetchall()
    assert PROBABILITY not in plan
    assert scored == ["a constant"]


def test_a_query_in_several_threads_gives_the_scores_of_predict(con, tmp_path) -> None:
    want = table(con, 10_000)
    con.execute(f"COPY texts TO '{tmp_path}/texts.parquet' (ROW_GROUP_SIZE 2048)")
    con.execute("SET threads = 4")
    query = f"SELECT id, text, {PROBABILITY}(text), {LABEL}(text)"
    got = con.execute(f"{query} FROM '{tmp_path}/texts.parquet' ORDER BY id").fetchall()
    assert got == want


def test_cursors_in_threads_of_python_know_the_functions(con) -> None:
    want = [row[2:] for row in table(con, 200)]

    def query(_: int) -> list[tuple]:
        return (
            con.cursor()
            .execute(f"SELECT {PROBABILITY}(text), {LABEL}(text) FROM texts")
            .fetchall()
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(query, range(8))) == [want] * 8


def test_registering_again_changes_nothing(con) -> None:
    register(con)
    register(con.cursor())
    assert label_of_example(con) == predict(EXAMPLE).label


ROWS = 500_000  # more than DuckDB buffers for a client


def test_a_result_that_is_being_fetched_goes_on() -> None:
    with duckdb.connect() as con:
        con.execute("SELECT range FROM range(?)", [ROWS])
        rows = con.fetchmany(10)
        register(con)
        while more := con.fetchmany(100_000):
            rows += more
        assert rows == [(row,) for row in range(ROWS)]
        assert label_of_example(con) == predict(EXAMPLE).label


def test_a_transaction_goes_on_and_its_rollback_takes_only_its_own() -> None:
    with duckdb.connect() as con:
        con.execute("BEGIN")
        con.execute("CREATE TABLE texts AS SELECT ? AS text", [EXAMPLE])
        register(con)
        assert con.execute("SELECT count(*) FROM texts").fetchall() == [(1,)]
        con.execute("ROLLBACK")
        assert con.execute("SHOW TABLES").fetchall() == []
        assert label_of_example(con) == predict(EXAMPLE).label


def test_threads_may_register_at_once() -> None:
    with duckdb.connect() as con, ThreadPoolExecutor(8) as pool:
        cursors = [con.cursor() for _ in range(8)]
        called = threading.Barrier(len(cursors))

        def call(cursor: duckdb.DuckDBPyConnection) -> None:
            called.wait()
            register(cursor)

        list(pool.map(call, cursors))
        assert label_of_example(con) == predict(EXAMPLE).label


def test_the_functions_work_on_a_database_that_is_only_read(tmp_path) -> None:
    path = tmp_path / "texts.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE texts AS SELECT ? AS text", [EXAMPLE])
    with duckdb.connect(path, read_only=True) as con:
        register(con)
        (answer,) = con.execute(f"SELECT {LABEL}(text) FROM texts").fetchall()
        assert answer == (predict(EXAMPLE).label,)


def test_a_column_of_an_enum_is_text_and_a_number_is_not(con) -> None:
    con.execute("CREATE TYPE kind AS ENUM ('a kind')")
    query = f"SELECT {LABEL}('a kind'::kind)"
    assert con.execute(query).fetchall() == [(predict("a kind").label,)]
    with pytest.raises(duckdb.BinderException, match=r"explicit type casts"):
        con.execute(f"SELECT {LABEL}(42)")


@pytest.mark.usefixtures("four_labels_installed", "scored")
def test_of_four_labels_a_text_gets_the_probability_of_its_own(con) -> None:
    con.execute("CREATE TABLE texts AS SELECT unnest(?) AS text", [TEXTS])
    query = f"SELECT text, {PROBABILITY}(text), {LABEL}(text) FROM texts"
    check_own_probabilities(con.execute(query).fetchall())


def test_what_is_no_connection_is_refused_in_one_line() -> None:
    for wrong in (duckdb, "texts.duckdb", None):
        with pytest.raises(InputError) as caught:
            register(wrong)
        kind = type(wrong).__name__
        assert str(caught.value) == f"con must be what duckdb.connect() returns, not {kind}"


def test_a_closed_connection_is_refused_in_one_line() -> None:
    con = duckdb.connect()
    con.close()
    with pytest.raises(duckdb.ConnectionException, match=r"^Connection Error: .*closed!?$"):
        register(con)


def test_a_damaged_model_is_an_error_of_the_query(con, monkeypatch) -> None:
    def score(texts):
        raise ArtifactError("model.bin: it is truncated; reinstall disaster-tweets-model")

    monkeypatch.setattr(adapter, "score", score)
    with pytest.raises(duckdb.Error, match=r"model\.bin: it is truncated; reinstall"):
        con.execute(f"SELECT {LABEL}('a text of this test alone')")


def test_what_to_type(typed, con) -> None:
    con.execute("CREATE TABLE texts AS SELECT ? AS text", [EXAMPLE])
    assert typed("DuckDB", con=con).fetchall() == [(predict(EXAMPLE).label,)]
