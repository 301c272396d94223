"""The functions for Spark: in data frames and in SQL, on a local Spark with two workers."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from disaster_tweets import predict
from disaster_tweets.plugins.spark import (
    disaster_label,
    disaster_probability,
    disaster_score,
    register,
)

HOSTS = ("pyspark",)

# PySpark's own imports say so, whether or not a frame of pandas is in sight.
pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas:FutureWarning"
)

FIRE, SONG = "Wildfire has crossed the highway near Ashford", "this mixtape is fire"
TEXTS = [
    FIRE,
    SONG,
    None,
    "",
    "🔥",
    "çok büyük deprem",
    None,
    *(f"Flood {i}" for i in range(9)),
]
PREDICTIONS = [None if text is None else predict(text) for text in TEXTS]
SCORED = [
    (row, prediction and prediction.probability, prediction and prediction.label)
    for row, prediction in enumerate(PREDICTIONS)
]
LABELS = [label for *_, label in SCORED]


@pytest.fixture(scope="module")
def spark(tmp_path_factory) -> Iterator[SparkSession]:
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java 17 or newer: set JAVA_HOME")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def tweets(spark: SparkSession) -> DataFrame:
    """The texts, in four partitions; in SQL the view tweets."""
    frame = spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string").repartition(4)
    frame.createOrReplaceTempView("tweets")
    register(spark)
    return frame


def rows(frame: DataFrame) -> list[tuple]:
    return sorted(map(tuple, frame.collect()), key=str)


def test_columns_hold_the_scores_that_predict_gives(tweets) -> None:
    scored = tweets.select("id", disaster_probability("text"), disaster_label("text"))
    assert scored.schema.simpleString() == "struct<id:int,probability:double,label:string>"
    assert rows(scored) == sorted(SCORED, key=str)


def test_sql_gives_the_same_scores(spark, tweets) -> None:
    query = "SELECT id, disaster_probability(text), disaster_label(text) FROM tweets"
    assert rows(spark.sql(query)) == sorted(SCORED, key=str)
    query = "SELECT id, score.* FROM (SELECT id, disaster_score(text) score FROM tweets)"
    assert rows(spark.sql(query)) == sorted(SCORED, key=str)


def test_both_functions_in_one_query_share_one_score(spark, tweets, capsys) -> None:
    tweets.select(disaster_probability("text"), disaster_label("text")).explain()
    spark.sql("SELECT disaster_probability(text), disaster_label(text) FROM tweets").explain()
    evaluations = re.findall(r"ArrowEvalPython \[(.*?)\], \[(.*?)\]", capsys.readouterr().out)
    assert [outputs.count("pythonUDF") for _, outputs in evaluations] == [1, 1]


def test_filters_groups_and_orders_use_the_scores(spark, tweets) -> None:
    disasters = tweets.filter(disaster_label("text") == "disaster").select("id")
    assert rows(disasters) == rows(
        spark.sql("SELECT id FROM tweets WHERE disaster_label(text) = 'disaster'")
    )
    assert sorted(row for (row,) in rows(disasters)) == [
        row for row, label in enumerate(LABELS) if label == "disaster"
    ]
    counts = {label: LABELS.count(label) for label in LABELS}
    groups = tweets.groupBy(disaster_label("text")).count()
    assert dict(rows(groups)) == counts
    groups = spark.sql("SELECT disaster_label(text), count(*) FROM tweets GROUP BY 1")
    assert dict(rows(groups)) == counts
    best = spark.sql(
        "SELECT text, disaster_probability(text) p FROM tweets ORDER BY p DESC LIMIT 1"
    )
    assert rows(best) == [(FIRE, predict(FIRE).probability)]
    assert tweets.orderBy(disaster_probability("text").desc()).first().text == FIRE


def test_each_worker_process_loads_the_model_once(spark, tweets) -> None:
    def loads(scores: pa.Array) -> pa.Array:
        from disaster_tweets.classifier import bundled_classifier

        loaded = bundled_classifier.cache_info().misses
        return pa.array([f"{os.getpid()} {loaded}"] * len(scores))

    # Of the scores themselves, so that Spark runs both in one process.
    seen = F.arrow_udf(loads, "string")(disaster_score("text"))
    workers = {
        tuple(map(int, worker.split())) for _ in "12" for (worker,) in rows(tweets.select(seen))
    }
    assert {loaded for _, loaded in workers} == {1}
    processes = {process for process, _ in workers}
    assert len(processes) >= 2
    assert os.getpid() not in processes


def test_arrow_types_for_large_columns_are_taken(spark, tweets) -> None:
    large = "spark.sql.execution.arrow.useLargeVarTypes"
    spark.conf.set(large, "true")
    try:
        assert rows(tweets.select(disaster_label("text"))) == sorted(
            [(label,) for label in LABELS], key=str
        )
    finally:
        spark.conf.unset(large)


def test_no_rows_give_no_scores(tweets) -> None:
    assert tweets.limit(0).select(disaster_score("text")).collect() == []


def test_a_number_is_no_text_in_a_data_frame_and_becomes_text_in_sql(spark, tweets) -> None:
    with pytest.raises(PythonException, match=r"value 0 is int, not text; cast the column"):
        tweets.select(disaster_label("id")).collect()
    scored = spark.sql("SELECT disaster_probability(id) FROM tweets WHERE id = 7").first()
    assert scored == (predict("7").probability,)


def test_registering_again_changes_nothing(spark, tweets) -> None:
    register(spark)
    query = f"SELECT disaster_label('{FIRE}'), disaster_label(NULL)"
    assert rows(spark.sql(query)) == [("disaster", None)]


def test_the_import_needs_no_java(run, tmp_path) -> None:
    code = "import disaster_tweets.plugins.spark as spark; print(callable(spark.register))"
    done = run("python", "-c", code, JAVA_HOME=str(tmp_path), PATH=str(tmp_path))
    assert (done.status, done.out) == (0, "True\n")


@pytest.mark.parametrize("module", ["pyspark", "pyarrow"])
def test_without_its_host_the_import_names_the_extra(run, module) -> None:
    code = f"import sys; sys.modules['{module}'] = None; import disaster_tweets.plugins.spark"
    done = run("python", "-c", code)
    assert done.err.splitlines()[-1] == (
        "ImportError: PySpark 4.1 or newer, with PyArrow, cannot be imported; "
        'pip install "disaster-tweets-model[spark]"'
    )
