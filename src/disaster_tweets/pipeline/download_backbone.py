"""Stage: bring the weights and the tokenizer of a pretrained encoder to its folder in data/.

Without an argument that is the backbone; an argument names another section of params.yaml.
"""

from __future__ import annotations

import os
import sys

from disaster_tweets.pipeline.fetch import SourceError, chosen_mirror, fetch, mirrored, present
from disaster_tweets.pipeline.project import BACKBONE, TEACHER, params, run_stage

FOLDERS = {
    "download_backbone": BACKBONE,
    # begin: left out of a copy
    "download_teacher": TEACHER,
    # end: left out of a copy
}


def main() -> None:
    section = sys.argv[1] if len(sys.argv) > 1 else "download_backbone"
    settings, folder = params(section), FOLDERS[section]
    repository: str = settings["repository"]
    checksums: dict[str, str] = settings["checksums"]
    mirror = chosen_mirror()
    # The hub's own variable for a copy of the hub.
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    for name, checksum in checksums.items():
        # No wrong file may outlive a source that fails.
        present(folder / name, checksum)
    for name, checksum in checksums.items():
        in_mirror = f"{repository.rpartition('/')[2]}/{name}"
        in_hub = f"{hub}/{repository}/resolve/{settings['revision']}/{name}"
        source = mirrored(mirror, in_mirror) if mirror else in_hub
        try:
            fetch(source, folder / name, checksum)
        except SourceError as error:
            raise SourceError(source, error.problem, wanted=in_mirror) from error


if __name__ == "__main__":
    run_stage(main)
