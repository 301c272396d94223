"""Calibration: from the logits of a model to probabilities that can be taken at their word.

Two labels have beta calibration (Kull, Silva Filho and Flach, 2017), more have a temperature
and a bias for each label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Calibration = Mapping[str, Any]


def calibrate(
    logits: npt.NDArray[np.floating], calibration: Calibration
) -> npt.NDArray[np.float32]:
    """Turn logits into probabilities.

    Args:
        logits: (texts, classes), at least two classes.
        calibration: As `fit` returns it for as many classes.

    Returns:
        float32 (texts, classes); each row sums to 1.
    """
    import numpy as np

    exact = logits.astype(np.float64)
    if exact.shape[1] == 2:
        odds = log_odds(exact[:, 1] - exact[:, 0], calibration)
        halves = np.tanh(odds / 2) / 2  # the sigmoid, less a half
        return np.stack([0.5 - halves, 0.5 + halves], axis=1).astype(np.float32)
    return np.exp(_log_softmax(_adjusted(exact, calibration))).astype(np.float32)


def log_odds(
    logits: npt.NDArray[np.float64], calibration: Calibration
) -> npt.NDArray[np.float64]:
    """Turn log-odds (texts,) into calibrated ones.

    With the sigmoid s of the log-odds, those are a ln s - b ln(1 - s) + c.
    """
    import numpy as np

    a, b, c = (calibration[name] for name in "abc")
    odds: npt.NDArray[np.float64]
    odds = b * np.logaddexp(0, logits) - a * np.logaddexp(0, -logits) + c
    return odds


def fit(logits: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]) -> dict[str, Any]:
    """Return the calibration of the lowest log loss. Needs SciPy.

    A normal prior around the identity, which weighs as much as a text or two, keeps few texts
    from deciding too much. Unlike a temperature alone, either calibration also moves the
    boundary between labels, so that the most probable label is the one to predict.

    Args:
        logits: (texts, classes).
        targets: (texts, classes), what share of a text's labels are of each class.

    Returns:
        For two classes ``a`` and ``b``, both positive, and ``c``; for more a positive
        ``temperature`` and ``biases``, one for each class. Rounded to four decimals.
    """
    import numpy as np

    exact = logits.astype(np.float64)
    if exact.shape[1] == 2:
        return _fit_two(exact[:, 1] - exact[:, 0], targets[:, 1])

    def parameters(fitted: npt.NDArray[np.float64]) -> dict[str, Any]:
        return {"temperature": float(np.exp(fitted[0])), "biases": fitted[1:].tolist()}

    def loss(fitted: npt.NDArray[np.float64]) -> float:
        of_labels = _log_softmax(_adjusted(exact, parameters(fitted)))
        return float(-(targets * of_labels).sum() + fitted @ fitted / 2)

    found = parameters(_minimum(loss, 1 + exact.shape[1]))
    return {
        "temperature": round(found["temperature"], 4),
        "biases": [round(bias, 4) for bias in found["biases"]],
    }


def _fit_two(
    logits: npt.NDArray[np.float64], targets: npt.NDArray[np.floating]
) -> dict[str, Any]:
    import numpy as np

    def parameters(fitted: npt.NDArray[np.float64]) -> dict[str, float]:
        a, b, c = (float(value) for value in fitted)
        return {"a": float(np.exp(a)), "b": float(np.exp(b)), "c": c}

    def loss(fitted: npt.NDArray[np.float64]) -> float:
        odds = log_odds(logits, parameters(fitted))
        return float((np.logaddexp(0, odds) - targets * odds).sum() + fitted @ fitted / 2)

    found = parameters(_minimum(loss, 3))
    return {name: round(value, 4) for name, value in found.items()}


def _minimum(loss: Any, parameters: int) -> npt.NDArray[np.float64]:
    import numpy as np
    from scipy.optimize import minimize

    found: npt.NDArray[np.float64] = minimize(loss, x0=np.zeros(parameters)).x
    return found


def _adjusted(
    logits: npt.NDArray[np.float64], calibration: Calibration
) -> npt.NDArray[np.float64]:
    import numpy as np

    adjusted: npt.NDArray[np.float64]
    adjusted = logits / calibration["temperature"] + np.array(calibration["biases"])
    return adjusted


def _log_softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    import numpy as np

    centred = logits - logits.max(axis=1, keepdims=True)
    result: npt.NDArray[np.float64]
    result = centred - np.log(np.exp(centred).sum(axis=1, keepdims=True))
    return result
