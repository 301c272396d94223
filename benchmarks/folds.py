"""The folds of the benchmarks: the first is held out, and all others are the training set."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.splits import hard, read_split, targets
from pipeline.unseen import Unseen, cross_fitted
from topic.project import OUT_OF_FOLD
from topic.sources import read_folds

FOLD = 0


def train_and_held_out() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the labelled texts outside of the fold and in it: ``id``, ``text``, ``label``."""
    table = read_split("train")
    table = table.assign(label=hard(targets(table))[:, 0].astype(int))
    of_fold = table["id"].map(read_folds()) == FOLD
    return table[~of_fold], table[of_fold]


def out_of_fold(kind: str, held_out: pd.DataFrame) -> np.ndarray:
    """Return the probabilities (texts, 2) by the pipeline's model without this fold.

    Args:
        kind: The kind of model.
        held_out: The second table of `train_and_held_out`.
    """
    table = pd.read_csv(OUT_OF_FOLD, dtype={"id": str}, keep_default_na=False)
    logit = table[table["source"] == ""].set_index("id")[kind]
    logits = np.zeros((len(held_out), 2))
    logits[:, 1] = logit[held_out["id"]]
    unseen = Unseen(list(held_out["text"]), held_out[["label"]].to_numpy(float), logits)
    return cross_fitted(unseen)
