"""Augmentation: copies of texts with other words, for the assistant to label anew."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipeline.cleaning import clean

# Of the copies: the share that gets other words, that loses words, and that is cut out; the
# rest is joined of two texts.
_REPLACED, _LOSING, _CUT = 0.5, 0.15, 0.15
_OTHER = (0.15, 0.3, 0.45)  # shares of the words that are replaced, one of them for a copy
_LOST = 0.25  # share of the words
_SHORTEST, _LONGEST = 0.4, 0.8  # share of the words in what is cut out

_ROWS = 2000  # words compared at a time, which bounds memory

SimilarWords = Mapping[str, Sequence[str]]


def similar_words(
    pieces: Sequence[str], embeddings: np.ndarray, count: int = 12
) -> dict[str, list[str]]:
    """Return for each word those with the most similar embeddings, as in TinyBERT (2019).

    Args:
        pieces: Word pieces; what is no whole word, or shorter than three letters, is left out.
        embeddings: (pieces, width), what the backbone knows of them.
        count: How many for each word; fewer where there are no more.

    Returns:
        Words by the cosine of their embeddings, less the mean of all, in no order.
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
    """Yield copies of texts: with other words, without some, cut out, or joined of two.

    Args:
        texts: As people write them; of one without words there is no copy.
        copies: How many of each.
        similar: Which words may stand for a word, in lower case.
        seed: Of what is changed, and how.
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
