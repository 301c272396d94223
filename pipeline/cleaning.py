"""Clean texts as the section ``reads`` of params.yaml says."""

from __future__ import annotations

from functools import cache

from disaster_tweets.text import Cleaner
from pipeline.project import params


def clean(text: str) -> str:
    """Return the cleaned text, which the model reads: see `disaster_tweets.text.Cleaner`."""
    return _cleaner()(text)


@cache
def _cleaner() -> Cleaner:
    return Cleaner(params("reads"))
