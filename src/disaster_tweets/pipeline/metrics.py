"""How good the probabilities are: the fitted temperature and threshold, and the measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score

Array = np.ndarray


def fit_temperature(logits: Array, targets: Array) -> float:
    """Return the temperature that minimizes the log loss (Guo et al., 2017).

    Args:
        logits: (texts,).
        targets: (texts,), mean labels in [0, 1].
    """

    def log_loss(temperature: float) -> float:
        scaled = logits / temperature
        return float(np.mean(np.logaddexp(0, scaled) - targets * scaled))

    return float(minimize_scalar(log_loss, bounds=(0.1, 10.0), method="bounded").x)


def fit_threshold(probabilities: Array, labels: Array, window: float = 0.1) -> float:
    """Return the threshold of the best accuracy, averaged over ``window`` around it.

    The average keeps the choice from following the noise of single texts.

    Args:
        probabilities: (texts,) of the positive class.
        labels: (texts,), 0 or 1.
        window: Width of the average, in probability.
    """
    step = 0.01
    grid = np.arange(1, 100) * step
    accuracy = np.array([np.mean((probabilities >= at) == labels) for at in grid])
    half = round(window / step / 2)
    centres = np.arange(half, len(grid) - half)
    smooth = np.array([accuracy[at - half : at + half + 1].mean() for at in centres])
    best = centres[smooth >= smooth.max() - 1e-12]
    return round(float(grid[best[np.argmin(np.abs(grid[best] - 0.5))]]), 2)


def expected_calibration_error(probabilities: Array, labels: Array, bins: int = 10) -> float:
    """Return the mean gap between probability and frequency over bins of equal width."""
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, probabilities - labels, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def measure(
    probabilities: Array, labels: Array, threshold: float, resamples: int, seed: int
) -> dict[str, Any]:
    """Measure the decisions and the probabilities.

    Args:
        probabilities: (texts,) of the positive class.
        labels: (texts,), 0 or 1.
        threshold: Decisions are ``probabilities >= threshold``.
        resamples: Number of bootstrap resamples of the texts.
        seed: Their seed.

    Returns:
        ``texts``; ``accuracy``, ``f1``, ``auc`` and ``expected_calibration_error``, each
        with its ``value`` and the ``low`` and ``high`` end of the 95 % percentile
        interval; ``confusion_matrix``, rows actual and columns predicted, negative first.
    """
    measures: dict[str, Callable[[Array, Array], float]] = {
        "accuracy": lambda p, y: accuracy_score(y, p >= threshold),
        "f1": lambda p, y: f1_score(y, p >= threshold, zero_division=0.0),
        "auc": lambda p, y: roc_auc_score(y, p),
        "expected_calibration_error": expected_calibration_error,
    }
    generator = np.random.default_rng(seed)
    samples = []
    while len(samples) < resamples:
        sample = generator.integers(0, len(labels), len(labels))
        if 0 < labels[sample].mean() < 1:  # the AUC needs both classes
            samples.append(sample)
    result: dict[str, Any] = {"texts": len(labels)}
    for name, of in measures.items():
        low, high = np.percentile(
            [of(probabilities[s], labels[s]) for s in samples], [2.5, 97.5]
        )
        result[name] = {
            "value": round(float(of(probabilities, labels)), 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
        }
    matrix = confusion_matrix(labels, probabilities >= threshold, labels=[0, 1])
    return result | {"confusion_matrix": matrix.tolist()}
