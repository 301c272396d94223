"""Which column is scored, and whether the new ones find room."""

from __future__ import annotations

from collections.abc import Sequence

from disaster_tweets.batch import FileError
from disaster_tweets.batch.rows import BrokenRow, Options
from disaster_tweets.batch.source import Source


def check_new_columns(options: Options, columns: Sequence[str], text: str | None) -> None:
    """Raise BrokenRow where a new column has the name of one that must stay."""
    for name in options.new_columns:
        if name == text:
            raise BrokenRow(f"column {name!r} is the text; name the new column otherwise")
        if name in columns and not options.overwrite:
            raise BrokenRow(
                f"there is a column {name!r} already; drop it with --overwrite-columns, or "
                "name the new ones with --probability-column and --label-column"
            )


def choose_text_column(
    wanted: str | None, columns: Sequence[str], candidates: Sequence[str]
) -> str:
    """Return the column to score.

    Args:
        wanted: The one that was asked for, if any.
        columns: All columns.
        candidates: Those that may be scored unasked, if there is but one.

    Raises:
        BrokenRow: None fits, or several do.
    """
    if wanted is None and "text" not in columns and len(candidates) == 1:
        return candidates[0]
    name = "text" if wanted is None else wanted
    if columns.count(name) == 1:
        return name
    padded = [column for column in columns if column.strip() == name.strip()]
    if len(padded) == 1:  # " tweet" behind ", " in a header
        return padded[0]
    problem = "several columns are named" if name in columns else "there is no column"
    raise BrokenRow(
        f"{problem} {name!r}; choose another with --text-column: "
        + (", ".join(map(repr, columns)) or "there are none")
    )


def broken_file(source: Source, problem: BrokenRow) -> FileError:
    """Return the error for a file none of whose rows can be read for this reason."""
    return FileError(f"{source.title}: {problem}")
