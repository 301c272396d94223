"""Stage: bring tweets of a few events, whose labels nothing trains on, to data/events."""

from __future__ import annotations

from pipeline.fetch import fetch_all
from pipeline.project import run_stage
from topic.project import EVENTS, params


def main() -> None:
    settings = params("download_events")
    fetch_all(
        EVENTS,
        {f"{event}.csv": checksum for event, checksum in settings["checksums"].items()},
        lambda name: f"crisislex/{name}",
        lambda name: settings["url"].format(
            revision=settings["revision"], event=name.removesuffix(".csv")
        ),
    )


if __name__ == "__main__":
    run_stage(main)
