"""What is fitted to logits by construction; the measures against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from disaster_tweets import metrics
from disaster_tweets.classifier import calibrate
from pipeline.metrics import fit_calibration
from pipeline.train import trim_vocabulary
from disaster_tweets.tokenizer import SPECIAL_TOKENS

# Few different probabilities, so that most texts are tied with another; none is at the
# border of two bins, where scikit-learn's calibration curve takes the lower one.
TIED = st.sampled_from([0.0, 0.04, 0.25, 0.33, 0.48, 0.52, 0.75, 0.96, 1.0])
ANY = st.floats(0, 1, width=32)


@st.composite
def scored(
    draw: st.DrawFn, of: st.SearchStrategy[float] = ANY
) -> tuple[np.ndarray, np.ndarray]:
    """Draw probabilities as the classifier returns them, and labels of both classes."""
    texts = draw(st.lists(st.tuples(st.one_of(TIED, of), st.integers(0, 1)), max_size=40))
    texts += [(draw(of), label) for label in (0, 1)]
    probabilities, labels = zip(*texts, strict=True)
    return np.array(probabilities, np.float32), np.array(labels)


@pytest.mark.parametrize(
    "true",
    [
        {"a": 1.0, "b": 1.0, "c": 0.0},
        {"a": 0.4, "b": 0.4, "c": 0.0},  # a temperature of 2.5
        {"a": 1.0, "b": 1.0, "c": -0.5},
        {"a": 0.6, "b": 1.7, "c": -1.1},
    ],
)
def test_the_calibration_is_found_again(true: dict[str, float]) -> None:
    generator = np.random.default_rng(7)
    logits = generator.normal(0, 3, 100_000)
    labels = generator.random(100_000) < calibrate(logits, true)[:, 1]
    fitted = fit_calibration(logits.astype(np.float32), labels.astype(int))
    assert fitted == pytest.approx(true, rel=0.05, abs=0.1)


def test_few_texts_decide_little() -> None:
    fitted = fit_calibration(np.array([-2.0, -1.0, 1.0, 3.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert 0.5 < fitted["a"] < 3
    assert 0.5 < fitted["b"] < 3
    assert abs(fitted["c"]) < 1


@given(
    st.floats(0.1, 10),
    st.floats(0.1, 10),
    st.floats(-5, 5),
    st.lists(st.floats(-30, 30), min_size=1),
)
def test_calibrated_probabilities_keep_the_order(
    a: float, b: float, c: float, logits: list[float]
) -> None:
    calibrated = calibrate(np.sort(np.array(logits)), {"a": a, "b": b, "c": c})

    assert (np.diff(calibrated[:, 1]) >= 0).all()
    assert calibrated.sum(axis=1) == pytest.approx(1)
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


@given(scored(), st.floats(0, 1))
def test_decisions(texts: tuple[np.ndarray, np.ndarray], threshold: float) -> None:
    probabilities, labels = texts
    decisions = probabilities.astype(float) >= threshold
    matrix = metrics.confusion_matrix(probabilities, labels, threshold)

    assert matrix.tolist() == oracle.confusion_matrix(labels, decisions).tolist()
    assert metrics.accuracy(matrix) == pytest.approx(oracle.accuracy_score(labels, decisions))
    for ours, theirs in (
        (metrics.precision, oracle.precision_score),
        (metrics.recall, oracle.recall_score),
        (metrics.f1, oracle.f1_score),
    ):
        assert ours(matrix) == pytest.approx(theirs(labels, decisions, zero_division=0.0))


@given(scored(), st.integers(0, 2**32))
def test_probabilities(texts: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    probabilities, labels = texts
    counts = np.random.default_rng(seed).integers(1, 4, len(labels))

    for weights in (None, counts):
        assert metrics.auc(probabilities, labels, weights) == pytest.approx(
            oracle.roc_auc_score(labels, probabilities, sample_weight=weights)
        )
        # scikit-learn rounds both columns of float32 probabilities, hence the tolerance.
        assert metrics.log_loss(probabilities, labels, weights) == pytest.approx(
            oracle.log_loss(labels, probabilities, sample_weight=weights), rel=1e-4, abs=1e-6
        )


@given(scored())
def test_curves(texts: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, labels = texts
    roc = oracle.roc_curve(labels, probabilities)[:2]
    both = oracle.precision_recall_curve(labels, probabilities, drop_intermediate=True)[:2]

    np.testing.assert_allclose(metrics.roc_curve(probabilities, labels), roc)
    np.testing.assert_allclose(metrics.precision_recall_curve(probabilities, labels), both)


@given(scored(of=TIED))
def test_reliability(texts: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, labels = texts
    frequencies, means = calibration_curve(labels, probabilities, n_bins=10)
    probability, frequency, counts = metrics.reliability_curve(probabilities, labels)

    np.testing.assert_allclose(frequency, frequencies)
    np.testing.assert_allclose(probability, means, rtol=1e-6)
    error = np.average(np.abs(probability - frequency), weights=counts)
    assert metrics.expected_calibration_error(probabilities, labels) == pytest.approx(error)


def test_the_bootstrap_is_that_of_a_loop() -> None:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 2, 80)
    probabilities = np.clip(generator.normal(0.3 + 0.4 * labels, 0.3), 0, 1).round(2)
    generator, resamples = np.random.default_rng(11), []
    for _ in range(200):
        drawn = generator.integers(0, 80, 80)
        resamples.append(oracle.roc_auc_score(labels[drawn], probabilities[drawn]))
    measured = metrics.measure(probabilities, labels, 0.5, resamples=200, seed=11)["auc"]

    low, high = np.percentile(resamples, [2.5, 97.5])
    assert (measured["low"], measured["high"]) == pytest.approx((low, high), abs=6e-5)


def test_the_vocabulary_keeps_what_the_texts_need() -> None:
    vocabulary = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "the"]
    vocabulary += ["fire", "rare", "##works"]
    kept = trim_vocabulary(vocabulary, ["fireworks"], most_frequent=3, max_tokens=16)
    pieces = [vocabulary[i] for i in kept]
    assert pieces == [*SPECIAL_TOKENS, "a", "##b", "the", "fire", "##works"]
