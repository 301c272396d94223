"""The measures, for two labels and for more, compared with those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from disaster_tweets import metrics

# Few different probabilities, so that most texts are tied with another text. None is at the
# border of two bins, where scikit-learn's calibration curve takes the lower bin.
TIED = st.sampled_from([0.0, 0.04, 0.25, 0.33, 0.48, 0.52, 0.75, 0.96, 1.0])
ANY = st.floats(0, 1, width=32)
MORE = 4  # the number of labels in tests of more than two labels

Scored = tuple[np.ndarray, np.ndarray]


@st.composite
def scored(draw: st.DrawFn, of: st.SearchStrategy[float] = ANY) -> Scored:
    """Draw probabilities (texts, 2) as the classifier returns them, and both labels."""
    texts = draw(st.lists(st.tuples(st.one_of(TIED, of), st.integers(0, 1)), max_size=40))
    texts += [(draw(of), label) for label in (0, 1)]
    probabilities, labels = zip(*texts, strict=True)
    positive = np.array(probabilities, np.float32)
    return np.stack([1 - positive, positive], axis=1), np.array(labels)


@st.composite
def scored_more(draw: st.DrawFn) -> Scored:
    """Draw probabilities (texts, MORE), many of them equal, and at least two labels."""
    weight = st.integers(0, 4) | st.floats(0, 4)
    row = st.lists(weight, min_size=MORE, max_size=MORE).filter(lambda row: sum(row) > 0.01)
    texts = draw(st.lists(st.tuples(row, st.integers(0, MORE - 1)), max_size=40))
    texts += [(draw(row), label) for label in (0, 1)]
    weights, labels = zip(*texts, strict=True)
    shares = np.array(weights) / np.sum(weights, axis=1, keepdims=True)
    return shares.astype(np.float32), np.array(labels)


@settings(deadline=None)
@given(scored(), st.floats(0, 1))
def test_decisions(texts: Scored, threshold: float) -> None:
    probabilities, labels = texts
    decisions = probabilities[:, 1].astype(float) >= threshold
    check_decisions(
        metrics.confusion_matrix(probabilities, labels, threshold), labels, decisions
    )


@settings(deadline=None)
@given(scored_more())
def test_decisions_of_more(texts: Scored) -> None:
    probabilities, labels = texts
    decisions = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(probabilities, labels, None)

    check_decisions(matrix, labels, decisions)
    of_those_that_occur = {"average": "macro", "labels": np.unique(labels)}
    assert metrics.macro_f1(matrix) == pytest.approx(
        oracle.f1_score(labels, decisions, zero_division=0.0, **of_those_that_occur)
    )


def check_decisions(matrix: np.ndarray, labels: np.ndarray, decisions: np.ndarray) -> None:
    every = range(len(matrix))
    expected = oracle.confusion_matrix(labels, decisions, labels=every)
    assert matrix.tolist() == expected.tolist()
    assert metrics.accuracy(matrix) == pytest.approx(oracle.accuracy_score(labels, decisions))
    for ours, theirs in (
        (metrics.precision, oracle.precision_score),
        (metrics.recall, oracle.recall_score),
        (metrics.f1, oracle.f1_score),
    ):
        of_each = theirs(labels, decisions, labels=every, average=None, zero_division=0.0)
        assert ours(matrix) == pytest.approx(of_each)


@settings(deadline=None)
@given(scored(), st.integers(0, 2**32))
def test_probabilities(texts: Scored, seed: int) -> None:
    probabilities, labels = texts
    counts = np.random.default_rng(seed).integers(1, 4, len(labels))

    for weights in (None, counts):
        positive = probabilities[:, 1]
        expected = oracle.roc_auc_score(labels, positive, sample_weight=weights)
        assert metrics.auc(positive, labels, weights) == pytest.approx(expected)
        check_log_loss(probabilities, labels, weights)


@settings(deadline=None)
@given(scored_more(), st.integers(0, 2**32))
def test_probabilities_of_more(texts: Scored, seed: int) -> None:
    probabilities, labels = texts
    counts = np.random.default_rng(seed).integers(1, 4, len(labels))

    for weights in (None, counts):
        of_each = [
            oracle.roc_auc_score(
                labels == label, probabilities[:, label], sample_weight=weights
            )
            for label in np.unique(labels)
        ]
        ours = metrics.one_vs_rest_auc(probabilities, labels, weights)
        assert ours == pytest.approx(np.mean(of_each))
        check_log_loss(probabilities, labels, weights)


def check_log_loss(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> None:
    every = range(probabilities.shape[1])
    expected = oracle.log_loss(labels, probabilities, labels=every, sample_weight=weights)
    # The tolerance is for scikit-learn, which rounds float32 probabilities once more.
    ours = metrics.log_loss(probabilities, labels, weights)
    assert ours == pytest.approx(expected, rel=1e-4, abs=1e-6)


@settings(deadline=None)
@given(scored())
def test_curves(texts: Scored) -> None:
    probabilities, labels = texts
    positive = probabilities[:, 1]
    roc = oracle.roc_curve(labels, positive)[:2]
    both = oracle.precision_recall_curve(labels, positive, drop_intermediate=True)[:2]

    np.testing.assert_allclose(metrics.roc_curve(positive, labels), roc)
    np.testing.assert_allclose(metrics.precision_recall_curve(positive, labels), both)


@settings(deadline=None)
@given(scored(of=TIED))
def test_reliability(texts: Scored) -> None:
    probabilities, labels = texts
    check_reliability(probabilities[:, 1], labels)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, MORE - 1)), min_size=2))
def test_reliability_of_the_likeliest_of_more(texts: list[tuple[int, int]]) -> None:
    """The first label has the highest probability; the others share the rest."""
    first = np.array([0.255 + 0.08 * step for step, _ in texts], np.float32)
    probabilities = np.column_stack([first, *[(1 - first) / (MORE - 1)] * (MORE - 1)])
    labels = np.array([label for _, label in texts])
    shown, right = metrics.forecasts(probabilities, labels)

    np.testing.assert_array_equal(shown, first)
    np.testing.assert_array_equal(right, labels == 0)
    check_reliability(shown, right)


def check_reliability(probabilities: np.ndarray, outcomes: np.ndarray) -> None:
    frequencies, means = calibration_curve(outcomes, probabilities, n_bins=10)
    probability, frequency, counts = metrics.reliability_curve(probabilities, outcomes)

    np.testing.assert_allclose(frequency, frequencies)
    np.testing.assert_allclose(probability, means, rtol=1e-6)
    error = np.average(np.abs(probability - frequency), weights=counts)
    assert metrics.expected_calibration_error(probabilities, outcomes) == pytest.approx(error)


@pytest.mark.parametrize("count", [2, MORE])
def test_the_bootstrap_is_that_of_a_loop(count: int) -> None:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, count, 80)
    noise = generator.normal(0.4, 0.3, (80, count)) + 0.4 * np.eye(count)[labels]
    weights = np.clip(noise, 0.02, 2).round(1)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    generator, resamples = np.random.default_rng(11), []
    for _ in range(200):
        drawn = generator.integers(0, 80, 80)
        of_each = [
            oracle.roc_auc_score(labels[drawn] == label, probabilities[drawn, label])
            for label in ([1] if count == 2 else range(count))
        ]
        resamples.append(np.mean(of_each))
    threshold = 0.5 if count == 2 else None
    measured = metrics.measure(probabilities, labels, threshold, resamples=200, seed=11)["auc"]

    low, high = np.percentile(resamples, [2.5, 97.5])
    assert (measured["low"], measured["high"]) == pytest.approx((low, high), abs=6e-5)
