"""Unfinished outputs: written bit by bit, cut back to a checkpoint, and put in place."""

from __future__ import annotations

import errno
import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from disaster_tweets.batch import FileError


class Part(Protocol):
    """An unfinished output.

    Attributes:
        path: Where it is until it is finished.
    """

    path: Path

    def write(self, content: Any) -> None:
        """Append; the first write makes the file."""

    def sync(self) -> int:
        """Store what was written, and return its length; 0 if nothing was ever written."""

    def resume(self, length: int) -> None:
        """Go on after the first ``length`` that an earlier run stored."""

    def complete(self) -> None:
        """Do what takes time before it can be put in place."""

    def finish(self) -> None:
        """Put it in place of the output, if anything was written."""

    def close(self) -> None:
        """Let go of it, finished or not."""

    def discard(self) -> None:
        """Remove what is left of it."""


class FilePart:
    """An unfinished file of bytes; its length is counted as they are stored.

    Args:
        path: Where it is until it is finished.
        target: Where it belongs.
        compressed: Each write becomes a gzip member of its own, so that the file can be cut
            after any of them.
    """

    def __init__(self, path: Path, target: Path, compressed: bool = False) -> None:
        self.path, self._target = path, target
        self._compressed = compressed
        self._file: BinaryIO | None = None

    def write(self, content: bytes) -> None:
        """Append ``content``."""
        with writing(self.path):
            if self._file is None:
                self._file = self.path.open("wb")
            if content:
                self._file.write(gzip.compress(content, 6) if self._compressed else content)

    def sync(self) -> int:
        """Store what was written, and return the length in bytes."""
        if self._file is None:
            return 0
        with writing(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    def resume(self, length: int) -> None:
        """Cut the file to ``length`` bytes and go on there."""
        with writing(self.path):
            if not self.path.exists():  # interrupted between the renames at the end
                self._target.replace(self.path)
            self._file = self.path.open("r+b")
            if self._file.seek(0, os.SEEK_END) < length:
                raise shorter(self.path)
            self._file.truncate(length)
            self._file.seek(length)

    def complete(self) -> None:
        """Close the file; an empty one is a gzip file too, if it has to be."""
        if self._file is None:
            return
        with writing(self.path):
            if self._compressed and self._file.tell() == 0:
                self._file.write(gzip.compress(b""))
            self._file.close()

    def finish(self) -> None:
        """Rename the file."""
        if self._file is not None:
            with writing(self.path):
                self.path.replace(self._target)

    def close(self) -> None:
        """Close the file; what is not stored by now may be lost."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def discard(self) -> None:
        """Remove the file, if it is there."""
        self.close()
        with writing(self.path):
            self.path.unlink(missing_ok=True)


class StandardOutput:
    """Standard output in the place of a part; it can be neither cut nor resumed."""

    path = Path("standard output")

    def write(self, content: bytes) -> None:
        """Print ``content``."""
        sys.stdout.buffer.write(content)

    def sync(self) -> int:
        """Flush what was printed."""
        sys.stdout.buffer.flush()
        return 0

    def resume(self, length: int) -> None:
        """Refuse."""
        raise FileError("standard output cannot be resumed; score into a file")

    def complete(self) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing: it is out."""

    def close(self) -> None:
        """Leave it open for others."""

    def discard(self) -> None:
        """Do nothing: it is out."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file that cannot be written."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        step = (
            "make room, then continue with the same command and --resume"
            if full
            else "check the name and the permissions of its folder"
        )
        reason = os.strerror(error.errno) if error.errno else error
        raise FileError(f"{path}: {reason}; {step}") from None


def shorter(path: Path) -> FileError:
    """Return the error for a part that lost what its checkpoint counts."""
    return FileError(f"{path}: shorter than at its last checkpoint; delete it to start anew")
