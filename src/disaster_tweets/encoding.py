"""Turn a raw text into the token ids that the model reads."""

from __future__ import annotations

from collections.abc import Sequence

from disaster_tweets.text import NON_ASCII, Cleaner, Reads, cached_if_short, repair
from disaster_tweets.tokenizer import Tokenizer


class Encoding:
    """Cleans and tokenizes in one step: ``tokenizer.encode(clean(text))`` in less time.

    Cleaning and normalization treat each character separately, so their order does not matter.
    Here a byte table handles ASCII at once. Runs of other characters are few and repeat often,
    at least in English texts, so their results are cached.

    Args:
        reads: As for `Cleaner`.
        vocabulary: As for `Tokenizer`.
        max_tokens: As for `Tokenizer`.
    """

    def __init__(self, reads: Reads, vocabulary: Sequence[str], max_tokens: int) -> None:
        self._clean = Cleaner(reads)
        self._tokenizer = Tokenizer(vocabulary, max_tokens)
        self._normalized = cached_if_short(self._normalize)
        of_ascii = [self._normalize(chr(code_point)) for code_point in range(128)]
        self._table = bytes(ord(found.strip() or " ") for found in of_ascii)
        self._table += bytes(range(128, 256))
        self._dropped = bytes(i for i, found in enumerate(of_ascii) if not found)
        # Punctuation marks, which become words of their own.
        self._marks = [found.strip() for found in of_ascii if len(found) > 1]

    @property
    def max_tokens(self) -> int:
        """The longest encoding, in tokens."""
        return self._tokenizer.max_tokens

    def encode(self, text: str, max_tokens: int | None = None) -> list[int]:
        """Return the token ids of a text: from 2 to ``max_tokens`` or the own limit."""
        text = self._clean.without_addresses(repair(text))
        in_bytes = text.encode("utf-8", "surrogatepass").translate(self._table, self._dropped)
        normalized = in_bytes.decode("utf-8", "surrogatepass")
        for mark in self._marks:
            if mark in normalized:
                normalized = normalized.replace(mark, f" {mark} ")
        if not normalized.isascii():
            # Last, because it may produce ASCII marks that the steps above would remove or
            # split.
            normalized = NON_ASCII.sub(lambda run: self._normalized(run[0]), normalized)
        return self._tokenizer.encode_words(normalized.split(), max_tokens)

    def _normalize(self, text: str) -> str:
        return self._tokenizer.normalize(self._clean.read(text))
