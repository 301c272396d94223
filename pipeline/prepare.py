"""Raw tweets -> merged and split texts: data/prepared/SPLIT.csv."""

from __future__ import annotations

import re

import pandas as pd
from sklearn.model_selection import train_test_split

from pipeline.project import PREPARED, RAW, PipelineError, params, run_stage
from disaster_tweets.text import HANDLE, URL, repair

SPLITS = ("train", "calibration", "held_out")
LABELLED = "train.csv"  # the raw file with the labelled texts

_WORD = re.compile(r"\w+")
_PLACEHOLDERS = ("http", "user")  # what `mask` puts


def read_raw(name: str, *columns: str) -> pd.DataFrame:
    """Read one raw file; raise PipelineError where a column or a text is missing."""
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
        columns: What the file calls the columns ``text``, ``label`` and, if it has one, ``id``.
        labels: How the file spells the labels ``negative`` and ``positive``.

    Returns:
        Columns ``id`` (str; the number of the row where ``columns`` names no ``id``),
        ``text`` (str) and ``target`` (0 or 1).

    Raises:
        PipelineError: The file, a column or a label is not as described.
    """
    table = read_raw(LABELLED, *columns.values())
    target = table[columns["label"]].map({labels["negative"]: 0, labels["positive"]: 1})
    bad = table.index[target.isna()]
    if len(bad):
        raise PipelineError(
            f"{RAW / LABELLED}: row {bad[0] + 1} has the label "
            f"{table[columns['label']][bad[0]]!r}; it must be {labels['negative']!r} or "
            f"{labels['positive']!r}, or params.yaml must say otherwise"
        )
    numbers = [str(number) for number in range(1, len(table) + 1)]
    return pd.DataFrame(
        {
            "id": table[columns["id"]] if "id" in columns else numbers,
            "text": table[columns["text"]],
            "target": target.astype(int),
        }
    )


def merge_repeats(raw: pd.DataFrame) -> pd.DataFrame:
    """Merge the rows that say the same words, whatever their URLs, handles and punctuation.

    Args:
        raw: Columns ``id``, ``text`` (str) and ``target`` (0 or 1).

    Returns:
        One row a text, in the order of first appearance: ``id`` and ``text`` of its first
        spelling, ``target`` (mean label in [0, 1]) and ``count`` (rows merged).
    """
    merged = (
        raw.astype({"target": float})
        .groupby(raw["text"].map(mask).map(_words), sort=False)
        .agg(
            id=("id", "first"),
            text=("text", "first"),
            target=("target", "mean"),
            count=("target", "size"),
        )
    )
    return merged.reset_index(drop=True)


def mask(text: str) -> str:
    """Repair a text, and put ``http`` for each URL and ``@user`` for each handle."""
    return HANDLE.sub("@user", URL.sub("http", repair(text)))


def _words(text: str) -> str:
    words = _WORD.findall(text.casefold())
    return " ".join(word for word in words if word not in _PLACEHOLDERS)


def split(
    texts: pd.DataFrame, calibration: float, held_out: float, seed: int
) -> dict[str, pd.DataFrame]:
    """Split at random, stratified by label; a text whose labels tie only ever trains.

    Args:
        texts: As `merge_repeats` returns it.
        calibration: Fraction of the texts on which choices are made.
        held_out: Fraction on which the result is reported.
        seed: Seed of the shuffle.

    Returns:
        The three tables, by name.
    """
    tied = texts["target"] == 0.5
    usable, label = texts[~tied], texts["target"][~tied] > 0.5
    rest, held = train_test_split(
        usable, test_size=round(held_out * len(texts)), stratify=label, random_state=seed
    )
    train, chosen = train_test_split(
        rest,
        test_size=round(calibration * len(texts)),
        stratify=label[rest.index],
        random_state=seed,
    )
    parts = (pd.concat([train, texts[tied]]), chosen, held)
    return {name: part.sort_index() for name, part in zip(SPLITS, parts, strict=True)}


def main() -> None:
    settings = params("prepare")
    texts = merge_repeats(read_labelled(settings["columns"], settings["labels"]))
    PREPARED.mkdir(parents=True, exist_ok=True)
    for name, table in split(texts, seed=settings["seed"], **settings["fractions"]).items():
        table.to_csv(PREPARED / f"{name}.csv", index=False, lineterminator="\n")
        print(f"{name}: {len(table)} texts, {(table['target'] > 0.5).mean():.1%} positive")


if __name__ == "__main__":
    run_stage(main)
