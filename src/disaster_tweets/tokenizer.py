"""Tokenize texts into word pieces: words as in BERT, split by a cost of our own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import islice

from disaster_tweets import characters

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
SPECIAL_TOKENS = ("[PAD]", UNKNOWN, START, END)

_MAX_WORD_CHARACTERS = 100  # a longer word is unknown, as in BERT

_LONG_WORD = 20  # characters
_CACHED_WORDS = 1 << 14

# Costs of pieces are integers, so that sums do not depend on the processor. A piece at the
# end or in the middle of a word costs one unit more than a whole word.
_UNIT = 1 << 20
_FRAGMENT_COST = _UNIT

_CJK_RANGES = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class _Normalization(dict[int, str]):
    """Code point -> its normalized text as in BERT, computed once per character.

    Spaces surround punctuation and CJK characters, which become words of their own.
    """

    def __missing__(self, code_point: int) -> str:
        normalized = _normalize(chr(code_point))
        self[code_point] = normalized
        return normalized


class _Costs(dict[int, int]):
    """Rank of a piece -> the logarithm of the rank, computed once per piece."""

    def __missing__(self, rank: int) -> int:
        self[rank] = cost = round(math.log(rank) * _UNIT)
        return cost


def _normalize(character: str) -> str:
    if character in "\t\n\r":
        return " "
    # Unassigned code points (Cn) are kept.
    if character == "\ufffd" or characters.category(character) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    if characters.is_space(character):
        return " "
    if any(first <= ord(character) <= last for first, last in _CJK_RANGES):
        return f" {characters.decomposed(character)} "
    return "".join(
        f" {lowered} " if _is_punctuation(lowered) else lowered
        for part in characters.decomposed(character)
        if characters.category(part) != "Mn"
        for lowered in characters.lower(part)
    )


def _is_punctuation(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character.isspace() or character < " ")
    return characters.category(character).startswith("P")


class Tokenizer:
    """Turns text into the token ids that the model reads.

    Args:
        vocabulary: The word pieces; the index of a piece is its id. Pieces inside a word begin
            with ``##``. The vocabulary must contain ``SPECIAL_TOKENS``.
        max_tokens: The longest encoding, including ``[CLS]`` and ``[SEP]``; the rest of a
            longer text is not read.
    """

    def __init__(self, vocabulary: Sequence[str], max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._ids = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
        self._start, self._end = self._ids[START], self._ids[END]
        self._unknown = self._ids[UNKNOWN]
        self._costs = _Costs()
        self._character_cost = self._costs[len(vocabulary)] + _UNIT
        self._normalization = _Normalization()
        # In a stream of texts, the same few words outside the vocabulary occur again and again.
        self._segmented = lru_cache(_CACHED_WORDS)(self._segment)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of ``text``: from 2 to ``max_tokens`` ids."""
        return self.encode_words(self.normalize(text).split())

    def normalize(self, text: str) -> str:
        """Return ``text`` in lower case, without accents, with spaces between its words."""
        return text.translate(self._normalization)

    def encode_words(self, words: Sequence[str], max_tokens: int | None = None) -> list[int]:
        """Return the token ids of the words of a normalized text.

        Args:
            words: The words of the text that `normalize` returned.
            max_tokens: Overrides the limit of the tokenizer.
        """
        longest = max_tokens or self.max_tokens
        known, segmented = self._ids.get, self._segmented
        ids = [self._start]
        for word in words:
            whole = known(word)
            if whole is None:
                ids += segmented(word)
            else:
                ids.append(whole)
            if len(ids) >= longest:
                del ids[longest - 1 :]
                break
        ids.append(self._end)
        return ids

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._ids))

    @cached_property
    def _cheapest_piece(self) -> int:
        """The cost of the cheapest piece."""
        ranks = (
            rank
            for piece, rank in self._ids.items()
            if piece not in SPECIAL_TOKENS and len(piece.removeprefix("##")) > 1
        )
        return min([self._character_cost, *map(self._costs.__getitem__, islice(ranks, 1))])

    def _segment(self, word: str) -> list[int]:
        """Split a word into the pieces with the lowest total cost.

        A piece costs the logarithm of its rank, a piece with ``##`` costs more, and a single
        character costs more than any longer piece. So #abmarket is read as "ab market" instead
        of "ab ##mark ##et", and #yycmarket as "y y c market" instead of "y y cm ##ark ##et".
        Inside a word, pieces with and without ``##`` are allowed.
        """
        if len(word) > _MAX_WORD_CHARACTERS:
            return [self._unknown]
        known, costs = self._ids.get, self._costs
        single, cheapest = self._character_cost, self._cheapest_piece
        # The limit on the length of a piece helps only in long words, which are few.
        longest = self._longest if len(word) > _LONG_WORD else len(word)
        # For each place in the word: the lowest cost to reach it, and the last piece on that
        # path.
        lowest: list[float] = [0] + [math.inf] * len(word)
        last = [(0, self._unknown)] * len(lowest)
        for start in range(len(word)):
            reached = lowest[start]
            if reached + cheapest < lowest[-1]:  # otherwise no better path starts here
                for end in range(start + 1, min(len(word), start + longest) + 1):
                    part = word[start:end]
                    piece = known(part)
                    if piece is not None:
                        cost = reached + (costs[piece] if end - start > 1 else single)
                        if cost < lowest[end]:
                            lowest[end], last[end] = cost, (start, piece)
                    piece = known(f"##{part}") if start else None
                    if piece is not None:
                        more = costs[piece] + _FRAGMENT_COST if end - start > 1 else single
                        cost = reached + more
                        if cost < lowest[end]:
                            lowest[end], last[end] = cost, (start, piece)
        if lowest[-1] == math.inf:
            return [self._unknown]
        pieces, end = [], len(word)
        while end:
            end, piece = last[end]
            pieces.append(piece)
        return pieces[::-1]
