"""Reading the prepared splits."""

from __future__ import annotations

import pandas as pd

from disaster_tweets.pipeline.project import PREPARED


def read_split(name: str) -> pd.DataFrame:
    """Return one split: ``text`` (str), ``target`` (mean label), ``count`` (rows merged)."""
    return pd.read_csv(PREPARED / f"{name}.csv", keep_default_na=False)


def majority(split: pd.DataFrame) -> pd.Series:
    """Return the label that most of a text's rows carry: 0 or 1."""
    return (split["target"] > 0.5).astype(int)
