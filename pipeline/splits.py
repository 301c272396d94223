"""The prepared splits, and their labels as training targets.

A text that was labelled more than once may have several labels. So a table holds the share of
each label. With two labels, the column ``target`` has the share of the second label. With more
labels, ``target_0``, ``target_1`` and so on have the shares, in the order of the labels.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from pipeline.project import PREPARED, params


@cache
def label_names() -> tuple[str, ...]:
    """Return the names of the labels, in the order of the classes.

    They come from params.yaml. The package's topic.py has them too, but any change of topic.py
    would make all stages stale.
    """
    return tuple(params("prepare")["labels"])


def read_split(name: str) -> pd.DataFrame:
    """Return one split, with the columns that `prepare.split` gives it."""
    # An id such as 007 must stay a string.
    types = {"id": str, "text": str}
    return pd.read_csv(PREPARED / f"{name}.csv", dtype=types, keep_default_na=False)


def target_columns(labels: int) -> list[str]:
    """Return the names of the target columns for this number of labels."""
    return ["target"] if labels == 2 else [f"target_{i}" for i in range(labels)]


def targets(table: pd.DataFrame) -> np.ndarray:
    """Return the targets (texts, outputs) float64 in [0, 1]. Two labels have one output."""
    columns = [name for name in table if name == "target" or name.startswith("target_")]
    found: np.ndarray = table[columns].to_numpy(float)
    return found


def shares(targets: np.ndarray) -> np.ndarray:
    """Return targets (texts, outputs) as shares (texts, labels), whose rows sum to 1."""
    if targets.shape[1] > 1:
        return targets
    return np.concatenate([1 - targets, targets], axis=1)


def majority(targets: np.ndarray) -> np.ndarray:
    """Return the label (texts,) int of most rows of each text; of tied labels, the first."""
    if targets.shape[1] == 1:
        return (targets[:, 0] > 0.5).astype(int)
    likeliest: np.ndarray = targets.argmax(axis=1)
    return likeliest


def hard(targets: np.ndarray) -> np.ndarray:
    """Return the `majority` label of each text as targets (texts, outputs) of 0 and 1."""
    found = majority(targets)
    if targets.shape[1] == 1:
        return found[:, None].astype(float)
    of_label: np.ndarray = np.eye(targets.shape[1])[found]
    return of_label
