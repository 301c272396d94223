"""Write output files safely: in steps, with resume, and renamed into place at the end."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from disaster_tweets.tables import compression
from disaster_tweets.tables.errors import WriteError


class Part:
    """An unfinished output file; what a kind of output lacks, its part leaves undone.

    Attributes:
        path: The path of the unfinished file.
    """

    path: Path

    def write(self, content: Any) -> None:
        """Append content; the first write creates the file."""
        raise NotImplementedError

    def sync(self) -> int:
        """Flush to disk and return the length; 0 if nothing was written."""
        return 0

    def resume(self, length: int) -> None:
        """Continue after the first ``length``, which an earlier run stored."""
        raise NotImplementedError

    def complete(self) -> None:
        """Do the slow work before the file can be put in place."""

    def finish(self) -> None:
        """Put the file in place of the output, if anything was written."""

    def close(self) -> None:
        """Close the file, finished or not; unsynced content may be lost."""

    def discard(self) -> None:
        """Remove the unfinished file, if it exists."""


class FilePart(Part):
    """An unfinished file of bytes. Its length is counted in stored bytes.

    Args:
        path: The path of the unfinished file.
        target: The path of the finished file.
        compressed: One of the values of `compression.SUFFIXES`, or None. Each write becomes a
            member of its own, so that the file can be truncated after any of them.
    """

    def __init__(self, path: Path, target: Path, compressed: str | None = None) -> None:
        self.path, self._target = path, target
        self._compressed = compressed
        self._file: BinaryIO | None = None

    def write(self, content: bytes) -> None:
        """Append ``content``."""
        with writing(self.path):
            if self._file is None:
                self._file = self.path.open("ab")
                lock(self._file.fileno(), self.path)
                self._file.truncate(0)
                with suppress(OSError):  # other processes do not need to read it yet
                    shutil.copymode(self._target, self.path)
            if content:
                self._file.write(self._packed(content))

    def sync(self) -> int:
        """Flush to disk and return the length in bytes."""
        if self._file is None:
            return 0
        with writing(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    def resume(self, length: int) -> None:
        """Truncate the file to ``length`` bytes and continue there."""
        with writing(self.path):
            if not self.path.exists():  # interrupted between the final renames
                self._target.replace(self.path)
            self._file = self.path.open("r+b")
            lock(self._file.fileno(), self.path)
            if self._file.seek(0, os.SEEK_END) < length:
                raise shorter(self.path)
            self._file.truncate(length)
            self._file.seek(length)

    def complete(self) -> None:
        """Close the file; an empty output is a valid compressed file, too."""
        if self._file is None:
            return
        with writing(self.path):
            if self._file.tell() == 0:
                self._file.write(self._packed(b""))
            self._file.close()

    def _packed(self, content: bytes) -> bytes:
        if self._compressed is None:
            return content
        return compression.compress(content, self._compressed)

    def finish(self) -> None:
        """Rename the file to its target."""
        if self._file is not None:
            with writing(self.path):
                put_in_place(self.path, self._target)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def discard(self) -> None:
        """Remove the file, if it exists."""
        self.close()
        with writing(self.path):
            self.path.unlink(missing_ok=True)


class StandardOutput(Part):
    """Standard output as a part; it cannot be truncated or resumed."""

    def write(self, content: bytes) -> None:
        """Write ``content`` to standard output."""
        sys.stdout.buffer.write(content)

    def sync(self) -> int:
        """Flush standard output."""
        sys.stdout.buffer.flush()
        return 0


class SpooledOutput(Part):
    """Standard output for a format that is assembled at the end.

    Args:
        part: Makes the part, given its path and the path of the finished file.
    """

    def __init__(self, part: Callable[[Path, Path], Part]) -> None:
        from tempfile import TemporaryDirectory

        self._folder = TemporaryDirectory()
        self._target = Path(self._folder.name, "finished")
        self._part = part(Path(self._folder.name, "part"), self._target)

    def write(self, content: Any) -> None:
        """Append to the part."""
        self._part.write(content)

    def complete(self) -> None:
        """Assemble the file."""
        self._part.complete()

    def finish(self) -> None:
        """Copy the file to standard output."""
        self._part.finish()
        with self._target.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Remove the part."""
        self._part.close()
        self._folder.cleanup()


class WorkbookPart(FilePart):
    """Lines of cells, from which a workbook is made at the end.

    Args:
        path: The path of the lines.
        target: The path of the workbook.
        sheet: Called at the end. Returns the name of the sheet, or None for the default.
    """

    def __init__(self, path: Path, target: Path, sheet: Callable[[], str | None]) -> None:
        super().__init__(path, target)
        self._sheet = sheet

    def complete(self) -> None:
        """Make the workbook."""
        from disaster_tweets.tables.workbook import sheet_name, write
        from disaster_tweets.tables.writers import cells_of

        super().complete()
        if self._file is None:
            return
        made = self.path.with_name(f"{self.path.name}.xlsx")
        try:
            with writing(made), self.path.open("rb") as lines, made.open("wb") as file:
                name = sheet_name(self._sheet())
                write(file, map(cells_of, lines), str(self._target), name)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                made.unlink(missing_ok=True)
            raise
        self._made = made

    _made: Path | None = None

    def finish(self) -> None:
        """Rename the workbook, and remove the lines."""
        if self._made is not None:
            with writing(self._made):
                put_in_place(self._made, self._target)

    def resume(self, length: int) -> None:
        """Continue after the stored lines."""
        with writing(self.path):
            if not self.path.exists():
                raise shorter(self.path)
        super().resume(length)


def lock(file: int, path: Path) -> None:
    """Lock an open part against a second run; the lock ends with this process.

    Raises:
        WriteError: Another run holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where nobody can rename or truncate an open file
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WriteError(
            "another run is writing it; wait until it ends", file=str(path)
        ) from None
    except OSError:  # some file systems have no locks
        return


def put_in_place(path: Path, target: Path) -> None:
    """Rename a file to its target, and keep the permissions of the target."""
    with suppress(OSError):
        if target.is_file():
            shutil.copymode(target, path)
            status = target.stat()
            if hasattr(os, "chown") and (status.st_uid, status.st_gid) != (
                os.geteuid(),
                os.getegid(),
            ):
                os.chown(path, status.st_uid, status.st_gid)
    path.replace(target)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError into a WriteError that names the file."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise WriteError(
            reason if full else f"{reason}; check the name and the permissions of its folder",
            file=str(path),
            full=full,
        ) from None


def shorter(path: Path) -> WriteError:
    """Return the error for a part that is shorter than its checkpoint says."""
    return WriteError(
        "shorter than at its last checkpoint; delete it to start anew", file=str(path)
    )
