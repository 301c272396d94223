"""Which words carried a decision: found by leaving out one word at a time (occlusion)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction
    from disaster_tweets.topic import Label

_WORD = re.compile(r"\S+")

_STRENGTHS = (0.02, 0.1, 0.3)  # the least size of a weight to be shown as 1, 2 and 3
_LISTED = 5


@dataclass(frozen=True)
class WordWeight:
    """What one word of a text contributed to its probability.

    Attributes:
        word: The word as it stands in the text: what lies between white space.
        start: Index of its first character in the text.
        end: Index behind its last character, so ``text[start:end] == word``.
        weight: The probability of the text, less that of the text without this word; in
            [-1, 1], and positive where the word speaks for the label that it is of.
    """

    word: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Explanation:
    """A prediction, and the weight of each word in it.

    Attributes:
        text: The text, as it was passed.
        prediction: What the classifier says about it.
        words: Its words, in the order of the text.
        label: The label whose probability the weights are of: the second of two; of more, that
            of the prediction.
    """

    text: str
    prediction: Prediction
    words: tuple[WordWeight, ...]
    label: Label


def strength(word: WordWeight) -> int:
    """Say how strongly a word is to be marked: from 0, not at all, to 3."""
    return sum(abs(word.weight) >= least for least in _STRENGTHS)


def strongest(explanation: Explanation) -> list[WordWeight]:
    """Return the few words, of those to be marked, that carried the decision most."""
    marked = [word for word in explanation.words if strength(word)]
    return sorted(marked, key=lambda word: -abs(word.weight))[:_LISTED]


def words_for_json(explanation: Explanation) -> list[dict[str, Any]]:
    """Return the words as plain values, in the order of the text."""
    return [
        {"word": w.word, "start": w.start, "end": w.end, "weight": round(w.weight, 7)}
        for w in explanation.words
    ]


def explain(
    text: str,
    predict: Callable[[list[str]], list[Prediction]],
    count_tokens: Callable[[str], int],
    capacity: int,
    labels: Sequence[Label],
) -> Explanation:
    """Score ``text`` and its variants without one word each.

    Args:
        text: The text.
        predict: Classifies texts; called once, with at most ``capacity`` + 1 of them.
        count_tokens: Says how many tokens the model reads for a word: ``capacity`` at most.
        capacity: How many tokens of a text the model reads.
        labels: Those of the model.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    read, end = _reach(text, words, count_tokens, capacity)
    # The model reads nothing behind `end`, whichever word is left out.
    variants = [text[:start] + text[stop:end] for start, stop in read]
    prediction, *without = predict([text[:end], *variants])
    label = labels[1] if len(labels) == 2 else prediction.label
    weights = {
        word: prediction.probabilities[label] - variant.probabilities[label]
        for word, variant in zip(read, without, strict=True)
    }
    return Explanation(
        text,
        prediction,
        tuple(
            WordWeight(text[start:stop], start, stop, weights.get((start, stop), 0.0))
            for start, stop in words
        ),
        label,
    )


def _reach(
    text: str,
    words: list[tuple[int, int]],
    count_tokens: Callable[[str], int],
    capacity: int,
) -> tuple[list[tuple[int, int]], int]:
    """Return the words that the model reads, and where the text that matters ends.

    What follows the last word read matters too: it moves up where another is left out.
    A word is taken to read alone as it does in the text, which fails only where a no-break
    space is one byte of mojibake.
    """
    read = []
    total = longest = 0
    for start, end in words:
        tokens = count_tokens(text[start:end])
        if tokens and total < capacity:
            read.append((start, end))
        total, longest = total + tokens, max(longest, tokens)
        # Cleaning looks at runs of characters beyond ASCII: none may be cut.
        if total - longest >= capacity and text[end : end + 1].isascii():
            return read, end
    return read, len(text)
