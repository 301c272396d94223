"""Calibrate the logits of a model: turn them into reliable probabilities.

Two labels use beta calibration (Kull, Silva Filho and Flach, 2017). More labels use a
temperature and a bias for each label.

Exponentials and logarithms differ in the last bits between processors and builds of NumPy. So
they are tabulated when a model is built, and the table ships with the model. Serving only
interpolates linearly, which gives the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Calibration = Mapping[str, Any]

# A table has this many values per unit, from -_END to _END or to 0. Beyond these ends a
# decision is as good as certain. An interpolated probability is exact to about 1e-5.
_PER_UNIT, _END = 64, 24


def tabulate(calibration: Calibration) -> npt.NDArray[np.float64]:
    """Return the table for `calibrate`.

    With two labels the table is the probability of the second label by the difference of the
    logits. With more it is the exponential function up to 0.
    """
    import numpy as np

    table: npt.NDArray[np.float64]
    if "biases" in calibration:
        table = np.exp(np.arange(-_END * _PER_UNIT, 1) / _PER_UNIT)
    else:
        logits = np.arange(-_END * _PER_UNIT, _END * _PER_UNIT + 1) / _PER_UNIT
        table = 1 / (1 + np.exp(-log_odds(logits, calibration)))
    return table


def calibrate(
    logits: npt.NDArray[np.floating],
    calibration: Calibration,
    table: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Turn logits into probabilities.

    Args:
        logits: (texts, classes), with at least two classes.
        calibration: The result of `fit` for the same number of classes.
        table: The result of `tabulate`.

    Returns:
        float32 (texts, classes); each row sums to 1.
    """
    import numpy as np

    exact = np.asarray(logits, np.float64)
    probabilities = np.empty(logits.shape, np.float32)
    if exact.shape[1] == 2:
        second = _interpolated(exact[:, 1] - exact[:, 0], table)
        probabilities[:, 0], probabilities[:, 1] = 1 - second, second
        return probabilities
    adjusted = _adjusted(exact, calibration)
    shares = _interpolated(adjusted - adjusted.max(axis=1, keepdims=True), table)
    total = np.zeros(len(shares))
    for share in shares.T:  # a fixed order of the sum, on every processor
        total += share
    probabilities[:] = shares / total[:, None]
    return probabilities


def _interpolated(
    x: npt.NDArray[np.float64], table: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the values of a table at ``x``. `numpy.interp` may fuse operations."""
    import numpy as np

    if x.size == 1:  # the same operations on a Python float, which are faster
        at = min(max((x.item() + _END) * _PER_UNIT, 0.0), len(table) - 1.0)
        first, second = table.item(int(at)), table.item(min(int(at) + 1, len(table) - 1))
        return np.array(first + (second - first) * (at - int(at))).reshape(x.shape)
    place = (x + _END) * _PER_UNIT
    np.maximum(place, 0, out=place)
    np.minimum(place, len(table) - 1, out=place)
    before = place.astype(np.intp)
    low, high = table.take(before), table.take(before + 1, mode="clip")
    values: npt.NDArray[np.float64] = low + (high - low) * (place - before)
    return values


def log_odds(
    logits: npt.NDArray[np.float64], calibration: Calibration
) -> npt.NDArray[np.float64]:
    """Calibrate log-odds (texts,) of the second label.

    With s the sigmoid of the log-odds, the result is a ln s - b ln(1 - s) + c.
    """
    import numpy as np

    a, b, c = (calibration[name] for name in "abc")
    odds: npt.NDArray[np.float64]
    odds = b * np.logaddexp(0, logits) - a * np.logaddexp(0, -logits) + c
    return odds


def fit(logits: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]) -> dict[str, Any]:
    """Fit the calibration with the lowest log loss. Needs SciPy.

    A normal prior around the identity has the weight of one or two texts, so that a few texts
    do not decide too much. Unlike a temperature alone, both calibrations also move the boundary
    between labels, so that the most probable label is the one to predict.

    Args:
        logits: (texts, classes).
        targets: (texts, classes), the share of each class in a text's label.

    Returns:
        For two classes ``a`` and ``b``, both positive, and ``c``. For more a positive
        ``temperature``, and ``biases`` with one value for each class. Rounded to four decimals.
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
