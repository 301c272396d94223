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
from disaster_tweets.plugins.spark import label, probability, register, score
from disaster_tweets.topic import EXAMPLES, PREFIX

HOSTS = ("pyspark",)

# PySpark's own imports raise this warning, with or without pandas data frames.
pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas:FutureWarning"
)

PROBABILITY, LABEL, SCORE = (f"{PREFIX}_{name}" for name in ("probability", "label", "score"))
EXAMPLE = EXAMPLES[0]
TEXTS = [
    *EXAMPLES[:2],
    None,
    "",
    "☕",
    "çok büyük şehir",
    None,
    *(f"{EXAMPLE} {i}" for i in range(9)),
]
PREDICTIONS = [None if text is None else predict(text) for text in TEXTS]
SCORED = [
    (row, prediction and prediction.probability, prediction and prediction.label)
    for row, prediction in enumerate(PREDICTIONS)
]
LABELS = [row[2] for row in SCORED]


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
def texts(spark: SparkSession) -> DataFrame:
    """The texts in four partitions. In SQL, they are the view texts."""
    frame = spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string").repartition(4)
    frame.createOrReplaceTempView("texts")
    register(spark)
    return frame


def rows(frame: DataFrame) -> list[tuple]:
    return sorted(map(tuple, frame.collect()), key=str)


def test_columns_hold_the_scores_that_predict_gives(texts) -> None:
    scored = texts.select("id", probability("text"), label("text"))
    assert scored.schema.simpleString() == "struct<id:int,probability:double,label:string>"
    assert rows(scored) == sorted(SCORED, key=str)


def test_sql_gives_the_same_scores(spark, texts) -> None:
    query = f"SELECT id, {PROBABILITY}(text), {LABEL}(text) FROM texts"
    assert rows(spark.sql(query)) == sorted(SCORED, key=str)
    query = f"SELECT id, score.* FROM (SELECT id, {SCORE}(text) score FROM texts)"
    assert rows(spark.sql(query)) == sorted(SCORED, key=str)


def test_both_functions_in_one_query_share_one_score(spark, texts, capsys) -> None:
    texts.select(probability("text"), label("text")).explain()
    spark.sql(f"SELECT {PROBABILITY}(text), {LABEL}(text) FROM texts").explain()
    evaluations = re.findall(r"ArrowEvalPython \[(.*?)\], \[(.*?)\]", capsys.readouterr().out)
    assert [outputs.count("pythonUDF") for _, outputs in evaluations] == [1, 1]


def test_filters_groups_and_orders_use_the_scores(spark, texts) -> None:
    wanted = predict(EXAMPLE).label
    kept = texts.filter(label("text") == wanted).select("id")
    query = f"SELECT id FROM texts WHERE {LABEL}(text) = :wanted"
    assert rows(kept) == rows(spark.sql(query, {"wanted": wanted}))
    assert sorted(row for (row,) in rows(kept)) == [
        row for row, found in enumerate(LABELS) if found == wanted
    ]
    counts = {found: LABELS.count(found) for found in LABELS}
    groups = texts.groupBy(label("text")).count()
    assert dict(rows(groups)) == counts
    groups = spark.sql(f"SELECT {LABEL}(text), count(*) FROM texts GROUP BY 1")
    assert dict(rows(groups)) == counts
    highest = max(row[1] for row in SCORED if row[1] is not None)
    best = spark.sql(f"SELECT {PROBABILITY}(text) p FROM texts ORDER BY p DESC LIMIT 1")
    assert rows(best) == [(highest,)]
    first = texts.orderBy(probability("text").desc()).first()
    assert predict(first.text).probability == highest


def test_each_worker_process_loads_the_model_once(spark, texts) -> None:
    def loads(scores: pa.Array) -> pa.Array:
        from disaster_tweets.classifier import bundled_classifier

        loaded = bundled_classifier.cache_info().misses
        return pa.array([f"{os.getpid()} {loaded}"] * len(scores))

    # A filter on the scores themselves, so that Spark runs both in one process.
    seen = F.arrow_udf(loads, "string")(score("text"))
    workers = {
        tuple(map(int, worker.split())) for _ in "12" for (worker,) in rows(texts.select(seen))
    }
    assert {loaded for _, loaded in workers} == {1}
    processes = {process for process, _ in workers}
    assert len(processes) >= 2
    assert os.getpid() not in processes


def test_arrow_types_for_large_columns_are_taken(spark, texts) -> None:
    large = "spark.sql.execution.arrow.useLargeVarTypes"
    spark.conf.set(large, "true")
    try:
        assert rows(texts.select(label("text"))) == sorted(
            [(found,) for found in LABELS], key=str
        )
    finally:
        spark.conf.unset(large)


def test_no_rows_give_no_scores(texts) -> None:
    assert texts.limit(0).select(score("text")).collect() == []


def test_a_number_is_no_text_in_a_data_frame_and_becomes_text_in_sql(spark, texts) -> None:
    with pytest.raises(PythonException, match=r"value 0 is int, not text; cast the column"):
        texts.select(label("id")).collect()
    scored = spark.sql(f"SELECT {PROBABILITY}(id) FROM texts WHERE id = 7").first()
    assert scored == (predict("7").probability,)


def test_registering_again_changes_nothing(spark, texts) -> None:
    register(spark)
    query = f"SELECT {LABEL}(:text), {LABEL}(NULL)"
    assert rows(spark.sql(query, {"text": EXAMPLE})) == [(predict(EXAMPLE).label, None)]


def test_the_import_needs_no_java(run, tmp_path) -> None:
    code = "import disaster_tweets.plugins.spark as spark; print(callable(spark.register))"
    done = run("python", "-c", code, JAVA_HOME=str(tmp_path), PATH=str(tmp_path))
    assert (done.status, done.out) == (0, "True\n")


@pytest.mark.filterwarnings("ignore")
def test_what_to_type(typed, spark) -> None:
    scored = typed("Spark", df=spark.createDataFrame([(EXAMPLE,)], ["text"]))
    assert [row["p"] for row in scored.collect()] == [predict(EXAMPLE).probability]
