"""The paths and parameters of this topic's stages."""

from __future__ import annotations

from pathlib import Path

from pipeline import project
from pipeline.project import Settings

ON_TOPIC = Path("data/crisislex")
INFORMATIVE = Path("data/crisislex26")
GENERAL = Path("data/tweeteval")
TWEETS = (ON_TOPIC, INFORMATIVE, GENERAL)
WRITTEN = Path("topic/written.csv")
FOLDS = Path("topic/folds.csv")
OUT_OF_FOLD = Path("topic/out_of_fold.csv")
TEACHER = Path("data/teacher")
SOFT_LABELS = Path("topic/soft_labels.csv")


def params(section: str) -> Settings:
    """Return a section of topic/params.yaml."""
    return project.params(section, path="topic/params.yaml")
