"""Scores the texts of a chunk; one that comes again, here or later, is scored once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from disaster_tweets.batch.rows import Score

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

_REMEMBERED = 50_000  # scores that are kept for the case that their text comes again


class Scorer:
    """A classifier that remembers."""

    def __init__(self, classifier: Classifier, threads: int) -> None:
        self._classifier = classifier
        self._threads = threads
        self._known: dict[bytes, Score] = {}

    def __call__(self, texts: Sequence[str | None]) -> list[Score | None]:
        """Return a score for each text; None where it is missing: None, or empty."""
        keys = [_digest(text) if text else None for text in texts]
        known: dict[bytes, Score] = {}
        new: dict[bytes, str] = {}
        for key, text in zip(keys, texts, strict=True):
            if key is None or text is None:
                continue
            if key in self._known:
                known[key] = self._known[key]
            else:
                new[key] = text
        known.update(zip(new, self._score(list(new.values())), strict=True))
        if len(self._known) + len(new) > _REMEMBERED:
            self._known.clear()
        self._known.update(known)
        return [None if key is None else known[key] for key in keys]

    def _score(self, texts: list[str]) -> Iterator[Score]:
        if not texts:
            return
        labels, threshold = self._classifier.classes_, self._classifier.threshold
        probabilities = self._classifier.predict_proba(texts, threads=self._threads)[:, 1]
        for probability in probabilities.tolist():
            yield Score(probability, labels[probability >= threshold])


def _digest(text: str) -> bytes:
    """Return a key that is short, however long the text is."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
