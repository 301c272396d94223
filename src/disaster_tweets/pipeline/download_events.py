"""Stage: bring tweets of a few events, whose labels nothing trains on, to data/events."""

from __future__ import annotations

from disaster_tweets.pipeline.fetch import SourceError, chosen_mirror, fetch, mirrored, present
from disaster_tweets.pipeline.project import EVENTS, params, run_stage


def main() -> None:
    settings = params("download_events")
    checksums: dict[str, str] = settings["checksums"]
    mirror = chosen_mirror()
    for event, checksum in checksums.items():
        # No wrong file may outlive a source that fails.
        present(EVENTS / f"{event}.csv", checksum)
    for event, checksum in checksums.items():
        in_mirror = f"crisislex/{event}.csv"
        source = (
            mirrored(mirror, in_mirror)
            if mirror
            else settings["url"].format(revision=settings["revision"], event=event)
        )
        try:
            fetch(source, EVENTS / f"{event}.csv", checksum)
        except SourceError as error:
            raise SourceError(source, error.problem, wanted=in_mirror) from error


if __name__ == "__main__":
    run_stage(main)
