"""Score texts with a cache, so that a repeated text is scored once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from disaster_tweets.language import looks_foreign
from disaster_tweets.tables.rows import Score

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

_CACHE_SIZE = 50_000  # number of scores in the cache


class Lookup(NamedTuple):
    """The cached scores of some texts, and the texts to score.

    Attributes:
        keys: The cache key of each text; None if the text is missing.
        cached: The cached scores.
        new: The texts without a cached score, each once.
    """

    keys: list[bytes | None]
    cached: dict[bytes, Score]
    new: dict[bytes, str]


class Outcome(NamedTuple):
    """The scores of some texts, in their order; the fields are as in `Score`."""

    probabilities: list[float]
    labels: Sequence[str]
    cut: list[bool]
    foreign: list[bool]


class Scorer:
    """A classifier with a cache of scores."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._cache: dict[bytes, Score] = {}

    def __call__(self, texts: Sequence[str | None]) -> list[Score | None]:
        """Return the score of each text; None for a missing text: None or empty."""
        lookup = self.look_up(texts)
        return self.scores(lookup, score(self._classifier, list(lookup.new.values())))

    def look_up(self, texts: Sequence[str | None]) -> Lookup:
        """Look up texts in the cache."""
        lookup = Lookup([_digest(text) if text else None for text in texts], {}, {})
        for key, text in zip(lookup.keys, texts, strict=True):
            if key is None or text is None:
                continue
            if key in self._cache:
                lookup.cached[key] = self._cache[key]
            else:
                lookup.new[key] = text
        return lookup

    def scores(self, lookup: Lookup, outcome: Outcome) -> list[Score | None]:
        """Return the scores of all texts, given those of the new ones; update the cache."""
        cached = dict(lookup.cached)
        for key, probability, label, cut, foreign in zip(lookup.new, *outcome, strict=True):
            cached[key] = Score(probability, label, cut, foreign)
        if len(self._cache) + len(lookup.new) > _CACHE_SIZE:
            self._cache.clear()
        self._cache.update(cached)
        return [None if key is None else cached[key] for key in lookup.keys]


def score(classifier: Classifier, texts: list[str]) -> Outcome:
    """Score texts, and detect texts in other languages."""
    if not texts:
        return Outcome([], [], [], [])
    languages = classifier.manifest["languages"]
    scored = classifier._score(texts)
    return Outcome(*scored, [looks_foreign(text, languages) for text in texts])


def _digest(text: str) -> bytes:
    """Return a short key for a text of any length."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
