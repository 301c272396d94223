"""The code on the page about Ray, on a local Ray with two workers."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Ray reads this at import. Without a cluster, Ray listens on 127.0.0.1 only.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

import pyarrow as pa
import pytest
import ray
import ray.data
from ray.exceptions import RayError

from disaster_tweets import predict
from disaster_tweets.plugins.column import score
from disaster_tweets.topic import EXAMPLES

HOSTS = ("ray",)

# Ray Data warns about its own settings while it fills them in.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

TEXTS = [
    *EXAMPLES[:2],
    None,
    "",
    "☕",
    "çok büyük şehir",
    None,
    *(f"{EXAMPLES[0]} {i}" for i in range(9)),
]
PREDICTIONS = [None if text is None else predict(text) for text in TEXTS]
SCORED = [
    {
        "id": row,
        "text": text,
        "probability": prediction and prediction.probability,
        "label": prediction and prediction.label,
    }
    for row, (text, prediction) in enumerate(zip(TEXTS, PREDICTIONS, strict=True))
]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield
        ray.shutdown()


def dataset() -> ray.data.Dataset:
    table = pa.table({"id": range(len(TEXTS)), "text": pa.array(TEXTS, pa.string())})
    return ray.data.from_arrow(table).repartition(4)


def scored(dataset: ray.data.Dataset) -> ray.data.Dataset:
    # A nested function: Ray pickles it by value, as in a notebook.
    def with_scores(table):
        scores = score(table["text"].to_pylist())
        probability = pa.array(scores.probabilities, pa.float64())
        label = pa.array(scores.labels, pa.string())
        return table.append_column("probability", probability).append_column("label", label)

    return dataset.map_batches(with_scores, batch_format="pyarrow")


def test_columns_hold_the_scores_that_predict_gives() -> None:
    rows = scored(dataset()).take_all()
    assert sorted(rows, key=lambda row: row["id"]) == SCORED


def test_each_worker_process_loads_the_model_once() -> None:
    def loads(table):
        from disaster_tweets.classifier import bundled_classifier

        score(table["text"].to_pylist())
        loaded = bundled_classifier.cache_info().misses
        return pa.table({"process": [os.getpid()], "loaded": [loaded]})

    seen = [
        row
        for _ in range(2)
        for row in dataset().map_batches(loads, batch_format="pyarrow", batch_size=2).take_all()
    ]
    assert len(seen) == 2 * len(TEXTS) / 2
    assert {row["loaded"] for row in seen} == {1}
    assert os.getpid() not in {row["process"] for row in seen}


def test_a_number_is_refused_in_one_line() -> None:
    numbers = ray.data.from_arrow(pa.table({"text": [1, 2]}))
    with pytest.raises(
        RayError, match=r"InputError: value 0 is int, not text; cast the column"
    ):
        scored(numbers).take_all()


@pytest.mark.filterwarnings("ignore")
def test_what_to_type(typed) -> None:
    scored = typed("Ray", ds=ray.data.from_items([{"text": text} for text in TEXTS[:2]]))
    assert [row["p"] for row in scored.take_all()] == [row["probability"] for row in SCORED[:2]]
