"""Calibrated probabilities from logits, with two labels and with more.

tests/pipeline/test_calibration.py tests the fit, which needs SciPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets.calibration import calibrate, log_odds, tabulate

TWO = {"a": 0.9, "b": 1.5, "c": -0.6}
FOUR: dict[str, Any] = {"temperature": 1.6, "biases": [0.3, -0.2, 0.0, 0.5]}
INTERPOLATED = 1e-5  # largest error of a tabulated probability

LOGITS = st.floats(-30, 30)


def calibrated(logits: np.ndarray, calibration: dict[str, Any]) -> np.ndarray:
    return calibrate(logits, calibration, tabulate(calibration))


def of_odds(odds: np.ndarray) -> np.ndarray:
    """Return logits (texts, 2) with these differences."""
    return np.stack([np.zeros_like(odds), odds], axis=1)


def test_two_labels_by_hand() -> None:
    probability = calibrated(np.array([[0.51, 2.51]]), TWO)[0, 1]
    share = 1 / (1 + math.exp(-2))
    odds = 0.9 * math.log(share) - 1.5 * math.log(1 - share) - 0.6

    assert probability == pytest.approx(1 / (1 + math.exp(-odds)), abs=INTERPOLATED)


def test_more_labels_by_hand() -> None:
    logits = np.array([[1.0, -2.0, 0.5, 0.0]])
    powers = [
        math.exp(logit / 1.6 + bias)
        for logit, bias in zip(logits[0].tolist(), FOUR["biases"], strict=True)
    ]

    assert calibrated(logits, FOUR)[0].tolist() == pytest.approx(
        [power / sum(powers) for power in powers], abs=INTERPOLATED
    )


class TestTable:
    def test_between_the_values_of_a_table_lies_a_straight_line(self) -> None:
        places = np.linspace(-24, 24, 3073)
        odds = np.random.default_rng(3).normal(0, 9, 1000)
        expected = np.interp(odds, places, tabulate(TWO))

        assert len(tabulate(TWO)) == len(places)
        np.testing.assert_allclose(
            calibrated(of_odds(odds), TWO)[:, 1], expected, rtol=2e-7, atol=0
        )

    def test_its_values_themselves_are_given(self) -> None:
        table = tabulate(TWO)
        second = calibrated(of_odds(np.linspace(-24, 24, len(table))), TWO)[:, 1]

        assert np.array_equal(second, table.astype(np.float32))

    def test_it_is_close_to_what_it_stands_for(self) -> None:
        odds = np.linspace(-40, 40, 100_001)
        exact = 1 / (1 + np.exp(-log_odds(odds, TWO)))

        np.testing.assert_allclose(
            calibrated(of_odds(odds), TWO)[:, 1], exact, rtol=0, atol=INTERPOLATED
        )

    def test_the_table_decides(self) -> None:
        # The table ships with the model, so no exponential is computed during scoring.
        line = np.linspace(0, 1, 3073)

        assert calibrate(np.array([[0.0, -12.0]]), TWO, line).tolist() == [[0.75, 0.25]]


@pytest.mark.parametrize("calibration", [TWO, FOUR], ids=["two", "four"])
def test_a_text_is_calibrated_alone_to_the_last_bit(calibration: dict[str, Any]) -> None:
    labels = len(calibration.get("biases", "ab"))
    logits = np.random.default_rng(3).normal(0, 6, (300, labels))
    together = calibrated(logits, calibration)

    assert np.array_equal(calibrated(np.asfortranarray(logits), calibration), together)
    for row, probabilities in zip(logits, together, strict=True):
        assert np.array_equal(calibrated(row[None], calibration)[0], probabilities)


@pytest.mark.parametrize("calibration", [TWO, FOUR], ids=["two", "four"])
def test_logits_of_any_size(calibration: dict[str, Any]) -> None:
    labels = len(calibration.get("biases", "ab"))
    logits = 1e4 * np.eye(labels) - 5e3
    probabilities = calibrated(logits, calibration)

    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, np.eye(labels), rtol=0, atol=1e-9)
    assert calibrated(np.empty((0, labels)), calibration).shape == (0, labels)


@settings(deadline=None)
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-5, 5), st.lists(LOGITS, min_size=1))
def test_calibrated_probabilities_keep_the_order(
    a: float, b: float, c: float, odds: list[float]
) -> None:
    found = calibrated(of_odds(np.sort(odds)), {"a": a, "b": b, "c": c})

    assert (np.diff(found[:, 1]) >= 0).all()
    assert found.sum(axis=1) == pytest.approx(1)
    assert ((found >= 0) & (found <= 1)).all()


@settings(deadline=None)
@given(
    st.floats(0.1, 10),
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    st.lists(st.tuples(LOGITS, LOGITS, LOGITS), min_size=1),
)
def test_probabilities_of_more_labels(
    temperature: float, biases: list[float], logits: list[tuple[float, ...]]
) -> None:
    given_logits = np.array(logits)
    calibration = {"temperature": temperature, "biases": biases}
    found = calibrated(given_logits, calibration)

    assert found.sum(axis=1) == pytest.approx(1)
    assert ((found >= 0) & (found <= 1)).all()
    # A higher logit never makes its label less probable.
    again = calibrated(given_logits + np.array([1.0, 0, 0]), calibration)
    assert (again[:, 0] >= found[:, 0] - 1e-7).all()
