"""The sentences written for this project, which are complete, balanced and not repeated."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from disaster_tweets.topic import LABELS

pytestmark = pytest.mark.one_python

WRITTEN = Path(__file__).parents[1] / "written.csv"

Row = dict[str, str]

REAL = frozenset(
    "advice damage danger eyewitness lost_found offer relief report request".split()
)
OTHERS = frozenset(
    """
    brand denial drill entertainment everyday figure joke politics slang sport
    """.split()
)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("\u2019", ""))


def alike(one: str, other: str) -> bool:
    """Return whether two texts share most of their words or of their runs of three words."""
    first, second = words(one), words(other)
    common = len({*first} & {*second}) / len({*first, *second})
    runs = [set(zip(each, each[1:], each[2:], strict=False)) for each in (first, second)]
    fewest = min(map(len, runs))
    return common > 0.7 or bool(fewest and len(runs[0] & runs[1]) / fewest > 0.6)


def test_there_are_thousands_and_half_of_them_are_of_real_disasters(written: list[Row]) -> None:
    assert len(written) >= 3000
    share = sum(row["label"] == LABELS[1] for row in written) / len(written)
    assert 0.45 < share < 0.55


def test_the_kind_says_the_label(written: list[Row]) -> None:
    assert {row["kind"] for row in written} == REAL | OTHERS
    wrong = [
        row["id"] for row in written if (row["kind"] in REAL) != (row["label"] == LABELS[1])
    ]
    assert wrong == []


def test_ids_and_texts_are_there_once(written: list[Row]) -> None:
    for column in ("id", "text"):
        twice = [each for each, n in Counter(row[column] for row in written).items() if n > 1]
        assert twice == []
    assert all(row["text"] == row["text"].strip() != "" for row in written)
    assert all("\n" not in row["text"] for row in written)
    assert all(row["id"].rpartition("-")[0] == row["group"] for row in written)


def test_each_group_has_both_labels_and_is_on_one_side(written: list[Row]) -> None:
    groups: dict[str, list[Row]] = {}
    for row in written:
        groups.setdefault(row["group"], []).append(row)
    assert {
        name for name, of in groups.items() if len({row["label"] for row in of}) < 2
    } == set()
    assert {
        name for name, of in groups.items() if len({row["split"] for row in of}) > 1
    } == set()
    held_out = sum(of[0]["split"] == "held_out" for of in groups.values()) / len(groups)
    assert 0.19 < held_out < 0.21


def test_the_held_out_texts_are_of_every_kind(written: list[Row]) -> None:
    counts = Counter(row["kind"] for row in written if row["split"] == "held_out")
    assert set(counts) == REAL | OTHERS
    assert min(counts.values()) >= 10


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Water is in the kitchen, send help", "water is in the kitchen! Send help now", True),
        ("the bridge at Ely has gone down", "the bridge at Ely has gone quiet", True),
        ("the bridge at Ely has gone down", "we lost the bridge this morning", False),
    ],
)
def test_what_counts_as_alike(one: str, other: str, expected: bool) -> None:
    assert alike(one, other) == expected


def test_no_text_is_nearly_that_of_another_group(written: list[Row]) -> None:
    """Texts of different groups are not alike. Within a group, alike texts are intended."""
    # Only texts that share a rare pair of neighbouring words are compared.
    by_words: dict[tuple[str, str], list[Row]] = {}
    for row in written:
        split = words(row["text"])
        for pair in {*pairwise(split)}:
            by_words.setdefault(pair, []).append(row)
    found = {
        (one["id"], other["id"])
        for together in by_words.values()
        if len(together) < 50
        for one, other in combinations(together, 2)
        if one["group"] != other["group"] and alike(one["text"], other["text"])
    }
    assert found == set()


def test_a_copy_of_this_repository_can_learn_the_sentences_alone(tmp_path: Path) -> None:
    """The steps of docs/model/teachers.md. One line per row lets grep split the file."""
    header, *lines = WRITTEN.read_text("utf-8").splitlines(keepends=True)
    held_out = [line for line in lines if ",held_out," in line]
    train = [line for line in lines if ",held_out," not in line]
    for name, chosen in (("train", train), ("test", held_out)):
        (tmp_path / f"{name}.csv").write_text("".join([header, *chosen]), "utf-8")
    options = {
        "--test": str(tmp_path / "test.csv"),
        "--name": "emergency posts",
        "--positive": LABELS[1],
        "--question": "Is this post about a real emergency?",
        "--example": "we are on the roof and the water is rising",
    }
    done = subprocess.run(
        [
            *(sys.executable, "scripts/make_it_yours.py", tmp_path / "train.csv"),
            *(tmp_path / "copy", "--example", "this playlist is fire"),
            *(word for option in options.items() for word in option),
        ],
        cwd=WRITTEN.parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"train.csv: {len(train):,} texts" in done.stdout
    assert f"test.csv: {len(held_out):,} texts" in done.stdout
