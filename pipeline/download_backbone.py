"""Stage: download the weights and tokenizer of the pretrained encoder to data/backbone."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.fetch import fetch_all
from pipeline.project import BACKBONE, Settings, params, run_stage


def download(settings: Settings, folder: Path) -> None:
    """Download the files of a pretrained encoder to a folder.

    Args:
        settings: ``repository`` on the hub, its ``revision``, and ``checksums`` by file.
        folder: The folder for the files.
    """
    repository: str = settings["repository"]
    # HF_ENDPOINT is the hub's own variable. It names another address of the hub.
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    url = f"{hub}/{repository}/resolve/{settings['revision']}"
    checksums: dict[str, str] = settings["checksums"]
    sources = {name: f"{url}/{name}" for name in checksums}
    fetch_all(folder, checksums, sources, in_mirror=f"{repository.rpartition('/')[2]}/")


def main() -> None:
    download(params("download_backbone"), BACKBONE)


if __name__ == "__main__":
    run_stage(main)
