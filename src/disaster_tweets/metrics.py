"""How good decisions and probabilities are: the one definition of each measure.

NumPy only. A measure takes ``counts``, how often each text counts, so that thousands of
bootstrap resamples are a matrix product and not thousands of passes over the texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_DRAWS = 1_000_000  # texts drawn at a time: bounds memory, whatever the number of resamples


def confusion_matrix(
    probabilities: Array, labels: Array, threshold: float, counts: Array | None = None
) -> Floats:
    """Count the texts by what they are and what they were taken for.

    Args:
        probabilities: (texts,) of the positive class.
        labels: (texts,), 0 or 1.
        threshold: Decisions are ``probabilities >= threshold``.
        counts: (..., texts), how often each text counts; once each if None.

    Returns:
        float64 (..., 2, 2): rows actual, columns predicted, negative first.
    """
    # As float64, since the threshold would else be rounded to the probabilities' float32.
    predicted = np.asarray(probabilities, np.float64) >= threshold
    cells = np.eye(4)[2 * np.asarray(labels, int) + predicted]
    totals: Floats = _or_once(counts, labels) @ cells
    return totals.reshape(*totals.shape[:-1], 2, 2)


def accuracy(matrix: Array) -> Floats:
    """Return the share of right decisions (...) of confusion matrices (..., 2, 2)."""
    return _ratio(matrix[..., 0, 0] + matrix[..., 1, 1], matrix.sum((-2, -1)))


def precision(matrix: Array) -> Floats:
    """Return the share of positives among those predicted so (...); 0 where none was."""
    return _ratio(matrix[..., 1, 1], matrix[..., :, 1].sum(-1))


def recall(matrix: Array) -> Floats:
    """Return the share of the positives that were found (...); 0 where there are none."""
    return _ratio(matrix[..., 1, 1], matrix[..., 1, :].sum(-1))


def f1(matrix: Array) -> Floats:
    """Return the harmonic mean of precision and recall (...); 0 where both are."""
    right, wrong = matrix[..., 1, 1], matrix[..., 0, 1] + matrix[..., 1, 0]
    return _ratio(2 * right, 2 * right + wrong)


def auc(probabilities: Array, labels: Array, counts: Array | None = None) -> Floats:
    """Return the area under the ROC curve (...): how often a positive outranks a negative.

    By ranks, a tie counting half (the Mann-Whitney statistic); NaN where a class is absent.
    Arguments as for `confusion_matrix`.
    """
    order = np.argsort(probabilities, kind="stable")
    ranked, weights = probabilities[order], _or_once(counts, labels)[..., order]
    starts = np.flatnonzero(np.append(True, ranked[1:] > ranked[:-1]))
    totals = np.add.reduceat(weights, starts, axis=-1)
    positives = np.add.reduceat(weights * labels[order], starts, axis=-1)
    negatives = totals - positives
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = positives.sum(-1) * negatives.sum(-1)
    return _ratio((positives * below).sum(-1), pairs, otherwise=np.nan)


def log_loss(probabilities: Array, labels: Array, counts: Array | None = None) -> Floats:
    """Return the mean negative log-likelihood of the labels (...), in nats.

    A probability of 0 or 1 is moved by the precision of its dtype, else a single text that
    it is wrong on would make the loss infinite. Arguments as for `confusion_matrix`.
    """
    tiny = float(np.finfo(probabilities.dtype).eps)
    of_label = np.where(labels == 1, probabilities, 1 - np.asarray(probabilities, np.float64))
    weights = _or_once(counts, labels)
    return _ratio(-(weights @ np.log(np.clip(of_label, tiny, 1 - tiny))), weights.sum(-1))


def expected_calibration_error(
    probabilities: Array, labels: Array, bins: int = 10, counts: Array | None = None
) -> Floats:
    """Return the mean gap between probability and frequency (...), over bins of equal width.

    The measure of Guo et al., "On Calibration of Modern Neural Networks" (2017), here on
    the probability of the positive class; each bin weighs as many texts as it holds.
    Arguments as for `confusion_matrix`.
    """
    gaps = np.eye(bins)[_bin_of(probabilities, bins)] * (probabilities - labels)[:, None]
    weights = _or_once(counts, labels)
    return _ratio(np.abs(weights @ gaps).sum(-1), weights.sum(-1))


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
    accurate = np.array([np.mean((probabilities >= at) == labels) for at in grid])
    half = round(window / step / 2)
    centres = np.arange(half, len(grid) - half)
    smooth = np.array([accurate[at - half : at + half + 1].mean() for at in centres])
    best = centres[smooth >= smooth.max() - 1e-12]
    return round(float(grid[best[np.argmin(np.abs(grid[best] - 0.5))]]), 2)


def measure(
    probabilities: Array, labels: Array, threshold: float, resamples: int, seed: int
) -> dict[str, Any]:
    """Measure the decisions and the probabilities, with intervals.

    Args:
        probabilities: (texts,) of the positive class.
        labels: (texts,), 0 or 1, both of them present.
        threshold: Decisions are ``probabilities >= threshold``.
        resamples: Number of bootstrap resamples of the texts; those that lack a class, of
            which there is no AUC, are drawn again.
        seed: Their seed.

    Returns:
        ``texts``; ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``, ``log_loss`` and
        ``expected_calibration_error``, each with its ``value`` and the ``low`` and ``high``
        end of the 95 % percentile interval; ``confusion_matrix`` (2, 2) as nested lists.

    Raises:
        ValueError: A class is absent.
    """
    if len(np.unique(labels)) != 2:
        raise ValueError("labels must hold both 0 and 1")
    values = _measures(probabilities, labels, threshold, None)
    drawn = [
        _measures(probabilities, labels, threshold, counts)
        for counts in _resamples(labels, resamples, seed)
    ]
    result: dict[str, Any] = {"texts": len(labels)}
    for name, value in values.items():
        low, high = np.percentile(np.concatenate([each[name] for each in drawn]), [2.5, 97.5])
        result[name] = {
            "value": round(float(value), 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
        }
    matrix = confusion_matrix(probabilities, labels, threshold).astype(int)
    return result | {"confusion_matrix": matrix.tolist()}


def roc_curve(probabilities: Array, labels: Array) -> tuple[Floats, Floats]:
    """Return false and true positive rates, each (points,), from the strictest threshold on.

    Begins at (0, 0); points on a straight line between their neighbours are left out.
    """
    false, true = _found(probabilities, labels)
    bends = (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0)
    corners = _inner_and_ends(bends, len(true))
    return (
        np.append(0.0, false[corners] / false[-1]),
        np.append(0.0, true[corners] / true[-1]),
    )


def precision_recall_curve(probabilities: Array, labels: Array) -> tuple[Floats, Floats]:
    """Return precisions and recalls, each (points,), from the laxest threshold on.

    Ends at precision 1 and recall 0; within a run of equal recalls only the ends are kept.
    """
    false, true = _found(probabilities, labels)
    found = np.diff(true) != 0
    ends = _inner_and_ends(found[:-1] | found[1:], len(true))
    false, true = false[ends][::-1], true[ends][::-1]
    return np.append(true / (true + false), 1.0), np.append(true / true[0], 0.0)


def reliability_curve(
    probabilities: Array, labels: Array, bins: int = 10
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return mean probability, frequency of positives and number of texts, each (points,).

    A point for each bin of `expected_calibration_error` that is not empty.
    """
    bin_of = _bin_of(probabilities, bins)
    texts = np.bincount(bin_of, minlength=bins)
    filled = texts > 0
    of_bin = texts[filled]
    probability = np.bincount(bin_of, probabilities, bins)[filled] / of_bin
    frequency = np.bincount(bin_of, labels, bins)[filled] / of_bin
    return probability, frequency, of_bin


def _measures(
    probabilities: Array, labels: Array, threshold: float, counts: Array | None
) -> dict[str, Floats]:
    matrix = confusion_matrix(probabilities, labels, threshold, counts)
    return {
        "accuracy": accuracy(matrix),
        "precision": precision(matrix),
        "recall": recall(matrix),
        "f1": f1(matrix),
        "auc": auc(probabilities, labels, counts),
        "log_loss": log_loss(probabilities, labels, counts),
        "expected_calibration_error": expected_calibration_error(
            probabilities, labels, counts=counts
        ),
    }


def _resamples(labels: Array, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield the counts (some, texts) of resamples that hold both classes, in blocks."""
    generator = np.random.default_rng(seed)
    texts = len(labels)
    while resamples:
        shape = min(resamples, max(1, _DRAWS // texts)), texts
        drawn = generator.integers(0, texts, shape)
        drawn += np.arange(shape[0])[:, None] * texts
        counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(shape)
        positives = counts @ labels
        both = counts[(positives > 0) & (positives < texts)]
        resamples -= len(both)
        yield both.astype(np.float64)


def _found(probabilities: Array, labels: Array) -> tuple[Floats, Floats]:
    """Return how many negatives and positives reach each probability that occurs, falling."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, positive = probabilities[order], labels[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    true = np.cumsum(positive, dtype=np.float64)[last]
    return last + 1 - true, true


def _inner_and_ends(inner: Array, points: int) -> Array:
    """Return which of the points (points,) to keep: some of the inner ones, and both ends."""
    return np.concatenate([[True], inner, [True]])[:points]


def _bin_of(probabilities: Array, bins: int) -> Array:
    found: Array = np.minimum((probabilities * bins).astype(int), bins - 1)
    return found


def _or_once(counts: Array | None, labels: Array) -> Array:
    return np.ones(len(labels)) if counts is None else counts


def _ratio(part: Array, whole: Array, otherwise: float = 0.0) -> Floats:
    result = np.full(np.shape(whole), otherwise)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
