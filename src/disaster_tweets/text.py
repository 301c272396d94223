"""Clean raw texts, with the same function in training and in serving."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from disaster_tweets import characters

NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# Used on ASCII only: outside it, matches of ``\s`` and ``\w`` depend on the Python version.
URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
HANDLE = re.compile(r"(?<!\w)@\w+")

# Python refuses to parse integers of thousands of digits, and no character has such a number.
_OVERLONG_REFERENCE = re.compile(r"&#[0-9]{8,};?")

# Sequences that lost their last byte in the decoding errors that _without_damage repairs.
_TRUNCATED = {"\x89Û_": "…", "\x89Û\x9d": "”"}
_TRUNCATED_PATTERN = re.compile("|".join(map(re.escape, _TRUNCATED)))

_LONGEST_CACHED = 16  # characters

# Emoji, including those of later versions of Unicode.
_PICTOGRAPHS = range(0x1F000, 0x1FB00)

Reads = Mapping[str, Any]

# For a model that reads everything.
READS_ALL: Reads = {"urls": True, "handles": True, "emoji": True, "marks": "all"}


class Cleaner:
    """Removes the parts of a text that the model does not read, in training and serving alike.

    Args:
        reads: The parts to keep: ``urls``, ``handles`` and ``emoji``, each True or False, and
            ``marks``, a ``str`` of punctuation marks and symbols, or ``"all"``. Everything else
            becomes spaces: no score depends on it.
    """

    def __init__(self, reads: Reads) -> None:
        self._reads_urls, self._reads_handles = reads["urls"], reads["handles"]
        self._characters = _Characters(reads["emoji"], reads["marks"])

    def __call__(self, text: str) -> str:
        """Return the words of a text with their original case, after `repair`.

        Args:
            text: Any Unicode text; lone surrogates are kept.
        """
        return self.read(self.without_addresses(repair(text)))

    def without_addresses(self, text: str) -> str:
        """Return a repaired text without URLs and handles, unless the model reads them."""
        if not self._reads_urls and ("://" in text or "www." in text.lower()):
            text = (URL if text.isascii() else _any_url()).sub(" ", text)
        if not self._reads_handles and "@" in text:
            text = (HANDLE if text.isascii() else _any_handle()).sub(" ", text)
        return text

    def read(self, text: str) -> str:
        """Return a text with spaces for the characters that the model does not read."""
        return text.translate(self._characters)


class _Characters(dict[int, str]):
    """Code point -> its replacement, computed once per character."""

    def __init__(self, emoji: bool, marks: str) -> None:
        self._emoji, self._marks = emoji, marks

    def __missing__(self, code_point: int) -> str:
        self[code_point] = found = self._read(code_point)
        return found

    def _read(self, code_point: int) -> str:
        character = chr(code_point)
        category = characters.category(character)
        # The ring of a keycap emoji (category Me) encloses the digit before it.
        if code_point in _PICTOGRAPHS or category in ("So", "Me"):
            # With spaces, because the tokenizer would join it with the word beside it.
            return f" {character} " if self._emoji or character in self._marks else " "
        if category[0] in "PS" and self._marks != "all" and character not in self._marks:
            return " "
        return character


@cache
def _any_url() -> re.Pattern[str]:
    spaces = characters.spaces()
    return re.compile(rf"(?:https?://|www\.)[^{spaces}]+", re.IGNORECASE | re.ASCII)


@cache
def _any_handle() -> re.Pattern[str]:
    word = characters.word()
    return re.compile(f"(?<![{word}])@[{word}]+")


def repair(text: str) -> str:
    """Return ``text`` with repaired mojibake, decoded HTML entities and plain letters.

    Styled letters become plain ones, such as bold letters of the mathematical alphabets.
    """
    if not text.isascii():
        if "\x89" in text:
            text = _TRUNCATED_PATTERN.sub(lambda match: _TRUNCATED[match[0]], text)
        text = NON_ASCII.sub(lambda run: _without_damage(run[0]), text)
    if "&" in text:
        import html  # local, because its table of entities is slow to import

        text = html.unescape(_OVERLONG_REFERENCE.sub("\ufffd", text))
    return text if text.isascii() else NON_ASCII.sub(lambda run: _plain(run[0]), text)


def cached_if_short(function: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function with a cache of its results for short texts.

    Runs of quotation marks, dashes and emoji repeat often.
    """
    cached = lru_cache(maxsize=1024)(function)
    return lambda run: cached(run) if len(run) <= _LONGEST_CACHED else function(run)


@cached_if_short
def _plain(run: str) -> str:
    """Return a run of characters with plain letters in place of styled ones."""
    return run.translate(characters.styled_letters())


@cached_if_short
def _without_damage(run: str) -> str:
    """Undo one of the decoding errors that are common in collections of texts, if any."""
    for undo in (_from_mac_roman, _from_windows, _from_latin_1):
        try:
            return undo(run)
        except UnicodeError:
            continue
    return run


def _from_mac_roman(run: str) -> str:
    # UTF-8 read as Windows-1252, stored as Mac Roman, read as Latin-1.
    return run.encode("latin-1").decode("mac_roman").encode("cp1252").decode("utf-8")


def _from_windows(run: str) -> str:
    return run.encode("cp1252").decode("utf-8")


def _from_latin_1(run: str) -> str:
    return run.encode("latin-1").decode("utf-8")
