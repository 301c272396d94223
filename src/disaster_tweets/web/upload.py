"""Files that are sent to be scored: checked as a whole first, then given back row by row.

They stay in memory, and are read and written as by the command `score`, to the byte.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from disaster_tweets.batch.scorer import Scorer
from disaster_tweets.counting import plural
from disaster_tweets.tables import compression, content, errors, formats
from disaster_tweets.tables.errors import ContentError, TableError
from disaster_tweets.tables.formats import (
    ARROW,
    BINARY,
    CSV,
    DELIMITED,
    JSON,
    JSONL,
    PARQUET,
    TSV,
    TXT,
    XLSX,
)
from disaster_tweets.tables.reading import open_table
from disaster_tweets.tables.rows import (
    NONE,
    STANDARD,
    NewColumns,
    Notify,
    Position,
    Reader,
    Reading,
)
from disaster_tweets.tables.source import Source
from disaster_tweets.tables.writers import SameFormat, Writer, writer_for
from disaster_tweets.topic import TEXTS

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

QUOTINGS = {
    "usual": "Stand around fields, as in CSV",
    STANDARD: "Stand around fields, whose lines may look like rows",
    NONE: "Are characters like others, as in many TSV files",
}

_TITLES = {
    CSV: "CSV",
    TSV: "TSV",
    JSON: "JSON",
    JSONL: "JSON Lines",
    TXT: "plain text",
    XLSX: "Excel",
    PARQUET: "Parquet",
    ARROW: "Arrow",
}
_LIBRARIES = {XLSX: "openpyxl", PARQUET: "pyarrow", ARROW: "pyarrow"}  # what a format needs

_PIECE = 128  # rows scored at a time: so few that other requests get their turn in between

_PATH_OR_CONTROL = re.compile(r".*[/\\]|[\x00-\x1f\x7f-\x9f]", re.DOTALL)


def format_titles() -> list[str]:
    """Return what the formats are called that can be read with what is installed."""
    return [title for format_, title in _TITLES.items() if _is_readable(format_)]


def suffixes() -> list[str]:
    """Return the ends of the names of files that can be read, compressed ones included."""
    readable = [suffix for suffix, format_ in formats.SUFFIXES.items() if _is_readable(format_)]
    return [*readable, *compression.SUFFIXES, ".zip"]


def _is_readable(format_: str) -> bool:
    library = _LIBRARIES.get(format_)
    return library is None or find_spec(library) is not None


@dataclass(frozen=True)
class Choices:
    """What the form says of a file.

    Attributes:
        column: The column of the texts; None for the obvious one.
        sheet: The sheet of a workbook; None for the only one that holds anything.
        overwrite: Columns that have the names of the new ones may be replaced.
        no_header: The first line is a row already.
        quoting: As in `rows.Reading`.
    """

    column: str | None = None
    sheet: str | None = None
    overwrite: bool = False
    no_header: bool = False
    quoting: str | None = None


@dataclass(frozen=True)
class Upload(Source):
    """One file of a request, unpacked.

    Attributes:
        content: All of it.
        format: What its name tells: one of `formats.FORMATS`.
        choices: What the form says of it.
    """

    content: bytes
    format: str
    choices: Choices

    @classmethod
    def of(cls, name: str, content: bytes, choices: Choices, most_unpacked: int) -> Upload:
        """Return it, unpacked, under the last part of the name that was sent.

        Args:
            name: Its name.
            content: All of it.
            choices: What the form says of it.
            most_unpacked: The bytes that it may unpack to.

        Raises:
            FormatError: The name tells no format that is known.
            ContentError: It is compressed twice, or a zip of several files.
            DamagedError: It is compressed, and not whole.
            SizeError: It unpacks to more.
        """
        name = _PATH_OR_CONTROL.sub("", name)
        name, content = _unpacked(name, content, most_unpacked)
        return cls(name, content, formats.named_format(name), choices)

    @property
    def scored_format(self) -> str:
        """The format of the file with the scores."""
        return CSV if self.format == TXT else self.format

    @property
    def scored_name(self) -> str:
        """What the file with the scores is called."""
        stem, dot, suffix = self.name.rpartition(".")
        return f"{stem}-scored{dot}{CSV if self.format == TXT else suffix}"

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

    def open_table(self, notify: Notify) -> tuple[Reader, Writer]:
        """Return what reads it, and what writes it with scores."""
        choices = self.choices
        reading = Reading(
            self.format,
            text_column=choices.column,
            sheet=choices.sheet,
            quoting=choices.quoting,
            header=not choices.no_header or self.format == TXT,
        )
        new = NewColumns(overwrite=choices.overwrite)
        tabular = self.scored_format in (*DELIMITED, *BINARY)
        reader = open_table(reading, new, notify, self, tabular=tabular, chunk_rows=_PIECE)
        writer = writer_for(
            reader,
            self.format,
            self.scored_format,
            new,
            self.title,
            header=reading.header,
            as_is=True,
        )
        reader.check(self)
        return reader, writer


def _unpacked(name: str, packed: bytes, most: int) -> tuple[str, bytes]:
    """Return a file that may be compressed, and its name then."""
    kind = compression.compression_of(packed[:16])
    is_workbook = kind == "zip" and formats.of_name(name).format == XLSX
    if kind is None or (is_workbook and not name.lower().endswith(".zip")):
        _check_unpacked(name, packed, most)
        return name, packed
    if kind == "zip":
        content.check_zip(packed, name, formats.of_name(name).format or "")
        member, stream = compression.single_member(io.BytesIO(packed), name)
        name = _PATH_OR_CONTROL.sub("", member)
    else:
        stream = compression.decompressed(io.BytesIO(packed), kind, name)
        if formats.of_name(name).compression is not None:
            name = name.rpartition(".")[0]
    unpacked = stream.read(most + 1)
    if len(unpacked) > most:
        raise _unpacks_to_too_much(name, most)
    again = compression.compression_of(unpacked[:16])
    if again is not None and not (again == "zip" and formats.of_name(name).format == XLSX):
        raise ContentError("compressed twice; unpack it once", file=name)
    _check_unpacked(name, unpacked, most)
    return name, unpacked


def _check_unpacked(name: str, packed: bytes, most: int) -> None:
    """Raise SizeError for a workbook, which is a zip itself, that unpacks to too much."""
    from zipfile import BadZipFile, ZipFile

    if formats.of_name(name).format != XLSX:
        return
    try:
        size = sum(member.file_size for member in ZipFile(io.BytesIO(packed)).infolist())
    except (BadZipFile, EOFError, NotImplementedError, ValueError):
        return  # what reads it says so
    if size > most:
        raise _unpacks_to_too_much(name, most)


def _unpacks_to_too_much(name: str, most: int) -> TableError:
    return errors.SizeError(
        f"it unpacks to more than {most / 1e6:g} MB; score it with disaster-tweets score",
        file=name,
    )


@dataclass(frozen=True)
class Checked:
    """What was found in a file.

    Attributes:
        rows: How many there are.
        lines: Line feeds that the scored file will have; None where it comes as a whole.
        notices: What had to be guessed.
    """

    rows: int
    lines: int | None
    notices: list[str]


def check(upload: Upload, max_rows: int) -> Checked:
    """Read a file to its end, and say how large the scored one will be.

    Raises:
        TableError: It cannot be read, a row is broken, or there are too many.
    """
    notices: list[str] = []
    reader, writer = upload.open_table(notices.append)
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
        # Also finds out which row the format of the scored file cannot hold.
        written = writer.rows(chunk, [None] * len(chunk.texts), first=rows == chunk.rows)
        if upload.scored_format not in BINARY:
            lines += written.count(b"\n")
    if upload.scored_format in BINARY:
        # Finds out what the format cannot hold.
        _whole(upload, reader, writer, [writer.header()])
        return Checked(rows, None, notices)
    frame = writer.header() + writer.footer()
    return Checked(rows, lines + frame.count(b"\n"), notices)


def score(upload: Upload, classifier: Classifier) -> Iterator[bytes]:
    """Yield the scored file, piece by piece; it was checked before.

    A binary format comes as a whole, after an empty piece for each chunk of rows: between two
    pieces, the server finds out whether the client has left.
    """
    reader, writer = upload.open_table(lambda notice: None)
    score_texts = Scorer(classifier)
    chunks = reader.chunks(upload, Position())
    if upload.scored_format in BINARY:
        rows: list[Any] = []
        for chunk in chunks:
            rows.append(writer.rows(chunk, score_texts(chunk.texts), first=not rows))
            yield b""
        yield _whole(upload, reader, writer, [writer.header(), *rows])
        return
    first = True
    for chunk in chunks:
        if first:
            yield writer.header()
        yield writer.rows(chunk, score_texts(chunk.texts), first=first)
        first = False
    yield (writer.header() if first else b"") + writer.footer()


def _whole(upload: Upload, reader: Reader, writer: Writer, parts: list[Any]) -> bytes:
    """Return a file of a format that is put together at the end."""
    if upload.scored_format == XLSX:
        return _workbook(parts, upload.name)
    from disaster_tweets.tables.columnar_part import MemoryPart

    same = isinstance(writer, SameFormat)
    compressed = reader.compression if same else None
    part = MemoryPart(Path(upload.scored_name), upload.scored_format, lambda: compressed)
    for table in parts:
        part.write(table)
    return part.content()


def _workbook(parts: list[bytes], title: str) -> bytes:
    from disaster_tweets.tables.workbook import write
    from disaster_tweets.tables.writers import cells_of

    file = io.BytesIO()
    lines = (line for part in parts for line in part.splitlines())
    write(file, map(cells_of, lines), title)
    return file.getvalue()


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
    if isinstance(error, errors.SheetError):
        return f"{error.file}: which sheet holds the {TEXTS}? Choose it below."
    if isinstance(error, errors.MissingLibraryError):
        return f"{error}, which this server lacks; save the file as CSV"
    if isinstance(error, errors.DamagedError):
        return f"{error}; save it again, and send it again"
    if isinstance(error, errors.TakenRowError):
        return f"{error}; rename it in the file, or tick the box to replace"
    if isinstance(error, errors.FormatError):
        return str(error)
    if "UTF-8" in error.problem or isinstance(error, errors.EncodingError):
        return f"{error}; save it as CSV in UTF-8 and send it again"
    if isinstance(error, errors.RowError):
        return f"{error}; repair it and send the file again"
    if isinstance(error, errors.DelimiterError):
        return f"{error}; save it with commas"
    if isinstance(error, ContentError) and {*error.candidates[:1]} & {*formats.FORMATS}:
        return f"{error}; rename it so that it ends in .{error.candidates[0]}"
    return str(error)
