"""The plugin of VisiData: a command that adds score columns for a column of texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from visidata import Column, Progress, SettableColumn, Sheet, asyncthread, vd, wrapply

from disaster_tweets import topic
from disaster_tweets.classifier import is_missing
from disaster_tweets.plugins.column import ADD_COLUMNS_COMMAND, LABEL, PROBABILITY, score

_BATCH = 128  # rows between two checks for cancellation


@Sheet.api  # type: ignore[untyped-decorator]
def addcol_disaster_tweets(sheet: Sheet, text: Column) -> None:
    """Add two columns to a sheet: the probability and the label of each text.

    The columns fill while the user works; cells of missing texts stay empty.

    Args:
        sheet: The sheet.
        text: The column of the texts.

    Raises:
        ArtifactError: A file of the model is missing or damaged; no column is added.
    """
    score([])  # loads the model
    probability = SettableColumn(PROBABILITY, type=float, fmtstr="%.4f")
    label = SettableColumn(LABEL)
    sheet.addColumnAtCursor(probability, label)
    fill(sheet, text, probability, label)


@asyncthread  # type: ignore[untyped-decorator]
def fill(sheet: Sheet, text: Column, probability: Column, label: Column) -> None:
    """Score the texts of all rows, in a thread of VisiData."""
    is_null = sheet.isNullFunc()
    rows = list(sheet.rows)
    with Progress(gerund="scoring", total=len(rows)) as progress:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            scores = score(_as_text(text, row, is_null) for row in batch)
            for row, *scored in zip(batch, *scores, strict=True):
                for column, value in zip((probability, label), scored, strict=True):
                    column.putValue(row, value)
            progress.addProgress(len(batch))


def _as_text(column: Column, row: Any, is_null: Callable[[Any], bool]) -> str | None:
    value = column.getTypedValue(row)  # an error counts as null
    # VisiData shows a missing value of a data frame as text in a text column.
    if is_null(value) or is_missing(wrapply(column.getValue, row)):
        return None
    return str(value) or None


Sheet.addCommand(
    None,
    ADD_COLUMNS_COMMAND,
    # The name of the package, because classifiers for other topics add methods as well.
    "addcol_disaster_tweets(cursorCol)",
    f"add the {topic.PROBABILITY} of each text in this column, and the label",
)
vd.addMenuItems(
    f"Column > Add column > {topic.PREFIX} probability and label > {ADD_COLUMNS_COMMAND}"
)
