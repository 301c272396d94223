"""Input files: their names, their identity, and their bytes line by line."""

from __future__ import annotations

import gzip
import hashlib
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from disaster_tweets.batch import FORMATS, FileError

STANDARD = "-"

_BOM = b"\xef\xbb\xbf"
_LONGEST_RECORD = 1 << 26  # bytes; a quote that is never closed must not fill the memory
_FINGERPRINT = 1 << 16  # bytes of a file's beginning that are hashed


def format_of(name: str) -> str | None:
    """Return the format that a file's name tells, or None."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compressed = bool(suffixes) and suffixes[-1] == ".gz"
    suffix = "".join(suffixes[-2:-1] if compressed else suffixes[-1:])[1:]
    format_ = "jsonl" if suffix == "ndjson" else suffix
    return None if format_ not in FORMATS or (compressed and format_ == "parquet") else format_


def is_compressed(name: str) -> bool:
    """Say whether a file's name ends in .gz."""
    return name.lower().endswith(".gz")


@dataclass(frozen=True)
class Source:
    """One input: a file, a pipe, or standard input for the name ``-``."""

    name: str

    @property
    def title(self) -> str:
        """What messages call it."""
        return "standard input" if self.name == STANDARD else self.name

    def size(self) -> int | None:
        """Return the number of bytes; None for a pipe, which can be read only once."""
        if self.name == STANDARD:
            return None
        with _readable(self.title):
            status = Path(self.name).stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileError(f"{self.title}: a folder; name the files in it")
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def identity(self) -> dict[str, Any]:
        """Return what tells this content from another: name, size, time and a hash."""
        with _readable(self.title), Path(self.name).open("rb") as file:
            beginning = file.read(_FINGERPRINT)
            status = Path(self.name).stat()
        return {
            "name": self.name,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "sha256": hashlib.sha256(beginning).hexdigest(),
        }

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Open it, decompressed, at its first line.

        Raises:
            FileError: It cannot be read, or is not what its name says.
        """
        if self.name == STANDARD:
            yield Stream(self, _standard_input())
            return
        with _readable(self.title):
            raw = Path(self.name).open("rb")  # noqa: SIM115 - closed two lines below
        with raw:
            yield Stream(self, raw)


class Stream:
    """An open input, read by lines; only a line feed ends one.

    Attributes:
        source: What is read.
        bom: The byte order mark at its beginning, or nothing. No line has it.
        offset: Bytes handed out, after decompression, mark included.
        line: Lines handed out.
    """

    def __init__(self, source: Source, raw: BinaryIO) -> None:
        self.source = source
        self._raw = raw
        self._file: Any = gzip.GzipFile(fileobj=raw) if is_compressed(source.name) else raw
        self.offset = self.line = 0
        first = self._read()
        self.bom = _BOM if first.startswith(_BOM) else b""
        self._first = first.removeprefix(_BOM)

    def readline(self) -> bytes:
        """Return the next line with its ending; empty at the end.

        Raises:
            FileError: It cannot be read any further.
        """
        if self.line:
            line = self._read()
            self.offset += len(line)
        else:
            line, self._first = self._first, b""
            self.offset = len(self.bom) + len(line)
        if line:
            self.line += 1
        return line

    def seek(self, offset: int, line: int) -> None:
        """Go on at a place that an earlier reading of the same content came to."""
        if offset:
            with _readable(self.source.title):
                self._file.seek(offset)
            self.offset, self.line = offset, line

    def check_length(self, size: int) -> None:
        """Raise FileError for a record too large for the memory."""
        if size > _LONGEST_RECORD:
            raise FileError(
                f"{self.source.title}, line {self.line}: a record of more than "
                f"{_LONGEST_RECORD >> 20} MiB; look for a quote that is never closed"
            )

    @property
    def consumed(self) -> int:
        """Bytes of the file itself that were read, as far as they can be counted."""
        return self.offset if self._file is self._raw else self._raw.tell()

    def _read(self) -> bytes:
        with _readable(self.source.title):
            line: bytes = self._file.readline(_LONGEST_RECORD + 1)
        self.check_length(len(line))
        return line


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise FileError("standard input is closed; pipe a file in, or name one")
    return sys.stdin.buffer


@contextmanager
def _readable(title: str) -> Iterator[None]:
    """Name the file that cannot be read."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileError(f"{title}: damaged gzip file ({error}); get it anew") from None
    except OSError as error:
        raise FileError(
            f"{title}: {error.strerror or error}; check its name and permissions"
        ) from None
