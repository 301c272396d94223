"""Reading the prepared splits."""

from __future__ import annotations

import pandas as pd

from pipeline.project import PREPARED


def read_split(name: str) -> pd.DataFrame:
    """Return one split, with the columns of `prepare.merge_repeats`."""
    # Ids such as 007 are no numbers.
    types = {"id": str, "text": str}
    return pd.read_csv(PREPARED / f"{name}.csv", dtype=types, keep_default_na=False)


def majority(split: pd.DataFrame) -> pd.Series:
    """Return the label that most of a text's rows carry: 0 or 1."""
    return (split["target"] > 0.5).astype(int)
