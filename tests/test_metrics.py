"""Metrics, compared with values that were computed by hand or are known by construction."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from disaster_tweets.metrics import (
    accuracy,
    auc,
    confusion_matrix,
    expected_calibration_error,
    f1,
    fit_threshold,
    forecasts,
    log_loss,
    macro_f1,
    measure,
    one_vs_rest_auc,
    precision,
    precision_recall_curve,
    recall,
    reliability_curve,
    roc_curve,
    threshold_of_recall,
)

PROBABILITIES = np.array([0.9, 0.8, 0.4, 0.3, 0.6])
LABELS = np.array([1, 1, 1, 0, 0])
MEASURES = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "auc",
    "log_loss",
    "expected_calibration_error",
)
MEASURES_OF_MORE = ("accuracy", "macro_f1", "auc", "log_loss", "expected_calibration_error")

# Two texts have the first of three labels, and each other label has one text. The last decision
# is wrong.
OF_THREE = np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4]])
THREE = np.array([0, 0, 1, 2])


def two(probabilities: np.ndarray) -> np.ndarray:
    """Return the probabilities of both labels, given those of the second."""
    return np.stack([1 - probabilities, probabilities], axis=1)


def sample(texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits of texts, and labels drawn from their probabilities."""
    generator = np.random.default_rng(7)
    logits = generator.normal(0, 2, texts)
    labels = generator.random(texts) < 1 / (1 + np.exp(-logits))
    return logits, labels.astype(int)


def test_decisions_by_hand() -> None:
    matrix = confusion_matrix(two(PROBABILITIES), LABELS, 0.5)

    assert matrix.tolist() == [[1, 1], [1, 2]]
    assert accuracy(matrix) == pytest.approx(3 / 5)
    for measured in (precision, recall, f1):
        assert measured(matrix).tolist() == pytest.approx([1 / 2, 2 / 3])


@pytest.mark.parametrize(("threshold", "predicted"), [(0.0, 1), (1.0, 0)])
def test_decisions_that_are_all_the_same(threshold: float, predicted: int) -> None:
    matrix = confusion_matrix(two(PROBABILITIES), LABELS, threshold)

    assert recall(matrix)[1] == predicted
    assert precision(matrix)[1] == pytest.approx(predicted * 3 / 5)
    assert f1(matrix)[1] == pytest.approx(predicted * 6 / 8)


def test_a_threshold_is_compared_as_the_classifier_does() -> None:
    # float32(0.47) is a little less than 0.47, and the classifier compares as float64.
    below = np.array([0.47, 0.9], np.float32)
    assert float(below[0]) < 0.47
    assert confusion_matrix(two(below), np.array([0, 1]), 0.47).tolist() == [[1, 0], [0, 1]]


def test_decisions_on_three_labels_by_hand() -> None:
    matrix = confusion_matrix(OF_THREE, THREE, None)

    assert matrix.tolist() == [[2, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert accuracy(matrix) == pytest.approx(3 / 4)
    assert precision(matrix).tolist() == pytest.approx([2 / 3, 1, 0])
    assert recall(matrix).tolist() == [1, 1, 0]
    assert f1(matrix).tolist() == pytest.approx([4 / 5, 1, 0])
    assert macro_f1(matrix) == pytest.approx((4 / 5 + 1 + 0) / 3)


def test_macro_f1_is_over_the_labels_that_texts_have() -> None:
    first = confusion_matrix(OF_THREE[:3], THREE[:3], None)
    assert macro_f1(first) == 1

    # The second label, predicted once and true for no text, is left out of the mean.
    wrong = confusion_matrix(OF_THREE[:3], np.array([0, 2, 2]), None)
    assert macro_f1(wrong) == pytest.approx((2 / 3 + 0) / 2)


def test_auc_by_hand() -> None:
    # Of six pairs one is in the wrong order: 0.4 against 0.6.
    assert auc(PROBABILITIES, LABELS) == pytest.approx(5 / 6)
    assert auc(np.array([0.5, 0.5, 0.5]), np.array([0, 1, 1])) == 0.5
    # 0.7 against 0.7 counts half, 0.7 against 0.2 one.
    assert auc(np.array([0.7, 0.7, 0.2]), np.array([1, 0, 0])) == pytest.approx(3 / 4)
    assert math.isnan(auc(PROBABILITIES, np.ones(5, int)))


def test_one_vs_rest_auc_by_hand() -> None:
    # Of the pairs of the first label, 0.4 against 0.5 is in the wrong order: 3 of 4 are right.
    # The second and the third label have three pairs each, all in the right order.
    assert one_vs_rest_auc(OF_THREE, THREE) == pytest.approx((3 / 4 + 1 + 1) / 3)
    # The second and the third label do not occur, so their AUC is unknown.
    assert one_vs_rest_auc(OF_THREE, np.array([0, 0, 1, 1])) == pytest.approx(
        (3 / 4 + 1 / 2) / 2
    )


def test_log_loss_by_hand() -> None:
    loss = log_loss(two(np.array([0.25, 0.5])), np.array([1, 0]))
    assert loss == pytest.approx((math.log(4) + math.log(2)) / 2)
    assert log_loss(OF_THREE, THREE) == pytest.approx(
        -(math.log(0.7) + math.log(0.4) + math.log(0.8) + math.log(0.4)) / 4
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_of_certainty_is_finite(dtype: type) -> None:
    certain = two(np.array([0, 1], dtype))
    assert log_loss(certain, np.array([0, 1])) == pytest.approx(0, abs=1e-6)
    assert log_loss(certain, np.array([1, 0])) == pytest.approx(-math.log(np.finfo(dtype).eps))


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([0.1, 0.1, 0.9, 0.9])
    labels = np.array([0, 1, 1, 1])
    # Bin of 0.1: |0.1 - 0.5|, bin of 0.9: |0.9 - 1|; two texts of four in each.
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.25)
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([1, 0])) == 0


def test_what_calibration_is_measured_on() -> None:
    probability, outcome = forecasts(two(PROBABILITIES), LABELS)
    assert (probability.tolist(), outcome.tolist()) == (PROBABILITIES.tolist(), LABELS.tolist())

    probability, outcome = forecasts(OF_THREE, THREE)
    assert probability.tolist() == [0.7, 0.4, 0.8, 0.5]
    assert outcome.tolist() == [1, 1, 1, 0]


def test_the_reliability_curve_leaves_out_empty_bins() -> None:
    curve = reliability_curve(np.array([0.1, 0.12, 0.9, 1.0]), np.array([0, 1, 1, 1]))
    probability, frequency, texts = curve

    assert probability == pytest.approx([0.11, 0.95])
    assert frequency.tolist() == [0.5, 1]
    assert texts.tolist() == [2, 2]


def test_the_roc_curve_by_hand() -> None:
    false_positive_rate, true_positive_rate = roc_curve(PROBABILITIES, LABELS)

    # 0.9 and 0.8 are positive, 0.6 negative, 0.4 positive, 0.3 negative.
    assert false_positive_rate == pytest.approx([0, 0, 0, 1 / 2, 1 / 2, 1])
    assert true_positive_rate == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1, 1])


def test_the_precision_recall_curve_by_hand() -> None:
    precisions, recalls = precision_recall_curve(PROBABILITIES, LABELS)

    assert precisions == pytest.approx([3 / 5, 3 / 4, 2 / 3, 1, 1, 1])
    assert recalls == pytest.approx([1, 1, 2 / 3, 2 / 3, 1 / 3, 0])


def test_curves_of_a_single_probability() -> None:
    same, labels = np.array([0.4, 0.4]), np.array([0, 1])

    assert [axis.tolist() for axis in roc_curve(same, labels)] == [[0, 1], [0, 1]]
    assert [a.tolist() for a in precision_recall_curve(same, labels)] == [[0.5, 1], [1, 0]]


def test_counts_stand_for_repeats() -> None:
    logits, labels = sample(60)
    probabilities = (1 / (1 + np.exp(-logits))).round(1)
    counts = np.random.default_rng(1).integers(0, 4, (5, 60))

    def all_labels(measured: Any) -> Any:
        return lambda p, labels, counts=None: measured(two(p), labels, counts=counts)

    for measured in (
        auc,
        expected_calibration_error,
        all_labels(log_loss),
        all_labels(one_vs_rest_auc),
        all_labels(partial(confusion_matrix, threshold=0.4)),
    ):
        repeated = [
            measured(np.repeat(probabilities, each), np.repeat(labels, each)) for each in counts
        ]
        assert measured(probabilities, labels, counts=counts) == pytest.approx(
            np.array(repeated)
        )


def test_the_threshold_of_shifted_probabilities_follows_the_shift() -> None:
    logits, labels = sample(50_000)
    assert fit_threshold(1 / (1 + np.exp(-logits)), labels) == pytest.approx(0.5, abs=0.03)
    shifted = 1 / (1 + np.exp(-(logits + 1)))
    assert fit_threshold(shifted, labels) == pytest.approx(0.73, abs=0.03)


def test_the_threshold_does_not_follow_a_single_text() -> None:
    probabilities = np.concatenate([np.linspace(0, 0.3, 50), [0.42], np.linspace(0.7, 1, 50)])
    labels = np.array([0] * 51 + [1] * 50)
    assert 0.45 <= fit_threshold(probabilities, labels) <= 0.6


@pytest.mark.parametrize(
    ("recall", "threshold"), [(1, 0.12), (0.75, 0.3), (0.7, 0.3), (0.5, 0.8), (0.01, 0.987)]
)
def test_a_threshold_reaches_a_recall(recall: float, threshold: float) -> None:
    probabilities = np.array([0.9, 0.8, 0.1200001, 0.7, 0.98765, 0.3])
    labels = np.array([0, 1, 1, 0, 1, 1])
    found = threshold_of_recall(probabilities, labels, recall)

    assert found == threshold
    assert np.mean(probabilities[labels == 1] >= found) >= recall


def test_a_threshold_is_never_zero() -> None:
    assert threshold_of_recall(np.array([0.0001]), np.array([1]), 1) == 0.001


class TestMeasure:
    def test_by_hand(self) -> None:
        measured = measure(two(PROBABILITIES), LABELS, threshold=0.5, resamples=200, seed=1)

        assert list(measured) == ["texts", *MEASURES, "confusion_matrix"]
        assert measured["texts"] == 5
        assert measured["confusion_matrix"] == [[1, 1], [1, 2]]
        assert measured["accuracy"]["value"] == 0.6
        assert measured["f1"]["value"] == pytest.approx(2 / 3, abs=1e-4)
        assert measured["auc"]["value"] == pytest.approx(5 / 6, abs=1e-4)
        for name in MEASURES:
            of = measured[name]
            assert of["low"] <= of["value"] <= of["high"]

    def test_three_labels_by_hand(self) -> None:
        measured = measure(OF_THREE, THREE, threshold=None, resamples=200, seed=1)

        assert list(measured) == ["texts", *MEASURES_OF_MORE, "confusion_matrix"]
        assert measured["texts"] == 4
        assert measured["confusion_matrix"] == [[2, 0, 0], [0, 1, 0], [1, 0, 0]]
        assert measured["accuracy"]["value"] == 0.75
        assert measured["macro_f1"]["value"] == 0.6
        assert measured["auc"]["value"] == pytest.approx(11 / 12, abs=1e-4)
        # The most probable labels: 0.7, 0.4 and 0.8 are right, 0.5 is not.
        assert measured["expected_calibration_error"]["value"] == pytest.approx(
            (0.3 + 0.6 + 0.2 + 0.5) / 4, abs=1e-4
        )
        for name in MEASURES_OF_MORE:
            of = measured[name]
            assert of["low"] <= of["value"] <= of["high"]

    def test_the_seed_decides(self) -> None:
        logits, labels = sample(300)
        probabilities = two(1 / (1 + np.exp(-logits)))
        first, again, other = (
            measure(probabilities, labels, 0.5, 100, seed) for seed in (1, 1, 2)
        )

        assert first == again
        assert first["auc"]["value"] == other["auc"]["value"]
        assert first["auc"] != other["auc"]

    def test_the_interval_is_that_of_the_normal_approximation(self) -> None:
        logits, labels = sample(4000)
        of = measure(two(1 / (1 + np.exp(-logits))), labels, 0.5, 2000, 0)["accuracy"]
        half = 1.96 * math.sqrt(of["value"] * (1 - of["value"]) / 4000)

        assert of["low"] == pytest.approx(of["value"] - half, abs=half / 8)
        assert of["high"] == pytest.approx(of["value"] + half, abs=half / 8)

    @pytest.mark.parametrize("shift", [0, 0.2, 1])
    def test_the_interval_of_the_calibration_error_contains_it(self, shift: float) -> None:
        """Resampled texts look worse calibrated, so an uncorrected interval may lie above."""
        logits, labels = sample(1000)
        probabilities = two(1 / (1 + np.exp(-logits - shift)))
        of = measure(probabilities, labels, 0.5, 500, 0)["expected_calibration_error"]
        drawn = np.random.default_rng(0).integers(0, 1000, (500, 1000))
        resampled = [expected_calibration_error(probabilities[d, 1], labels[d]) for d in drawn]
        low, median, high = np.percentile(resampled, [2.5, 50, 97.5])

        assert median > of["value"]
        assert 0 <= of["low"] < of["value"] < of["high"]
        assert of["low"] == pytest.approx(max(0, of["value"] + low - median), abs=1e-4)
        assert of["high"] == pytest.approx(of["value"] + high - median, abs=1e-4)

    def test_two_texts(self) -> None:
        # Half of the resamples hold one class, and are drawn again.
        measured = measure(two(np.array([0.2, 0.7])), np.array([0, 1]), 0.5, 100, 0)
        assert measured["auc"] == {"value": 1, "low": 1, "high": 1}

    def test_many_labels_of_one_text_each(self) -> None:
        # Hardly any resample contains all of them.
        measured = measure(np.eye(40), np.arange(40), None, 100, 0)
        assert measured["auc"] == {"value": 1, "low": 1, "high": 1}
        assert measured["macro_f1"] == {"value": 1, "low": 1, "high": 1}

    @pytest.mark.parametrize("label", [0, 1])
    @pytest.mark.parametrize("labels", [2, 3])
    def test_a_single_class_is_refused(self, label: int, labels: int) -> None:
        probabilities = np.full((5, labels), 1 / labels)
        with pytest.raises(ValueError, match="two different"):
            measure(probabilities, np.full(5, label), None, 10, 0)
