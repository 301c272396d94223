"""Read labelled texts from a table: the text and the label of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from disaster_tweets.tables.cells import as_text
from disaster_tweets.tables.columns import listed, shortened
from disaster_tweets.tables.errors import ContentError, TableError
from disaster_tweets.tables.formats import TXT, named_format
from disaster_tweets.tables.reading import open_table
from disaster_tweets.tables.rows import Notify, Position, Reading
from disaster_tweets.tables.source import Source

_MOST_LABELS = 20  # more different values than this, and than labels, are no labels


class LabelError(TableError):
    """Labels cannot be interpreted; `candidates` are the values in the file.

    Attributes:
        name_positive: Naming the positive label would help.
    """

    def __init__(self, problem: str, *, name_positive: bool = False, **place: Any) -> None:
        super().__init__(problem, **place)
        self.name_positive = name_positive


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with their labels; all three lists are in the order of the file.

    Attributes:
        rows: The row number of each text, from 1; a header is no row.
        texts: The texts.
        labels: The index of each text's label; at least two different labels occur.
        without_text: Number of rows left out because they have no text.
        without_label: Number of rows left out because they have a text but no label.
    """

    rows: list[int]
    texts: list[str]
    labels: list[int]
    without_text: int
    without_label: int


def read(
    path: str,
    target_column: str,
    labels: Sequence[str],
    *,
    positive: str | None = None,
    reading: Reading | None = None,
    notify: Notify = lambda line: None,
) -> LabelledTexts:
    """Read the labelled texts in a file.

    Args:
        path: The name of a table in any format of `tables`; ``-`` is standard input.
        target_column: The column of the labels.
        labels: The labels of the classifier. The file spells them as names in any case or as
            indices; two labels also as false and true.
        positive: With two labels, the value in the file for the second label; every other
            value is the first label. None if the file has names or indices.
        reading: Options for reading; None to take the format from the name.
        notify: Receives a line about each assumption.

    Raises:
        TableError: The file or a row cannot be read, or a column does not exist.
        LabelError: A label is unknown, or all labels are the same.
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
        text_column = "text" if reading.text_column is None else reading.text_column
        raise TableError(
            f"no row has both a text in {shortened(text_column.strip())} "
            f"and a label in {shortened(target_column.strip())}",
            file=source.title,
            column=target_column,
        )
    spelled = [(number, as_text(target).strip()) for number, _, target in kept]
    return LabelledTexts(
        rows=[number for number, _, _ in kept],
        texts=[text for _, text, _ in kept],
        labels=_Labels(labels, positive).read(spelled, target_column.strip(), source.title),
        without_text=without_text,
        without_label=len(found) - len(kept),
    )


def _is_missing(value: Any) -> bool:
    """Say whether a value is None, NaN or blank."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


class _Labels:
    """The spellings of the labels in a file."""

    def __init__(self, labels: Sequence[str], positive: str | None) -> None:
        self._labels, self._positive = labels, positive
        numbers = [label for label in labels if label.isdecimal()]
        names = {label.lower(): index for index, label in enumerate(labels)}
        names |= {label: index for index, label in enumerate(labels)}
        # If labels are numbers themselves, an index could be mistaken for a label.
        indices = {} if numbers else {str(index): index for index in range(len(labels))}
        words = {"false": 0, "true": 1} if len(labels) == 2 else {}
        self._known = {**indices, **words, **names}
        # A table of floats with a missing value stores an integer as a float.
        self._known |= {f"{n}.0": self._known[n] for n in (*indices, *numbers)}
        self._spellings = (
            f"{'' if numbers else '0 or 1, '}false or true, {' or '.join(labels)}"
            if words
            else f"one of {listed(labels, most=10)}{'' if numbers else ', or an index from 0'}"
        )

    def read(self, spelled: list[tuple[int, str]], target: str, file: str) -> list[int]:
        """Return the label index of each spelling; raise LabelError for an unknown spelling."""
        found = Counter(spelling for _, spelling in spelled)
        column = f"column {target!r}"
        if self._positive is not None and self._positive not in found:
            raise LabelError(
                f"{column} never holds {shortened(self._positive)}",
                file=file,
                column=target,
                candidates=list(found),
                name_positive=True,
            )
        indices = [self._index(spelling) for _, spelling in spelled]
        if None in indices and len(found) > max(_MOST_LABELS, len(self._labels)):
            raise LabelError(
                f"{column} holds {len(found):,} different values; name the column of the "
                "labels",
                file=file,
                column=target,
            )
        known = []
        for (number, spelling), index in zip(spelled, indices, strict=True):
            if index is None:
                raise LabelError(
                    f"label {shortened(spelling)} is not {self._spellings}",
                    file=file,
                    row=number,
                    column=target,
                    candidates=list(found),
                    name_positive=len(self._labels) == 2,
                )
            known.append(index)
        if len(set(known)) == 1:
            raise LabelError(
                f"all labels in {column} mean {self._labels[known[0]]}; add texts of "
                f"{'the other' if len(self._labels) == 2 else 'another'} class, without which "
                "the model cannot be measured",
                file=file,
                column=target,
            )
        return known

    def _index(self, spelling: str) -> int | None:
        if self._positive is not None:
            return int(spelling == self._positive)
        return self._known.get(spelling, self._known.get(spelling.lower()))


def listed_labels(candidates: Iterable[str]) -> str:
    """Return labels in quotes, separated by commas."""
    return listed([candidate.strip() for candidate in candidates], most=10)
