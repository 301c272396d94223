"""Metrics of decisions and probabilities, each defined once, with NumPy only.

Metrics take ``counts``, the number of times that each text counts. So thousands of bootstrap
resamples are one matrix product instead of thousands of passes over the texts.

`measure` takes the probabilities of all labels (texts, classes). A metric of one label takes
the probabilities of this label (texts,), and 1 for each text with this label, else 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from disaster_tweets.prediction import decide

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_DRAWS = 1_000_000  # texts drawn at a time, which bounds the memory


def confusion_matrix(
    probabilities: Array, labels: Array, threshold: float | None, counts: Array | None = None
) -> Floats:
    """Count the texts by true label and predicted label.

    Args:
        probabilities: (texts, classes).
        labels: (texts,), indices of classes.
        threshold: As for ``prediction.decide``.
        counts: (..., texts), the number of times that each text counts; None for once each.

    Returns:
        float64 (..., classes, classes): rows are true labels, columns are predicted labels.
    """
    classes = probabilities.shape[1]
    cell = classes * np.asarray(labels, int) + decide(probabilities, threshold)
    order = np.argsort(cell, kind="stable")
    filled, starts = np.unique(cell[order], return_index=True)
    weights = _weights(counts, labels)[..., order]
    totals = np.zeros((*weights.shape[:-1], classes**2))
    totals[..., filled] = np.add.reduceat(weights, starts, axis=-1)
    return totals.reshape(*totals.shape[:-1], classes, classes)


def accuracy(matrix: Array) -> Floats:
    """Return the share of correct decisions (...) in confusion matrices (..., k, k)."""
    return _ratio(_correct(matrix).sum(-1), matrix.sum((-2, -1)))


def precision(matrix: Array) -> Floats:
    """Return the precision of each label (..., k); 0 for a label that is never predicted."""
    return _ratio(_correct(matrix), matrix.sum(-2))


def recall(matrix: Array) -> Floats:
    """Return the recall of each label (..., k); 0 for a label that never occurs."""
    return _ratio(_correct(matrix), matrix.sum(-1))


def f1(matrix: Array) -> Floats:
    """Return the F1 of each label (..., k): the harmonic mean of precision and recall."""
    return _ratio(2 * _correct(matrix), matrix.sum(-2) + matrix.sum(-1))


def macro_f1(matrix: Array) -> Floats:
    """Return the mean F1 (...) over the labels that occur."""
    occurs = matrix.sum(-1) > 0
    return _ratio((f1(matrix) * occurs).sum(-1), occurs.sum(-1))


def auc(probabilities: Array, labels: Array, counts: Array | None = None) -> Floats:
    """Return the area under the ROC curve (...): how often a positive outranks a negative.

    Computed from ranks, where a tie counts half (the Mann-Whitney statistic); NaN without
    positives or without negatives.

    Args:
        probabilities: (texts,) of one label.
        labels: (texts,), 1 for a text with this label, else 0.
        counts: As for `confusion_matrix`.
    """
    order = np.argsort(probabilities, kind="stable")
    ranked, weights = probabilities[order], _weights(counts, labels)[..., order]
    starts = np.flatnonzero(np.append(True, ranked[1:] > ranked[:-1]))
    totals = np.add.reduceat(weights, starts, axis=-1)
    positives = np.add.reduceat(weights * labels[order], starts, axis=-1)
    negatives = totals - positives
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = positives.sum(-1) * negatives.sum(-1)
    return _ratio((positives * below).sum(-1), pairs, otherwise=np.nan)


def one_vs_rest_auc(probabilities: Array, labels: Array, counts: Array | None = None) -> Floats:
    """Return the mean `auc` (...) over the labels that some texts have and others lack.

    Arguments as for `confusion_matrix`.
    """
    classes = range(probabilities.shape[1])
    of_labels = [auc(probabilities[:, j], (labels == j).astype(int), counts) for j in classes]
    mean: Floats = np.nanmean(of_labels, axis=0)
    return mean


def log_loss(probabilities: Array, labels: Array, counts: Array | None = None) -> Floats:
    """Return the mean negative log-likelihood of the labels (...), in nats.

    A probability of 0 or 1 is moved by the precision of its dtype; otherwise one wrong text
    would make the loss infinite. Arguments as for `confusion_matrix`.
    """
    tiny = float(np.finfo(probabilities.dtype).eps)
    of_label = np.take_along_axis(probabilities, np.asarray(labels, int)[:, None], axis=1)[:, 0]
    of_label = np.clip(of_label.astype(np.float64), tiny, 1 - tiny)
    weights = _weights(counts, labels)
    return _ratio(-(weights @ np.log(of_label)), weights.sum(-1))


def expected_calibration_error(
    probabilities: Array, labels: Array, bins: int = 10, counts: Array | None = None
) -> Floats:
    """Return the mean gap between probability and frequency (...), over bins of equal width.

    The metric of Guo et al., "On Calibration of Modern Neural Networks" (2017); each bin is
    weighted by its number of texts. Arguments as for `auc`.
    """
    gaps = np.eye(bins)[_bin_of(probabilities, bins)] * (probabilities - labels)[:, None]
    weights = _weights(counts, labels)
    return _ratio(np.abs(weights @ gaps).sum(-1), weights.sum(-1))


def forecasts(probabilities: Array, labels: Array) -> tuple[Array, Array]:
    """Return the probabilities whose calibration is measured, and their outcomes, 0 or 1.

    With two labels, the probability of the second label. With more, the highest probability,
    with outcome 1 if the text has that label. Both are (texts,).

    Args:
        probabilities: (texts, classes).
        labels: (texts,), indices of classes.
    """
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], labels
    return probabilities.max(axis=1), (decide(probabilities, None) == labels).astype(int)


def fit_threshold(probabilities: Array, labels: Array, window: float = 0.1) -> float:
    """Return the threshold with the best accuracy, averaged over ``window`` around it.

    The average reduces the influence of the noise of single texts.

    Args:
        probabilities: (texts,) of the second of two labels.
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


def threshold_of_recall(probabilities: Array, labels: Array, recall: float) -> float:
    """Return a threshold that reaches a recall: the highest one with three digits.

    Args:
        probabilities: (texts,) of the second of two labels.
        labels: (texts,), 0 or 1, with at least one 1.
        recall: A share of the texts with the second label, in (0, 1].
    """
    found = np.sort(probabilities[labels == 1])[::-1]
    lowest = float(found[math.ceil(recall * len(found)) - 1])
    return max(math.floor(lowest * 1000) / 1000, 0.001)


def measure(
    probabilities: Array, labels: Array, threshold: float | None, resamples: int, seed: int
) -> dict[str, Any]:
    """Measure decisions and probabilities, with confidence intervals.

    Args:
        probabilities: (texts, classes).
        labels: (texts,), indices of classes; at least two different ones.
        threshold: As for ``prediction.decide``.
        resamples: Number of bootstrap resamples of the texts. A resample with a single label
            has no AUC and is drawn again.
        seed: The seed of the resamples.

    Returns:
        ``texts``, the metrics and ``confusion_matrix``. With two labels the metrics are
        ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``, ``log_loss`` and
        ``expected_calibration_error``, for the second label where a metric is of one label.
        With more labels ``macro_f1`` replaces precision, recall and F1, ``auc`` is the mean
        one-vs-rest AUC, and the calibration error is that of `forecasts`. Each metric has its
        ``value`` and the ``low`` and ``high`` end of its 95 % percentile interval. That of the
        calibration error is moved so that the median of the resamples is the value.
        ``confusion_matrix`` (classes, classes) is a nested list.

    Raises:
        ValueError: All texts have the same label.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError("labels must hold two different ones")
    values = _measures(probabilities, labels, threshold, None)
    drawn = [
        _measures(probabilities, labels, threshold, counts)
        for counts in _resamples(labels, resamples, seed)
    ]
    result: dict[str, Any] = {"texts": len(labels)}
    for name, value in values.items():
        resampled = np.concatenate([each[name] for each in drawn])
        if name == "expected_calibration_error":
            # A resample repeats texts, so its bins are noisier and its error is larger than
            # that of the texts. Without this bias, the interval is around the value.
            resampled = np.clip(resampled - np.median(resampled) + value, 0, 1)
        low, high = np.percentile(resampled, [2.5, 97.5])
        result[name] = {
            "value": round(float(value), 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
        }
    matrix = confusion_matrix(probabilities, labels, threshold).astype(int)
    return result | {"confusion_matrix": matrix.tolist()}


def roc_curve(probabilities: Array, labels: Array) -> tuple[Floats, Floats]:
    """Return false and true positive rates, each (points,), from the strictest threshold on.

    The curve begins at (0, 0); points on a straight line between neighbours are left out.
    """
    false, true = _counts_at_or_above(probabilities, labels)
    bends = (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0)
    corners = _inner_points_and_ends(bends, len(true))
    return (
        np.append(0.0, false[corners] / false[-1]),
        np.append(0.0, true[corners] / true[-1]),
    )


def precision_recall_curve(probabilities: Array, labels: Array) -> tuple[Floats, Floats]:
    """Return precisions and recalls, each (points,), from the laxest threshold on.

    The curve ends at precision 1 and recall 0; of a run of equal recalls only the ends are
    kept.
    """
    false, true = _counts_at_or_above(probabilities, labels)
    found = np.diff(true) != 0
    ends = _inner_points_and_ends(found[:-1] | found[1:], len(true))
    false, true = false[ends][::-1], true[ends][::-1]
    return np.append(true / (true + false), 1.0), np.append(true / true[0], 0.0)


def reliability_curve(
    probabilities: Array, labels: Array, bins: int = 10
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return mean probability, frequency of positives and number of texts, each (points,).

    There is a point for each non-empty bin of `expected_calibration_error`.
    """
    bin_of = _bin_of(probabilities, bins)
    texts = np.bincount(bin_of, minlength=bins)
    filled = texts > 0
    of_bin = texts[filled]
    probability = np.bincount(bin_of, probabilities, bins)[filled] / of_bin
    frequency = np.bincount(bin_of, labels, bins)[filled] / of_bin
    return probability, frequency, of_bin


def _measures(
    probabilities: Array, labels: Array, threshold: float | None, counts: Array | None
) -> dict[str, Floats]:
    matrix = confusion_matrix(probabilities, labels, threshold, counts)
    measured = {"accuracy": accuracy(matrix)}
    if probabilities.shape[1] == 2:
        measured["precision"] = precision(matrix)[..., 1]
        measured["recall"] = recall(matrix)[..., 1]
        measured["f1"] = f1(matrix)[..., 1]
        measured["auc"] = auc(probabilities[:, 1], labels, counts)
    else:
        measured["macro_f1"] = macro_f1(matrix)
        measured["auc"] = one_vs_rest_auc(probabilities, labels, counts)
    measured["log_loss"] = log_loss(probabilities, labels, counts)
    measured["expected_calibration_error"] = expected_calibration_error(
        *forecasts(probabilities, labels), counts=counts
    )
    return measured


def _resamples(labels: Array, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield ``counts`` (some, texts) of resamples with at least two labels, in blocks."""
    generator = np.random.default_rng(seed)
    texts = len(labels)
    while resamples:
        shape = min(resamples, max(1, _DRAWS // texts)), texts
        drawn = generator.integers(0, texts, shape)
        drawn += np.arange(shape[0])[:, None] * texts
        counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(shape)
        of_label = np.stack([counts @ (labels == label) for label in np.unique(labels)])
        several = counts[(of_label < texts).all(axis=0)]
        resamples -= len(several)
        yield several.astype(np.float64)


def _counts_at_or_above(probabilities: Array, labels: Array) -> tuple[Floats, Floats]:
    """Return the numbers of negatives and positives at or above each probability, falling."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, positive = probabilities[order], labels[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    true = np.cumsum(positive, dtype=np.float64)[last]
    return last + 1 - true, true


def _inner_points_and_ends(inner: Array, points: int) -> Array:
    """Return a mask (points,) of points to keep: some of the inner points, and both ends."""
    return np.concatenate([[True], inner, [True]])[:points]


def _bin_of(probabilities: Array, bins: int) -> Array:
    found: Array = np.minimum((probabilities * bins).astype(int), bins - 1)
    return found


def _correct(matrix: Array) -> Array:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _weights(counts: Array | None, labels: Array) -> Array:
    return np.ones(len(labels)) if counts is None else counts


def _ratio(part: Array, whole: Array, otherwise: float = 0.0) -> Floats:
    result = np.full(np.shape(whole), otherwise)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
