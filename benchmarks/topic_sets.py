"""Public sets of labelled texts, read and split for topics.py."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from environments import NotMeasuredError, output

SPLITS = ("train", "validation", "test")
SPLIT_SEED, VALIDATION, TEST = 20200101, 0.1, 0.1  # for a set without splits


class Row(NamedTuple):
    """A labelled text; all rows of a group belong to one split."""

    text: str
    label: str
    group: str = ""


Tables = dict[str, list[Row]]  # by split


@dataclass(frozen=True)
class Topic:
    """A set of labelled texts, and the settings of a copy for it.

    Attributes:
        labels: The labels in the order of the indices; of two, the second is the positive one.
        question: The question that the classifier answers.
        examples: A clear example of each label, written by hand.
        read: Returns the rows of each split, given the folders of downloads and of TweetEval.
        origin: The source and the licence of the texts, for the table.
    """

    labels: tuple[str, ...]
    question: str
    examples: tuple[str, ...]
    read: Callable[[Path, Path | None], Tables]
    origin: str


def tweeteval(name: str, sha256: str) -> Callable[[Path, Path | None], Tables]:
    """Return a reader of a set of TweetEval, which has its own splits."""

    def read(_: Path, folder: Path | None) -> Tables:
        if folder is None:
            raise NotMeasuredError(
                f"{name}: --tweeteval must name the folder datasets/ of the repository "
                "cardiffnlp/tweeteval, at commit 4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66"
            )
        parts = {
            split: [
                (folder / name / f"{stem}_{part}.txt").read_bytes()
                for part in ("text", "labels")
            ]
            for split, stem in zip(SPLITS, ("train", "val", "test"), strict=True)
        }
        verify(b"".join(b"".join(pair) for pair in parts.values()), sha256, folder / name)
        labels = TOPICS[name].labels
        return {
            split: [
                Row(text.strip(), labels[int(index)])
                for text, index in zip(
                    *(part.decode("utf-8").splitlines() for part in pair), strict=True
                )
            ]
            for split, pair in parts.items()
        }

    return read


def reviews(downloads: Path, _: Path | None) -> Tables:
    """Read the review sentences that validate npm's package sentiment."""
    package = download(
        downloads / "sentiment-5.0.2.tgz",
        "89302eb03d2005d03b214fe65814bb48adb7d3c42c8ca80bdee6a3ecb7e4480f",
        ["npm", "pack", "sentiment@5.0.2", "--silent", "--pack-destination"],
    )
    rows = []
    with tarfile.open(package) as archive:
        for source in ("amazon", "imdb", "yelp"):
            for each in json.loads(member(archive, f"package/test/fixtures/{source}.json")):
                if text := each["text"].strip():
                    rows.append(Row(text, ("negative", "positive")[each["class"]], text))
    return split_by_group(unrepeated(rows))


def editorials(downloads: Path, _: Path | None) -> Tables:
    """Read the editorial sentences that validate VADER.

    The label of a sentence is the vote of its raters; ties are left out. All sentences of an
    article are in one split.
    """
    package = download(
        downloads / "vaderSentiment-3.3.2.tar.gz",
        "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
            *("--no-deps", "--no-binary", "vaderSentiment", "vaderSentiment==3.3.2", "-d"),
        ],
    )
    inner = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
    with (
        tarfile.open(package) as outer,
        tarfile.open(fileobj=outer.extractfile(inner)) as archive,
    ):
        texts, ratings = (
            member(archive, f"hutto_ICWSM_2014/nytEditorialSnippets_{part}.txt").splitlines()
            for part in ("GroundTruth", "anonDataRatings")
        )
    rows = []
    for line, rated in zip(texts, ratings, strict=True):
        identity, _mean, text = line.split("\t")
        of_rating, *_statistics, raw = rated.split("\t")
        if identity != of_rating:
            raise NotMeasuredError(f"{package}: texts and ratings are not in the same order")
        votes = Counter(np.sign([int(each) for each in re.findall(r"-?\d+", raw)]).tolist())
        (sign, most), *others = votes.most_common()
        if not others or others[0][1] < most:
            label = {-1: "negative", 0: "neutral", 1: "positive"}[sign]
            rows.append(Row(text.strip(), label, identity.split("_")[0]))
    return split_by_group(unrepeated(rows))


def member(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    if file is None:
        raise NotMeasuredError(f"{name}: not a file in its archive")
    return file.read().decode("utf-8")


def download(path: Path, sha256: str, command: Sequence[str]) -> Path:
    """Download a package to ``path`` with a package manager, unless it exists."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            output([*command, folder], path.parent, lines=8)
            (Path(folder) / path.name).rename(path)
    verify(path.read_bytes(), sha256, path)
    return path


def verify(content: bytes, sha256: str, path: Path) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NotMeasuredError(f"{path}: not what was measured before (its sha256 differs)")


def unrepeated(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without repeated texts, and without texts that have two labels."""
    labels: dict[str, set[str]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        key = " ".join(row.text.casefold().split())
        labels.setdefault(key, set()).add(row.label)
        first.setdefault(key, row)
    return [row for key, row in first.items() if len(labels[key]) == 1]


def split_by_group(rows: Sequence[Row]) -> Tables:
    groups = list(dict.fromkeys(row.group for row in rows))
    random.Random(SPLIT_SEED).shuffle(groups)
    test, validation = round(len(groups) * TEST), round(len(groups) * VALIDATION)
    split_of = dict.fromkeys(groups[:test], "test")
    split_of |= dict.fromkeys(groups[test : test + validation], "validation")
    return {
        split: [row for row in rows if split_of.get(row.group, "train") == split]
        for split in SPLITS
    }


TOPICS = {
    "irony": Topic(
        labels=("literal", "ironic"),
        question="Is this post ironic?",
        examples=(
            "The library opens at nine on Saturdays.",
            "Oh great, another three-hour meeting. Just what I needed on a Friday evening.",
        ),
        read=tweeteval(
            "irony", "52bbe4fdf5ac8851802490d4849872a352932d6bd2ca0c3551b67e8ca12b2eeb"
        ),
        origin="TweetEval, irony; the terms of the platform apply",
    ),
    "emotion": Topic(
        labels=("anger", "joy", "optimism", "sadness"),
        question="Which emotion does this post show?",
        examples=(
            "They lied to us again and I am furious.",
            "We won the final and I can't stop smiling!",
            "Hard days pass; tomorrow is a new chance.",
            "I miss her so much, and the house feels empty.",
        ),
        read=tweeteval(
            "emotion", "4c590122134437dc95b2e9878c4544887a86852d16fba5606493a995fdbd673d"
        ),
        origin="TweetEval, emotion; the terms of the platform apply",
    ),
    "reviews": Topic(
        labels=("negative", "positive"),
        question="Does this sentence of a review praise?",
        examples=(
            "It broke after two days and nobody answered my calls.",
            "The pasta was wonderful and the staff could not have been kinder.",
        ),
        read=reviews,
        origin="UCI, Sentiment Labelled Sentences, in npm's sentiment 5.0.2; CC BY 4.0",
    ),
    "editorials": Topic(
        labels=("negative", "neutral", "positive"),
        question="What is the tone of this sentence of an editorial?",
        examples=(
            "The new law punishes the poor and helps nobody.",
            "The committee meets again in March.",
            "Her courage gave a whole city new hope.",
        ),
        read=editorials,
        origin="Hutto and Gilbert 2014, in PyPI's vaderSentiment 3.3.2; MIT",
    ),
}


def written(topic: Topic, folder: Path, tweets: Path | None) -> Tables:
    """Return the splits of a set, written to ``folder`` first unless they exist."""
    paths = {split: folder / f"{split}.csv" for split in SPLITS}
    if not all(path.exists() for path in paths.values()):
        for split, rows in topic.read(folder.parent / "downloads", tweets).items():
            with replaced(paths[split]) as path, path.open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(("text", "label"))
                table.writerows((row.text, row.label) for row in rows)
    tables = {}
    for split, path in paths.items():
        with path.open(newline="") as file:
            tables[split] = [Row(each["text"], each["label"]) for each in csv.DictReader(file)]
    return tables


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a path to write to; the complete file replaces ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    yield partial
    partial.replace(path)
