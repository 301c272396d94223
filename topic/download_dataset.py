"""Stage: bring the Kaggle files to data/raw, from the first source that has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pipeline.fetch import (
    MIRROR,
    SourceError,
    chosen_mirror,
    fetch,
    mirrored,
    present,
)
from pipeline.project import RAW, PipelineError, run_stage
from topic.project import params

KAGGLE_TIMEOUT = 600.0  # seconds, for the whole download


def main() -> None:
    settings = params("download_dataset")
    checksums: dict[str, str] = settings["checksums"]
    missing = {
        name: checksum
        for name, checksum in checksums.items()
        if not present(RAW / name, checksum)
    }
    if not missing:
        return
    if mirror := chosen_mirror():
        return _from_mirror(mirror, missing)
    failures = []
    archive, competition = settings["archive"], settings["competition"]
    try:
        return _from_archive(archive, missing)
    except SourceError as error:
        failures.append(f"{archive}: {error.problem}")
    try:
        return _from_kaggle(competition, missing)
    except SourceError as error:
        failures.append(f"kaggle: {error.problem}")
    raise PipelineError(
        f"no source gave the files of {RAW} ({' | '.join(failures)}); set {MIRROR} to a folder "
        f"or URL that holds the right {', '.join(missing)}, or install and configure kaggle "
        f"and accept the rules of the competition {competition}"
    )


def _from_mirror(mirror: str, checksums: dict[str, str]) -> None:
    for name, checksum in checksums.items():
        source = mirrored(mirror, name)
        try:
            fetch(source, RAW / name, checksum)
        except SourceError as error:
            raise SourceError(source, error.problem, wanted=name) from error


def _from_archive(url: str, checksums: dict[str, str]) -> None:
    archive = RAW / PurePosixPath(urlsplit(url).path).name
    fetch(url, archive, checksum=None)
    try:
        _unpack(archive, checksums)
    finally:
        archive.unlink()


def _from_kaggle(competition: str, checksums: dict[str, str]) -> None:
    kaggle = shutil.which("kaggle")
    if kaggle is None:
        raise SourceError("kaggle", "the command is not installed")
    if not _has_kaggle_credentials():
        raise SourceError("kaggle", "no credentials")
    try:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_run_kaggle(kaggle, competition, Path(folder)), checksums)
    except OSError as error:
        raise SourceError("kaggle", error.strerror or str(error)) from error


def _has_kaggle_credentials() -> bool:
    return (
        Path("~/.kaggle/kaggle.json").expanduser().is_file()
        or bool(os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"))
        or bool(os.environ.get("KAGGLE_API_TOKEN"))
    )


def _run_kaggle(kaggle: str, competition: str, folder: Path) -> Path:
    """Let the kaggle client download the archive of the competition into the folder."""
    command = [kaggle, "competitions", "download", "-c", competition, "-p", str(folder)]
    try:
        process = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=KAGGLE_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError("kaggle", f"not done after {KAGGLE_TIMEOUT:g} s") from error
    archive = next(folder.glob("*.zip"), None)
    if process.returncode != 0 or archive is None:
        last_line = process.stdout.strip().rpartition("\n")[2] or "no output"
        raise SourceError("kaggle", f"no archive, status {process.returncode}: {last_line}")
    return archive


def _unpack(archive: Path, checksums: dict[str, str]) -> None:
    for name, checksum in checksums.items():
        fetch(archive, RAW / name, checksum, member=name)


if __name__ == "__main__":
    run_stage(main)
