"""Files that are sent to be scored: checked as a whole first, then given back row by row.

They stay in memory, and are read and written as by the bulk command, to the byte.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from disaster_tweets.batch import FileError
from disaster_tweets.batch.columns import check_new_columns, choose_text_column
from disaster_tweets.batch.delimited import DELIMITERS, DelimitedReader
from disaster_tweets.batch.rows import BrokenRow, Options, Position
from disaster_tweets.batch.scorer import Scorer
from disaster_tweets.batch.source import Source, Stream, format_of, is_compressed
from disaster_tweets.batch.text_rows import TextChunk

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

_PIECE = 128  # rows scored at a time: so few that other requests get their turn in between

_PATH_OR_CONTROL = re.compile(r".*[/\\]|[\x00-\x1f\x7f-\x9f]", re.DOTALL)


class ColumnError(FileError):
    """The columns do not fit, which an option of the form can change.

    Attributes:
        columns: The names in the header.
        text: The one that holds the tweets, if that is known.
    """

    def __init__(self, message: str, columns: list[str], text: str | None = None) -> None:
        super().__init__(message)
        self.columns, self.text = columns, text


@dataclass(frozen=True)
class Upload(Source):
    """One file of a request.

    Attributes:
        content: All of it.
        format: What its name tells: csv or tsv.
    """

    content: bytes
    format: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Upload:
        """Return it under the last part of the name that was sent.

        Raises:
            FileError: The name is not that of a CSV or TSV file.
        """
        name = _PATH_OR_CONTROL.sub("", name)
        format_ = format_of(name)
        if format_ not in DELIMITERS or is_compressed(name):
            raise FileError(f"{name}: not a CSV file; save it as CSV in UTF-8")
        return cls(name, content, format_)

    @property
    def scored_name(self) -> str:
        """What the file with the scores is called."""
        stem, dot, suffix = self.name.rpartition(".")
        return f"{stem}-scored{dot}{suffix}"

    @property
    def command(self) -> str:
        """What scores a file of any size."""
        return shlex.join(["disaster-tweets", "score", self.name, "-o", self.scored_name])

    def size(self) -> int:
        """Return the number of bytes."""
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Open it at its first line."""
        yield Stream(self, io.BytesIO(self.content))


@dataclass(frozen=True)
class Size:
    """What the scored file will have, header included in ``lines`` only."""

    rows: int
    lines: int


def check(upload: Upload, options: Options, max_rows: int) -> Size:
    """Read a file to its end, and say how large the scored one will be.

    Raises:
        ColumnError: Its columns do not fit the options.
        FileError: A row is broken, or there are too many.
    """
    _check_columns(upload, options)
    reader = DelimitedReader(options, upload)
    rows = lines = 0
    for chunk in reader.chunks(upload, Position()):
        for place, reason in chunk.broken:
            raise FileError(f"{place}: {reason}; repair it and send the file again")
        rows += chunk.rows
        if rows > max_rows:
            raise FileError(
                f"{upload.name}: more than {max_rows:,} rows; score it with {upload.command}"
            )
        lines += chunk.scored([None] * len(chunk.texts)).count(b"\n")
    return Size(rows, lines + reader.head().count(b"\n"))


def score(upload: Upload, options: Options, classifier: Classifier) -> Iterator[bytes]:
    """Yield the scored file, piece by piece; it was checked before."""
    reader = DelimitedReader(options, upload)
    score_texts = Scorer(classifier)
    with upload.open() as stream:
        reader.begin(stream)
        yield reader.head()
        rows = reader.rows(stream, 0)
        while batch := list(islice(rows, _PIECE)):
            piece = TextChunk(reader, batch, stream, Position())
            yield piece.scored(score_texts(piece.texts))


def _check_columns(upload: Upload, options: Options) -> None:
    """Raise ColumnError where the reader would name options of the command."""
    columns = _header(upload, DELIMITERS[options.format])
    if not columns:
        return  # the reader says why
    try:
        text = choose_text_column(options.text_column, columns, columns)
    except BrokenRow:
        name = options.text_column or "text"
        problem = "which column holds the tweets?"
        if columns.count(name) > 1:
            problem = f"several columns are named {name!r}; rename them in the file"
        raise ColumnError(f"{upload.name}: {problem}", columns) from None
    try:
        check_new_columns(options, columns, text)
    except BrokenRow:
        taken = " and ".join(repr(name) for name in options.new_columns if name in columns)
        problem = f"there is {taken} already; rename in the file"
        if text not in options.new_columns:
            problem += ", or tick the box to replace"
        raise ColumnError(f"{upload.name}: {problem}", columns, text) from None


def _header(upload: Upload, delimiter: str) -> list[str]:
    """Return the names of the columns; nothing where they cannot be read."""
    with upload.open() as stream:
        lines = (line.decode() for line in iter(stream.readline, b""))
        try:
            return next(filter(None, csv.reader(lines, delimiter=delimiter)), [])
        except (UnicodeDecodeError, csv.Error):
            return []
