"""Reads labelled texts from a file: its rows, and from each its text and its label."""

from __future__ import annotations

import csv
import importlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disaster_tweets.errors import InputError
from disaster_tweets.manifest import LABELS

FORMATS = ("csv", "tsv", "jsonl", "parquet")

_OTHER_SUFFIXES = {".tab": "tsv", ".ndjson": "jsonl", ".pq": "parquet"}
_SUFFIXES = {**{f".{name}": name for name in FORMATS}, **_OTHER_SUFFIXES}
_DELIMITERS = {"csv": ",", "tsv": "\t"}

# A column of 0 and 1 becomes one of 0.0 and 1.0 where a table of floats had a gap.
_KNOWN = {
    **dict.fromkeys(["0", "0.0", "false", LABELS[0]], 0),
    **dict.fromkeys(["1", "1.0", "true", LABELS[1]], 1),
}

Row = tuple[int, dict[str, Any]]  # its number, from 1 on, and its values by column


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with their labels, all three lists in the order of the file.

    Attributes:
        rows: The number of each text's row: lines of JSON Lines, else rows without header.
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
    text_column: str | None = None,
    positive: str | None = None,
    file_format: str | None = None,
) -> LabelledTexts:
    """Read the labelled texts in a file.

    Args:
        path: CSV, TSV, JSON Lines or Parquet, possibly compressed with gzip; ``-`` is
            standard input.
        target_column: The column of the labels.
        text_column: The column of the texts; if None, ``text``, else the only column of
            strings besides the target.
        positive: The label that means a disaster, where the two labels are others than
            0 and 1, false and true, or not_disaster and disaster.
        file_format: One of `FORMATS`; by the file's name if None.

    Raises:
        InputError: The file cannot be read, or is not such a file; the message names it,
            the row or column, and the next step.
    """
    name = "standard input" if path == "-" else path
    rows = _rows(name, _content(path, name), file_format or _format_of(path))
    if not rows:
        raise InputError(f"{name}: no rows; pass a file with a text and a label in each row")
    columns = list(dict.fromkeys(column for _, values in rows for column in values))
    target = _named(columns, target_column, name)
    text = _text_column(rows, columns, target, name, text_column)
    with_text = [(n, values) for n, values in rows if not _is_missing(values.get(text))]
    kept = [(n, values) for n, values in with_text if not _is_missing(values.get(target))]
    if not kept:
        raise InputError(
            f"{name}: no row has both a text in {text.strip()!r} and a label in "
            f"{target.strip()!r}; name other columns with --text-column and --target-column"
        )
    for number, values in kept:
        if not isinstance(values[text], str):
            raise InputError(
                f"{name}, row {number}: {text.strip()!r} holds {_shown(values[text])}, which "
                "is not a string; name the column of the texts with --text-column"
            )
    return LabelledTexts(
        rows=[number for number, _ in kept],
        texts=[values[text] for _, values in kept],
        labels=_labels([(n, _spelling(v[target])) for n, v in kept], target, name, positive),
        without_text=len(rows) - len(with_text),
        without_label=len(with_text) - len(kept),
    )


def _format_of(path: str) -> str:
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if suffix not in _SUFFIXES:
        what = "standard input has no name" if path == "-" else f"{path}: unknown kind of file"
        raise InputError(f"{what}; say what it holds with --format {', '.join(FORMATS)}")
    return _SUFFIXES[suffix]


def _content(path: str, name: str) -> bytes:
    """Return the bytes of the file, decompressed where they are gzip's."""
    if path == "-" and sys.stdin is None:
        raise InputError(f"{name}: closed; pass the name of a file")
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}; pass a file that can be read") from None
    if not content.startswith(b"\x1f\x8b"):
        return content
    import gzip
    import zlib

    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise InputError(f"{name}: damaged gzip data; compress the file again") from None


def _rows(name: str, content: bytes, file_format: str) -> list[Row]:
    if file_format == "parquet":
        return _parquet_rows(name, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name}, line {line}: not valid UTF-8; convert the file first, for example "
            "with iconv -f latin1 -t utf-8"
        ) from None
    if file_format == "jsonl":
        return list(_jsonl_rows(name, text))
    return list(_delimited_rows(name, text, _DELIMITERS[file_format]))


def _delimited_rows(name: str, text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    # Strict, since an open quote would else swallow the rows that follow it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records = (record for record in reader if record)  # without empty lines
        header = next(records, [])
        for number, record in enumerate(records, start=1):
            if len(record) != len(header):
                raise InputError(
                    f"{name}, row {number} (line {reader.line_num}): {len(record)} fields, "
                    f"but {len(header)} columns; quote fields that hold the separator"
                )
            yield number, dict(zip(header, record, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{name}, line {reader.line_num}: {error}; check the quotes there"
        ) from None


def _jsonl_rows(name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise InputError(
                f"{name}, line {number}: not a JSON object; write one object a line"
            )
        yield number, values


def _parquet_rows(name: str, content: bytes) -> list[Row]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(f"{name}: Parquet needs PyArrow; pip install pyarrow") from None
    try:
        table = parquet.read_table(io.BytesIO(content))
    except (OSError, ValueError):  # what PyArrow raises is one of them
        raise InputError(f"{name}: not a Parquet file; name its kind with --format") from None
    return list(enumerate(table.to_pylist(), start=1))


def _named(columns: list[str], wanted: str, name: str) -> str:
    """Return the column called ``wanted``, whatever spaces stand about its name."""
    for column in sorted(columns, key=lambda column: column != wanted):
        if column.strip() == wanted.strip():
            return column
    raise InputError(f"{name}: no column {wanted!r}; it has {_listed(columns)}")


def _text_column(
    rows: list[Row], columns: list[str], target: str, name: str, wanted: str | None
) -> str:
    if wanted is not None:
        return _named(columns, wanted, name)
    if "text" in columns:
        return "text"
    strings = [
        column
        for column in columns
        if column != target and _holds_strings(values.get(column) for _, values in rows)
    ]
    if len(strings) != 1:
        raise InputError(
            f"{name}: no column 'text'; name the one that holds the texts with "
            f"--text-column; it has {_listed(columns)}"
        )
    return strings[0]


def _holds_strings(values: Iterable[Any]) -> bool:
    """Say whether values are strings that are not just numbers, as all are in a CSV file."""
    present = [value for value in values if not _is_missing(value)]
    if not all(isinstance(value, str) for value in present):
        return False
    return not all(_is_number(value) for value in present)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_missing(value: Any) -> bool:
    """Say whether a value is None, NaN, or blank."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _spelling(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _labels(
    spelled: list[tuple[int, str]], target: str, name: str, positive: str | None
) -> list[int]:
    """Return 1 for each spelling that means a disaster, else 0."""
    found = Counter(spelling for _, spelling in spelled)
    column = f"column {target.strip()!r}"
    if positive is not None and positive not in found:
        raise InputError(
            f"{name}: {column} never holds {positive!r}; pass as --positive one of "
            f"{_listed(found)}"
        )
    if positive is not None and len(found) > 2:
        raise InputError(
            f"{name}: {column} holds {len(found)} labels, and --positive needs two; leave "
            f"two of {_listed(found)}"
        )
    if positive is None:
        for number, spelling in spelled:
            if spelling.lower() not in _KNOWN:
                raise InputError(
                    f"{name}, row {number}: label {_shown(spelling)} is not 0 or 1, false or "
                    f"true, {' or '.join(LABELS)}; say with --positive which one of "
                    f"{_listed(found)} means a disaster"
                )
    labels = [
        _KNOWN[spelling.lower()] if positive is None else int(spelling == positive)
        for _, spelling in spelled
    ]
    if len(set(labels)) == 1:
        raise InputError(
            f"{name}: all labels in {column} mean {LABELS[labels[0]]}; add texts of the "
            "other class, without which the model cannot be measured"
        )
    return labels


def _listed(names: Iterable[str], most: int = 10) -> str:
    shown = [_shown(name.strip()) for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" * (len(shown) > most))


def _shown(value: Any, most: int = 40) -> str:
    shown = (
        ascii(value) if not isinstance(value, str) or not value.isprintable() else repr(value)
    )
    return shown if len(shown) <= most else f"{shown[:most]}..."
