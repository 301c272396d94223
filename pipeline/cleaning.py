"""The cleaning of texts, as the section ``reads`` of params.yaml has it."""

from __future__ import annotations

from functools import cache

from disaster_tweets.text import Cleaner
from pipeline.project import params


def clean(text: str) -> str:
    """Return what the model reads of a text: see `disaster_tweets.text.Cleaner`."""
    return _cleaner()(text)


@cache
def _cleaner() -> Cleaner:
    return Cleaner(params("reads"))
