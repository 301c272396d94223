"""What is fitted to logits. The measures are in disaster_tweets.metrics, for all to share."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from disaster_tweets.classifier import log_odds

Array = np.ndarray


def fit_calibration(logits: Array, targets: Array) -> dict[str, float]:
    """Return the parameters of `classifier.log_odds` that minimize the log loss.

    Unlike a temperature, they also mend what is wrong at a probability of 0.5, so that the
    more probable label is the one to predict. A normal prior around the identity, which weighs
    as much as a text or two, keeps few texts from deciding too much.

    Args:
        logits: (texts,).
        targets: (texts,), mean labels in [0, 1].

    Returns:
        ``a`` and ``b``, both positive, and ``c``; rounded to four decimals.
    """

    def parameters(fitted: Array) -> dict[str, float]:
        a, b, c = (float(value) for value in fitted)
        return {"a": float(np.exp(a)), "b": float(np.exp(b)), "c": c}

    def loss(fitted: Array) -> float:
        odds = log_odds(logits.astype(np.float64), parameters(fitted))
        return float((np.logaddexp(0, odds) - targets * odds).sum() + fitted @ fitted / 2)

    found = minimize(loss, x0=np.zeros(3))
    return {name: round(value, 4) for name, value in parameters(found.x).items()}
