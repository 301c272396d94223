"""Fetch files with pooch. A file appears only after pooch has verified its hash."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pooch
import requests
from pooch.hashes import hash_matches

from pipeline.project import PipelineError

MIRROR = "DISASTER_TWEETS_MIRROR"
CHUNK = 1 << 16  # bytes
TIMEOUT = 30.0  # seconds, to connect and between two reads
RETRIES = 2  # pooch waits one second, then two

pooch.get_logger().setLevel("WARNING")  # a stage is silent unless it fails


class SourceError(PipelineError):
    """A source did not give the expected file; another source may give it.

    Attributes:
        problem: What went wrong, without the name of the source and the next step.
    """

    def __init__(self, source: str, problem: str, wanted: str = "file"):
        """Name the source, its problem, and the file that a mirror would have to hold."""
        super().__init__(
            f"{source}: {problem}; "
            f"set {MIRROR} to a folder or URL that holds the right {wanted}"
        )
        self.problem = problem


def fetch_all(
    folder: Path, checksums: dict[str, str], sources: dict[str, str], in_mirror: str = ""
) -> None:
    """Fetch files to a folder: from the mirror if the user set one, else from their sources.

    Args:
        folder: The folder for the files.
        checksums: "md5:HEX" or "sha256:HEX" of each file, by its name.
        sources: The URL of each file, by its name.
        in_mirror: The folder of the files in a mirror, with a slash at its end; empty if the
            files are in the mirror's root.

    Raises:
        SourceError: A source cannot be read, or holds another file.
        PipelineError: The folder cannot be written, or a checksum is of another form.
    """
    mirror = os.environ.get(MIRROR)
    for name, checksum in missing(folder, checksums).items():
        wanted = f"{in_mirror}{name}"
        source = f"{mirror.rstrip('/')}/{wanted}" if mirror else sources[name]
        fetch(source, folder / name, checksum, wanted)


def missing(folder: Path, checksums: dict[str, str]) -> dict[str, str]:
    """Remove files with a wrong checksum; return the checksums of all missing files.

    So no wrong file stays behind when a source fails.

    Raises:
        PipelineError: A file cannot be read or removed, or a checksum is of another form.
    """
    absent = {}
    for name, checksum in checksums.items():
        if not checksum.startswith(("md5:", "sha256:")):
            raise PipelineError(f"checksum {checksum!r} of {name}: write md5:HEX or sha256:HEX")
        path = folder / name
        try:
            if path.is_file() and hash_matches(path, checksum):
                continue
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error
        absent[name] = checksum
    return absent


def fetch(source: str, destination: Path, checksum: str | None, wanted: str = "file") -> None:
    """Fetch one file. It gets its name only after its hash is verified.

    Args:
        source: A URL, or the path of a local file.
        destination: The path of the new file. Its folder is made if it is missing.
        checksum: "md5:HEX" or "sha256:HEX"; None if the caller verifies the content.
        wanted: The file that a mirror would have to hold, for error messages.

    Raises:
        SourceError: The source cannot be read, or holds another file.
        PipelineError: The destination cannot be written.
    """
    remote = "://" in source
    files = pooch.create(
        destination.parent,
        base_url="",
        registry={destination.name: checksum},
        urls={destination.name: source},
        retry_if_failed=RETRIES if remote else 0,
    )
    download = pooch.HTTPDownloader(sys.stderr.isatty(), CHUNK, timeout=TIMEOUT)
    try:
        files.fetch(destination.name, downloader=download if remote else _copy)
    except (ValueError, requests.RequestException) as error:
        raise SourceError(source, _reason(error), wanted) from error
    except OSError as error:
        raise _unwritable(destination, error) from error


def _copy(source: str, target: str, _: object) -> None:
    """Copy a local file, because pooch itself knows only URLs."""
    path = Path(source).expanduser()
    if not path.is_file():
        raise ValueError(f"{path.name} is not there")
    shutil.copyfile(path, target)


def _reason(error: BaseException) -> str:
    """Return the first sentence of the root cause, which requests and urllib3 wrap."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return str(error).partition(". ")[0]


def _unwritable(path: Path, error: OSError) -> PipelineError:
    return PipelineError(
        f"{path}: cannot be written ({error}); "
        "check the folder, its permissions and the free space, then run again"
    )
