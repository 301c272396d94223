"""Explanations of a decision by occlusion: one word is left out at a time."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction
    from disaster_tweets.topic import Label

_WORD = re.compile(r"\S+")

_STRENGTHS = (0.02, 0.1, 0.3)  # a weight of at least this size has the strength 1, 2 or 3
_LISTED = 5

# Red and green as in the command. Both let the background through, be it light or dark.
_RED, _GREEN = "214, 39, 40", "44, 160, 44"
_OPACITIES = (0, 0.15, 0.3, 0.45)  # by strength
_NOT_IN_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class WordWeight:
    """The contribution of one word to the probability of its text.

    Attributes:
        word: The word as it stands in the text. White space separates words.
        start: Index of its first character in the text.
        end: Index behind its last character, so ``text[start:end] == word``.
        weight: The probability of the text, less that of the text without this word. In
            [-1, 1]; positive where the word speaks for the label.
    """

    word: str
    start: int
    end: int
    weight: float

    def to_dict(self) -> dict[str, Any]:
        """Return ``word``, ``start``, ``end`` and ``weight``, which has 7 decimals."""
        return {
            "word": self.word,
            "start": self.start,
            "end": self.end,
            "weight": round(self.weight, 7),
        }


@dataclass(frozen=True)
class Explanation:
    """A prediction, and the weight of each word in it.

    A notebook shows the text with its words coloured, and a signed weight behind each coloured
    word.

    Attributes:
        text: The text, as it was passed.
        prediction: The prediction for the text.
        words: The words, in the order of the text.
        label: The label that the weights speak for or against. With two labels, the second one.
            With more, that of the prediction.
    """

    text: str
    prediction: Prediction
    words: tuple[WordWeight, ...]
    label: Label

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: what ``disaster-tweets explain --json`` prints.

        Returns:
            ``text``, the values of `Prediction.to_dict`, and ``words``, a list of those of
            `WordWeight.to_dict`, in this order.
        """
        return {
            "text": self.text,
            **self.prediction.to_dict(),
            "words": [word.to_dict() for word in self.words],
        }

    def _repr_html_(self) -> str:
        """Return HTML for a notebook. It needs no script and no file."""
        label = html.escape(self.label)
        return (
            f"<div><strong>{self.prediction:.4f}</strong> {html.escape(self.prediction.label)} "
            f"<small>(weights: + for {label}, \N{MINUS SIGN} against it)</small></div>\n"
            '<div dir="auto" style="white-space: pre-wrap; overflow-wrap: anywhere">'
            f"{''.join(_as_html(*piece) for piece in pieces(self))}</div>"
        )


def strength(word: WordWeight) -> int:
    """Return how strongly to mark a word, from 0, not at all, to 3."""
    return sum(abs(word.weight) >= least for least in _STRENGTHS)


def strongest(explanation: Explanation) -> list[WordWeight]:
    """Return the marked words of the largest weights, largest first, five at most."""
    marked = [word for word in explanation.words if strength(word)]
    return sorted(marked, key=lambda word: -abs(word.weight))[:_LISTED]


def pieces(explanation: Explanation) -> Iterator[tuple[str, WordWeight | None]]:
    """Yield the text in pieces: each word with its weight, white space with None."""
    position = 0
    for word in explanation.words:
        yield explanation.text[position : word.start], None
        yield word.word, word
        position = word.end
    yield explanation.text[position:], None


def _as_html(text: str, word: WordWeight | None) -> str:
    shown = html.escape(_NOT_IN_HTML.sub("\ufffd", text))
    marked = 0 if word is None else strength(word)
    if word is None or not marked:
        return shown
    color = _RED if word.weight > 0 else _GREEN
    weight = f"{word.weight:+.2f}".replace("-", "\N{MINUS SIGN}")
    style = f"background: rgba({color}, {_OPACITIES[marked]}); color: inherit"
    return f'<mark style="{style}">{shown}</mark><sup dir="ltr">{weight}</sup>'


def explain(
    text: str,
    predict: Callable[[list[str]], list[Prediction]],
    count_tokens: Callable[[str], int],
    capacity: int,
    labels: Sequence[Label],
) -> Explanation:
    """Score ``text``, and score it again without each of its words.

    Args:
        text: The text.
        predict: Classifies texts. It is called once, with at most ``capacity`` + 1 texts.
        count_tokens: Returns how many tokens the model reads for a word, at most ``capacity``.
        capacity: The number of tokens of a text that the model reads.
        labels: The labels of the model.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    read, end = _reach(text, words, count_tokens, capacity)
    # The model never reads beyond `end`, even where a word is left out.
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

    The text behind the last of these words matters too: it moves up where a word is left out.
    A word is assumed to have the same tokens alone as in the text. That fails only where a
    no-break space is one byte of mojibake.
    """
    read = []
    total = longest = 0
    for start, end in words:
        tokens = count_tokens(text[start:end])
        if tokens and total < capacity:
            read.append((start, end))
        total, longest = total + tokens, max(longest, tokens)
        # Cleaning looks at runs of characters beyond ASCII, so none may be cut.
        if total - longest >= capacity and text[end : end + 1].isascii():
            return read, end
    return read, len(text)
