"""Cleaning of raw tweets: the one function that training and serving share."""

from __future__ import annotations

import html
import re

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<!\w)@\w+")

# Python refuses to read integers of thousands of digits; no character has such a number.
_OVERLONG_REFERENCE = re.compile(r"&#\d{8,};?")

# Characters that the damage described in _repair left without their last byte.
_TRUNCATED = {"\x89Û_": "…", "\x89Û\x9d": "”"}
_TRUNCATED_PATTERN = re.compile("|".join(map(re.escape, _TRUNCATED)))


def clean(text: str) -> str:
    """Return ``text`` the way the model reads it.

    Repairs mojibake, decodes HTML entities, and replaces each URL by ``http`` and each
    @handle by ``@user``, so that no address and nobody's name reaches the model.

    Args:
        text: Any Unicode text; lone surrogates are kept.

    Returns:
        The cleaned text. Case, punctuation, hashtags and emoji stay.
    """
    if not text.isascii():
        text = _TRUNCATED_PATTERN.sub(lambda match: _TRUNCATED[match[0]], text)
        text = _NON_ASCII.sub(_repair, text)
    if "&" in text:
        text = html.unescape(_OVERLONG_REFERENCE.sub("\ufffd", text))
    return _HANDLE.sub("@user", _URL.sub("http", text))


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
