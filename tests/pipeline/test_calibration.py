"""The fit of the calibration: it finds known parameters again; few texts change little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from disaster_tweets.calibration import calibrate, fit, tabulate


def probabilities(logits: np.ndarray, calibration: dict[str, Any]) -> np.ndarray:
    """Return the calibrated probabilities (texts, classes)."""
    return calibrate(logits, calibration, tabulate(calibration)).astype(float)


def drawn(logits: np.ndarray, calibration: dict[str, Any]) -> np.ndarray:
    """Draw a label for each text from its calibrated probabilities: (texts, classes)."""
    generator = np.random.default_rng(11)
    cumulated = probabilities(logits, calibration).cumsum(axis=1)
    chosen = (generator.random((len(logits), 1)) > cumulated[:, :-1]).sum(axis=1)
    return np.eye(logits.shape[1])[chosen]


@pytest.mark.parametrize(
    "true",
    [
        {"a": 1.0, "b": 1.0, "c": 0.0},
        {"a": 0.6, "b": 1.7, "c": -1.1},
    ],
)
def test_two_labels(true: dict[str, float]) -> None:
    logits = np.random.default_rng(7).normal(0, 3, (100_000, 2)) / np.sqrt(2)
    fitted = fit(logits.astype(np.float32), drawn(logits, true))

    assert list(fitted) == ["a", "b", "c"]
    assert fitted == pytest.approx(true, rel=0.05, abs=0.1)


@pytest.mark.parametrize(
    ("temperature", "biases"),
    [
        (2.5, [0.0, 0.0, 0.0, 0.0]),
        (0.7, [0.6, -0.4, 0.1, -0.3]),
    ],
)
def test_more_labels(temperature: float, biases: list[float]) -> None:
    logits = np.random.default_rng(7).normal(0, 2, (50_000, 4))
    true = {"temperature": temperature, "biases": biases}
    fitted = fit(logits.astype(np.float32), drawn(logits, true))

    assert list(fitted) == ["temperature", "biases"]
    assert fitted["temperature"] == pytest.approx(temperature, rel=0.05)
    # Only the differences of the biases count.
    assert np.array(fitted["biases"]) - np.mean(fitted["biases"]) == pytest.approx(
        np.array(biases), abs=0.1
    )


def test_two_labels_are_fitted_as_beta_calibration_of_one_log_odds() -> None:
    generator = np.random.default_rng(5)
    odds = generator.normal(0, 2, 400)
    share = generator.random(400)

    def loss(fitted: np.ndarray) -> float:
        # The method as published: a ln s - b ln(1 - s) + c, and the normal prior.
        a, b, c = np.exp(fitted[0]), np.exp(fitted[1]), fitted[2]
        s = 1 / (1 + np.exp(-odds))
        p = 1 / (1 + np.exp(-(a * np.log(s) - b * np.log(1 - s) + c)))
        likelihood = share * np.log(p) + (1 - share) * np.log(1 - p)
        return float(-likelihood.sum() + fitted @ fitted / 2)

    a, b, c = minimize(loss, np.zeros(3)).x
    logits = np.stack([np.full(400, 3.0), odds + 3], axis=1)

    assert fit(logits, np.stack([1 - share, share], axis=1)) == pytest.approx(
        {"a": np.exp(a), "b": np.exp(b), "c": c}, abs=5e-4
    )


def test_few_texts_of_two_labels_decide_little() -> None:
    odds, labels = np.array([-2.0, -1.0, 1.0, 3.0]), np.array([0, 0, 1, 1])
    fitted = fit(np.stack([0 * odds, odds], axis=1), np.eye(2)[labels])

    assert 0.5 < fitted["a"] < 3
    assert 0.5 < fitted["b"] < 3
    assert abs(fitted["c"]) < 1


def test_few_texts_of_more_labels_decide_little() -> None:
    fitted = fit(np.eye(3) * 2, np.eye(3))

    assert 0.3 < fitted["temperature"] < 2
    assert np.abs(fitted["biases"]).max() < 1


@pytest.mark.parametrize("labels", [2, 4])
def test_a_fitted_calibration_never_raises_the_loss_of_its_texts(labels: int) -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 3, (300, labels))
    targets = generator.dirichlet(np.ones(labels), 300)
    uncalibrated = (
        {"a": 1.0, "b": 1.0, "c": 0.0}
        if labels == 2
        else {"temperature": 1.0, "biases": [0.0] * labels}
    )

    def loss(calibration: dict[str, Any]) -> float:
        return float(-(targets * np.log(probabilities(logits, calibration))).sum())

    assert loss(fit(logits, targets)) < loss(uncalibrated)
