"""Write src/disaster_tweets/characters.json: the Unicode data for cleaning and tokenizing.

    python3.13 scripts/unicode_data.py

Each version of Python has its own version of Unicode, and a score must not depend on it. So one
version of Python writes the file, and all versions read it.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

UNICODE = "15.1.0"
PATH = Path(__file__).resolve().parents[1] / "src/disaster_tweets/characters.json"

_DRAWN_LETTER = re.compile(
    r"(?:(?:CROSSED )?NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER|"
    r"LATIN LETTER SMALL CAPITAL) ([A-Z])"
)
_HANGUL = range(0xAC00, 0xD7A4)  # decomposed by a formula


def letters(character: str) -> str:
    """Return the plain letters for a styled letter, or nothing.

    Styled letters are the letters and digits in Unicode's compatibility decompositions, and
    some others. Superscript and subscript digits stay, because they would change a number.
    Signs of several letters stay, such as the trade mark.
    """
    if drawn := _DRAWN_LETTER.fullmatch(unicodedata.name(character, "")):
        return drawn[1]
    style, _, _ = unicodedata.decomposition(character).partition(" ")
    plain = unicodedata.normalize("NFKD", character)
    if not style.startswith("<") or plain.isspace():
        return ""
    if style in ("<wide>", "<narrow>"):
        return plain
    base = [c for c in plain if not unicodedata.combining(c)]
    if not base or not all(map(str.isalnum, base)):
        return ""
    if style in ("<super>", "<sub>", "<fraction>") and not plain.isalpha():
        return ""
    if unicodedata.category(character) == "So" and len(base) > 1:
        return ""
    return plain


def runs() -> Iterator[str]:
    """Yield each run of one category: its first code point in hexadecimal, and the category."""
    for category, run in groupby(map(chr, range(sys.maxunicode + 1)), unicodedata.category):
        yield f"{ord(next(run)):x}{category}"


def content() -> str:
    """Return the content of the file, from the Unicode version of this Python."""
    characters = [chr(point) for point in range(sys.maxunicode + 1)]
    decomposed = {
        c: unicodedata.normalize("NFD", c) for c in characters if ord(c) not in _HANGUL
    }
    tables = {
        "lower": {c: c.lower() for c in characters if c.lower() != c},
        "decompositions": {c: parts for c, parts in decomposed.items() if parts != c},
        "letters": {c: plain for c in characters if (plain := letters(c))},
    }
    spaces = "".join(c for c in characters if c.isspace())
    properties = {"unicode": UNICODE, "spaces": spaces, "categories": " ".join(runs())}
    return json.dumps({**properties, **tables}, indent=0) + "\n"


def main() -> None:
    """Write the file, or name the required version of Python."""
    if unicodedata.unidata_version != UNICODE:
        raise SystemExit(
            f"this Python knows Unicode {unicodedata.unidata_version}; take one that knows "
            f"{UNICODE}, such as Python 3.13"
        )
    PATH.write_text(content(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
