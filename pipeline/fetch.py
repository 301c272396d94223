"""Fetch one file from a folder, a URL or a zip archive; it appears only once verified."""

from __future__ import annotations

import hashlib
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests
from tqdm import tqdm

from pipeline.project import PipelineError

MIRROR = "DISASTER_TWEETS_MIRROR"
CHUNK = 1 << 16  # bytes; also the most that a broken connection loses
TIMEOUT = 30.0  # seconds, to connect and between two reads
ATTEMPTS = 4
PAUSE = 1.0  # seconds between two attempts
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)


class SourceError(PipelineError):
    """A source did not give the expected file; another source may.

    Attributes:
        problem: What went wrong, without the name of the source and the next step.
    """

    def __init__(self, source: str | Path, problem: str, wanted: str = "file"):
        """Name the source, its problem, and what a mirror would have to hold instead."""
        super().__init__(
            f"{source}: {problem}; "
            f"set {MIRROR} to a folder or URL that holds the right {wanted}"
        )
        self.source = source
        self.problem = problem


class _InterruptedError(Exception):
    """This answer was not the whole file; the next attempt may get the rest."""


def chosen_mirror() -> str | None:
    """Return the folder or URL that the user chose as the only source; None if none."""
    return os.environ.get(MIRROR) or None


def mirrored(mirror: str, relative: str) -> str | Path:
    """Return where a file lies in a mirror."""
    if _is_url(mirror):
        return f"{mirror.rstrip('/')}/{relative}"
    return Path(mirror).expanduser() / relative


def present(destination: Path, checksum: str | None) -> bool:
    """Say whether the verified file is already there; a wrong one is removed."""
    with _target(destination):
        if destination.is_file() and _flaw(destination, checksum) is None:
            return True
        destination.unlink(missing_ok=True)
        return False


def fetch_all(
    folder: Path,
    checksums: dict[str, str],
    in_mirror: Callable[[str], str],
    elsewhere: Callable[[str], str],
) -> None:
    """Bring files to a folder: from the mirror if the user chose one, else from elsewhere.

    Args:
        folder: Where they belong.
        checksums: Of each file, by its name.
        in_mirror: Gives the place of a file in a mirror.
        elsewhere: Gives its address.

    Raises:
        SourceError: A file cannot be had; the message says what a mirror would have to hold.
        PipelineError: The folder cannot be written.
    """
    mirror = chosen_mirror()
    for name, checksum in checksums.items():
        # No wrong file may outlive a source that fails.
        present(folder / name, checksum)
    for name, checksum in checksums.items():
        source = mirrored(mirror, in_mirror(name)) if mirror else elsewhere(name)
        try:
            fetch(source, folder / name, checksum)
        except SourceError as error:
            raise SourceError(source, error.problem, wanted=in_mirror(name)) from error


def fetch(
    source: str | Path, destination: Path, checksum: str | None, *, member: str | None = None
) -> None:
    """Bring one file to its destination, unless it is there and verified.

    The bytes go to `DESTINATION.part`, which takes its final name once verified. A download
    that breaks off keeps that file, and the next one asks for the rest only.

    Args:
        source: A local file, or a URL that starts with http:// or https://.
        destination: Where the file belongs; its folder is made if need be.
        checksum: "md5:HEX" or "sha256:HEX". None stands for a zip archive of unknown hash:
            its own checksums must hold, and its members are fetched from it with theirs.
        member: Base name of the file to take out of the local zip archive `source`.

    Raises:
        SourceError: The source cannot be read, or holds something else.
        PipelineError: The destination cannot be written.
    """
    if present(destination, checksum):
        return
    part = destination.with_name(f"{destination.name}.part")
    with _target(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        if not part.is_file() or _flaw(part, checksum):
            if _is_url(source):
                _download(str(source), part, checksum)
            else:
                _copy(Path(source), member, part, checksum)
        part.replace(destination)


def _is_url(source: str | Path) -> bool:
    return isinstance(source, str) and urlsplit(source).scheme in ("http", "https")


@contextmanager
def _target(destination: Path) -> Iterator[None]:
    """Turn what the local disk refuses into one line about the destination."""
    try:
        yield
    except OSError as error:
        raise PipelineError(
            f"{destination}: cannot be written ({error.strerror or error}); "
            "check the folder, its permissions and the free space, then run again"
        ) from error


def _flaw(path: Path, checksum: str | None) -> str | None:
    """Say what is wrong with a file; None if nothing is."""
    if checksum is None:
        return _zip_flaw(path)
    algorithm, _, _ = checksum.partition(":")
    if algorithm not in ("md5", "sha256"):
        raise PipelineError(f"checksum {checksum!r}: write md5:HEX or sha256:HEX")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    found = f"{algorithm}:{digest.hexdigest()}"
    if found == checksum.lower():
        return None
    return f"expected {checksum}, got {found} ({path.stat().st_size:,} bytes)"


def _zip_flaw(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except DAMAGED_ZIP as error:
        return f"not a readable zip archive ({error})"
    return None if damaged is None else f"{damaged} in it is damaged"


def _write(
    chunks: Iterable[bytes], part: Path, start: int = 0, total: int | None = None
) -> None:
    """Write chunks to the file, after the `start` bytes that it keeps."""
    with (
        part.open("ab" if start else "wb") as file,
        tqdm(
            desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, disable=None
        ) as bar,
    ):
        for chunk in chunks:
            file.write(chunk)
            bar.update(len(chunk))


def _copy(source: Path, member: str | None, part: Path, checksum: str | None) -> None:
    """Copy a local file, or one member of a local zip archive, and verify the copy."""
    try:
        _write(_stored(source, member), part)
        if flaw := _flaw(part, checksum):
            raise SourceError(source, f"{member}: {flaw}" if member else flaw)
    except BaseException:
        # Unlike half a download, half a copy saves nobody anything.
        part.unlink(missing_ok=True)
        raise


def _stored(source: Path, member: str | None) -> Iterator[bytes]:
    """Read a local file, or one member of a zip archive, chunk by chunk."""
    try:
        if member is None:
            with source.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
            return
        with zipfile.ZipFile(source) as archive:
            names = [name for name in archive.namelist() if PurePosixPath(name).name == member]
            if not names:
                raise SourceError(source, f"the archive holds no {member}")
            with archive.open(names[0]) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
    except OSError as error:
        raise SourceError(source, error.strerror or str(error)) from error
    except DAMAGED_ZIP as error:
        raise SourceError(source, f"not a readable zip archive ({error})") from error


def _download(url: str, part: Path, checksum: str | None) -> None:
    """Download what is missing of a file, and verify the whole."""
    pieced = _receive(url, part)
    flaw = _flaw(part, checksum)
    if flaw and pieced:
        # The first piece may be of another version of the file, or damaged.
        part.unlink()
        _receive(url, part)
        flaw = _flaw(part, checksum)
    if flaw:
        part.unlink()
        raise SourceError(url, flaw)


def _receive(url: str, part: Path) -> bool:
    """Try a few times to complete the file; True if more than one answer went into it."""
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE)
        try:
            return _request(url, part)
        except (requests.ConnectionError, requests.Timeout, _InterruptedError) as error:
            problem = _reason(error)
        except requests.RequestException as error:
            raise SourceError(url, _reason(error)) from error
    received = part.stat().st_size if part.is_file() else 0
    kept = f"; the next run resumes after {received:,} bytes" if received else ""
    raise SourceError(url, f"{problem} ({ATTEMPTS} attempts{kept})")


def _request(url: str, part: Path) -> bool:
    """Ask once for what is missing of the file; True if the answer was appended."""
    start = part.stat().st_size if part.is_file() else 0
    # Ranges and lengths must count the bytes of the file, not of a compressed answer.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        status = f"HTTP {response.status_code} {response.reason}"
        content_range = response.headers.get("Content-Range", "")
        resumed: bool = response.status_code == 206 and content_range.startswith(
            f"bytes {start}-"
        )
        if start and not resumed and response.status_code in (206, 416):
            part.unlink()
            raise _InterruptedError(status)
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise _InterruptedError(status)
        if response.status_code != 200 and not resumed:
            raise SourceError(url, status)
        start = start if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = None
        if length.isdigit() and "Content-Encoding" not in response.headers:
            total = start + int(length)
        try:
            _write(response.iter_content(CHUNK), part, start, total)
        except requests.exceptions.ChunkedEncodingError as error:
            raise _broken_off(part, total) from error
        if total is not None and part.stat().st_size < total:
            raise _broken_off(part, total)
    return resumed


def _broken_off(part: Path, total: int | None) -> _InterruptedError:
    end = "" if total is None else f" of {total:,}"
    return _InterruptedError(f"the answer ended after {part.stat().st_size:,}{end} bytes")


def _reason(error: Exception) -> str:
    """Find the plain cause under the layers of requests and urllib3."""
    if isinstance(error, _InterruptedError):
        return str(error)
    reason = ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (TimeoutError, requests.Timeout)):
            return f"no answer for {TIMEOUT:g} s"
        reason = getattr(cause, "strerror", None) or str(cause) or reason
        cause = cause.__cause__ or cause.__context__
    return " ".join(reason.split()) or type(error).__name__
