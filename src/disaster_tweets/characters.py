"""Unicode's properties of characters in one version, whichever Python brings.

A score must not depend on the version of Python. The data in characters.json is of Unicode
15.1; scripts/unicode_data.py writes it. Code points of later versions are unassigned.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from functools import cache
from typing import Any

from disaster_tweets.errors import DISTRIBUTION, ArtifactError

# The syllables of Hangul are decomposed by a formula: chapter 3.12 of the Unicode Standard.
_HANGUL, _LEAD, _VOWEL, _TAIL = 0xAC00, 0x1100, 0x1161, 0x11A7
_VOWELS, _TAILS, _SYLLABLES = 21, 28, 11172


# The categories of ASCII, which need no file.
_ASCII = (
    *("Cc",) * 32,
    *"Zs Po Po Po Sc Po Po Po Ps Pe Po Sm Po Pd Po Po".split(),
    *("Nd",) * 10,
    *"Po Po Sm Sm Sm Po Po".split(),
    *("Lu",) * 26,
    *"Ps Po Pe Sk Pc Sk".split(),
    *("Ll",) * 26,
    *"Ps Sm Pe Sm Cc".split(),
)


def category(character: str) -> str:
    """Return the general category of a character, such as "Lu"."""
    if character.isascii():
        return _ASCII[ord(character)]
    starts, categories = _runs()
    return categories[bisect_right(starts, ord(character)) - 1]


def lower(character: str) -> str:
    """Return a character in lower case, which may be several."""
    if character.isascii():
        return character.lower()
    found: str = _data()["lower"].get(character, character)
    return found


def decomposed(character: str) -> str:
    """Return the canonical decomposition (NFD) of a character."""
    if character.isascii():
        return character
    syllable = ord(character) - _HANGUL
    if 0 <= syllable < _SYLLABLES:
        lead, rest = divmod(syllable, _VOWELS * _TAILS)
        vowel, tail = divmod(rest, _TAILS)
        last = chr(_TAIL + tail) if tail else ""
        return chr(_LEAD + lead) + chr(_VOWEL + vowel) + last
    found: str = _data()["decompositions"].get(character, character)
    return found


def is_space(character: str) -> bool:
    r"""Say whether a character is white space: what ``\s`` matches."""
    return character.isspace() if character.isascii() else character in _data()["spaces"]


def spaces() -> str:
    r"""Return what ``\s`` matches, as the inside of a class in a regular expression."""
    return "".join(f"\\u{ord(space):04x}" for space in _data()["spaces"])


@cache
def word() -> str:
    r"""Return what ``\w`` matches, as the inside of a class in a regular expression."""
    starts, categories = _runs()
    ends = [*starts[1:], 0x110000]
    parts = [
        f"\\U{start:08x}-\\U{end - 1:08x}"
        for start, end, category in zip(starts, ends, categories, strict=True)
        if category[0] in "LN"
    ]
    return "_" + "".join(parts)


@cache
def styled_letters() -> dict[int, str]:
    """Return the letters that a styled one stands for, by its code point.

    Mathematical letters, letters in circles and squares, letters of full width, small capitals
    and ligatures, among others.
    """
    return {ord(styled): letters for styled, letters in _data()["letters"].items()}


@cache
def _runs() -> tuple[list[int], list[str]]:
    """Return where each run of one category begins, and its category."""
    runs = _data()["categories"].split()
    return [int(run[:-2], 16) for run in runs], [run[-2:] for run in runs]


@cache
def _data() -> dict[str, Any]:
    import pkgutil

    try:
        content = pkgutil.get_data(__package__, "characters.json")
    except OSError:
        raise ArtifactError(f"characters.json: missing; reinstall {DISTRIBUTION}") from None
    assert content is not None
    data: dict[str, Any] = json.loads(content)
    return data
