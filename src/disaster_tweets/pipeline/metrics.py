"""The fitted temperature. The measures are in disaster_tweets.metrics, for all to share."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

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
