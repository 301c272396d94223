"""Read the user's tables: labelled texts, and texts without labels."""

from __future__ import annotations

import configparser
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from yours.errors import CopyError

ROOT = Path(__file__).resolve().parents[2]
if "disaster_tweets" not in sys.modules:
    # The package's __init__ imports NumPy and LiteRT. Reading tables needs neither.
    package = ModuleType("disaster_tweets")
    package.__path__ = [str(ROOT / "src" / "disaster_tweets")]
    sys.modules["disaster_tweets"] = package

from disaster_tweets.tables import errors  # noqa: E402
from disaster_tweets.tables.cells import as_text  # noqa: E402
from disaster_tweets.tables.columns import is_usual, listed  # noqa: E402
from disaster_tweets.tables.formats import (  # noqa: E402
    DELIMITED,
    FORMATS,
    JSON,
    JSONL,
    TXT,
    XLSX,
    of_name,
    unknown,
)
from disaster_tweets.tables.reading import open_table, read_columns  # noqa: E402
from disaster_tweets.tables.rows import Position, Reading  # noqa: E402
from disaster_tweets.tables.source import Source, format_inside  # noqa: E402

MOST_LABELS = 50
TABULAR = tuple(format_ for format_ in FORMATS if format_ != TXT)
_WORDS_OF_A_TEXT = 3  # on average; a name or an identifier has fewer
_LONGEST_LABEL = 60  # characters
# Usual names of the column of the labels, in lower case. The first set leaves no doubt.
_SURE_NAMES = frozenset("label labels target targets class classes category y".split())
_LABEL_NAMES = _SURE_NAMES | frozenset(
    """
    labeltext labelname classname categories sentiment emotion intent topic tag verdict
    rating stars score gold truth
    """.split()
)
_SEPARATORS = re.compile(r"[\s_.\-]+")
_WHOLE = re.compile(r"(-?\d+)\.0")


@dataclass(frozen=True)
class Options:
    """The options of the command on reading tables. They apply to all tables.

    Attributes:
        format: The format, one of those of `tables`; None for the format that a file's name
            tells.
        encoding: The encoding of text formats; None for UTF-8.
        delimiter: The character between the fields of delimited text; None to detect it.
        quoting: As in `Reading`.
        header: Whether the first row names the columns.
        sheet: The sheet of a workbook; None for the only sheet.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: str | None = None
    header: bool = True
    sheet: str | None = None

    def reading(self, path: Path) -> Reading:
        """Return the settings for reading a file, without options that do not apply to it."""
        format_ = self.format or of_name(str(path)).format or format_inside(str(path))
        if format_ is None:
            raise unknown(str(path))
        delimited = format_ in DELIMITED
        return Reading(
            format_,
            encoding=self.encoding if format_ in (*DELIMITED, JSON, JSONL, TXT) else None,
            delimiter=self.delimiter if delimited else None,
            quoting=self.quoting if delimited else None,
            header=self.header or not (delimited or format_ == XLSX),
            sheet=self.sheet if format_ == XLSX else None,
            sure=self.format is not None,
        )


@dataclass(frozen=True)
class Labelled:
    """Labelled texts in the order of their file.

    Attributes:
        texts: The texts.
        spellings: The label of each text, as the file spells it.
        left_out: The number of rows without a text or a label.
    """

    texts: list[str]
    spellings: list[str]
    left_out: int


def guess_columns(
    path: Path, options: Options, text: str | None, label: str | None
) -> tuple[str | None, str | None, dict[str, str]]:
    """Find the columns of the texts and of the labels.

    Args:
        path: The table.
        options: The options on reading the table.
        text: The column of the texts; None if it is not known.
        label: The column of the labels; None if it is not known.

    Returns:
        The column of the texts and that of the labels, each None if no column is obvious, and
        a description of each column by its name.
    """
    if text is not None and label is not None:
        return text, label, {}
    with advising():
        columns = {
            name: [as_text(value).strip() for value in values]
            for name, values in _preview(path, replace(options.reading(path), text_column=text))
        }
    held = {name: _described(values) for name, values in columns.items()}
    if label is None:
        could_be = [n for n, values in columns.items() if n != text and _are_labels(values)]
        named = [name for name in could_be if _plain(name) in _LABEL_NAMES]
        sure = [name for name in could_be if _plain(name) in _SURE_NAMES]
        label = _only(could_be) or _only(sure) or _only(named)
    if text is None:
        others = [name for name in columns if name != label]
        usual = [name for name in others if is_usual(name)]
        wordy = [name for name in others if _are_texts(columns[name])]
        alone = others if len(columns) == 2 and label is not None else []
        text = _only(alone) or _only(usual) or _only(wordy)
    return text, label, held


def _preview(path: Path, reading: Reading) -> Iterator[tuple[str, list[Any]]]:
    """Yield all columns, even if the column of the texts cannot be detected."""
    if reading.format == TXT:
        raise CopyError(f"{path}: plain text has no labels; give --format if it is a table")
    try:
        yield from read_columns(str(path), reading).items()
    except errors.ColumnError as error:
        if error.column is not None or not error.candidates:
            raise
        # Any column will do as the column of the texts, except a column of numbers.
        for name in error.candidates:
            try:
                columns = read_columns(str(path), replace(reading, text_column=name))
            except errors.RowError as problem:
                last = problem
            else:
                yield from columns.items()
                return
        raise last from None


def _described(values: Sequence[str]) -> str:
    """Return a description of a column's values, on one line."""
    different = list(dict.fromkeys(value for value in values if value))
    return f"{len(different):,} different values, such as {listed(different, most=2)}"


def _are_labels(values: Sequence[str]) -> bool:
    """Return whether values come from a short list, as labels do."""
    counts = Counter(value for value in values if value)
    few = 2 <= len(counts) <= MOST_LABELS and len(counts) * 4 <= counts.total()
    return few and max(map(len, counts)) <= _LONGEST_LABEL


def _are_texts(values: Sequence[str]) -> bool:
    """Return whether values are sentences, most of them different."""
    filled = [value for value in values if value]
    words = sum(len(value.split()) for value in filled)
    return len(set(filled)) * 2 > len(filled) and words >= _WORDS_OF_A_TEXT * len(filled)


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.casefold())


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def read_labelled(path: Path, options: Options, text: str, label: str) -> Labelled:
    """Read the texts of a table with their labels, without rows that lack one of both."""
    with advising():
        reading = options.reading(path)
        if reading.format == TXT:
            raise CopyError(f"{path}: plain text has no labels; give --format if it is a table")
        reading = replace(reading, text_column=text, other_columns=(label,))
        rows = list(_rows(path, reading, label))
    kept = [(found, spelled) for found, spelled in rows if found and spelled]
    return Labelled([t for t, _ in kept], [s for _, s in kept], len(rows) - len(kept))


def read_unlabelled(path: Path, options: Options, text: str) -> list[str]:
    """Read the texts of a table, or of a file with one text per line.

    Args:
        path: The file.
        options: The options on reading the file. If its name tells a format, that one counts.
        text: The column of the texts; ignored if the file has no column of this name.
    """
    if of_name(str(path)).format is not None:
        options = replace(options, format=None)
    with advising():
        reading = options.reading(path)
        if reading.format != TXT and options.header:
            try:
                rows = list(_rows(path, replace(reading, text_column=text)))
            except errors.ColumnError:
                rows = list(_rows(path, reading))
        else:
            rows = list(_rows(path, replace(reading, text_column=None)))
    return [found for found, _ in rows if found]


def _rows(path: Path, reading: Reading, other: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the text of each row, and the spelling of its label in the other column."""
    source = Source(str(path))
    for chunk in open_table(reading, None, print, source).chunks(source, Position()):
        if chunk.broken:
            raise chunk.broken[0]
        values = chunk.column(other) if other and chunk.rows else [None] * len(chunk.texts)
        yield from zip(map(clean, chunk.texts), map(spelling, values), strict=True)


def clean(text: str | None) -> str:
    """Return a text that a file can hold: without NUL, and with ? for each lone surrogate."""
    return (text or "").replace("\0", "").encode("utf-8", "replace").decode().strip()


def spelling(value: Any) -> str:
    """Return the spelling of a label: 1 for 1.0, because a table of floats spells 1 as 1.0."""
    if value is None or value != value:
        return ""
    text = clean(as_text(value))
    if text.lower() in ("true", "false"):
        return text.lower()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


@contextmanager
def advising() -> Iterator[None]:
    """Turn a TableError into a CopyError with advice."""
    try:
        yield
    except errors.TableError as error:
        raise CopyError(" ".join(f"{error}{_advice(error)}".split())) from None


def _advice(error: errors.TableError) -> str:
    """Return advice on an error, in terms of the options of the command."""
    if isinstance(error, errors.MissingLibraryError):
        return f"; install it: {shlex.join(_pip_install(error.extra))}"
    for kind, option in _HELPFUL:
        if isinstance(error, kind):
            choices = f": {listed(error.candidates)}" if error.candidates else ""
            return f"; give --{option}{choices}"
    if isinstance(error, errors.RowError):
        encoding = f", or give --encoding {error.candidates[0]}" if error.candidates else ""
        return f"; mend or remove the row{encoding}"
    return ""


_HELPFUL: tuple[tuple[type[errors.TableError], str], ...] = (
    (errors.FormatError, "format"),
    (errors.EncodingError, "encoding"),
    (errors.DelimiterError, "delimiter"),
    (errors.QuoteError, "quoting none if quotes are ordinary characters"),
    (errors.SheetError, "sheet"),
)


def _pip_install(extra: str) -> list[str]:
    """Return the command that installs the requirements of an extra of the package."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    needed = setup["options.extras_require"][extra].split("\n")
    packages = [package.partition(";")[0].strip() for package in needed if package]
    return [sys.executable, "-m", "pip", "install", *packages]
