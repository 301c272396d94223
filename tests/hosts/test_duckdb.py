"""The functions for DuckDB: in every clause, over many rows, from several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest

from disaster_tweets import InputError, predict
from disaster_tweets.errors import ArtifactError
from disaster_tweets.plugins import duckdb as adapter
from disaster_tweets.plugins.duckdb import register

HOSTS = ("duckdb",)

FIRE, SONG = "Wildfire has crossed the highway near Ashford", "this mixtape is fire"
TEXTS = [
    FIRE,
    SONG,
    "",
    "🔥",
    "çok büyük deprem",
    *(f"Flood in district {i}" for i in range(30)),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        register(connection)
        yield connection


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """The texts that reach the classifier, in their order."""
    texts: list[str] = []

    def score(values, score=adapter.score):
        texts.extend(values)
        return score(values)

    monkeypatch.setattr(adapter, "score", score)
    monkeypatch.setattr(adapter, "_last", {})  # of no other test
    return texts


def table(con: duckdb.DuckDBPyConnection, rows: int) -> list[tuple]:
    """Make the table tweets, every seventh text missing; return its rows with their scores."""
    predictions = {text: predict(text) for text in TEXTS}
    texts = [None if row % 7 == 6 else TEXTS[row % len(TEXTS)] for row in range(rows)]
    tweets = pa.table({"id": range(rows), "text": pa.array(texts, pa.string())})
    con.from_arrow(tweets).create("tweets")
    scores = [predictions.get(text) for text in texts]
    return [
        (row, text, score and score.probability, score and score.label)
        for row, (text, score) in enumerate(zip(texts, scores, strict=True))
    ]


def test_ten_thousand_rows_have_the_scores_that_predict_gives(con) -> None:
    want = table(con, 10_000)
    query = "SELECT id, text, disaster_probability(text), disaster_label(text) FROM tweets"
    assert con.execute(f"{query} ORDER BY id").fetchall() == want


def test_where_group_by_and_order_by_use_the_scores(con) -> None:
    want = table(con, 100)
    likely = [row for row, _, probability, _ in want if probability and probability > 0.8]
    assert con.execute(
        "SELECT id FROM tweets WHERE disaster_probability(text) > 0.8 ORDER BY id"
    ).fetchall() == [(row,) for row in likely]
    groups = con.execute(
        "SELECT disaster_label(text), count(*) FROM tweets GROUP BY disaster_label(text)"
    ).fetchall()
    labels = [label for *_, label in want]
    assert dict(groups) == {label: labels.count(label) for label in labels}
    assert con.execute(
        "SELECT DISTINCT text, disaster_probability(text) FROM tweets "
        "ORDER BY disaster_probability(text) DESC NULLS LAST LIMIT 1"
    ).fetchall() == [max(((text, p) for _, text, p, _ in want if p), key=lambda row: row[1])]


def test_null_stays_null(con) -> None:
    query = "SELECT disaster_probability(NULL), disaster_label(NULL)"
    assert con.execute(query).fetchall() == [(None, None)]
    query = "SELECT disaster_label(text) FROM (VALUES (NULL::VARCHAR), (NULL)) t(text)"
    assert con.execute(query).fetchall() == [(None,), (None,)]


def test_both_functions_in_one_query_score_each_text_once(con, scored) -> None:
    con.execute("CREATE TABLE tweets AS SELECT unnest(?) AS text", [TEXTS])
    con.execute(
        "SELECT disaster_label(text), disaster_probability(text) FROM tweets "
        "WHERE disaster_label(text) = 'disaster' AND disaster_probability(text) > 0.6"
    ).fetchall()
    assert sorted(scored) == sorted(TEXTS)


def test_a_constant_is_scored_when_the_query_is_planned(con, scored) -> None:
    ((_, plan),) = con.execute(
        f"EXPLAIN SELECT disaster_probability('{SONG}') FROM range(3)"
    ).fetchall()
    assert "disaster_probability" not in plan
    assert scored == [SONG]


def test_a_query_that_runs_in_several_threads_gives_the_same_scores(con, tmp_path) -> None:
    want = table(con, 20_000)
    con.execute(f"COPY tweets TO '{tmp_path}/tweets.parquet' (ROW_GROUP_SIZE 2048)")
    con.execute("SET threads = 4")
    query = "SELECT id, text, disaster_probability(text), disaster_label(text)"
    got = con.execute(f"{query} FROM '{tmp_path}/tweets.parquet' ORDER BY id").fetchall()
    assert got == want


def test_cursors_in_threads_of_python_know_the_functions(con) -> None:
    want = [row[2:] for row in table(con, 200)]

    def query(_: int) -> list[tuple]:
        return (
            con.cursor()
            .execute("SELECT disaster_probability(text), disaster_label(text) FROM tweets")
            .fetchall()
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(query, range(8))) == [want] * 8


def test_registering_again_changes_nothing(con) -> None:
    register(con)
    register(con.cursor())
    assert con.execute(f"SELECT disaster_label('{FIRE}')").fetchall() == [("disaster",)]


ROWS = 500_000  # of which DuckDB holds but a few ready for who fetches them


def test_a_result_that_is_being_fetched_goes_on() -> None:
    with duckdb.connect() as con:
        con.execute("SELECT range FROM range(?)", [ROWS])
        rows = con.fetchmany(10)
        register(con)
        while more := con.fetchmany(100_000):
            rows += more
        assert rows == [(row,) for row in range(ROWS)]
        assert con.execute(f"SELECT disaster_label('{FIRE}')").fetchall() == [("disaster",)]


def test_a_batch_of_arrow_that_is_being_fetched_goes_on() -> None:
    with duckdb.connect() as con:
        result = con.sql(f"SELECT range FROM range({ROWS})")
        reader = (
            result.to_arrow_reader(2048)
            if hasattr(result, "to_arrow_reader")
            else result.fetch_arrow_reader(2048)
        )
        first = reader.read_next_batch().num_rows
        register(con)
        assert first + reader.read_all().num_rows == ROWS


def test_a_transaction_goes_on_and_its_rollback_takes_only_its_own() -> None:
    with duckdb.connect() as con:
        con.execute("BEGIN")
        con.execute("CREATE TABLE tweets AS SELECT ? AS text", [FIRE])
        register(con)
        assert con.execute("SELECT count(*) FROM tweets").fetchall() == [(1,)]
        con.execute("ROLLBACK")
        assert con.execute("SHOW TABLES").fetchall() == []
        assert con.execute(f"SELECT disaster_label('{FIRE}')").fetchall() == [("disaster",)]


def test_threads_may_register_at_once() -> None:
    with duckdb.connect() as con, ThreadPoolExecutor(8) as pool:
        cursors = [con.cursor() for _ in range(8)]
        called = threading.Barrier(len(cursors))

        def call(cursor: duckdb.DuckDBPyConnection) -> None:
            called.wait()
            register(cursor)

        list(pool.map(call, cursors))
        assert con.execute(f"SELECT disaster_label('{FIRE}')").fetchall() == [("disaster",)]


def test_the_functions_work_on_a_database_that_is_only_read(tmp_path) -> None:
    path = tmp_path / "tweets.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE tweets AS SELECT ? AS text", [FIRE])
    with duckdb.connect(path, read_only=True) as con:
        register(con)
        assert con.execute("SELECT disaster_label(text) FROM tweets").fetchall() == [
            ("disaster",)
        ]


def test_a_column_of_an_enum_is_text_and_a_number_is_not(con) -> None:
    con.execute(f"CREATE TYPE kind AS ENUM ('{FIRE}')")
    query = f"SELECT disaster_label('{FIRE}'::kind)"
    assert con.execute(query).fetchall() == [("disaster",)]
    with pytest.raises(duckdb.BinderException, match=r"explicit type casts"):
        con.execute("SELECT disaster_label(42)")


def test_what_is_no_connection_is_refused_in_one_line() -> None:
    for wrong in (duckdb, "tweets.duckdb", None):
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
        raise ArtifactError("model.tflite: it is truncated; reinstall disaster-tweets-model")

    monkeypatch.setattr(adapter, "score", score)
    with pytest.raises(duckdb.Error, match=r"model\.tflite: it is truncated; reinstall"):
        con.execute("SELECT disaster_label('a text of this test alone')")


@pytest.mark.parametrize("module", ["duckdb", "pyarrow"])
def test_without_its_host_the_import_names_the_extra(run, module) -> None:
    code = f"import sys; sys.modules['{module}'] = None; import disaster_tweets.plugins.duckdb"
    done = run("python", "-c", code)
    assert done.err.splitlines()[-1] == (
        "ImportError: DuckDB, with PyArrow, cannot be imported; "
        'pip install "disaster-tweets-model[duckdb]"'
    )
