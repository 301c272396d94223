"""Files that are sent to be scored: checked as a whole first, then given back row by row.

They stay in memory, and are read and written as by the bulk command, to the byte.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from disaster_tweets.batch.scorer import Scorer
from disaster_tweets.counting import plural
from disaster_tweets.tables import errors
from disaster_tweets.tables.compression import compression_of
from disaster_tweets.tables.delimited import DelimitedReader
from disaster_tweets.tables.errors import ContentError, TableError
from disaster_tweets.tables.formats import DELIMITED, of_name
from disaster_tweets.tables.rows import NONE, STANDARD, NewColumns, Notify, Position, Reading
from disaster_tweets.tables.source import Source
from disaster_tweets.topic import TEXTS

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

QUOTINGS = {
    "usual": "Stand around fields, as in CSV",
    STANDARD: "Stand around fields, whose lines may look like rows",
    NONE: "Are characters like others, as in many TSV files",
}

_PIECE = 128  # rows scored at a time: so few that other requests get their turn in between

_PATH_OR_CONTROL = re.compile(r".*[/\\]|[\x00-\x1f\x7f-\x9f]", re.DOTALL)


@dataclass(frozen=True)
class Choices:
    """What the form says of a file.

    Attributes:
        column: The column of the texts; None for the obvious one.
        overwrite: Columns that have the names of the new ones may be replaced.
        no_header: The first line is a row already.
        quoting: As in `rows.Reading`.
    """

    column: str | None = None
    overwrite: bool = False
    no_header: bool = False
    quoting: str | None = None


@dataclass(frozen=True)
class Upload(Source):
    """One file of a request.

    Attributes:
        content: All of it.
        format: What its name tells: csv or tsv.
        choices: What the form says of it.
    """

    content: bytes
    format: str
    choices: Choices

    @classmethod
    def of(cls, name: str, content: bytes, choices: Choices) -> Upload:
        """Return it under the last part of the name that was sent.

        Raises:
            FormatError: The name is not that of a CSV or TSV file.
            ContentError: It is compressed.
        """
        name = _PATH_OR_CONTROL.sub("", name)
        told = of_name(name)
        if told.format not in DELIMITED or told.compression is not None:
            raise errors.FormatError("not a CSV file; save it as CSV in UTF-8", file=name)
        if compression_of(content[:16]) is not None:
            raise ContentError(
                "is compressed, or a workbook; unpack it, or save it as CSV in UTF-8", file=name
            )
        return cls(name, content, told.format, choices)

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

    def raw(self) -> BinaryIO:
        """Open it."""
        return cast(
            "BinaryIO", io.BufferedReader(cast("io.RawIOBase", io.BytesIO(self.content)))
        )

    def reader(self, notify: Notify) -> DelimitedReader:
        """Return what reads it."""
        choices = self.choices
        reading = Reading(
            self.format,
            text_column=choices.column,
            quoting=choices.quoting,
            header=not choices.no_header,
        )
        new = NewColumns(overwrite=choices.overwrite)
        return DelimitedReader(reading, new, notify, self, chunk_rows=_PIECE)


@dataclass(frozen=True)
class Checked:
    """What was found in a file.

    Attributes:
        rows: How many there are.
        lines: Line feeds that the scored file will have.
        notices: What had to be guessed.
    """

    rows: int
    lines: int
    notices: list[str]


def check(upload: Upload, max_rows: int) -> Checked:
    """Read a file to its end, and say how large the scored one will be.

    Raises:
        TableError: It cannot be read, a row is broken, or there are too many.
    """
    notices: list[str] = []
    reader = upload.reader(notices.append)
    rows = lines = 0
    for chunk in reader.chunks(upload, Position()):
        if chunk.broken:
            raise chunk.broken[0]
        rows += chunk.rows
        if rows > max_rows:
            raise errors.SizeError(
                f"more than {plural(max_rows, 'row')}; score it with {upload.command}",
                file=upload.name,
            )
        lines += chunk.scored([None] * len(chunk.texts)).count(b"\n")
    return Checked(rows, lines + reader.head().count(b"\n"), notices)


def score(upload: Upload, classifier: Classifier) -> Iterator[bytes]:
    """Yield the scored file, piece by piece; it was checked before."""
    reader = upload.reader(lambda notice: None)
    reader.check(upload)
    score_texts = Scorer(classifier)
    yield reader.head()
    for chunk in reader.chunks(upload, Position()):
        yield chunk.scored(score_texts(chunk.texts))


def advised(error: TableError) -> str:
    """Return an error and what to do about it, in the words of the page."""
    if isinstance(error, errors.ColumnError):
        if error.column is None and "several" not in error.problem:
            which = f"which column holds the {TEXTS}?"
        else:
            which = (
                f"{error.problem.partition(';')[0]}; choose another, or rename it in the file."
            )
        first = " If the file has no header, tick the box." * error.maybe_no_header
        return f"{error.file}: {which}{first}"
    if isinstance(error, errors.TakenError):
        taken = " and ".join(
            repr(name) for name in NewColumns().names if name in error.candidates
        ) or repr(error.column)
        problem = f"there is {taken} already; rename it in the file"
        return f"{error.file}: {problem}" + ", or tick the box to replace" * bool(
            error.candidates
        )
    if isinstance(error, errors.QuoteError):
        return f"{error}; repair it, or say under Quotes what they are"
    if isinstance(error, errors.FormatError):
        return str(error)
    if "UTF-8" in error.problem or isinstance(error, errors.EncodingError):
        return f"{error}; save it as CSV in UTF-8 and send it again"
    if isinstance(error, errors.RowError):
        return f"{error}; repair it and send the file again"
    if isinstance(error, errors.DelimiterError):
        return f"{error}; save it with commas"
    if isinstance(error, ContentError) and error.candidates:
        return f"{error}; save it as CSV in UTF-8"
    return str(error)
