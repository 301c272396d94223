"""WordPiece tokenization (BERT, uncased) over the bundled vocabulary."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
SPECIAL_TOKENS = ("[PAD]", UNKNOWN, START, END)

_MAX_WORD_CHARACTERS = 100  # a longer word is unknown, as in BERT

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
    """Code point -> its text after BERT's normalization, worked out once per character.

    Words come out separated by spaces: punctuation and CJK characters stand alone.
    """

    def __missing__(self, code_point: int) -> str:
        normalized = _normalize(chr(code_point))
        self[code_point] = normalized
        return normalized


def _normalize(character: str) -> str:
    if character in "\t\n\r":
        return " "
    # Unassigned code points (Cn) are kept: which ones are assigned depends on the Python
    # version, and a score must not.
    if character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    if character.isspace():
        return " "
    if any(first <= ord(character) <= last for first, last in _CJK_RANGES):
        return f" {unicodedata.normalize('NFD', character)} "
    return "".join(
        f" {lowered} " if _is_punctuation(lowered) else lowered
        for part in unicodedata.normalize("NFD", character)
        if unicodedata.category(part) != "Mn"
        for lowered in part.lower()
    )


def _is_punctuation(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character.isspace() or character < " ")
    return unicodedata.category(character).startswith("P")


class Tokenizer:
    """Turns text into the ids that the model reads.

    Args:
        vocabulary: The word pieces; a piece's index is its id. Pieces that continue a
            word begin with ``##``. Must hold ``SPECIAL_TOKENS``.
        max_tokens: The longest encoding, ``[CLS]`` and ``[SEP]`` included; what follows
            in the text is not read.
    """

    def __init__(self, vocabulary: Sequence[str], max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._ids = {piece: index for index, piece in enumerate(vocabulary)}
        self._longest = max(map(len, vocabulary))
        self._start, self._end = self._ids[START], self._ids[END]
        self._unknown = self._ids[UNKNOWN]
        self._normalization = _Normalization()

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``: between 2 and ``max_tokens`` of them."""
        ids = [self._start]
        for word in text.translate(self._normalization).split():
            ids += self._word(word)
            if len(ids) >= self.max_tokens:
                break
        return [*ids[: self.max_tokens - 1], self._end]

    def _word(self, word: str) -> list[int]:
        """Cut one word into the longest pieces that the vocabulary holds, left to right."""
        whole = self._ids.get(word)
        if whole is not None:
            return [whole]
        if len(word) > _MAX_WORD_CHARACTERS:
            return [self._unknown]
        pieces = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = self._ids.get(prefix + word[start:end])
                if piece is not None:
                    pieces.append(piece)
                    start, prefix = end, "##"
                    break
            else:
                return [self._unknown]
        return pieces
