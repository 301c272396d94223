"""The expressions for Polars: eager and lazy, in every context, on every type of text."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import disaster_tweets.plugins.polars as adapter
from disaster_tweets import InputError, predict
from disaster_tweets.errors import ArtifactError
from disaster_tweets.topic import EXAMPLES

from .conftest import check_own_probabilities

HOSTS = ("polars",)

FIRST, SECOND = EXAMPLES[:2]
TEXTS = [FIRST, SECOND, None, "", "☕", "çok büyük şehir", FIRST, None]
FRAME = pl.DataFrame({"id": range(len(TEXTS)), "text": TEXTS, "place": list("aabbccdd")})

PREDICTIONS = [None if text is None else predict(text) for text in TEXTS]
PROBABILITIES = [prediction and prediction.probability for prediction in PREDICTIONS]
LABELS = [prediction and prediction.label for prediction in PREDICTIONS]
SCORED = FRAME.with_columns(
    pl.Series("probability", PROBABILITIES, pl.Float64), pl.Series("label", LABELS, pl.String)
)

text = pl.col("text").disaster_tweets


@pytest.mark.parametrize(
    "scores",
    [(text.probability(), text.label()), (text.score().struct.field("*"),)],
    ids=["two expressions", "one struct"],
)
class TestScores:
    def test_eager_columns_hold_the_scores_that_predict_gives(self, scores) -> None:
        assert_frame_equal(FRAME.with_columns(*scores), SCORED, check_exact=True)

    @pytest.mark.parametrize("engine", ["in-memory", "streaming"])
    def test_lazy_ones_do_in_both_engines(self, scores, engine) -> None:
        scored = FRAME.lazy().with_columns(*scores).collect(engine=engine)
        assert_frame_equal(scored, SCORED, check_exact=True)

    def test_the_schema_is_known_without_a_score(self, scores, monkeypatch) -> None:
        monkeypatch.setattr(adapter, "score", None)
        assert FRAME.lazy().with_columns(*scores).collect_schema() == SCORED.schema

    def test_no_rows_give_no_scores(self, scores) -> None:
        assert_frame_equal(FRAME.clear().with_columns(*scores), SCORED.clear())


def test_one_struct_scores_each_text_once(monkeypatch) -> None:
    scored = []

    def score(texts, score=adapter.score):
        scored.extend(texts)
        return score(texts)

    monkeypatch.setattr(adapter, "score", score)
    lazy = FRAME.lazy().with_columns(text.score().struct.field("*"))
    lazy.filter(pl.col("probability") > SCORED["probability"].median()).sort(
        "probability"
    ).collect()
    assert sorted(map(str, scored)) == sorted(map(str, TEXTS))


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_group_by_takes_scores_as_key_and_as_aggregate(engine) -> None:
    lazy = FRAME.lazy()
    by_label = lazy.group_by(text.label()).agg(pl.len()).sort("label").collect(engine=engine)
    assert_frame_equal(by_label, SCORED.group_by("label").agg(pl.len()).sort("label"))
    by_place = lazy.group_by("place").agg(text.probability().max()).sort("place")
    want = SCORED.group_by("place").agg(pl.col("probability").max()).sort("place")
    assert_frame_equal(by_place.collect(engine=engine), want)


def test_a_file_streams_through_to_another(tmp_path) -> None:
    FRAME.write_parquet(tmp_path / "texts.parquet", row_group_size=3)
    lazy = pl.scan_parquet(tmp_path / "texts.parquet")
    scores = text.score().struct.field("*")
    lazy.with_columns(scores).sink_parquet(tmp_path / "scored.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "scored.parquet"), SCORED, check_exact=True)


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(FRAME["text"].unique().drop_nulls())])
def test_categories_are_text(kind) -> None:
    scored = FRAME.select(pl.col("text").cast(kind).disaster_tweets.probability())
    assert scored["probability"].to_list() == PROBABILITIES


@pytest.mark.usefixtures("four_labels_installed")
def test_of_four_labels_a_text_gets_the_probability_of_its_own() -> None:
    scored = FRAME.drop_nulls().select("text", text.score().struct.field("*"))
    check_own_probabilities(scored.iter_rows())


def test_a_column_of_nulls_alone_has_no_scores() -> None:
    scored = pl.DataFrame({"text": [None, None]}).select(text.probability(), text.label())
    assert scored.rows() == [(None, None), (None, None)]
    assert scored.schema == {"probability": pl.Float64, "label": pl.String}


@pytest.mark.parametrize(
    "kind", [pl.Int64, pl.Binary, pl.Boolean, pl.List(pl.String), pl.Object]
)
def test_what_is_no_text_is_refused_in_one_line(kind) -> None:
    frame = pl.DataFrame({"text": pl.Series([None], dtype=kind)})
    with pytest.raises(InputError) as caught:
        frame.select(text.label())
    first, *_ = str(caught.value).splitlines()
    assert first == (
        f"column 'text' is {kind}, not String; cast it first, with cast(pl.String), which "
        "keeps nulls"
    )


def test_a_damaged_model_is_an_error_of_the_query(monkeypatch) -> None:
    def score(texts):
        raise ArtifactError("model.bin: it is truncated; reinstall disaster-tweets-model")

    monkeypatch.setattr(adapter, "score", score)
    with pytest.raises(ArtifactError, match=r"^model\.bin: it is truncated; reinstall"):
        FRAME.select(text.label())


def test_what_to_type(typed) -> None:
    scored = typed("Polars", pl=pl, df=FRAME)
    assert scored["probability"].to_list() == PROBABILITIES
