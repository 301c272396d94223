"""What the student learns: the labels, and what larger teachers say of more texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from pipeline.prepare import mask
from pipeline.project import DISTILLED, EVENTS, FEATURES, PipelineError
from disaster_tweets.text import clean

SOFT_LABELS = Path("teacher/soft_labels.csv")
_CERTAIN = (0.02, 0.98)  # probabilities beyond have no finite logits worth learning
LABELLED = "labelled"  # the source of the texts that have a label


def read_soft_labels(path: Path = SOFT_LABELS) -> pd.DataFrame:
    """Return what the teachers say: no texts, only which they are.

    Columns: ``source`` ("labelled", or an event), ``id`` (str), ``fold`` (of a labelled text:
    the teacher that has not seen it; of others NaN) and ``teacher_0``, ``teacher_1``, ...
    (logits).
    """
    try:
        return pd.read_csv(path, dtype={"id": str})
    except OSError as error:
        raise PipelineError(
            f"{path}: cannot be read ({error.strerror}); restore it with git, or make it with "
            "python -m pipeline.teacher"
        ) from error


def read_events() -> pd.DataFrame:
    """Return the tweets of all events, each text once for its event.

    Columns: ``source`` (the event), ``id`` (str), ``text`` and ``on_topic`` (bool:
    whether people found that it is about that event; no training looks at it).
    """
    tables = []
    for path in sorted(EVENTS.glob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
        tables.append(
            pd.DataFrame(
                {
                    "source": path.stem,
                    "id": table["tweet id"].str.strip("'"),
                    "text": table["tweet"],
                    "on_topic": table["label"] == "on-topic",
                }
            )
        )
    if not tables:
        raise PipelineError(f"{EVENTS}: no events; run dvc repro download_events")
    events = pd.concat(tables, ignore_index=True)
    masked = events["text"].map(mask)
    repeated = pd.DataFrame({"source": events["source"], "text": masked}).duplicated()
    return events[~repeated & (masked != "")].reset_index(drop=True)


def read_distilled(path: Path = DISTILLED) -> pd.DataFrame:
    """Return what the student learns: ``text`` (str) and ``target`` in [0, 1]."""
    # A carriage return is part of a tweet.
    return pd.read_csv(path, dtype={"text": str}, keep_default_na=False, lineterminator="\n")


def read_features(path: Path = FEATURES) -> np.ndarray:
    """Return what the assistant makes of the same texts: (texts, width) float16."""
    features: np.ndarray = np.load(path)
    return features


def teachers(soft: pd.DataFrame) -> list[str]:
    """Return the columns of the teachers."""
    return [column for column in soft if column.startswith("teacher_")]


def examples(
    labelled: pd.DataFrame,
    events: pd.DataFrame,
    soft: pd.DataFrame,
    columns: Sequence[str],
    weight: float,
) -> tuple[list[str], np.ndarray]:
    """Join texts and soft labels.

    Args:
        labelled: ``id``, ``text`` and ``target`` (mean label in [0, 1]).
        events: As `read_events` returns them; those without a soft label, or with an id that
            several of them have, are left out.
        soft: As `read_soft_labels` returns them.
        columns: The teachers whose probabilities are averaged.
        weight: What the teachers' opinion counts where there is a label too, in [0, 1].

    Returns:
        Texts, and targets (texts,) float64 in [0, 1].

    Raises:
        PipelineError: A labelled text has no soft label.
    """
    opinion = (1 / (1 + np.exp(-soft[list(columns)]))).mean(axis=1)
    opinion.index = pd.MultiIndex.from_frame(soft[["source", "id"]])
    # Nobody knows which of two texts of one id a soft label is about.
    opinion = opinion[~opinion.index.duplicated(keep=False)]
    events = events.drop_duplicates(["source", "id"], keep=False)
    of_labelled = opinion.loc[LABELLED].reindex(labelled["id"])
    if of_labelled.isna().any():
        missing = of_labelled.index[of_labelled.isna()][0]
        raise PipelineError(
            f"{SOFT_LABELS}: no soft label of the text with id {missing}; make the file anew "
            "with python -m pipeline.teacher"
        )
    mixed = weight * of_labelled.to_numpy() + (1 - weight) * labelled["target"].to_numpy()
    of_events = opinion.reindex(pd.MultiIndex.from_frame(events[["source", "id"]])).to_numpy()
    known = ~np.isnan(of_events)
    texts = [*labelled["text"], *events["text"][known]]
    return texts, np.concatenate([mixed, of_events[known]])


def blend_with_linear(
    texts: Sequence[str], targets: np.ndarray, share: float, folds: int = 5
) -> np.ndarray:
    """Blend the targets with the opinion of a linear model that learned them.

    It reads characters and pairs of words, and so sees what the teachers' word pieces hide: a
    place in a hashtag, a word misspelt. Of each text it is asked by a model that has not seen
    that text.

    Args:
        texts: As people write them.
        targets: (texts,) in [0, 1].
        share: What its opinion counts, in [0, 1].
        folds: How many such models are fitted.

    Returns:
        (texts,) float64 in (0, 1): the mean of the logits, as probabilities.
    """
    odds = np.clip(targets, *_CERTAIN)
    logits = np.log(odds / (1 - odds))
    cleaned = [clean(text).lower() for text in texts]
    order = KFold(folds, shuffle=True, random_state=0)
    opinion = cross_val_predict(linear_model(), cleaned, logits, cv=order)
    return 1 / (1 + np.exp(-(1 - share) * logits - share * opinion))


def linear_model() -> Pipeline:
    """Return the unfitted model: from texts in lower case to logits."""
    return make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=(2, 5), min_df=4, sublinear_tf=True
            ),
        ),
        Ridge(alpha=1.5, solver="lsqr"),
    )
