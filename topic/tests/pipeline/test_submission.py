"""The submission to the competition."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from disaster_tweets import Classifier
from disaster_tweets.topic import LABELS
from pipeline.project import RAW, REPORTS, PipelineError
from tests.conftest import ROOT
from tests.pipeline.conftest import write_csv
from topic import submission

TESTS = [(7, "Wildfire has crossed the highway"), (3, "this mixtape is fire"), (5, "")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three tweets, and with the model of this repository."""
    monkeypatch.chdir(tmp_path)
    REPORTS.mkdir()
    monkeypatch.setattr(submission, "ARTIFACTS", ROOT / "artifacts")
    write_csv(RAW / "test.csv", ["id", "keyword", "text"], [(i, "", text) for i, text in TESTS])
    write_csv(RAW / "sample_submission.csv", ["id", "target"], [(i, 0) for i, _ in TESTS])
    return tmp_path


def test_each_tweet_has_the_label_that_the_classifier_gives_it(folder: Path) -> None:
    submission.main()
    written = pd.read_csv(REPORTS / "submission.csv")

    assert written["id"].tolist() == [7, 3, 5]
    predictions = Classifier.load(ROOT / "artifacts").predict([text for _, text in TESTS])
    assert written["target"].tolist() == [LABELS.index(each.label) for each in predictions]


def test_other_ids_than_those_of_the_sample_are_refused(folder: Path) -> None:
    write_csv(RAW / "sample_submission.csv", ["id", "target"], [(7, 0), (5, 0), (3, 0)])
    with pytest.raises(PipelineError, match="differ in their ids"):
        submission.main()
