"""Stage: bring the weights and the tokenizer of a pretrained encoder to its folder in data/.

Without an argument that is the backbone; an argument names another section of params.yaml.
"""

from __future__ import annotations

import os
import sys

from pipeline.fetch import fetch_all
from pipeline.project import BACKBONE, TEACHER, params, run_stage

FOLDERS = {
    "download_backbone": BACKBONE,
    # begin: left out of a copy
    "download_teacher": TEACHER,
    # end: left out of a copy
}


def main() -> None:
    section = sys.argv[1] if len(sys.argv) > 1 else "download_backbone"
    settings = params(section)
    repository: str = settings["repository"]
    # The hub's own variable for a copy of the hub.
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    fetch_all(
        FOLDERS[section],
        settings["checksums"],
        lambda name: f"{repository.rpartition('/')[2]}/{name}",
        lambda name: f"{hub}/{repository}/resolve/{settings['revision']}/{name}",
    )


if __name__ == "__main__":
    run_stage(main)
