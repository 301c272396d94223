"""Uploaded files: check the whole file first, then score it and return it row by row.

The files stay in memory. The output is the same as that of the command `score`, to the byte.
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
    "usual": "Enclose fields, as in CSV",
    STANDARD: "Enclose fields, even if lines in a field look like rows",
    NONE: "Are ordinary characters, as in many TSV files",
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
_LIBRARIES = {XLSX: "openpyxl", PARQUET: "pyarrow", ARROW: "pyarrow"}  # that a format needs

_PIECE = 128  # rows scored at a time: so few that other requests get their turn in between

_LIST = re.compile("; (?:it has|there are) ")  # of the columns or keys
_PATH_OR_CONTROL = re.compile(r".*[/\\]|[\x00-\x1f\x7f-\x9f]", re.DOTALL)


def format_titles() -> list[str]:
    """Return the names of the formats that the installed libraries can read."""
    return [title for format_, title in _TITLES.items() if _is_readable(format_)]


def suffixes() -> list[str]:
    """Return the suffixes of files that can be read, including those of compressed files."""
    readable = [suffix for suffix, format_ in formats.SUFFIXES.items() if _is_readable(format_)]
    return [*readable, *compression.SUFFIXES, ".zip"]


def _is_readable(format_: str) -> bool:
    library = _LIBRARIES.get(format_)
    return library is None or find_spec(library) is not None


@dataclass(frozen=True)
class Choices:
    """The choices in the form of a file.

    Attributes:
        column: The column of the texts; None for the obvious column.
        sheet: The sheet of a workbook; None for the only sheet with content.
        overwrite: Whether new columns may replace columns of the same names.
        no_header: Whether the first line is a row.
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
        content: The content of the file.
        format: The format, one of `formats.FORMATS`, according to the name.
        choices: The choices in the form.
    """

    content: bytes
    format: str
    choices: Choices

    @classmethod
    def of(cls, name: str, content: bytes, choices: Choices, most_unpacked: int) -> Upload:
        """Return an uploaded file, unpacked. Its name loses any folders.

        Args:
            name: The name that was sent.
            content: The content that was sent.
            choices: The choices in the form.
            most_unpacked: The largest allowed size in bytes of the unpacked content.

        Raises:
            FormatError: The name tells no known format.
            ContentError: The file is compressed twice, or a zip of several files.
            DamagedError: The compressed data is incomplete or damaged.
            SizeError: The file unpacks to more than ``most_unpacked`` bytes.
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
        """The name of the file with the scores."""
        stem, dot, suffix = self.name.rpartition(".")
        return f"{stem}-scored{dot}{CSV if self.format == TXT else suffix}"

    @property
    def command(self) -> str:
        """The command that scores a file of any size."""
        return shlex.join(["disaster-tweets", "score", self.name, "-o", self.scored_name])

    def size(self) -> int:
        """Return the number of bytes."""
        return len(self.content)

    def raw(self) -> BinaryIO:
        """Open the content as a binary stream."""
        return cast(
            "BinaryIO", io.BufferedReader(cast("io.RawIOBase", io.BytesIO(self.content)))
        )

    def open_table(self, notify: Notify) -> tuple[Reader, Writer]:
        """Return the reader of the file, and the writer of the file with the scores."""
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
    """Return the name and the content of a file after decompression, if it is compressed."""
    kind = compression.compression_of(packed[:16])
    if kind is None and formats.of_name(name) == (None, "zip"):
        kind = "zip"  # a damaged one
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
    """Raise SizeError for a workbook that unpacks to too much; a workbook is a zip."""
    from zipfile import BadZipFile, ZipFile

    if formats.of_name(name).format != XLSX:
        return
    try:
        size = sum(member.file_size for member in ZipFile(io.BytesIO(packed)).infolist())
    except (BadZipFile, EOFError, NotImplementedError, ValueError):
        return  # the reader will report it
    if size > most:
        raise _unpacks_to_too_much(name, most)


def _unpacks_to_too_much(name: str, most: int) -> TableError:
    return errors.SizeError(
        f"it unpacks to more than {most / 1e6:g} MB; score it with disaster-tweets score",
        file=name,
    )


@dataclass(frozen=True)
class Checked:
    """The result of the check of a file.

    Attributes:
        rows: The number of rows.
        lines: The number of line feeds in the scored file; None for a binary format.
        notices: The guesses that the reader made.
    """

    rows: int
    lines: int | None
    notices: list[str]


def check(upload: Upload, max_rows: int) -> Checked:
    """Read a file to its end; return its size and the size of the scored file.

    Raises:
        TableError: The file cannot be read, a row is broken, or there are too many rows.
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
        # Raises an error for a row that the format of the scored file cannot hold.
        written = writer.rows(chunk, [None] * len(chunk.texts), first=rows == chunk.rows)
        if upload.scored_format not in BINARY:
            lines += written.count(b"\n")
    if upload.scored_format in BINARY:
        # Raises an error for content that the format cannot hold.
        _whole(upload, reader, writer, [writer.header()])
        return Checked(rows, None, notices)
    frame = writer.header() + writer.footer()
    return Checked(rows, lines + frame.count(b"\n"), notices)


def score(upload: Upload, classifier: Classifier) -> Iterator[bytes]:
    """Yield the pieces of the scored file. `check` must have accepted the file before.

    A file of a binary format is one piece, which comes last. Before it comes an empty piece for
    each chunk of rows: between two pieces, the server checks whether the client has left.
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
    """Return the content of a file of a binary format, made from all its parts."""
    if upload.scored_format == XLSX:
        return _workbook(parts, upload.name, reader.sheet)
    from disaster_tweets.tables.columnar_part import MemoryPart

    same = isinstance(writer, SameFormat)
    compressed = reader.compression if same else None
    part = MemoryPart(Path(upload.scored_name), upload.scored_format, lambda: compressed)
    for table in parts:
        part.write(table)
    return part.content()


def _workbook(parts: list[bytes], title: str, sheet: str | None) -> bytes:
    from disaster_tweets.tables.workbook import sheet_name, write
    from disaster_tweets.tables.writers import cells_of

    file = io.BytesIO()
    lines = (line for part in parts for line in part.splitlines())
    write(file, map(cells_of, lines), title, sheet_name(sheet))
    return file.getvalue()


def advised(error: TableError) -> str:
    """Return the message of an error with the next step, in terms of the page."""
    if isinstance(error, errors.ColumnError):
        if error.column is None and "several" not in error.problem:
            which = f"which column holds the {TEXTS}?"
        else:
            problem = _LIST.split(error.problem)[0]  # the page shows the list below
            which = f"{problem}; choose another, or rename it in the file."
        first = " If the file has no header, tick the box." * error.maybe_no_header
        above = " If the header is not the first row, delete the rows above it."
        return f"{error.file}: {which}{first}{above * error.maybe_header_below}"
    if isinstance(error, errors.TakenError):
        taken = " and ".join(
            repr(name) for name in NewColumns().names if name in error.candidates
        ) or repr(error.column)
        problem = f"the file already has {taken}; rename it in the file"
        return f"{error.file}: {problem}" + ", or tick the box to replace" * bool(
            error.candidates
        )
    if isinstance(error, errors.QuoteError):
        return f"{error}; repair it, or choose another setting under Quotes"
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
    if isinstance(error, errors.HeaderRowError):
        return f"{error}; delete this row and send the file again"
    if isinstance(error, errors.RowError):
        return f"{error}; repair it and send the file again"
    if isinstance(error, errors.DelimiterError):
        return f"{error}; save it with commas"
    if isinstance(error, ContentError) and {*error.candidates[:1]} & {*formats.FORMATS}:
        return f"{error}; rename it so that it ends in .{error.candidates[0]}"
    return str(error)
