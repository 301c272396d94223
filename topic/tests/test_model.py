"""Tests of this model in particular: its words, weights, accuracy and languages."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Classifier, bundle, labelled, metrics
from disaster_tweets.encoding import Encoding
from disaster_tweets.language import looks_foreign
from disaster_tweets.text import Cleaner
from tests.conftest import Golden
from tests.test_tokenizer import Encode, oracle, ours

__all__ = ["oracle", "ours"]  # fixtures


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


class TestTokens:
    @pytest.mark.parametrize("file", ["train.csv", "test.csv"])
    def test_real_tweets(self, ours: Encode, oracle: Encode, raw_data: Path, file: str) -> None:
        with (raw_data / file).open(encoding="utf-8", newline="") as rows:
            texts = [row["text"] for row in csv.DictReader(rows)]
        assert len(texts) > 3000
        files = bundle.read(bundle.bundled())
        clean = Cleaner(files.manifest["reads"])
        encode = Encoding(
            files.manifest["reads"], files.vocabulary, files.manifest["max_tokens"]
        ).encode
        # Only the number of a row: a failure must not print the texts of people.
        different = [
            index
            for index, text in enumerate(texts)
            if ours(text) != oracle(text) or encode(text) != oracle(clean(text))
        ]

        assert different == []

    @pytest.mark.parametrize(
        ("word", "parts"),
        [
            ("abflood", "ab flood"),
            ("prayforboston", "pray for boston"),
            ("OklahomaTornado", "oklahoma tornado"),
            ("mudslides", "mud slides"),
            ("hurricanesandy", "hurricane sandy"),
        ],
    )
    def test_words_that_were_written_as_one_are_found(
        self, ours: Encode, word: str, parts: str
    ) -> None:
        assert ours(word) == ours(parts)


def test_a_word_that_speaks_for_a_disaster_is_positive(classifier: Classifier) -> None:
    words = classifier.explain("Wildfire has crossed the highway north of town").words

    assert max(words, key=lambda each: each.weight).word == "Wildfire"
    assert words[0].weight > 0.02


def test_the_held_out_accuracy_is_in_reach(
    classifier: Classifier, raw_data: Path, manifest: dict[str, Any]
) -> None:
    # The model learned most of these tweets.
    data = labelled.read(str(raw_data / "train.csv"), "target", classifier.classes_)
    probabilities = classifier.predict_proba(data.texts)
    matrix = metrics.confusion_matrix(
        probabilities, np.array(data.labels), classifier.threshold
    )

    assert metrics.accuracy(matrix) > manifest["metrics"]["accuracy"]["low"]


def test_golden_tweets_are_english_but_for_one(golden: Golden) -> None:
    assert [text for text in golden.texts if looks_foreign(text, ["en"])] == [
        "台風で停電しています"
    ]
