"""Measures against values worked out by hand or by construction."""

from __future__ import annotations

import numpy as np
import pytest

from disaster_tweets.pipeline.metrics import (
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    measure,
)
from disaster_tweets.pipeline.train import trim_vocabulary
from disaster_tweets.tokenizer import SPECIAL_TOKENS


def sample(texts: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return overconfident logits of texts whose labels follow logits / temperature."""
    generator = np.random.default_rng(7)
    logits = generator.normal(0, 2 * temperature, texts)
    labels = generator.random(texts) < 1 / (1 + np.exp(-logits / temperature))
    return logits, labels.astype(int)


def test_the_temperature_is_found_again() -> None:
    logits, labels = sample(50_000, temperature=2.5)
    assert fit_temperature(logits, labels) == pytest.approx(2.5, rel=0.03)


def test_the_threshold_of_shifted_probabilities_follows_the_shift() -> None:
    logits, labels = sample(50_000, temperature=1.0)
    assert fit_threshold(1 / (1 + np.exp(-logits)), labels) == pytest.approx(0.5, abs=0.03)
    shifted = 1 / (1 + np.exp(-(logits + 1)))
    assert fit_threshold(shifted, labels) == pytest.approx(0.73, abs=0.03)


def test_the_threshold_does_not_follow_a_single_text() -> None:
    probabilities = np.concatenate([np.linspace(0, 0.3, 50), [0.42], np.linspace(0.7, 1, 50)])
    labels = np.array([0] * 51 + [1] * 50)
    assert 0.45 <= fit_threshold(probabilities, labels) <= 0.6


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([0.1, 0.1, 0.9, 0.9])
    labels = np.array([0, 1, 1, 1])
    # Bin of 0.1: |0.1 - 0.5|, bin of 0.9: |0.9 - 1|; two texts of four in each.
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.25)
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([1, 0])) == 0


def test_measures_by_hand() -> None:
    probabilities = np.array([0.9, 0.8, 0.4, 0.3, 0.6])
    labels = np.array([1, 1, 1, 0, 0])
    measured = measure(probabilities, labels, threshold=0.5, resamples=200, seed=1)
    assert measured["texts"] == 5
    assert measured["confusion_matrix"] == [[1, 1], [1, 2]]
    assert measured["accuracy"]["value"] == 0.6
    assert measured["f1"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert measured["auc"]["value"] == pytest.approx(5 / 6, abs=1e-4)
    for name in ("accuracy", "f1", "auc", "expected_calibration_error"):
        assert measured[name]["low"] <= measured[name]["value"] <= measured[name]["high"]


def test_the_vocabulary_keeps_what_the_texts_need() -> None:
    vocabulary = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "the"]
    vocabulary += ["fire", "rare", "##works"]
    kept = trim_vocabulary(vocabulary, ["fireworks"], most_frequent=3, max_tokens=16)
    pieces = [vocabulary[i] for i in kept]
    assert pieces == [*SPECIAL_TOKENS, "a", "##b", "the", "fire", "##works"]
