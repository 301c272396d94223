"""Training texts and their targets, from the labels and from the topic's sources.

The stage ``sources`` of topic/dvc.yaml writes these files to data/sources. They may be empty:

- targets.csv: ``text``; the target columns (see `splits`), such as soft labels; and
  ``repeats``, the number of times that an epoch of the student has the text. If a text is in
  the training split, these targets replace its label. Other texts are added.
- related.csv: ``text``, ``source`` and ``target``. These are labels of other data sets, whose
  question is near the topic's own (see `related`). Only a topic with two labels can use them.
- unlabelled.csv: ``text``. The assistant labels these texts.
- description.json: an object that is added to the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from pipeline.cleaning import clean
from pipeline.project import SOURCES, PipelineError
from pipeline.splits import label_names, target_columns
from pipeline.splits import targets as targets_of

_CERTAIN = (0.02, 0.98)  # limits of a target; beyond them, logits become very large or infinite


def write_targets(
    texts: Sequence[str],
    targets: np.ndarray,
    path: Path = SOURCES / "targets.csv",
    repeats: Sequence[int] | np.ndarray | None = None,
) -> None:
    """Write texts with their targets (texts, outputs), rounded to six digits.

    Processors differ in the last digits of a float.

    Args:
        texts: As people write them.
        targets: (texts, outputs) in [0, 1].
        path: The file.
        repeats: The number of times that an epoch of the student has each text; 1 by default.
    """
    table = pd.DataFrame({"text": texts})
    table[target_columns(max(2, targets.shape[1]))] = targets.round(6)
    table["repeats"] = 1 if repeats is None else repeats
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n")


def write_unlabelled(texts: Sequence[str], path: Path = SOURCES / "unlabelled.csv") -> None:
    """Write texts that have no label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"text": texts}).to_csv(path, index=False, lineterminator="\n")


def write_related(related: pd.DataFrame) -> None:
    """Write labels of other data sets: ``text``, ``source`` and ``target``."""
    SOURCES.mkdir(parents=True, exist_ok=True)
    columns = ["text", "source", "target"]
    related.reindex(columns=columns).to_csv(
        SOURCES / "related.csv", index=False, lineterminator="\n"
    )


def read_related() -> pd.DataFrame:
    """Return the table that `write_related` wrote.

    Raises:
        PipelineError: There are related labels, but the topic has more than two labels.
    """
    path = SOURCES / "related.csv"
    related = read_table(path)
    if len(related) and len(label_names()) > 2:
        raise PipelineError(
            f"{path}: related labels help a topic of two labels only; leave the file empty"
        )
    return related


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of texts, with or without targets, that a function above wrote."""
    # A carriage return is part of a text. Targets are read without rounding.
    return pd.read_csv(
        path,
        dtype={"text": str},
        keep_default_na=False,
        lineterminator="\n",
        float_precision="round_trip",
    )


def read_description() -> dict[str, Any]:
    """Return the object that the sources add to the manifest."""
    description: dict[str, Any]
    description = json.loads((SOURCES / "description.json").read_text("utf-8"))
    return description


def repeated(
    texts: Sequence[str], targets: np.ndarray, repeats: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Return each text and its targets as often as an epoch has it."""
    return (
        [text for text, count in zip(texts, repeats, strict=True) for _ in range(count)],
        np.repeat(targets, repeats, axis=0),
    )


def with_sources(
    labelled: pd.DataFrame, more: pd.DataFrame
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Join the training split and the targets of the sources.

    Args:
        labelled: The training split, as `splits.read_split` returns it.
        more: The table targets.csv, as `read_table` returns it.

    Returns:
        Texts, those of the training split first; targets (texts, outputs) float64 in [0, 1];
        and the number of times (texts,) int that an epoch of the student has each text.
    """
    targets = targets_of(labelled).copy()
    repeats = np.ones(len(labelled), int)
    place = {text: i for i, text in enumerate(labelled["text"])}
    of_more, repeats_of_more = targets_of(more), more["repeats"].to_numpy(int)
    known = more["text"].isin(place).to_numpy()
    rows = [place[text] for text in more["text"][known]]
    targets[rows], repeats[rows] = of_more[known], repeats_of_more[known]
    return (
        [*labelled["text"], *more["text"][~known]],
        np.concatenate([targets, of_more[~known]]),
        np.concatenate([repeats, repeats_of_more[~known]]),
    )


def blend_with_linear(
    texts: Sequence[str], targets: np.ndarray, share: float, folds: int = 5
) -> np.ndarray:
    """Blend the targets with the out-of-fold predictions of a linear model.

    The linear model learns the same targets. It reads words, pairs of words and parts of words.
    So it sees details that word pieces hide, such as a place name in a hashtag or a misspelt
    word. The model that predicts a text has not learned that text.

    Args:
        texts: As people write them.
        targets: (texts, outputs) in [0, 1].
        share: The weight of the linear model, in [0, 1].
        folds: The number of folds.

    Returns:
        (texts, outputs) float64 in (0, 1): the weighted mean of the logits, as probabilities.
        If ``share`` is 0, the targets themselves.
    """
    if not share:
        return targets
    certain = np.clip(targets, *_CERTAIN)
    two = targets.shape[1] == 1
    logits = np.log(certain / (1 - certain)) if two else np.log(certain)
    cleaned = [clean(text).lower() for text in texts]
    order = KFold(folds, shuffle=True, random_state=0)
    fitted = logits[:, 0] if two else logits
    predicted = cross_val_predict(linear_model(), cleaned, fitted, cv=order)
    blended = -(1 - share) * logits - share * predicted.reshape(logits.shape)
    return probabilities(-blended)


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return logits (texts, outputs) as probabilities. Two labels have one output."""
    if logits.shape[1] == 1:
        sigmoid: np.ndarray = 1 / (1 + np.exp(-logits))
        return sigmoid
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return softmax


def linear_model() -> Pipeline:
    """Return the linear model, unfitted. It predicts logits of texts in lower case."""
    return make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=(2, 5), min_df=4, sublinear_tf=True
            ),
        ),
        Ridge(alpha=1.5, solver="lsqr"),
    )
