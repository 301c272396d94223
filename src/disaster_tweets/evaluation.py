"""Evaluate the model on labelled texts: metrics, worst mistakes and plots."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from disaster_tweets import metrics
from disaster_tweets.errors import DISTRIBUTION, DisasterTweetsError
from disaster_tweets.labelled import LabelledTexts
from disaster_tweets.prediction import decide, shown_probabilities
from disaster_tweets.topic import PROBABILITY

RESAMPLES, SEED = 1000, 20200101
FEWEST = 30  # texts of each class; with fewer, a percentile interval is much too narrow

_BLUE, _RED, _GRAY = "#1f5fa8", "#c2402d", "#8a8f98"
_METRIC_NAMES = {"auc": "area under the curve", "f1": "F1"}
_MOST_CURVES = 8  # in one plot; more colours are hard to tell apart
_MOST_COUNTS = 16  # labels; with more, a cell of the confusion matrix has no room for its count
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": _GRAY,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 14,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.w_pad": 0.12,
    "font.size": 10.5,
    "grid.color": "#e6e8eb",
    "legend.frameon": False,
}


def evaluate(
    data: LabelledTexts,
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    threshold: float | None,
    mistakes: int,
) -> dict[str, Any]:
    """Return a report on the probabilities of labelled texts.

    Args:
        data: The texts and their labels.
        probabilities: (texts, classes).
        classes: The names of the labels.
        threshold: As for `prediction.decide`.
        mistakes: The number of mistakes to list, starting with the lowest probability of the
            true label.

    Returns:
        A report of JSON values: the number of texts used and left out, the ``metrics`` and
        ``confusion_matrix`` of `metrics.measure`, ``warnings`` about unreliable intervals, and
        the ``worst_mistakes``. With two labels also the number of texts of each label, and the
        ``best_threshold`` on these texts. With more ``labels``: the number of texts, precision,
        recall and F1 of each label.
    """
    labels = np.array(data.labels)
    measured = metrics.measure(probabilities, labels, threshold, RESAMPLES, SEED)
    texts, matrix = measured.pop("texts"), measured.pop("confusion_matrix")
    numbers = np.bincount(labels, minlength=len(classes)).tolist()
    of_labels = dict(zip(classes, numbers, strict=True))
    counts: dict[str, Any]
    if len(classes) == 2:
        of_labels = dict(reversed(of_labels.items()))  # the positive label first
        counts, best = of_labels, {"best_threshold": _best_threshold(probabilities, labels)}
    else:
        counts, best = {"labels": _by_label(classes, numbers, np.array(matrix))}, {}
    return {
        "texts": texts,
        **counts,
        "without_text": data.without_text,
        "without_label": data.without_label,
        "metrics": measured,
        "warnings": list(doubts(of_labels, measured)),
        "threshold": threshold,
        "confusion_matrix": matrix,
        **best,
        "worst_mistakes": _worst_mistakes(data, probabilities, classes, threshold, mistakes),
    }


def _by_label(
    classes: Sequence[str], texts: Sequence[int], matrix: npt.NDArray[np.int64]
) -> dict[str, dict[str, Any]]:
    measured = {
        "precision": metrics.precision(matrix),
        "recall": metrics.recall(matrix),
        "f1": metrics.f1(matrix),
    }
    return {
        label: {
            "texts": texts[index],
            **{name: round(float(of[index]), 4) for name, of in measured.items()},
        }
        for index, label in enumerate(classes)
    }


def _best_threshold(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> dict[str, float]:
    best = metrics.fit_threshold(probabilities[:, 1], labels)
    matrix = metrics.confusion_matrix(probabilities, labels, best)
    return {"threshold": best, "accuracy": round(float(metrics.accuracy(matrix)), 4)}


def doubts(of_labels: Mapping[str, int], measured: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each reason why intervals are unreliable.

    Args:
        of_labels: The number of texts of each label.
        measured: The measures by name, with ``low`` and ``high`` of their intervals.
    """
    few = [f"{count} {label}" for label, count in of_labels.items() if count < FEWEST]
    if few:
        yield (
            f"only {_enumerated(few)}: with fewer than {FEWEST} texts of a class the "
            "intervals are too narrow, and may have no width at all; label more texts"
        )
        return
    certain = [
        name.replace("_", " ") for name, of in measured.items() if of["low"] == of["high"]
    ]
    if certain:
        yield (
            f"the intervals of {', '.join(certain)} have no width, as all resamples agree; on "
            "other texts these may be worse; label more texts, and harder ones"
        )


def _enumerated(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _worst_mistakes(
    data: LabelledTexts,
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    threshold: float | None,
    most: int,
) -> list[dict[str, Any]]:
    labels = np.array(data.labels)
    decided = decide(probabilities, threshold)
    shown = shown_probabilities(probabilities, decided)
    of_label = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    wrong = np.flatnonzero(decided != labels)
    worst = wrong[np.argsort(of_label[wrong], kind="stable")][:most]
    return [
        {
            "row": data.rows[i],
            "text": data.texts[i],
            "probability": round(float(shown[i]), 7),
            "label": classes[labels[i]],
            **({"predicted": classes[decided[i]]} if len(classes) > 2 else {}),
        }
        for i in worst.tolist()
    ]


def prepare_plots(folder: Path) -> None:
    """Create the folder for the plots, and check early that plots can be drawn.

    Raises:
        DisasterTweetsError: Matplotlib is not installed, or the folder cannot be created.
    """
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError:
        raise DisasterTweetsError(
            f'plots need Matplotlib: pip install "{DISTRIBUTION}[plots]"'
        ) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DisasterTweetsError(
            f"{folder}: {error.strerror}; pass a folder that can be written to"
        ) from None


def write_plots(
    folder: Path,
    report: dict[str, Any],
    labels: list[int],
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
) -> list[str]:
    """Draw the reliability diagram, the ROC curve, and one more plot.

    With two labels it is the precision-recall curve, with more the confusion matrix.

    Args:
        folder: The folder for the files.
        report: The report of `evaluate`.
        labels: (texts,), indices of classes.
        probabilities: (texts, classes).
        classes: The names of the labels.

    Returns:
        The paths of the files.

    Raises:
        DisasterTweetsError: A file cannot be written.
    """
    matplotlib = importlib.import_module("matplotlib")
    figure = importlib.import_module("matplotlib.figure")  # no pyplot: no global state
    data = _Plotted(report, np.array(labels), probabilities, classes)
    paths = []
    for name, draw in (_PLOTS_OF_TWO if len(classes) == 2 else _PLOTS_OF_MORE).items():
        with matplotlib.rc_context(_STYLE):
            page = figure.Figure(figsize=(6.4, 6.8), layout="constrained")
            draw(page, data)
            try:
                page.savefig(folder / name, dpi=150)
            except OSError as error:
                raise DisasterTweetsError(f"{folder / name}: {error.strerror}") from None
        paths.append(str(folder / name))
    return paths


@dataclass(frozen=True)
class _Plotted:
    """The data of the plots; the fields are the arguments of `write_plots`."""

    report: dict[str, Any]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    classes: Sequence[str]


def _reliability(page: Any, data: _Plotted) -> None:
    """Draw frequency against probability, above a histogram of the texts in each bin."""
    axes, below = page.subplots(2, height_ratios=[4, 1], sharex=True)
    forecasts, outcomes = metrics.forecasts(data.probabilities, data.labels)
    probability, frequency, texts = metrics.reliability_curve(forecasts, outcomes)
    axes.plot([0, 1], [0, 1], color=_GRAY, linestyle="--", label="perfectly calibrated")
    axes.errorbar(
        probability,
        frequency,
        yerr=_wilson(frequency, texts),
        color=_BLUE,
        marker="o",
        capsize=3,
        label="this model, with 95 % intervals",
    )
    two = len(data.classes) == 2
    axes.set_ylabel(f"share labelled {data.classes[1]}" if two else "share of right labels")
    _title(axes, data.report, "Reliability", "expected_calibration_error")
    _unit_square(axes)
    axes.legend(loc="upper left")
    below.hist(forecasts, np.linspace(0, 1, 11), color=_BLUE, edgecolor="white")
    of_label = PROBABILITY if two else "probability of the predicted label"
    below.set(xlabel=of_label, ylabel="texts")


def _roc(page: Any, data: _Plotted) -> None:
    axes = page.subplots()
    false_positive_rate, true_positive_rate = metrics.roc_curve(
        data.probabilities[:, 1], data.labels
    )
    _draw_chance(axes)
    axes.plot(false_positive_rate, true_positive_rate, color=_BLUE, lw=2, label="this model")
    axes.fill_between(false_positive_rate, true_positive_rate, color=_BLUE, alpha=0.08)
    (right, wrong), _ = data.report["confusion_matrix"]
    recall = data.report["metrics"]["recall"]["value"]
    _mark_threshold(axes, data.report, wrong / (right + wrong), recall)
    _finish_roc(axes, data)


def _one_vs_rest_roc(page: Any, data: _Plotted) -> None:
    """Draw a curve for each label that occurs, or for the most frequent labels."""
    axes = page.subplots()
    _draw_chance(axes)
    texts = np.bincount(data.labels, minlength=len(data.classes))
    frequent = np.argsort(-texts, kind="stable")[:_MOST_CURVES]
    for index in sorted(frequent[texts[frequent] > 0].tolist()):
        of_label = data.probabilities[:, index], (data.labels == index).astype(int)
        axes.plot(
            *metrics.roc_curve(*of_label),
            lw=1.5,
            label=f"{data.classes[index]}: {float(metrics.auc(*of_label)):.3f}",
        )
    _finish_roc(axes, data)


def _draw_chance(axes: Any) -> None:
    axes.plot([0, 1], [0, 1], color=_GRAY, linestyle="--", label="chance")


def _finish_roc(axes: Any, data: _Plotted) -> None:
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    _title(axes, data.report, "ROC", "auc")
    _unit_square(axes)
    axes.set_aspect("equal")
    axes.legend(loc="lower right")


def _precision_recall(page: Any, data: _Plotted) -> None:
    axes = page.subplots()
    precision, recall = metrics.precision_recall_curve(data.probabilities[:, 1], data.labels)
    share, label = float(np.mean(data.labels)), data.classes[1]
    axes.axhline(share, color=_GRAY, linestyle="--", label=f"chance: the share of {label}")
    axes.plot(recall, precision, color=_BLUE, lw=2, label="this model")
    axes.fill_between(recall, precision, color=_BLUE, alpha=0.08)
    of = data.report["metrics"]
    _mark_threshold(axes, data.report, of["recall"]["value"], of["precision"]["value"])
    axes.set(xlabel="recall", ylabel="precision")
    _title(axes, data.report, "Precision and recall", "f1")
    _unit_square(axes)
    axes.set_aspect("equal")
    axes.legend(loc="lower left")


def _confusion(page: Any, data: _Plotted) -> None:
    """Draw the confusion matrix; the colour of a cell is its share of the row."""
    axes = page.subplots()
    matrix = np.array(data.report["confusion_matrix"])
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(data.classes))
    axes.set_xticks(places, data.classes, rotation=90 if len(places) > 4 else 0)
    axes.set_yticks(places, data.classes)
    axes.grid(False)
    if len(places) <= _MOST_COUNTS:
        for (row, column), count in np.ndenumerate(matrix):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color)
    axes.set(xlabel="predicted", ylabel="labelled")
    _title(axes, data.report, "Confusion matrix", "accuracy")


_Draw = Callable[[Any, _Plotted], None]
_PLOTS_OF_TWO: dict[str, _Draw] = {
    "reliability.png": _reliability,
    "roc.png": _roc,
    "precision_recall.png": _precision_recall,
}
_PLOTS_OF_MORE: dict[str, _Draw] = {
    "reliability.png": _reliability,
    "roc.png": _one_vs_rest_roc,
    "confusion.png": _confusion,
}


def _mark_threshold(axes: Any, report: dict[str, Any], x: float, y: float) -> None:
    label = f"at the threshold {report['threshold']:g}"
    axes.plot([x], [y], "o", color=_RED, markersize=9, label=label, zorder=3)


def _unit_square(axes: Any) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))


def _title(axes: Any, report: dict[str, Any], title: str, name: str) -> None:
    """Write the title of a plot and, under it, the metric that sums up the plot."""
    of, shown = report["metrics"][name], _METRIC_NAMES.get(name, name.replace("_", " "))
    axes.set_title(title, pad=26)
    axes.annotate(
        f"{shown} {of['value']:.3f}, 95 % interval {of['low']:.3f} to {of['high']:.3f}",
        xy=(0, 1),
        xytext=(0, 10),
        xycoords="axes fraction",
        textcoords="offset points",
        color="#50555e",
    )


def _wilson(share: Any, texts: Any) -> Any:
    """Return the lower and upper errors of 95 % Wilson score intervals of shares (points,)."""
    z = 1.959964
    centre = (share + z**2 / (2 * texts)) / (1 + z**2 / texts)
    spread = np.sqrt(share * (1 - share) / texts + z**2 / (4 * texts**2)) / (1 + z**2 / texts)
    reach = [share - (centre - z * spread), centre + z * spread - share]
    return np.maximum(reach, 0)  # rounding can move a share of 0 or 1 out of its interval
