"""Cleaning of raw tweets: the one function that training and serving share."""

from __future__ import annotations

import re
import unicodedata

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
HANDLE = re.compile(r"(?<!\w)@\w+")

# Python refuses to read integers of thousands of digits; no character has such a number.
_OVERLONG_REFERENCE = re.compile(r"&#\d{8,};?")

# Characters that the damage described in _repair left without their last byte.
_TRUNCATED = {"\x89Û_": "…", "\x89Û\x9d": "”"}
_TRUNCATED_PATTERN = re.compile("|".join(map(re.escape, _TRUNCATED)))


class _Marks(dict[int, str]):
    """Code point -> a space for what the model does not read, else the character."""

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        category = unicodedata.category(character)
        # The ring of a keycap emoji encloses (Me) the digit before it.
        mark = code_point in _PICTOGRAPHS or category[0] in "PS" or category == "Me"
        self[code_point] = " " if mark and character not in _READ else character
        return self[code_point]


# Which of them are assigned depends on the Python version, and a score must not.
_PICTOGRAPHS = range(0x1F000, 0x1FB00)
_READ = "!?"  # the only marks that tell a disaster from a figure of speech

_MARKS = _Marks()


def clean(text: str) -> str:
    """Return ``text`` the way the model reads it.

    After `repair`, URLs, @handles, hashtag signs, emoji and all marks but ``!`` and ``?``
    become spaces: no address and nobody's name reaches the model, and a score does not
    depend on them.

    Args:
        text: Any Unicode text; lone surrogates are kept.

    Returns:
        The words of the text, as they are written.
    """
    return HANDLE.sub(" ", URL.sub(" ", repair(text))).translate(_MARKS)


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
    """Undo the wrong decodings that are common in tweets, where one of them applies."""
    run = match[0]
    for undo in (_from_mac_roman, _from_windows, _from_latin_1):
        try:
            return undo(run)
        except UnicodeError:
            continue
    return run


def _from_mac_roman(run: str) -> str:
    # UTF-8 read as Windows-1252, stored as Mac Roman, read as Latin-1: the training data.
    return run.encode("latin-1").decode("mac_roman").encode("cp1252").decode("utf-8")


def _from_windows(run: str) -> str:
    return run.encode("cp1252").decode("utf-8")


def _from_latin_1(run: str) -> str:
    return run.encode("latin-1").decode("utf-8")
