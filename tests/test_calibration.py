"""From logits to probabilities, with two labels and with more.

What is fitted is in tests/pipeline/test_calibration.py: it needs SciPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disaster_tweets.calibration import calibrate, log_odds

TWO = {"a": 0.9, "b": 1.5, "c": -0.6}
FOUR: dict[str, Any] = {"temperature": 1.6, "biases": [0.3, -0.2, 0.0, 0.5]}
IDENTITY: list[dict[str, Any]] = [
    {"a": 1.0, "b": 1.0, "c": 0.0},
    *({"temperature": 1.0, "biases": [0.0] * labels} for labels in (3, 4)),
]

LOGITS = st.floats(-30, 30)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result


@pytest.mark.parametrize("calibration", IDENTITY, ids=["2", "3", "4"])
def test_the_identity_is_the_softmax(calibration: dict[str, Any]) -> None:
    labels = len(calibration.get("biases", "ab"))
    logits = np.random.default_rng(3).normal(0, 4, (50, labels))

    np.testing.assert_allclose(calibrate(logits, calibration), softmax(logits), atol=1e-7)


def test_two_labels_by_hand() -> None:
    probability = calibrate(np.array([[0.5, 2.5]]), TWO)[0, 1]
    share = 1 / (1 + math.exp(-2))
    odds = 0.9 * math.log(share) - 1.5 * math.log(1 - share) - 0.6

    assert probability == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-7)


def test_more_labels_by_hand() -> None:
    logits = np.array([[1.0, -2.0, 0.5, 0.0]])
    powers = [
        math.exp(logit / 1.6 + bias)
        for logit, bias in zip(logits[0].tolist(), FOUR["biases"], strict=True)
    ]

    assert calibrate(logits, FOUR)[0].tolist() == pytest.approx(
        [power / sum(powers) for power in powers], abs=1e-7
    )


def test_two_labels_are_calibrated_as_one_log_odds_to_the_last_bit() -> None:
    # A model with a single output gives the log-odds of the second label.
    odds = np.random.default_rng(3).normal(0, 6, 1000).astype(np.float32)
    logits = np.stack([np.zeros_like(odds), odds], axis=1)
    halves = np.tanh(log_odds(odds.astype(np.float64), TWO) / 2) / 2
    expected = np.stack([0.5 - halves, 0.5 + halves], axis=1).astype(np.float32)

    assert np.array_equal(calibrate(logits, TWO), expected)


@pytest.mark.parametrize("calibration", [TWO, FOUR], ids=["two", "four"])
def test_only_differences_of_logits_count(calibration: dict[str, Any]) -> None:
    logits = np.random.default_rng(3).normal(0, 4, (50, len(calibration.get("biases", "ab"))))

    np.testing.assert_allclose(
        calibrate(logits + 7, calibration), calibrate(logits, calibration), atol=1e-7
    )


@pytest.mark.parametrize("calibration", [TWO, FOUR], ids=["two", "four"])
def test_logits_of_any_size(calibration: dict[str, Any]) -> None:
    labels = len(calibration.get("biases", "ab"))
    logits = 1e4 * np.eye(labels) - 5e3
    probabilities = calibrate(logits, calibration)

    assert probabilities.dtype == np.float32
    assert probabilities.tolist() == np.eye(labels).tolist()
    assert calibrate(np.empty((0, labels)), calibration).shape == (0, labels)


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-5, 5), st.lists(LOGITS, min_size=1))
def test_calibrated_probabilities_keep_the_order(
    a: float, b: float, c: float, odds: list[float]
) -> None:
    odds.sort()
    logits = np.stack([np.zeros(len(odds)), np.array(odds)], axis=1)
    calibrated = calibrate(logits, {"a": a, "b": b, "c": c})

    assert (np.diff(calibrated[:, 1]) >= 0).all()
    assert calibrated.sum(axis=1) == pytest.approx(1)
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


@given(
    st.floats(0.1, 10),
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    st.lists(st.tuples(LOGITS, LOGITS, LOGITS), min_size=1),
)
def test_probabilities_of_more_labels(
    temperature: float, biases: list[float], logits: list[tuple[float, ...]]
) -> None:
    given_logits = np.array(logits)
    calibrated = calibrate(given_logits, {"temperature": temperature, "biases": biases})

    assert calibrated.sum(axis=1) == pytest.approx(1)
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    # A higher logit alone never makes its label less probable.
    raised = given_logits + np.array([1.0, 0, 0])
    again = calibrate(raised, {"temperature": temperature, "biases": biases})
    assert (again[:, 0] >= calibrated[:, 0] - 1e-7).all()
