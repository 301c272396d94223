"""Where the stages of this topic keep their files and their parameters."""

from __future__ import annotations

from pathlib import Path

from pipeline import project
from pipeline.project import Settings

EVENTS = Path("data/events")
TEACHER = Path("data/teacher")
SOFT_LABELS = Path("topic/soft_labels.csv")


def params(section: str) -> Settings:
    """Return a section of topic/params.yaml."""
    return project.params(section, path="topic/params.yaml")
