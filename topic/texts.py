"""Read the texts of this topic that the competition does not have.

These are real tweets of other data sets, with the labels that people gave them there, and the
sentences of topic/written.csv. A tweet with the same words as a tweet of the competition is
left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

from disaster_tweets.language import looks_foreign
from pipeline.prepare import read_raw, same_words
from pipeline.project import PipelineError
from topic.project import GENERAL, INFORMATIVE, ON_TOPIC, WRITTEN

_LANGUAGES = ("en",)

_INFORMATIVE = {  # by the label of CrisisLexT26: the kind of text, and the target
    "Related and informative": ("informative", 1.0),
    "Related - but not informative": ("related", 0.0),
    "Not related": ("unrelated", 0.0),
}


def read_on_topic() -> pd.DataFrame:
    """Return the tweets of CrisisLexT6.

    Columns: ``event`` (in lower case), ``id`` (str), ``text``, ``kind`` ("on_topic" or
    "off_topic") and ``target`` (1.0 if people judged it to be about that event, else 0.0).
    """

    def columns(table: pd.DataFrame) -> dict[str, pd.Series]:
        on_topic = table["label"] == "on-topic"
        return {
            "id": table["tweet id"].str.strip("'"),
            "text": table["tweet"],
            "kind": on_topic.map({True: "on_topic", False: "off_topic"}),
            "target": on_topic.astype(float),
        }

    return _english(_read(ON_TOPIC, columns))


def read_informative() -> pd.DataFrame:
    """Return the tweets of CrisisLexT26 that people judged.

    Columns: ``event`` (in lower case), ``id`` (str), ``text``, ``kind`` ("informative",
    "related" or "unrelated"), ``speaker`` ("Eyewitness", "Media", "Government" and so on) and
    ``target`` (1.0 if people judged it to be informative, else 0.0).
    """

    def columns(table: pd.DataFrame) -> dict[str, pd.Series]:
        judged = table["Informativeness"].map(_INFORMATIVE)
        return {
            "id": table["Tweet ID"],
            "text": table["Tweet Text"],
            "kind": judged.str[0],
            "speaker": table["Information Source"],
            "target": judged.str[1],
        }

    tweets = _read(INFORMATIVE, columns)
    return _english(tweets[tweets["kind"].notna()])


def read_general() -> pd.Series:
    """Return the tweets of TweetEval, which are of any topic, without repeats."""
    texts = [
        line
        for path in _files(GENERAL, "*.txt")
        for line in path.read_text("utf-8").split("\n")
        if line.strip()
    ]
    tweets = pd.DataFrame({"event": "", "text": texts})
    general: pd.Series = _english(tweets)["text"]
    return general


def read_written(split: str) -> pd.DataFrame:
    """Return the sentences written for this project: ``id``, ``kind``, ``text``, ``target``.

    Args:
        split: "train" or "held_out". No model learns from held-out sentences.
    """
    table = pd.read_csv(WRITTEN, dtype=str, keep_default_na=False)
    table = table[table["split"] == split]
    target = (table["label"] == "disaster").astype(float)
    return table[["id", "kind", "text"]].assign(target=target).reset_index(drop=True)


@cache
def _of_competition() -> frozenset[str]:
    """Return the words of each text of the competition, with and without a label."""
    texts = pd.concat([read_raw(name, "text")["text"] for name in ("train.csv", "test.csv")])
    return frozenset(texts.map(same_words))


def _files(folder: Path, pattern: str) -> list[Path]:
    files = sorted(folder.glob(pattern))
    if not files:
        raise PipelineError(
            f"{folder}: no tweets; run dvc repro topic/dvc.yaml:download_tweets"
        )
    return files


def _read(
    folder: Path, columns: Callable[[pd.DataFrame], dict[str, pd.Series]]
) -> pd.DataFrame:
    tables = []
    for path in _files(folder, "*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
        table.columns = table.columns.str.strip()
        tables.append(pd.DataFrame({"event": path.stem.lower(), **columns(table)}))
    return pd.concat(tables, ignore_index=True)


def _english(tweets: pd.DataFrame) -> pd.DataFrame:
    """Keep English tweets, once per event, without those that the competition has."""
    words = tweets["text"].map(same_words)
    repeated = pd.DataFrame({"event": tweets["event"], "words": words}).duplicated()
    foreign = tweets["text"].map(lambda text: looks_foreign(text, _LANGUAGES))
    kept = ~repeated & ~foreign & ~words.isin(_of_competition()) & (words != "")
    return tweets[kept].reset_index(drop=True)
