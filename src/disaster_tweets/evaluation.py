"""How good the model is on somebody's labelled texts: measures, mistakes and plots."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from disaster_tweets import metrics
from disaster_tweets.errors import DISTRIBUTION, DisasterTweetsError
from disaster_tweets.labelled import LabelledTexts
from disaster_tweets.topic import LABELS

PLOTS = ("reliability.png", "roc.png", "precision_recall.png")
RESAMPLES, SEED = 1000, 20200101
FEWEST = 30  # texts of each class, below which a percentile interval is much too narrow

_BLUE, _RED, _GRAY = "#1f5fa8", "#c2402d", "#8a8f98"
_SHOWN = {"auc": "area under the curve", "f1": "F1"}
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
    data: LabelledTexts, probabilities: npt.NDArray[np.float32], threshold: float, mistakes: int
) -> dict[str, Any]:
    """Measure the probabilities of labelled texts.

    Args:
        data: The texts and their labels.
        probabilities: (texts,) of a disaster.
        threshold: Texts are taken for a disaster where ``probabilities >= threshold``.
        mistakes: How many of the mistakes to list, those of the surest decisions first.

    Returns:
        What JSON can hold: how many texts there are and were left out, the ``metrics`` and
        ``confusion_matrix`` of `metrics.measure`, the ``warnings`` of intervals that mean
        little, the ``best_threshold`` on these texts, and the ``worst_mistakes``.
    """
    labels = np.array(data.labels)
    measured = metrics.measure(probabilities, labels, threshold, RESAMPLES, SEED)
    texts, matrix = measured.pop("texts"), measured.pop("confusion_matrix")
    best = metrics.fit_threshold(probabilities, labels)
    best_matrix = metrics.confusion_matrix(probabilities, labels, best)
    positives = int(labels.sum())
    classes: dict[str, int] = {LABELS[1]: positives, LABELS[0]: texts - positives}
    return {
        "texts": texts,
        **classes,
        "without_text": data.without_text,
        "without_label": data.without_label,
        "metrics": measured,
        "warnings": list(_warnings(classes, measured)),
        "threshold": threshold,
        "confusion_matrix": matrix,
        "best_threshold": {
            "threshold": best,
            "accuracy": round(float(metrics.accuracy(best_matrix)), 4),
        },
        "worst_mistakes": _worst_mistakes(data, probabilities.tolist(), threshold, mistakes),
    }


def _warnings(classes: dict[str, int], measured: dict[str, Any]) -> Iterator[str]:
    """Say why intervals mean little: a line for each reason."""
    few = [f"{count} {label}" for label, count in classes.items() if count < FEWEST]
    if few:
        yield (
            f"only {' and '.join(few)}: with fewer than {FEWEST} texts of a class the "
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


def _worst_mistakes(
    data: LabelledTexts, probabilities: list[float], threshold: float, most: int
) -> list[dict[str, Any]]:
    scored = zip(data.rows, probabilities, data.labels, data.texts, strict=True)
    wrong = [each for each in scored if (each[1] >= threshold) != each[2]]
    wrong.sort(key=lambda each: -abs(each[1] - each[2]))
    return [
        {"row": row, "probability": round(probability, 7), "label": LABELS[label], "text": text}
        for row, probability, label, text in wrong[:most]
    ]


def prepare_plots(folder: Path) -> None:
    """Make the folder of the plots; fail before the work if they cannot be drawn.

    Raises:
        DisasterTweetsError: Matplotlib is not installed, or there can be no such folder.
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
    folder: Path, report: dict[str, Any], labels: list[int], probabilities: Any
) -> list[str]:
    """Draw the reliability diagram, the ROC curve and the precision-recall curve.

    Args:
        folder: Where the files of `PLOTS` are written.
        report: What `evaluate` returned.
        labels: (texts,), 0 or 1.
        probabilities: (texts,) of a disaster.

    Returns:
        The paths of the files.

    Raises:
        DisasterTweetsError: A file cannot be written.
    """
    matplotlib = importlib.import_module("matplotlib")
    figure = importlib.import_module("matplotlib.figure")  # no pyplot: no window, no state
    paths = []
    for name, draw in zip(PLOTS, (_reliability, _roc, _precision_recall), strict=True):
        with matplotlib.rc_context(_STYLE):
            page = figure.Figure(figsize=(6.4, 6.8), layout="constrained")
            draw(page, report, np.array(labels), probabilities)
            try:
                page.savefig(folder / name, dpi=150)
            except OSError as error:
                raise DisasterTweetsError(f"{folder / name}: {error.strerror}") from None
        paths.append(str(folder / name))
    return paths


def _reliability(page: Any, report: dict[str, Any], labels: Any, probabilities: Any) -> None:
    """Draw frequency against probability, above how many texts each bin holds."""
    axes, below = page.subplots(2, height_ratios=[4, 1], sharex=True)
    probability, frequency, texts = metrics.reliability_curve(probabilities, labels)
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
    axes.set_ylabel("frequency of disasters")
    _title(axes, report, "Reliability", "expected_calibration_error")
    _unit_square(axes)
    axes.legend(loc="upper left")
    below.hist(probabilities, np.linspace(0, 1, 11), color=_BLUE, edgecolor="white")
    below.set(xlabel="probability of a disaster", ylabel="texts")


def _roc(page: Any, report: dict[str, Any], labels: Any, probabilities: Any) -> None:
    axes = page.subplots()
    false_positive_rate, true_positive_rate = metrics.roc_curve(probabilities, labels)
    axes.plot([0, 1], [0, 1], color=_GRAY, linestyle="--", label="chance")
    axes.plot(false_positive_rate, true_positive_rate, color=_BLUE, lw=2, label="this model")
    axes.fill_between(false_positive_rate, true_positive_rate, color=_BLUE, alpha=0.08)
    (right, wrong), _ = report["confusion_matrix"]
    _mark_threshold(axes, report, wrong / (right + wrong), report["metrics"]["recall"]["value"])
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    _title(axes, report, "ROC", "auc")
    _unit_square(axes)
    axes.set_aspect("equal")
    axes.legend(loc="lower right")


def _precision_recall(
    page: Any, report: dict[str, Any], labels: Any, probabilities: Any
) -> None:
    axes = page.subplots()
    precision, recall = metrics.precision_recall_curve(probabilities, labels)
    share = float(np.mean(labels))
    axes.axhline(share, color=_GRAY, linestyle="--", label="chance: the share of disasters")
    axes.plot(recall, precision, color=_BLUE, lw=2, label="this model")
    axes.fill_between(recall, precision, color=_BLUE, alpha=0.08)
    measured = report["metrics"]
    _mark_threshold(axes, report, measured["recall"]["value"], measured["precision"]["value"])
    axes.set(xlabel="recall", ylabel="precision")
    _title(axes, report, "Precision and recall", "f1")
    _unit_square(axes)
    axes.set_aspect("equal")
    axes.legend(loc="lower left")


def _mark_threshold(axes: Any, report: dict[str, Any], x: float, y: float) -> None:
    label = f"at the threshold {report['threshold']:g}"
    axes.plot([x], [y], "o", color=_RED, markersize=9, label=label, zorder=3)


def _unit_square(axes: Any) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))


def _title(axes: Any, report: dict[str, Any], title: str, name: str) -> None:
    """Write what is drawn and, under it, the measure that sums it up."""
    of, shown = report["metrics"][name], _SHOWN.get(name, name.replace("_", " "))
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
    """Return how far the 95 % Wilson score intervals of shares (points,) reach down and up."""
    z = 1.959964
    centre = (share + z**2 / (2 * texts)) / (1 + z**2 / texts)
    spread = np.sqrt(share * (1 - share) / texts + z**2 / (4 * texts**2)) / (1 + z**2 / texts)
    reach = [share - (centre - z * spread), centre + z * spread - share]
    return np.maximum(reach, 0)  # rounding may take a share of 0 or 1 just past its end
