"""Stage: write the assistant's further training texts, and the texts that it labels.

Larger models, the teachers, gave the soft labels (topic/teacher.py). The soft labels are in
Git, as topic/soft_labels.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from disaster_tweets.runtime import KINDS
from pipeline.prepare import read_raw
from pipeline.project import SOURCES, PipelineError, Settings, run_stage, write_json
from pipeline.splits import read_split
from pipeline.targets import write_related, write_targets, write_unlabelled
from pipeline.unseen import write_measured
from topic.project import FOLDS, OUT_OF_FOLD, SOFT_LABELS, params
from topic.texts import read_general, read_informative, read_on_topic, read_written

LABELLED = "labelled"  # names the competition as the source of a soft label

_COMMON = ("Media", "Outsiders")  # the speakers of most informative tweets


def read_soft_labels(path: Path = SOFT_LABELS) -> pd.DataFrame:
    """Return the teachers' logits of texts. The table has ids in place of the texts.

    Columns: ``source`` ("labelled", or an event), ``id`` (str), ``fold`` (the number of the
    teacher that has not seen a labelled text; NaN for other texts) and ``teacher_0``,
    ``teacher_1``, ... (logits).
    """
    try:
        return pd.read_csv(path, dtype={"id": str})
    except OSError as error:
        raise PipelineError(
            f"{path}: cannot be read ({error.strerror}); restore it with git, or make it with "
            "python -m topic.teacher"
        ) from error


def read_folds() -> pd.Series:
    """Return the fold (int) of each text of the competition, by its id."""
    folds: pd.Series = pd.read_csv(FOLDS, dtype={"id": str}).set_index("id")["fold"]
    return folds


def teachers(soft: pd.DataFrame) -> list[str]:
    """Return the names of the teachers' columns."""
    return [column for column in soft if column.startswith("teacher_")]


def probabilities(soft: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return the mean probability of some teachers, by source (in lower case) and id.

    If several texts of a source have the same id, this id is left out: its soft label may
    belong to any of these texts.
    """
    mean: pd.Series = (1 / (1 + np.exp(-soft[list(columns)]))).mean(axis=1)
    mean.index = pd.MultiIndex.from_arrays([soft["source"].str.lower(), soft["id"]])
    return mean[~mean.index.duplicated(keep=False)]


def of_texts(probability: pd.Series, source: pd.Series | str, ids: pd.Series) -> np.ndarray:
    """Return the soft labels (texts,) float64 of texts; NaN for a text without one."""
    sources = [source] * len(ids) if isinstance(source, str) else source
    index = pd.MultiIndex.from_arrays([sources, ids])
    found: np.ndarray = probability.reindex(index).to_numpy(float, copy=True)
    found[index.duplicated(keep=False)] = np.nan
    return found


def mixed(labels: np.ndarray, soft: np.ndarray, weight: float) -> np.ndarray:
    """Return the targets of labelled texts: the label, mixed with the soft label if known."""
    return np.where(np.isnan(soft), labels, weight * soft + (1 - weight) * labels)


def choose_informative(tweets: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Return all tweets of a rare kind or speaker, and a sample of the other tweets.

    Args:
        tweets: As `read_informative` returns them.
        count: The number of tweets to return, rare and sampled ones together. Rare tweets are
            returned even if there are more of them.
        seed: Seed of the sample.
    """
    common = tweets["speaker"].isin(_COMMON) & (tweets["kind"] != "unrelated")
    order = np.random.default_rng(seed).permutation(np.flatnonzero(common))
    chosen = ~common.to_numpy()
    chosen[order[: max(0, count - chosen.sum())]] = True
    return tweets[chosen]


def left_out_events(tweets: pd.DataFrame, fold: int | None, settings: Settings) -> pd.Series:
    """Return which tweets (texts,) are of events that the fold leaves out; none for None."""
    events = [] if fold is None else settings["events"][fold]
    return tweets["event"].isin(events)


def write_sources(fold: int | None, settings: Settings) -> None:
    """Write the files of data/sources, except measured.csv.

    Args:
        fold: None for the model that ships. Otherwise, the fold that data/prepared lacks. Then
            only the teacher counts that has not seen the fold, and the fold's events are left
            out.
        settings: The section ``sources`` of topic/params.yaml.
    """
    seed, soft = settings["seed"], read_soft_labels()
    chosen = teachers(soft) if fold is None else [f"teacher_{fold}"]
    probability = probabilities(soft, chosen)
    on_topic, informative = (
        tweets[~left_out_events(tweets, fold, settings)]
        for tweets in (read_on_topic(), read_informative())
    )

    labelled, written = read_split("train"), read_written("train")
    targets = mixed(
        labelled["target"].to_numpy(float),
        of_texts(probability, LABELLED, labelled["id"]),
        settings["weight"],
    )
    by_teachers = of_texts(probability, on_topic["event"], on_topic["id"])
    order = np.random.default_rng(seed).permutation(np.flatnonzero(~np.isnan(by_teachers)))
    taught = order[: settings["on_topic"]]
    own = pd.DataFrame(
        {
            "text": [*labelled["text"], *written["text"], *on_topic["text"].iloc[taught]],
            "target": [*targets, *written["target"], *by_teachers[taught]],
            "repeats": np.repeat(
                [1, settings["written_repeats"], 1],
                [len(labelled), len(written), len(taught)],
            ),
        }
    ).drop_duplicates("text")
    write_targets(
        list(own["text"]), own[["target"]].to_numpy(), repeats=own["repeats"].to_numpy()
    )

    informed = choose_informative(informative, settings["informative"], seed)
    related = pd.concat(
        [on_topic.iloc[taught].assign(source="on_topic"), informed.assign(source="informative")]
    ).drop_duplicates(["text", "source"])
    write_related(related)

    more = pd.concat(
        [
            _sample(
                on_topic["text"].drop(on_topic.index[taught]), settings["events_more"], seed
            ),
            _sample(read_general(), settings["general"], seed),
        ]
    ).drop_duplicates()
    more = more[~more.isin({*own["text"], *related["text"]})]
    write_unlabelled(list(more))
    teacher = params("download_teacher")
    description = {
        "repository": teacher["repository"],
        "revision": teacher["revision"],
        "licence": "Apache-2.0",
        "teachers": len(chosen),
        "weight": settings["weight"],
    }
    write_json(SOURCES / "description.json", {"teachers": description})
    print(
        f"{len(labelled)} texts of the competition, {len(written)} written ones, {len(taught)} "
        f"and {len(informed)} of other events; {len(more)} without a label"
    )


def _sample(texts: pd.Series, count: int, seed: int) -> pd.Series:
    sample: pd.Series = texts.sample(min(count, len(texts)), random_state=seed)
    return sample


def measured(settings: Settings) -> pd.DataFrame:
    """Return the texts that are measured, without logits: `unseen.COLUMNS`, ``id``, ``fold``.

    Models learn the texts of the competition and of the events. ``fold`` is the number of the
    fold whose models do not learn the text. It is NaN for texts that no model learns: the
    held-out written sentences, and the competition's tweets without a label.
    """
    labelled = read_split("train").assign(source="", kind="", part="")
    labelled["fold"] = labelled["id"].map(read_folds())
    fold_of_event = {
        event: fold for fold, events in enumerate(settings["events"]) for event in events
    }
    informative = read_informative()
    informs = informative["kind"] == "informative"
    speaker = informative["speaker"].str.lower()
    informative["kind"] = informative["kind"].where(~informs, "informative, by " + speaker)
    events = [
        tweets.assign(
            source=source, part=tweets["event"], fold=tweets["event"].map(fold_of_event)
        )
        for source, tweets in (("CrisisLexT6", read_on_topic()), ("CrisisLexT26", informative))
    ]
    events = [tweets[tweets["fold"].notna()] for tweets in events]
    written = read_written("held_out").assign(source="written")
    scored = read_raw("test.csv", "id", "text")[["id", "text"]].assign(source="scored only")
    return pd.concat([labelled, *events, written, scored], ignore_index=True)


def write_out_of_fold(texts: pd.DataFrame) -> None:
    """Write data/sources/measured.csv: the texts of `measured`, with logits found by id."""
    table = pd.read_csv(OUT_OF_FOLD, dtype={"source": str, "id": str}, keep_default_na=False)
    key = ["source", "id", "fold"]
    logits = table.drop_duplicates(key, keep=False)[[*key, *KINDS]]
    texts = texts.merge(logits, "left", key)
    # A text that models learn cannot be measured without an out-of-fold logit.
    known = texts[list(KINDS)].notna().all(axis=1)
    write_measured(texts[known | texts["fold"].isna()])
    print(f"{known.sum()} texts have logits out of fold")


def main() -> None:
    settings = params("sources")
    write_sources(None, settings)
    write_out_of_fold(measured(settings))


if __name__ == "__main__":
    run_stage(main)
