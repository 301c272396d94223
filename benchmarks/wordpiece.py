"""BERT's own way to cut words, by the tokenizers library: another cut than the package's."""

from __future__ import annotations

from tokenizers import BertWordPieceTokenizer


class WordPiece:
    """Cuts a word from the left, the longest piece first."""

    def __init__(self, pieces: list[str], max_tokens: int) -> None:
        """Take word pieces in the order of their ids."""
        ids = {piece: number for number, piece in enumerate(pieces)}
        self._tokenizer = BertWordPieceTokenizer(ids)
        self._tokenizer.enable_truncation(max_tokens)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids
