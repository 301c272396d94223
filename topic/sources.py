"""Stage: soft labels and more texts, for the assistant to learn from and to label.

The teachers are larger models (topic/teacher.py). What they say of each text is in Git, as
topic/soft_labels.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.prepare import mask
from pipeline.project import SOURCES, PipelineError, run_stage, write_json
from pipeline.splits import read_split
from pipeline.targets import write_targets, write_unlabelled
from topic.project import EVENTS, SOFT_LABELS, params

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
            "python -m topic.teacher"
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
        raise PipelineError(
            f"{EVENTS}: no events; run dvc repro topic/dvc.yaml:download_events"
        )
    events = pd.concat(tables, ignore_index=True)
    masked = events["text"].map(mask)
    repeated = pd.DataFrame({"source": events["source"], "text": masked}).duplicated()
    return events[~repeated & (masked != "")].reset_index(drop=True)


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
            "with python -m topic.teacher"
        )
    mixed = weight * of_labelled.to_numpy() + (1 - weight) * labelled["target"].to_numpy()
    of_events = opinion.reindex(pd.MultiIndex.from_frame(events[["source", "id"]])).to_numpy()
    known = ~np.isnan(of_events)
    texts = [*labelled["text"], *events["text"][known]]
    return texts, np.concatenate([mixed, of_events[known]])


def main() -> None:
    labelled, events, soft = read_split("train"), read_events(), read_soft_labels()
    weight, teacher = params("sources")["weight"], params("download_teacher")
    texts, targets = examples(labelled, events, soft, teachers(soft), weight)
    write_targets(texts, targets[:, None])
    known = set(texts)
    write_unlabelled([text for text in events["text"] if text not in known])
    description = {
        "repository": teacher["repository"],
        "revision": teacher["revision"],
        "licence": "Apache-2.0",
        "teachers": len(teachers(soft)),
        "weight": weight,
    }
    write_json(SOURCES / "description.json", {"teachers": description})
    print(f"{len(texts)} texts with soft labels, {len(events)} of events")


if __name__ == "__main__":
    run_stage(main)
