"""What the formats share: options, positions, and chunks of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from disaster_tweets.batch.source import Source

CHUNK_ROWS = 1024  # a tenth of a second of work for one processor
CHUNK_BYTES = 1 << 24

NOT_UTF8 = "not valid UTF-8"


@dataclass(frozen=True)
class Options:
    """What decides how the output looks, apart from the scores.

    Attributes:
        format: The format of the inputs; one of `FORMATS`.
        output_format: The format of the output: another one only where ``format`` is txt.
        text_column: The column that is scored; None for the obvious one.
        probability_column: Name of the first new column.
        label_column: Name of the second.
        overwrite: Drop columns of the input that have these names.
    """

    format: str
    output_format: str
    text_column: str | None = None
    probability_column: str = "probability"
    label_column: str = "label"
    overwrite: bool = False

    @property
    def new_columns(self) -> tuple[str, str]:
        """The names of the new columns, in their order."""
        return self.probability_column, self.label_column


class Score(NamedTuple):
    """The two new values of a row, and what is counted of its text.

    Attributes:
        probability: That of a disaster.
        label: That of the model's classes.
        cut: The text is longer than the model reads.
        foreign: The text looks like another language than the model's.
    """

    probability: float
    label: str
    cut: bool
    foreign: bool


@dataclass(frozen=True)
class Position:
    """How far the inputs were read.

    Attributes:
        input: Index of the file.
        rows: Rows read of it, broken ones included.
        line: Lines read of it, in a text format.
        offset: Bytes read of it, after decompression, in a text format.
    """

    input: int = 0
    rows: int = 0
    line: int = 0
    offset: int = 0


class BrokenRow(Exception):  # noqa: N818 - a row, which may be set aside
    """A row that cannot be read; the message is the reason."""


class Rejected(NamedTuple):
    """Where a broken row is, and why it is one."""

    place: str
    reason: str


class Chunk(Protocol):
    """Some rows of one file.

    Attributes:
        texts: The text of each readable row, None where it is missing.
        broken: The other rows.
        rows: How many there are of both.
        consumed: Bytes of the file read so far.
        end: Where the next chunk begins.
    """

    texts: list[str | None]
    broken: list[Rejected]
    rows: int
    consumed: int
    end: Position

    def scored(self, scores: Sequence[Score | None]) -> Any:
        """Return the readable rows with a score for each, as the output holds them."""

    def rejected(self) -> Any:
        """Return the broken rows as they were."""


class Reader(Protocol):
    """Reads the inputs of one format, one after the other."""

    def check(self, source: Source) -> None:
        """Find out early what is wrong with a file, before the first is scored."""

    def chunks(self, source: Source, start: Position) -> Iterator[Chunk]:
        """Read a file from a position on."""

    def head(self) -> Any:
        """Return what the output begins with; known once `chunks` was asked for one."""

    def rejected_head(self) -> Any:
        """Return what the file of the rejected rows begins with."""
