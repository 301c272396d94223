"""The reading of JSON objects as rows, shared by JSON Lines and JSON documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from operator import add
from typing import Any

from disaster_tweets.counting import plural
from disaster_tweets.tables import json_rows
from disaster_tweets.tables.cells import common, kinds_of
from disaster_tweets.tables.columns import check_room, choose_text_column, listed, shortened
from disaster_tweets.tables.errors import ColumnError, RowError, TakenRowError
from disaster_tweets.tables.json_document import activity_text, archive_text_path
from disaster_tweets.tables.json_rows import ABSENT
from disaster_tweets.tables.lines import Undecodable
from disaster_tweets.tables.rows import NewColumns, Score, text_or_none
from disaster_tweets.tables.text_rows import TextChunk, TextReader

_CONTENT = "object.content"  # of an activity in ActivityPub
CHOSEN_OVER = 1000  # number of rows from which the key of the texts is chosen


class ObjectReader(TextReader):
    """A reader of JSON objects; see `rows.Reader`.

    Attributes:
        text: The key of the texts, or the path of keys; None until it is chosen.
        activities: The rows are ActivityPub activities with texts in HTML.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.text: str | None = None
        self.activities = False
        self._kinds: dict[str, set[str]] = {}

    def kinds(self) -> dict[str, str]:
        """Return the kind of each column: text, boolean, integer, number or json."""
        return {key: common(kinds) for key, kinds in self._kinds.items()}

    def _chunk(self, title: str) -> ObjectChunk:
        return ObjectChunk(self, title)

    @property
    def _unknown(self) -> bool:
        """Whether the first rows must be examined, because `check` was not called."""
        return self.text is None or (self._tabular and not self.columns)

    def _examine(self, rows: Iterator[str], title: str) -> list[str]:
        """Choose the key of the texts from the first rows, and return these rows."""
        first: list[str] = []
        records: list[dict[str, Any]] = []
        for row in rows:
            first.append(row)
            records += _parsed(row, json_rows.parse)
            if len(records) == CHOSEN_OVER:
                break
        if self.text is None:
            self._choose_key(records, title)
        elif records and not _has(records, self.text):
            keys = _keys_of(records)
            raise ColumnError(
                f"none of its first rows has the key {self.text!r} of the files before; there "
                f"are {listed(keys)}",
                file=title,
                column=self.text,
                candidates=keys,
            )
        self._note(first)
        return first

    def _note(self, rows: Iterable[str]) -> None:
        """For tabular output, collect the keys of rows and the kinds of their values."""
        for row in rows if self._tabular else ():
            for record in _parsed(row, json_rows.parse_exactly):
                for key, value in record.items():
                    self._kinds.setdefault(key, set()).update(kinds_of([value]))
        self.columns = list(self._kinds)

    def _choose_key(self, records: list[dict[str, Any]], title: str) -> None:
        """Choose the key of the texts from the first rows.

        Raises:
            ColumnError: The requested key is in no row, or no key is an obvious choice.
            TakenError: A new key already exists.
        """
        keys = _keys_of(records)
        wanted = self._reading.text_column
        for name in (wanted, *self._reading.other_columns):
            if name is not None and records and not _has(records, name):
                paths = list(dict.fromkeys(k for r in records for k in json_rows.keys(r)))
                all_rows = len(records) < CHOSEN_OVER
                which = (
                    "no row" if all_rows else f"none of the first {plural(len(records), 'row')}"
                )
                raise ColumnError(
                    f"{which} has the key {name!r}; there are {listed(paths)}",
                    file=title,
                    column=name,
                    candidates=paths,
                )
        if wanted is not None:
            self.text = wanted
        elif self.activities:
            self.text = _CONTENT
        elif not records:
            self.text = "text"
        else:
            self.text = self._obvious(records, keys, title)
        holder = self.text if self.text in keys else self.text.partition(".")[0]
        check_room(self._new, keys, holder, file=title)

    def _obvious(self, records: Sequence[dict[str, Any]], keys: list[str], title: str) -> str:
        alone = all(len(record) == 1 for record in records)
        path = archive_text_path(records) if alone else None
        if path is not None:
            self._notify(f"{title}: the texts are taken from {shortened(path)}")
            return path

        def of_text() -> list[str]:
            return [key for key in keys if _holds_text(records, key)]

        found, guessed = choose_text_column(
            [key for key in keys if key == key.strip() or key.strip() not in keys],
            None,
            file=title,
            typed=of_text,
            others=self._reading.other_columns,
        )
        if guessed:
            self._notify(f"{title}: the texts are taken from {shortened(found)}")
        return found

    def read(self, text: str) -> tuple[dict[str, Any], str | None]:
        """Return a row as an object, and its text or None if the text is missing.

        Raises:
            RowError: The row is invalid, or the value of its text key is no text.
        """
        record = json_rows.parse(text)
        if self._new is not None and not self._new.overwrite:
            for name in self._new.names:
                if name in record:
                    raise TakenRowError(f"there is a key {name!r} already", column=name)
        path = "text" if self.text is None else self.text
        key = path if path in record else path.partition(".")[0]
        if json_rows.has_repeated(text, record, key) or (
            path not in record and "." in path and _repeats(text, path.split("."))
        ):
            raise RowError(f"a key of {path!r} is repeated")
        if self.activities and path == _CONTENT:
            value = activity_text(record)
        else:
            value = json_rows.value_at(record, path)
        if value is ABSENT or value is None:
            return record, None
        if not isinstance(value, str):
            kind = type(value).__name__
            raise RowError(f"the text is not a string but {kind}{_inside(path, value)}")
        return record, text_or_none(value)

    def rendered(self, text: str, record: dict[str, Any], score: Score | None) -> str:
        """Return the text of a row with its score, or with two nulls."""
        if self._new is None:
            return text
        if not record.keys().isdisjoint(self._new.names):
            text = json_rows.without(text, self._new.names)
        return json_rows.with_members(text, members(self._new, score))

    def cells(self, text: str, number: int, title: str) -> list[Any]:
        """Return the values of a row in the order of the columns.

        Raises:
            RowError: The row has a key that no examined row had.
        """
        record = json_rows.parse_exactly(text)
        if not record.keys() <= self._kinds.keys():
            more = next(key for key in record if key not in self._kinds)
            raise RowError(
                f"has a key {more!r} that the rows before it lack, and the columns are written "
                "already; read it from a file, not from a pipe",
                file=title,
                row=number,
                column=more,
            )
        if len(json_rows.members(text)) > len(record):
            raise RowError(
                "a key is repeated, which a table cannot hold",
                file=title,
                row=number,
            )
        return [record.get(column) for column in self.columns]


def _inside(path: str, value: Any) -> str:
    """Return a hint at the path to the first string in an object; empty if there is none."""
    inner = value.items() if isinstance(value, dict) else ()
    name = next((name for name, found in inner if isinstance(found, str)), None)
    return "" if name is None else f"; a string in it has the path {f'{path}.{name}'!r}"


def members(new: NewColumns, score: Score | None) -> str:
    """Return the new members of an object."""
    probability, label = _keys(new)
    if score is None:
        return f"{probability}: null, {label}: null"
    return f"{probability}: {score.probability:.6f}, {label}: {_dumped(score.label)}"


@lru_cache(maxsize=16)
def _keys(new: NewColumns) -> tuple[str, str]:
    return _dumped(new.probability), _dumped(new.label)


_dumped = lru_cache(maxsize=1024)(json.dumps)


class ObjectChunk(TextChunk):
    """Consecutive rows; see `rows.Chunk`."""

    _reader: ObjectReader

    def objects(self, scores: Sequence[Score | None]) -> Iterator[str]:
        """Yield the text of each readable row with its score."""
        return map(self._reader.rendered, self._bodies, self._cells, scores)

    def scored(self, scores: Sequence[Score | None]) -> bytes:
        """Return the readable rows with their scores, and the text between them."""
        return self._encoded(map(add, self.objects(scores), self._endings))

    def values(self) -> list[list[Any]]:
        """Return the values of each readable row."""
        return [
            self._reader.cells(row, number, self._title)
            for row, number in zip(self._bodies, self.numbers, strict=True)
        ]

    def column(self, name: str) -> list[Any]:
        """Return the value at a key or a path in each readable row; None if there is none."""
        found = (json_rows.value_at(record, name) for record in self._cells)
        return [None if value is ABSENT else value for value in found]


def _repeats(text: str, names: Sequence[str]) -> bool:
    """Say whether any object in a row repeats one of these keys."""
    found = False

    def note(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        keys = [key for key, _ in pairs]
        found = found or any(keys.count(name) > 1 for name in names)

    json.loads(text, object_pairs_hook=note)
    return found


def _has(records: Sequence[dict[str, Any]], path: str) -> bool:
    return any(json_rows.value_at(record, path) is not ABSENT for record in records)


def _parsed(row: str, parse: Callable[[str], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row as an object; nothing if it is invalid, which is reported when it is read."""
    if not isinstance(row, Undecodable):
        with suppress(RowError):
            yield parse(row)


def _keys_of(records: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for record in records for key in record))


def _holds_text(records: Sequence[dict[str, Any]], key: str) -> bool:
    values = [record[key] for record in records if record.get(key) is not None]
    return bool(values) and all(isinstance(value, str) for value in values)
