"""Labelled texts that a model has not learned, and its logits and probabilities of them.

If a topic has a calibration split and a held-out split, the exported file scores these splits.

A topic may also train on every text, with prepare.fractions of 0 in params.yaml. Then the
logits are out of fold: the logit of a text comes from a model of the same recipe, which was
trained without that text. These logits are in data/sources/measured.csv. The calibration is
fitted to all of them, as scikit-learn's ``CalibratedClassifierCV(ensemble=False)`` does it. The
reported probabilities are cross-fitted: each text is calibrated by a fit to other texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from disaster_tweets.calibration import calibrate, fit, tabulate
from disaster_tweets.runtime import KINDS
from pipeline.exported import Exported
from pipeline.project import SOURCES, PipelineError
from pipeline.splits import read_split, shares, targets

MEASURED = SOURCES / "measured.csv"
# The columns of a text:
# - source: its data set; empty for the topic's own labels
# - part: its part of the data set
# - kind: the kind of text
# - target: its target; empty if it has none
# - one column for each kind of model: the out-of-fold logit; empty if no model learns the text,
#   so that the exported file scores it
COLUMNS = ("source", "part", "kind", "text", "target", *KINDS)

_FOLDS = 5  # of the cross-fitted calibration


@dataclass(frozen=True)
class Unseen:
    """Texts that a model has not learned: targets (texts, outputs), logits (texts, labels)."""

    texts: list[str]
    targets: np.ndarray
    logits: np.ndarray


def write_measured(table: pd.DataFrame) -> None:
    """Write a table with `COLUMNS`. Columns that the table lacks are written empty."""
    MEASURED.parent.mkdir(parents=True, exist_ok=True)
    table.reindex(columns=list(COLUMNS)).to_csv(MEASURED, index=False, lineterminator="\n")


def read_measured() -> pd.DataFrame:
    """Return the table that `write_measured` wrote. Missing numbers are NaN."""
    table = pd.read_csv(MEASURED, dtype=str, keep_default_na=False, lineterminator="\n")
    for column in ("target", *KINDS):
        table[column] = pd.to_numeric(table[column])
    return table


def of_log_odds(log_odds: np.ndarray) -> np.ndarray:
    """Return the logits (texts, 2) of the log-odds (texts,) of the second of two labels."""
    return np.stack([np.zeros_like(log_odds), log_odds], axis=1)


def to_calibrate(exported: Exported) -> Unseen:
    """Return the texts to which the calibration of a model is fitted.

    Raises:
        PipelineError: There are no such texts.
    """
    split = read_split("calibration")
    return _scored(exported, split) if len(split) else _out_of_fold(exported.kind)


def to_report(exported: Exported) -> tuple[Unseen, np.ndarray]:
    """Return the texts on which a model is measured, and their probabilities (texts, labels).

    Args:
        exported: A model whose calibration is fitted.
    """
    split = read_split("held_out")
    if len(split):
        held_out = _scored(exported, split)
        return held_out, exported.calibrated(held_out.logits)
    unseen = _out_of_fold(exported.kind)
    return unseen, cross_fitted(unseen)


def cross_fitted(unseen: Unseen) -> np.ndarray:
    """Return probabilities (texts, labels) float32. Each is calibrated on other texts."""
    of_texts = shares(unseen.targets)
    probabilities = np.empty(of_texts.shape, np.float32)
    for others, these in KFold(_FOLDS, shuffle=True, random_state=0).split(of_texts):
        fitted = fit(unseen.logits[others], of_texts[others])
        probabilities[these] = calibrate(unseen.logits[these], fitted, tabulate(fitted))
    return probabilities


def _scored(exported: Exported, split: pd.DataFrame) -> Unseen:
    texts = list(split["text"])
    return Unseen(texts, targets(split), exported.logits(texts))


def _out_of_fold(kind: str) -> Unseen:
    table = read_measured()
    table = table[(table["source"] == "") & table[kind].notna()]
    if table.empty:
        raise PipelineError(
            f"{MEASURED}: no text has a logit out of fold, and no split calibrates; set "
            "prepare.fractions in params.yaml above 0"
        )
    return Unseen(
        list(table["text"]),
        table[["target"]].to_numpy(float),
        of_log_odds(table[kind].to_numpy(float)),
    )
