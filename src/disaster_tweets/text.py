"""Cleaning of raw texts: what training and serving share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
HANDLE = re.compile(r"(?<!\w)@\w+")

# Python refuses to read integers of thousands of digits; no character has such a number.
_OVERLONG_REFERENCE = re.compile(r"&#\d{8,};?")

# Characters that the damage described in _repair left without their last byte.
_TRUNCATED = {"\x89Û_": "…", "\x89Û\x9d": "”"}
_TRUNCATED_PATTERN = re.compile("|".join(map(re.escape, _TRUNCATED)))


# Which of them are assigned depends on the Python version, and a score must not.
_PICTOGRAPHS = range(0x1F000, 0x1FB00)

Reads = Mapping[str, Any]

# A model that reads everything.
READS_ALL: Reads = {"urls": True, "handles": True, "emoji": True, "marks": "all"}


class Cleaner:
    """Turns a text into what the model reads of it: the one function of training and serving.

    Args:
        reads: What is read: ``urls``, ``handles`` and ``emoji``, each True or False, and
            ``marks``, a ``str`` of punctuation marks and symbols, or ``"all"``. All else
            becomes spaces: it does not reach the model, and no score depends on it.
    """

    def __init__(self, reads: Reads) -> None:
        self._left_out = [
            pattern for pattern, name in ((URL, "urls"), (HANDLE, "handles")) if not reads[name]
        ]
        self._characters = _Characters(reads["emoji"], reads["marks"])

    def __call__(self, text: str) -> str:
        """Return the words of a text, as they are written, after `repair`.

        Args:
            text: Any Unicode text; lone surrogates are kept.
        """
        text = repair(text)
        for pattern in self._left_out:
            text = pattern.sub(" ", text)
        return text.translate(self._characters)


class _Characters(dict[int, str]):
    """Code point -> what stands for it, worked out once per character."""

    def __init__(self, emoji: bool, marks: str) -> None:
        self._emoji, self._marks = emoji, marks

    def __missing__(self, code_point: int) -> str:
        self[code_point] = found = self._read(code_point)
        return found

    def _read(self, code_point: int) -> str:
        character = chr(code_point)
        category = unicodedata.category(character)
        # The ring of a keycap emoji encloses (Me) the digit before it.
        if code_point in _PICTOGRAPHS or category in ("So", "Me"):
            # A word of its own: the tokenizer would take it for a part of the word beside it.
            return f" {character} " if self._emoji or character in self._marks else " "
        if category[0] in "PS" and self._marks != "all" and character not in self._marks:
            return " "
        return character


def repair(text: str) -> str:
    """Return ``text`` with mojibake repaired and HTML entities decoded."""
    if not text.isascii():
        text = _TRUNCATED_PATTERN.sub(lambda match: _TRUNCATED[match[0]], text)
        text = _NON_ASCII.sub(_repair, text)
    if "&" in text:
        import html  # its table of entities takes a while

        text = html.unescape(_OVERLONG_REFERENCE.sub("\ufffd", text))
    return text


def _repair(match: re.Match[str]) -> str:
    """Undo one of the wrong decodings that are common in collections of texts, if any."""
    run = match[0]
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
