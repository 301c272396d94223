"""Stage: merge repeated texts, and split the labelled texts into data/prepared/SPLIT.csv."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from disaster_tweets.text import HANDLE, URL, repair
from pipeline.project import PREPARED, RAW, PipelineError, params, run_stage
from pipeline.splits import majority, target_columns, targets

SPLITS = ("train", "calibration", "held_out")
LABELLED = "train.csv"  # the raw file with the labelled texts

_WORD = re.compile(r"\w+")
_PLACEHOLDERS = ("http", "user")  # the words that `mask` puts in place of URLs and handles


def read_raw(name: str, *columns: str) -> pd.DataFrame:
    """Read one raw file; raise PipelineError if it is unreadable or lacks a column."""
    path = RAW / name
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}); download it again") from error
    for column in columns:
        if column not in table:
            raise PipelineError(
                f"{path}: no column {column!r}, only {', '.join(table.columns)}"
            )
    return table


def read_labelled(columns: dict[str, str], labels: dict[str, str]) -> pd.DataFrame:
    """Read the labelled texts.

    Args:
        columns: The names in the file of the columns ``text``, ``label`` and, if the file has
            them, ``id`` and ``split``.
        labels: The spelling of each label in the file, by the name of the label, in the order
            of the classes.

    Returns:
        Columns ``id`` (str; the number of the row if ``columns`` names no ``id``), ``text``
        (str), ``label`` (int, the index of the label) and ``split`` (one of `SPLITS`, or empty
        if the file does not fix the split).

    Raises:
        PipelineError: The file, a column, a label or a split is not as described.
    """
    table = read_raw(LABELLED, *columns.values())
    index = {spelling: i for i, spelling in enumerate(labels.values())}
    label = table[columns["label"]].map(index)
    _check(table, columns["label"], label.notna(), list(labels.values()))
    numbers = [str(number) for number in range(1, len(table) + 1)]
    if "split" in columns:
        fixed = table[columns["split"]]
        _check(table, columns["split"], fixed.isin(["", *SPLITS]), ["", *SPLITS])
    return pd.DataFrame(
        {
            "id": table[columns["id"]] if "id" in columns else numbers,
            "text": table[columns["text"]],
            "label": label.astype(int),
            "split": table[columns["split"]] if "split" in columns else "",
        }
    )


def _check(table: pd.DataFrame, column: str, right: pd.Series, values: list[str]) -> None:
    """Raise PipelineError that names the first row whose value is not allowed."""
    bad = table.index[~right]
    if len(bad):
        raise PipelineError(
            f"{RAW / LABELLED}: row {bad[0] + 1} has the {column} {table[column][bad[0]]!r}; "
            f"it must be {' or '.join(map(repr, values))}, or params.yaml must say otherwise"
        )


def merge_repeats(raw: pd.DataFrame, labels: int) -> pd.DataFrame:
    """Merge the rows whose texts have the same words, as `same_words` compares them.

    If such rows are in several splits, only the rows of the last split in `SPLITS` count. So no
    text is both trained on and measured.

    Args:
        raw: As `read_labelled` returns it.
        labels: The number of labels.

    Returns:
        One row per text, in the order of first appearance: ``id``, ``text`` and ``split`` of
        its first row, the targets (see `splits`) and ``count`` (the number of merged rows).
    """
    words = raw["text"].map(same_words)
    rank = raw["split"].map({name: i for i, name in enumerate(["", *SPLITS])})
    counted = rank == rank.groupby(words).transform("max")
    raw, words = raw[counted], words[counted]
    hits = {
        column: (raw["label"] == label).astype(float)
        for column, label in zip(
            target_columns(labels), [1] if labels == 2 else range(labels), strict=True
        )
    }
    merged = (
        raw.assign(**hits)
        .groupby(words, sort=False)
        .agg(
            id=("id", "first"),
            text=("text", "first"),
            **{column: (column, "mean") for column in hits},
            count=("label", "size"),
            split=("split", "first"),
        )
    )
    return merged.reset_index(drop=True)


def mask(text: str) -> str:
    """Repair a text; replace each URL by ``http`` and each handle by ``@user``."""
    return HANDLE.sub("@user", URL.sub("http", repair(text)))


def same_words(text: str) -> str:
    """Return a key that is equal if texts differ only in URLs, handles, marks or case."""
    masked = mask(text)
    words = _WORD.findall(masked.casefold())
    return " ".join(word for word in words if word not in _PLACEHOLDERS) or masked


def split(
    texts: pd.DataFrame, calibration: float, held_out: float, seed: int
) -> dict[str, pd.DataFrame]:
    """Split at random, stratified by label. Texts whose labels tie are only trained on.

    Args:
        texts: As `merge_repeats` returns them. A text with a fixed ``split`` goes there. If the
            calibration or the held-out split has fixed texts, it gets no others.
        calibration: The fraction of the texts on which choices are made.
        held_out: The fraction on which the result is reported. Both fractions may be 0.
        seed: Seed of the shuffle.

    Returns:
        The three tables, by the name of the split, without the column ``split``.

    Raises:
        PipelineError: A label has too few texts to be in each split.
    """
    fixed = texts["split"]
    of_texts = targets(texts)
    label = pd.Series(majority(of_texts), texts.index)
    tied = pd.Series(_is_tied(of_texts), texts.index)
    parts = {name: [texts[fixed == name]] for name in SPLITS}
    rest = texts[(fixed == "") & ~tied]
    sizes = {"held_out": held_out, "calibration": calibration}
    for name, fraction in sizes.items():
        size = round(fraction * len(texts))
        if (fixed == name).any() or not size:
            continue
        try:
            rest, drawn = train_test_split(
                rest, test_size=size, stratify=label[rest.index], random_state=seed
            )
        except ValueError as error:
            raise PipelineError(
                f"{RAW / LABELLED}: its texts cannot be split ({error}); "
                "add texts of each label"
            ) from None
        parts[name].append(drawn)
    parts["train"] += [rest, texts[(fixed == "") & tied]]
    return {
        name: pd.concat(tables).sort_index().drop(columns="split")
        for name, tables in parts.items()
    }


def _is_tied(targets: np.ndarray) -> np.ndarray:
    """Return which texts (texts,) have no label with more rows than each other label."""
    tied: np.ndarray
    if targets.shape[1] == 1:
        tied = targets[:, 0] == 0.5
    else:
        tied = (targets == targets.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return tied


def main() -> None:
    settings = params("prepare")
    raw = read_labelled(settings["columns"], settings["labels"])
    labels = list(settings["labels"])
    texts = merge_repeats(raw, len(labels))
    parts = split(texts, seed=settings["seed"], **settings["fractions"])
    PREPARED.mkdir(parents=True, exist_ok=True)
    for name, table in parts.items():
        table.to_csv(PREPARED / f"{name}.csv", index=False, lineterminator="\n")
        found = majority(targets(table))
        counts = [f"{(found == i).sum()} {label}" for i, label in enumerate(labels)]
        print(f"{name}: {len(table)} texts ({', '.join(counts)})")


if __name__ == "__main__":
    run_stage(main)
