"""Open input files: their names, their fingerprints and their decompressed content."""

from __future__ import annotations

import hashlib
import io
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from disaster_tweets.tables import compression, content
from disaster_tweets.tables.errors import ContentError, FileError, SizeError
from disaster_tweets.tables.formats import BINARY, XLSX, named_format, of_name

STANDARD, STANDARD_INPUT = "-", "standard input"  # its name, and its title in messages

BEGINNING = 1 << 20  # bytes that are examined before the file is read
_BUFFER = 1 << 18
_FINGERPRINT = 1 << 16  # bytes that are hashed for the identity of a file
_LARGEST_COPY = 1 << 32  # bytes of a pipe that are copied at most; a device may never end
_IN_MEMORY = 1 << 26  # bytes of a copied pipe that are kept in memory


@dataclass(frozen=True)
class Source:
    """One input: a file, a pipe, or standard input with the name ``-``."""

    name: str

    @property
    def title(self) -> str:
        """The name of the input in messages."""
        return STANDARD_INPUT if self.name == STANDARD else self.name

    def size(self) -> int | None:
        """Return the size in bytes; None for a pipe, which can be read only once."""
        if self.name == STANDARD:
            return None
        with readable(self.title):
            status = Path(self.name).stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileError("a folder; name the files in it", file=self.title)
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def identity(self) -> dict[str, Any]:
        """Return the identity of the content: name, size, modification time and a hash."""
        with readable(self.title), Path(self.name).open("rb") as file:
            beginning = file.read(_FINGERPRINT)
            status = Path(self.name).stat()
        return {
            "name": self.name,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "sha256": hashlib.sha256(beginning).hexdigest(),
        }

    def raw(self) -> BinaryIO:
        """Open the file without decompressing it.

        Raises:
            FileError: The file cannot be opened.
        """
        if self.name == STANDARD:
            if sys.stdin is None:
                raise FileError("standard input is closed")
            return sys.stdin.buffer
        with readable(self.title):
            return Path(self.name).open("rb", buffering=_BUFFER)

    @contextmanager
    def open(self, format_: str) -> Iterator[Content]:
        """Open the file and decompress it.

        Args:
            format_: The expected format, one of `formats.FORMATS`.

        Raises:
            FileError: The file cannot be opened.
            DamagedError: The compressed data is damaged.
            ContentError: The file certainly holds something else.
        """
        with ExitStack() as stack:
            raw = self.raw()
            if self.name != STANDARD:
                stack.enter_context(raw)
            beginning, file = peeked(raw, self.title)
            packed = compression.compression_of(beginning)
            consumed = None
            # A workbook is a zip file, too.
            if packed is not None and not (packed == "zip" and format_ == XLSX):
                content.check_zip(beginning, self.title, format_)
                if packed == "zip":
                    file = stack.enter_context(_rewindable(file, self.title))
                    member, file = compression.single_member(file, self.title)
                    _check_member(member, format_, self.title)
                else:
                    file = compression.decompressed(file, packed, self.title)
                consumed = file
                beginning, file = peeked(file, self.title)
                again = compression.compression_of(beginning)
                if again is not None and not (again == "zip" and format_ == XLSX):
                    raise ContentError("compressed twice; unpack it once", file=self.title)
            content.check(beginning, format_, self.title)
            if format_ in BINARY:
                file = stack.enter_context(_rewindable(file, self.title))
            yield Content(self, file, beginning, consumed)


@dataclass
class Content:
    """The content of an open input.

    Attributes:
        source: The input.
        file: The decompressed content; seekable for a binary format.
        beginning: The first bytes of the content, which ``file`` also returns.
        packed: The decompressing stream, which counts compressed bytes; None if not compressed.
    """

    source: Source
    file: BinaryIO
    beginning: bytes
    packed: Any = None

    @property
    def consumed(self) -> int | None:
        """Compressed bytes read so far; None if the file is not compressed."""
        return None if self.packed is None else int(getattr(self.packed, "consumed", 0))


def peeked(file: BinaryIO, title: str) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a file, and a file that still returns them."""
    with readable(title):
        beginning = _read_fully(file, BEGINNING)
        if isinstance(file, io.BufferedReader) and file is not _standard_input():
            try:
                if file.seekable() and file.tell() == len(beginning):
                    file.seek(0)
                    return beginning, file
            except OSError:
                pass
        pieces = chain([beginning], iter(lambda: file.read(_BUFFER), b""))
        return beginning, io.BufferedReader(compression.Pieces(pieces), _BUFFER)


def _standard_input() -> Any:
    return None if sys.stdin is None else sys.stdin.buffer


def _read_fully(file: BinaryIO, size: int) -> bytes:
    """Return ``size`` bytes, or fewer at the end of the file; a pipe returns them in pieces."""
    pieces, left = [], size
    while left and (piece := file.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


@contextmanager
def _rewindable(file: BinaryIO, title: str) -> Iterator[BinaryIO]:
    """Yield a seekable file: the given file, or a copy of it."""
    if file.seekable():
        yield file
        return
    from tempfile import SpooledTemporaryFile

    with SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        with readable(title):
            size = 0
            while piece := file.read(1 << 20):
                size += copy.write(piece)
                if size > _LARGEST_COPY:
                    raise SizeError(
                        f"more than {_LARGEST_COPY >> 30} GiB through a pipe; save it first",
                        file=title,
                    )
        copy.seek(0)
        yield cast("BinaryIO", copy)


def format_inside(name: str) -> str | None:
    """Return the format that the name of the only file in a zip indicates.

    Returns:
        None if the name is not that of a zip.

    Raises:
        FormatError: The file in the zip has a name that indicates no known format.
        TableError: The zip cannot be opened, is damaged, or does not hold one file; or the file
            in it is compressed again.
    """
    if of_name(name).compression != "zip":
        return None
    with readable(name), Path(name).open("rb") as file:
        member, _ = compression.single_member(cast("BinaryIO", file), name)
    title = f"{member} in {name}"
    found = of_name(member)
    if found.format is None and found.compression is not None:
        raise ContentError("compressed twice; unpack it once", file=title)
    return named_format(member, title=title)


def _check_member(member: str, format_: str, title: str) -> None:
    """Raise ContentError if the name of a zip member indicates another format."""
    found = of_name(member).format
    if found is not None and not content.alike(found, format_):
        raise ContentError(
            f"the file in it, {member}, is {found}, not {format_}",
            file=title,
            candidates=[found],
        )


@contextmanager
def readable(title: str) -> Iterator[None]:
    """Turn an OSError into a FileError that names the file."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{error.strerror or error}; check its name and permissions", file=title
        ) from None
