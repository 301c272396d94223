"""Stage: download the Kaggle files to data/raw, from the first source that has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pipeline.fetch import MIRROR, SourceError, fetch, fetch_all, missing
from pipeline.project import RAW, PipelineError, run_stage
from topic.project import params

KAGGLE_TIMEOUT = 600.0  # seconds, for the whole download


def main() -> None:
    settings = params("download_dataset")
    archive, competition = settings["archive"], settings["competition"]
    checksums = missing(RAW, settings["checksums"])
    if os.environ.get(MIRROR) or not checksums:
        return fetch_all(RAW, checksums, {})
    failures = []
    for source in (archive, "kaggle"):
        try:
            with tempfile.TemporaryDirectory() as folder:
                if source == "kaggle":
                    _run_kaggle(competition, Path(folder))
                else:
                    fetch(archive, Path(folder, "archive.zip"), checksum=None)
                return _unpack(Path(folder), checksums)
        except SourceError as error:
            failures.append(f"{source}: {error.problem}")
    raise PipelineError(
        f"no source gave the files of {RAW} ({' | '.join(failures)}); set {MIRROR} to a folder "
        f"or URL that holds the right {', '.join(checksums)}, or install and configure kaggle "
        f"and accept the rules of the competition {competition}"
    )


def _run_kaggle(competition: str, folder: Path) -> None:
    """Download the archive of the competition to the folder, with the kaggle client."""
    kaggle = shutil.which("kaggle")
    if kaggle is None:
        raise SourceError("kaggle", "the command is not installed")
    try:
        done = subprocess.run(
            [kaggle, "competitions", "download", "-c", competition, "-p", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=KAGGLE_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError("kaggle", str(error)) from error
    if done.returncode:
        last_line = done.stdout.strip().rpartition("\n")[2] or "no output"
        raise SourceError("kaggle", f"status {done.returncode}: {last_line}")


def _unpack(folder: Path, checksums: dict[str, str]) -> None:
    """Copy the files from the zip archive in a folder to data/raw."""
    archive = next(folder.glob("*.zip"), folder / "no.zip")
    try:
        shutil.unpack_archive(archive, folder / "unpacked")
    except Exception as error:  # a damaged archive raises errors of many kinds
        raise SourceError(str(archive), f"not a readable zip archive ({error})") from error
    for name, checksum in checksums.items():
        found = next(folder.glob(f"unpacked/**/{name}"), folder / name)
        fetch(str(found), RAW / name, checksum)


if __name__ == "__main__":
    run_stage(main)
