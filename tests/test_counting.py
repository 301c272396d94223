"""The numbers of nouns after counts, in every message."""

from __future__ import annotations

import ast
from pathlib import Path

import importlib_resources
import pytest

from disaster_tweets.counting import plural

PACKAGE = Path(str(importlib_resources.files("disaster_tweets")))
NOUNS = (
    *("bytes", "characters", "columns", "fields", "files", "labels", "lines", "mistakes"),
    *("pieces", "rows", "texts", "threads", "words"),
)
# Counts that are never 1 in a message: limits, and numbers that are refused as too large.
MORE_THAN_ONE = {
    *("count", "found.lines", "height", "len(members)", "len(texts)", "longest"),
    *("self._largest", "self._longest", "table.columns", "width"),
    "suffix",  # in ".doc files", not a count
}


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1001, "1,001 rows"), (-1, "-1 rows")],
)
def test_a_number_decides(number: int, shown: str) -> None:
    assert plural(number, "row") == shown


def test_a_plural_of_its_own() -> None:
    assert plural(1, "inquiry", "inquiries") == "1 inquiry"
    assert plural(2, "inquiry", "inquiries") == "2 inquiries"


def counts(source: str) -> set[str]:
    """Return the expressions that stand before a plural noun in the f-strings of a module."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, behind in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(behind, ast.Constant):
                noun, *_ = [*str(behind.value).split(), ""]
                if str(behind.value).startswith(" ") and noun.strip(",;:.)") in NOUNS:
                    found.add(ast.unparse(value.value))
    return found


def test_counts_are_found() -> None:
    # Otherwise the test below could not fail.
    assert counts('f"{n:,} rows; {len(x)} texts, {n} rowing"') == {"n", "len(x)"}


@pytest.mark.parametrize(
    "module",
    sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")),
    ids=Path.as_posix,
)
def test_no_message_could_say_1_rows(module: Path) -> None:
    found = counts((PACKAGE / module).read_text("utf-8"))

    # All constants are above 1.
    assert {name for name in found if not name.isupper()} <= MORE_THAN_ONE
