"""Scores texts; one that comes again, here or later, is scored once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from disaster_tweets.language import looks_foreign
from disaster_tweets.tables.rows import Score

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

_REMEMBERED = 50_000  # scores that are kept for the case that their text comes again


class Lookup(NamedTuple):
    """What is known of some texts, and what is not.

    Attributes:
        keys: One for each text, None where it is missing.
        known: The scores of those that were scored before.
        new: The other texts, each once.
    """

    keys: list[bytes | None]
    known: dict[bytes, Score]
    new: dict[bytes, str]


class Outcome(NamedTuple):
    """What scoring some texts gives, in their order; the meaning is that of `Score`."""

    probabilities: list[float]
    labels: Sequence[str]
    cut: list[bool]
    foreign: list[bool]


class Scorer:
    """A classifier that remembers."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._known: dict[bytes, Score] = {}

    def __call__(self, texts: Sequence[str | None]) -> list[Score | None]:
        """Return a score for each text; None where it is missing: None, or empty."""
        lookup = self.look_up(texts)
        return self.scores(lookup, score(self._classifier, list(lookup.new.values())))

    def look_up(self, texts: Sequence[str | None]) -> Lookup:
        """Say which of the texts are to be scored."""
        lookup = Lookup([_digest(text) if text else None for text in texts], {}, {})
        for key, text in zip(lookup.keys, texts, strict=True):
            if key is None or text is None:
                continue
            if key in self._known:
                lookup.known[key] = self._known[key]
            else:
                lookup.new[key] = text
        return lookup

    def scores(self, lookup: Lookup, of_new: Outcome) -> list[Score | None]:
        """Return the scores of all the texts, given the outcome of the new ones."""
        known = dict(lookup.known)
        for key, probability, label, cut, foreign in zip(lookup.new, *of_new, strict=True):
            known[key] = Score(probability, label, cut, foreign)
        if len(self._known) + len(lookup.new) > _REMEMBERED:
            self._known.clear()
        self._known.update(known)
        return [None if key is None else known[key] for key in lookup.keys]


def score(classifier: Classifier, texts: list[str]) -> Outcome:
    """Score texts, and look at each of them for what is counted."""
    if not texts:
        return Outcome([], [], [], [])
    languages = classifier.manifest["languages"]
    scored = classifier._score(texts)
    return Outcome(*scored, [looks_foreign(text, languages) for text in texts])


def _digest(text: str) -> bytes:
    """Return a key that is short, however long the text is."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
