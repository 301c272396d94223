"""The prepared splits, and their labels as targets of a training.

A text that was labelled more than once may have several labels, so a table holds shares: with
two labels in the column ``target``, that of the second one; with more in ``target_0``,
``target_1`` and so on, in the order of the labels.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from pipeline.project import PREPARED, params


@cache
def label_names() -> tuple[str, ...]:
    """Return the names of the labels, in the order of the classes.

    From params.yaml and not from the package's topic.py, where a change of a word would make
    all stages stale.
    """
    return tuple(params("prepare")["labels"])


def read_split(name: str) -> pd.DataFrame:
    """Return one split, with the columns of `prepare.merge_repeats`."""
    # Ids such as 007 are no numbers.
    types = {"id": str, "text": str}
    return pd.read_csv(PREPARED / f"{name}.csv", dtype=types, keep_default_na=False)


def target_columns(labels: int) -> list[str]:
    """Return the columns of the targets of a table with so many labels."""
    return ["target"] if labels == 2 else [f"target_{i}" for i in range(labels)]


def targets(table: pd.DataFrame) -> np.ndarray:
    """Return the targets (texts, outputs) float64 in [0, 1]: one output for two labels."""
    columns = [name for name in table if name == "target" or name.startswith("target_")]
    found: np.ndarray = table[columns].to_numpy(float)
    return found


def shares(targets: np.ndarray) -> np.ndarray:
    """Return targets (texts, outputs) as shares (texts, labels), whose rows sum to 1."""
    if targets.shape[1] > 1:
        return targets
    return np.concatenate([1 - targets, targets], axis=1)


def majority(targets: np.ndarray) -> np.ndarray:
    """Return the label (texts,) int that most rows of a text carry; of equal ones the first."""
    if targets.shape[1] == 1:
        return (targets[:, 0] > 0.5).astype(int)
    likeliest: np.ndarray = targets.argmax(axis=1)
    return likeliest


def hard(targets: np.ndarray) -> np.ndarray:
    """Return targets (texts, outputs) of 0 and 1, those of the `majority`."""
    found = majority(targets)
    if targets.shape[1] == 1:
        return found[:, None].astype(float)
    of_label: np.ndarray = np.eye(targets.shape[1])[found]
    return of_label
