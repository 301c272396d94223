"""Augmentation: changed copies of texts, which the assistant labels for the student."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipeline.cleaning import clean

# Shares of the copies: with words replaced, with words deleted, and cut out of a text. Each of
# the other copies joins two texts.
_REPLACED, _LOSING, _CUT = 0.5, 0.15, 0.15
_OTHER = (0.15, 0.3, 0.45)  # shares of words to replace; each copy draws one
_LOST = 0.25  # share of the words that are deleted
_SHORTEST, _LONGEST = 0.4, 0.8  # share of the words that a cut-out keeps

_ROWS = 2000  # words compared at a time, to limit memory

SimilarWords = Mapping[str, Sequence[str]]


def similar_words(
    pieces: Sequence[str], embeddings: np.ndarray, count: int = 12
) -> dict[str, list[str]]:
    """Return, for each word, the words with the most similar embeddings, as in TinyBERT (2019).

    Args:
        pieces: Word pieces. Only whole words of three or more letters count.
        embeddings: Those of the backbone, (pieces, width).
        count: The number of similar words for each word; fewer if there are not so many.

    Returns:
        The similar words of each word, in the order of ``pieces``. The similarity is the cosine
        of the embeddings, after their mean is subtracted.
    """
    ids = [i for i, piece in enumerate(pieces) if len(piece) > 2 and piece.isalpha()]
    directions = embeddings[ids] - embeddings[ids].mean(axis=0)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    count = min(count, len(ids) - 1)
    similar = {}
    for start in range(0, len(ids), _ROWS):
        cosines = directions[start : start + _ROWS] @ directions.T
        for row, cosine in enumerate(cosines, start):
            cosine[row] = -2.0  # not itself
            nearest = np.argpartition(-cosine, count - 1)[:count]
            similar[pieces[ids[row]]] = [pieces[ids[i]] for i in sorted(nearest)]
    return similar


def augmented(
    texts: Sequence[str], copies: Sequence[int], similar: SimilarWords, seed: int
) -> Iterator[str]:
    """Yield copies of texts: with words replaced or deleted, cut out, or joined from two texts.

    Args:
        texts: As people write them. A text without words gets no copy.
        copies: The number of copies of each text.
        similar: The words that may replace a word, by that word in lower case.
        seed: Seed of the random changes.
    """
    generator = random.Random(seed)
    split = [clean(text).split() for text in texts]
    for words, number in zip(split, copies, strict=True):
        for _ in range(number if words else 0):
            yield " ".join(_augment(words, split, similar, generator))


def _augment(
    words: list[str],
    others: list[list[str]],
    similar: SimilarWords,
    generator: random.Random,
) -> list[str]:
    kind = generator.random()
    if kind < _REPLACED:
        share = generator.choice(_OTHER)
        return [_replaced(word, share, similar, generator) for word in words]
    if kind < _REPLACED + _LOSING:
        return [word for word in words if generator.random() >= _LOST] or words
    if kind < _REPLACED + _LOSING + _CUT:
        length = max(2, round(len(words) * generator.uniform(_SHORTEST, _LONGEST)))
        start = generator.randrange(max(1, len(words) - length + 1))
        return words[start : start + length]
    other = generator.choice(others)
    return words[: max(1, len(words) // 2)] + other[len(other) // 2 :]


def _replaced(word: str, share: float, similar: SimilarWords, generator: random.Random) -> str:
    alike = similar.get(word.lower())
    return generator.choice(alike) if alike and generator.random() < share else word
