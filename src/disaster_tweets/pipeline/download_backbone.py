"""Stage: bring the weights and the tokenizer of the backbone to data/backbone."""

from __future__ import annotations

import os

from disaster_tweets.pipeline.fetch import SourceError, chosen_mirror, fetch, mirrored, present
from disaster_tweets.pipeline.project import BACKBONE, params, run_stage


def main() -> None:
    settings = params("download_backbone")
    repository: str = settings["repository"]
    checksums: dict[str, str] = settings["checksums"]
    mirror = chosen_mirror()
    # The hub's own variable for a copy of the hub.
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    for name, checksum in checksums.items():
        # No wrong file may outlive a source that fails.
        present(BACKBONE / name, checksum)
    for name, checksum in checksums.items():
        in_mirror = f"{repository.rpartition('/')[2]}/{name}"
        in_hub = f"{hub}/{repository}/resolve/{settings['revision']}/{name}"
        source = mirrored(mirror, in_mirror) if mirror else in_hub
        try:
            fetch(source, BACKBONE / name, checksum)
        except SourceError as error:
            raise SourceError(source, error.problem, wanted=in_mirror) from error


if __name__ == "__main__":
    run_stage(main)
