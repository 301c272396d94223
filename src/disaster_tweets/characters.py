"""Properties of Unicode characters in one version of Unicode, for every version of Python.

A score must not depend on the version of Python. The data in characters.json is that of Unicode
15.1; scripts/unicode_data.py writes it. Code points of later versions count as unassigned.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from functools import cache
from typing import Any

from disaster_tweets.errors import DISTRIBUTION, ArtifactError

# Hangul syllables decompose by a formula: chapter 3.12 of the Unicode Standard.
_HANGUL, _LEAD, _VOWEL, _TAIL = 0xAC00, 0x1100, 0x1161, 0x11A7
_VOWELS, _TAILS, _SYLLABLES = 21, 28, 11172


# The categories of ASCII, so that ASCII texts need no file.
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
    """Return the lower case of a character, which may have several characters."""
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
    r"""Say whether a character is white space, as ``\s`` matches it."""
    return character.isspace() if character.isascii() else character in _data()["spaces"]


def spaces() -> str:
    r"""Return the characters of ``\s`` for a character class of a regular expression."""
    return "".join(f"\\u{ord(space):04x}" for space in _data()["spaces"])


@cache
def word() -> str:
    r"""Return the characters of ``\w`` for a character class of a regular expression."""
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
    """Return the plain letters for each styled letter, by its code point.

    Styled letters are mathematical letters, circled, squared and full-width letters, small
    capitals and ligatures, among others.
    """
    return {ord(styled): letters for styled, letters in _data()["letters"].items()}


@cache
def _runs() -> tuple[list[int], list[str]]:
    """Return the first code point and the category of each run of one category."""
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
    try:
        data: dict[str, Any] = json.loads(content)
    except ValueError:
        raise ArtifactError(f"characters.json: damaged; reinstall {DISTRIBUTION}") from None
    return data
