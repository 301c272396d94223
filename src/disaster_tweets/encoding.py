"""From a text, as people write it, to the token ids that the model reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from disaster_tweets.text import Cleaner, Reads, remembered, repair
from disaster_tweets.tokenizer import Tokenizer

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")


class Encoding:
    """Cleaning and tokenizing in one: ``tokenizer.encode(clean(text))`` in less time.

    Both take each character on its own, in whatever order. Here, a table of bytes takes those
    of ASCII at once. Runs of others are few and often the same, at least in English: what they
    become is remembered.

    Args:
        reads: As for `Cleaner`.
        vocabulary: As for `Tokenizer`.
        max_tokens: As for `Tokenizer`.
    """

    def __init__(self, reads: Reads, vocabulary: Sequence[str], max_tokens: int) -> None:
        self._clean = Cleaner(reads)
        self._tokenizer = Tokenizer(vocabulary, max_tokens)
        self._normalized = remembered(self._normalize)
        of_ascii = [self._normalize(chr(code_point)) for code_point in range(128)]
        self._table = bytes(ord(found.strip() or " ") for found in of_ascii)
        self._table += bytes(range(128, 256))
        self._dropped = bytes(i for i, found in enumerate(of_ascii) if not found)
        # Marks that are words of their own.
        self._apart = [found.strip() for found in of_ascii if len(found) > 1]

    @property
    def max_tokens(self) -> int:
        """The longest encoding."""
        return self._tokenizer.max_tokens

    def encode(self, text: str, max_tokens: int | None = None) -> list[int]:
        """Return the ids of a text: from 2 to ``max_tokens``, or to that of the encoding."""
        text = self._clean.without_addresses(repair(text))
        in_bytes = text.encode("utf-8", "surrogatepass").translate(self._table, self._dropped)
        normalized = in_bytes.decode("utf-8", "surrogatepass")
        for mark in self._apart:
            if mark in normalized:
                normalized = normalized.replace(mark, f" {mark} ")
        if not normalized.isascii():
            # Last, as it may give marks of ASCII that would not be read as such.
            normalized = _NON_ASCII.sub(lambda run: self._normalized(run[0]), normalized)
        return self._tokenizer.encode_words(normalized.split(), max_tokens)

    def _normalize(self, text: str) -> str:
        return self._tokenizer.normalize(self._clean.read(text))
