"""Calibration: from the logits of a model to probabilities that can be taken at their word.

Two labels have beta calibration (Kull, Silva Filho and Flach, 2017), more have a temperature
and a bias for each label.

Exponentials and logarithms differ in the last bits between processors and builds of NumPy. So
they are tabulated where a model is built, and the table travels with it: what is left to do is
linear interpolation, the same to the bit everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Calibration = Mapping[str, Any]

# A table has the values at so many places to a unit, from -_END to _END, or to 0. What lies
# beyond is as good as certain. Interpolated, a probability is exact to about 1e-5.
_PER_UNIT, _END = 64, 24


def tabulate(calibration: Calibration) -> npt.NDArray[np.float64]:
    """Return the table for `calibrate`.

    For two labels, it has the probability of the second one by the difference of the logits;
    for more, the exponential function up to 0.
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
        logits: (texts, classes), at least two classes.
        calibration: As `fit` returns it for as many classes.
        table: As `tabulate` returns it.

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
    for share in shares.T:  # a sum in this order, whatever the processor
        total += share
    probabilities[:] = shares / total[:, None]
    return probabilities


def _interpolated(
    x: npt.NDArray[np.float64], table: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the values of a table at ``x``. `numpy.interp` may fuse operations."""
    import numpy as np

    if x.size == 1:  # the same operations on a number of Python's, which take less time
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
