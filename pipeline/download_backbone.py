"""Stage: bring the weights and the tokenizer of the pretrained encoder to data/backbone."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.fetch import fetch_all
from pipeline.project import BACKBONE, Settings, params, run_stage


def download(settings: Settings, folder: Path) -> None:
    """Bring the files of a pretrained encoder to a folder.

    Args:
        settings: ``repository`` on the hub, its ``revision``, and ``checksums`` by file.
        folder: Where they go.
    """
    repository: str = settings["repository"]
    # The hub's own variable for a copy of the hub.
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    url = f"{hub}/{repository}/resolve/{settings['revision']}"
    checksums: dict[str, str] = settings["checksums"]
    sources = {name: f"{url}/{name}" for name in checksums}
    fetch_all(folder, checksums, sources, in_mirror=f"{repository.rpartition('/')[2]}/")


def main() -> None:
    download(params("download_backbone"), BACKBONE)


if __name__ == "__main__":
    run_stage(main)
