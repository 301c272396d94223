"""The lines to type in the tables of the README and docs/hosts.md work."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

# Ray reads this at import. Without a cluster, Ray listens on 127.0.0.1 only.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
# MLflow reads this at import. The tests must send no telemetry.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

# At import, MLflow warns about its own type hints.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
import dask.dataframe as dd
import duckdb
import pandas as pd
import polars as pl
import pytest
import ray
import ray.data
import spacy
import sqlite_utils
from pyspark.sql import SparkSession

from disaster_tweets import predict
from disaster_tweets.plugins.column import LABEL
from disaster_tweets.topic import EXAMPLES

from ..conftest import ROOT, load_script

# The tests of each host check its warnings.
pytestmark = pytest.mark.filterwarnings("ignore")

TEXTS = [*EXAMPLES[:2]]
PROBABILITIES = [prediction.probability for prediction in predict(TEXTS)]
LABELS = [prediction.label for prediction in predict(TEXTS)]
BY_NAME = {host.name: host for host in load_script(ROOT / "docs" / "hosts.py").HOSTS}

Type = Callable[..., Any]


@pytest.fixture
def type_() -> Type:
    """Run the import and the code of a host in the table; return the value of the last line."""

    def type_(name: str, **names: Any) -> Any:
        host = BY_NAME[name]
        exec(host.imports, names)
        *first, last = host.use.split("; ")
        exec("\n".join(first), names)
        return eval(last, names)

    return type_


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"text": TEXTS})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_dask(type_: Type, frame: pd.DataFrame) -> None:
    scored = type_("Dask", df=dd.from_pandas(frame, npartitions=1)).compute()

    assert scored["p"].tolist() == PROBABILITIES


def test_duckdb(type_: Type, frame: pd.DataFrame) -> None:
    con = duckdb.connect()
    con.register("texts", frame)

    assert [row[0] for row in type_("DuckDB", con=con).fetchall()] == LABELS


def test_mlflow(type_: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    type_("MLflow")
    scored = mlflow.pyfunc.load_model("model").predict(pd.DataFrame({"text": TEXTS}))

    assert scored["label"].tolist() == LABELS


def test_polars(type_: Type, frame: pd.DataFrame) -> None:
    scored = type_("Polars", pl=pl, df=pl.DataFrame({"text": TEXTS}))

    assert scored["probability"].to_list() == PROBABILITIES


def test_ray(type_: Type, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    stack.callback(ray.shutdown)
    scored = type_("Ray", ds=ray.data.from_items([{"text": text} for text in TEXTS]))

    assert [row["p"] for row in scored.take_all()] == PROBABILITIES


def test_scikit_learn(type_: Type) -> None:
    assert type_("scikit-learn", texts=TEXTS).tolist() == LABELS


def test_spark(type_: Type, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    local = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    spark = builder.config(map=local).getOrCreate()
    stack.callback(spark.stop)
    scored = type_("Spark", df=spark.createDataFrame([(text,) for text in TEXTS], ["text"]))

    assert [row["p"] for row in scored.collect()] == PROBABILITIES


def test_spacy(type_: Type) -> None:
    nlp = spacy.blank("en")
    type_("spaCy", nlp=nlp)

    assert max(nlp(TEXTS[0]).cats.items(), key=lambda item: item[1])[0] == LABELS[0]


def test_sqlite_utils(tmp_path: Path) -> None:
    database = sqlite_utils.Database(tmp_path / "texts.db")
    database["texts"].insert_all({"text": text} for text in TEXTS)
    database.close()
    program, *arguments = shlex.split(BY_NAME["sqlite-utils"].use)
    scripts = Path(sysconfig.get_path("scripts"))
    subprocess.run([scripts / program, *arguments], cwd=tmp_path, check=True)

    rows = sqlite_utils.Database(tmp_path / "texts.db").query("select * from texts")
    assert [row[LABEL] for row in rows] == LABELS
