"""Reads labelled texts from a table: of each row its text and its label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from disaster_tweets.topic import LABELS
from disaster_tweets.tables.cells import as_text
from disaster_tweets.tables.columns import listed, shortened
from disaster_tweets.tables.errors import ContentError, TableError
from disaster_tweets.tables.formats import TXT, named_format
from disaster_tweets.tables.reading import open_table
from disaster_tweets.tables.rows import Notify, Position, Reading
from disaster_tweets.tables.source import Source

_MOST_LABELS = 20  # more are hardly labels

# A column of 0 and 1 becomes one of 0.0 and 1.0 where a table of floats had a gap.
_KNOWN = {
    **dict.fromkeys(["0", "0.0", "false", LABELS[0]], 0),
    **dict.fromkeys(["1", "1.0", "true", LABELS[1]], 1),
}


class LabelError(TableError):
    """Labels cannot be told apart; `candidates` are those that there are.

    Attributes:
        name_positive: It would help to say which label is the positive one.
    """

    def __init__(self, problem: str, *, name_positive: bool = False, **place: Any) -> None:
        super().__init__(problem, **place)
        self.name_positive = name_positive


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with their labels, all three lists in the order of the file.

    Attributes:
        rows: The number of each text's row, from 1; a header is no row.
        texts: The texts.
        labels: 1 for a disaster, else 0; both occur.
        without_text: How many rows were left out because they have no text.
        without_label: How many were left out because they have a text but no label.
    """

    rows: list[int]
    texts: list[str]
    labels: list[int]
    without_text: int
    without_label: int


def read(
    path: str,
    target_column: str,
    *,
    positive: str | None = None,
    reading: Reading | None = None,
    notify: Notify = lambda line: None,
) -> LabelledTexts:
    """Read the labelled texts in a file.

    Args:
        path: The name of a table in any format of `tables`; ``-`` is standard input.
        target_column: The column of the labels.
        positive: The label that means a disaster, all others meaning none; where it is None,
            labels are 0 and 1, false and true, or not_disaster and disaster.
        reading: How to read the table; by the file's name if None.
        notify: Is told what had to be guessed.

    Raises:
        TableError: The file cannot be read, or a row, or a column is not there.
        LabelError: A label is unknown, or all are the same.
    """
    source = Source(path)
    if reading is None:
        reading = Reading(named_format(path, title=source.title))
    if reading.format == TXT:
        raise ContentError("plain text has no labels; pass a table", file=source.title)
    reading = replace(reading, other_columns=(target_column,))
    table = open_table(reading, None, notify, source)
    found: list[tuple[int, str, Any]] = []
    rows = without_text = 0
    try:
        for chunk in table.chunks(source, Position()):
            if chunk.broken:
                raise chunk.broken[0]
            rows += chunk.rows
            targets = chunk.column(target_column) if chunk.rows else []
            for number, text, target in zip(chunk.numbers, chunk.texts, targets, strict=True):
                if text is None:
                    without_text += 1
                else:
                    found.append((number, text, target))
    except ContentError as error:
        if not error.problem.startswith("is empty"):
            raise
        rows = 0
    if not rows:
        raise TableError(
            "no rows; pass a file with a text and a label in each row", file=source.title
        )
    kept = [(number, text, target) for number, text, target in found if not _is_missing(target)]
    if not kept:
        raise TableError(
            f"no row has both a text in {shortened(_text_name(reading))} and a label in "
            f"{shortened(target_column.strip())}",
            file=source.title,
            column=target_column,
        )
    spelled = [(number, _spelling(target)) for number, _, target in kept]
    return LabelledTexts(
        rows=[number for number, _, _ in kept],
        texts=[text for _, text, _ in kept],
        labels=_labels(spelled, target_column.strip(), source.title, positive),
        without_text=without_text,
        without_label=len(found) - len(kept),
    )


def _text_name(reading: Reading) -> str:
    return (reading.text_column or "text").strip()


def _is_missing(value: Any) -> bool:
    """Say whether a value is None, NaN, or blank."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _spelling(value: Any) -> str:
    return as_text(value).strip()


def _labels(
    spelled: list[tuple[int, str]], target: str, file: str, positive: str | None
) -> list[int]:
    """Return 1 for each spelling that means a disaster, else 0."""
    found = Counter(spelling for _, spelling in spelled)
    column = f"column {target!r}"
    if positive is not None and positive not in found:
        raise LabelError(
            f"{column} never holds {shortened(positive)}",
            file=file,
            column=target,
            candidates=list(found),
            name_positive=True,
        )
    labels = [_known(spelling, positive) for _, spelling in spelled]
    if None in labels and len(found) > _MOST_LABELS:
        raise LabelError(
            f"{column} holds {len(found):,} different values; name the column of the labels",
            file=file,
            column=target,
        )
    for (number, spelling), label in zip(spelled, labels, strict=True):
        if label is None:
            raise LabelError(
                f"label {shortened(spelling)} is not 0 or 1, false or true, "
                f"{' or '.join(LABELS)}",
                file=file,
                row=number,
                column=target,
                candidates=list(found),
                name_positive=True,
            )
    if len(set(labels)) == 1:
        raise LabelError(
            f"all labels in {column} mean {LABELS[int(labels[0] or 0)]}; add texts of the "
            "other class, without which the model cannot be measured",
            file=file,
            column=target,
        )
    return [int(label or 0) for label in labels]


def _known(spelling: str, positive: str | None) -> int | None:
    if positive is not None:
        return int(spelling == positive)
    return _KNOWN.get(spelling.lower())


def listed_labels(candidates: Iterable[str]) -> str:
    """Return labels in quotes, separated by commas."""
    return listed([candidate.strip() for candidate in candidates], most=10)
