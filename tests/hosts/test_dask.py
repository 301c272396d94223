"""The code on the page about Dask, with the schedulers for threads and for processes."""

from __future__ import annotations

import dask.dataframe as dd
import pandas as pd
import pytest

from disaster_tweets import InputError, predict
from disaster_tweets.plugins.column import score
from disaster_tweets.topic import EXAMPLES

HOSTS = ("dask",)

FIRST, SECOND = EXAMPLES[:2]
TEXTS = [FIRST, SECOND, None, "", "☕", "çok büyük şehir", FIRST, pd.NA, float("nan")]
PREDICTIONS = [predict(text) if isinstance(text, str) else None for text in TEXTS]
INDEX = pd.RangeIndex(100, 100 + len(TEXTS))
SCORED = pd.DataFrame(
    {
        "probability": [prediction and prediction.probability for prediction in PREDICTIONS],
        "label": pd.array(
            [prediction and prediction.label for prediction in PREDICTIONS], "string"
        ),
    },
    index=INDEX,
)
FRAME = pd.DataFrame({"text": TEXTS}, index=INDEX)


def scored(frame: dd.DataFrame) -> dd.DataFrame:
    # Nested functions: Dask pickles them by value, as in a notebook.
    def probability(texts):
        return pd.Series(score(texts).probabilities, texts.index, "float64")

    def label(texts):
        return pd.Series(score(texts).labels, texts.index, "string")

    texts = frame["text"]
    frame["probability"] = texts.map_partitions(probability, meta=("probability", "float64"))
    frame["label"] = texts.map_partitions(label, meta=("label", "string"))
    return frame[["probability", "label"]]


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_columns_hold_the_scores_that_predict_gives(scheduler) -> None:
    frame = dd.from_pandas(FRAME, npartitions=4, sort=False)
    got = scored(frame).compute(scheduler=scheduler, num_workers=2)
    pd.testing.assert_frame_equal(got, SCORED, check_exact=True)


def test_a_number_is_refused_in_one_line() -> None:
    frame = dd.from_pandas(pd.DataFrame({"text": [1, 2]}), npartitions=1)
    with pytest.raises(
        InputError,
        match=r'^value 0 is int, not text; cast the column to text with astype\("string"\), ',
    ):
        scored(frame).compute(scheduler="threads")


@pytest.mark.filterwarnings("ignore")
def test_what_to_type(typed) -> None:
    frame = pd.DataFrame({"text": [FIRST, SECOND]})
    typed_frame = typed("Dask", df=dd.from_pandas(frame, npartitions=1))
    assert typed_frame.compute()["p"].tolist() == [p.probability for p in PREDICTIONS[:2]]
