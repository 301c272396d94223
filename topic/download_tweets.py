"""Stage: download tweets of three other data sets to data/."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.fetch import fetch_all
from pipeline.project import Settings, run_stage
from topic.project import params


def fetch(name: str, settings: Settings) -> None:
    """Fetch a data set to data/NAME. The folder appears when it has all files.

    Until then, the files are in data/NAME.part. The next try continues there.

    Args:
        name: The name of the data set, also in a mirror.
        settings: ``url``, ``revision``, the ``suffix`` of the files, and their ``checksums``.
    """
    url, revision, suffix = settings["url"], settings["revision"], settings["suffix"]
    checksums: dict[str, str] = settings["checksums"]
    folder = Path("data", name)
    part = folder.with_name(f"{name}.part")
    if folder.exists() and not part.exists():
        folder.rename(part)
    fetch_all(
        part,
        {f"{file}{suffix}": checksum for file, checksum in checksums.items()},
        {f"{file}{suffix}": url.format(revision=revision, name=file) for file in checksums},
        in_mirror=f"{name}/",
    )
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)


def main() -> None:
    for name, settings in params("download_tweets").items():
        fetch(name, settings)


if __name__ == "__main__":
    run_stage(main)
