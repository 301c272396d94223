"""The recorded Unicode data: the same on every Python, and equal to that of Python 3.13."""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from disaster_tweets import characters
from disaster_tweets.encoding import Encoding
from disaster_tweets.text import READS_ALL, Cleaner, Reads
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer

from .conftest import ROOT, load_script

EVERY = [chr(code_point) for code_point in range(sys.maxunicode + 1)]
# The planes with new characters in the last versions of Unicode, with letters and with symbols;
# and a sample of the other planes: ideographs, private use, unassigned.
SAMPLE = [*EVERY[:0x20000], *EVERY[0x20000::61], *EVERY[0xE0000:0xE0200]]

WORDS: Reads = {"urls": False, "handles": False, "emoji": False, "marks": "!?"}

same_version = pytest.mark.skipif(
    unicodedata.unidata_version != "15.1.0",
    reason=f"needs Unicode 15.1, as in Python 3.13; here it is {unicodedata.unidata_version}",
)


def of_each(function: Callable[[str], str]) -> Callable[[], Iterable[str]]:
    return lambda: map(function, SAMPLE)


def members(of_class: Callable[[], str]) -> Callable[[], Iterable[str]]:
    return lambda: re.findall(f"[{of_class()}]", "".join(SAMPLE))


def styled() -> Iterable[str]:
    return (f"{key} {letters}" for key, letters in sorted(characters.styled_letters().items()))


class TestEveryPython:
    """The recorded data is the same for every Python that runs this test."""

    @pytest.mark.parametrize(
        ("properties", "recorded"),
        [
            (of_each(characters.category), "3fed0b719d7c0af5"),
            (of_each(characters.lower), "552857fb71725beb"),
            (of_each(characters.decomposed), "49794e48471c4c80"),
            (members(characters.spaces), "69c8e168503e4dcb"),
            (members(characters.word), "b8e3e5322ba7a797"),
            (styled, "4297d870ffedb5bc"),
            (of_each(Cleaner(WORDS).read), "2892acebac6f132e"),
            (of_each(Cleaner(READS_ALL).read), "65fbdba13eac3393"),
            (of_each(Tokenizer(SPECIAL_TOKENS, 2).normalize), "0fdf3f6bf80a0dd4"),
        ],
        ids="category lower decomposed spaces word styled words all normalized".split(),
    )
    def test_each_character_is_read_alike(
        self, properties: Callable[[], Iterable[str]], recorded: str
    ) -> None:
        joined = "\n".join(properties()).encode("utf-8", "surrogatepass")

        assert hashlib.sha256(joined).hexdigest()[:16] == recorded

    @pytest.mark.parametrize(
        ("text", "words", "everything"),
        [
            # Letters, marks, symbols and an emoji of Unicode 14 and 15, which Python 3.10 and
            # 3.11 lack, ...
            ("5\u20c0fire", "5 fire", "5\u20c0fire"),
            ("fire\U0001fae0now", "fire now", "fire \U0001fae0 now"),
            ("x\u0cf3y \u0c5cb", "x\u0cf3y \u0c5cb", "x\u0cf3y \u0c5cb"),
            ("\U0001e4eca", "a", "a"),
            # ... and of Unicode 16 and 17, which only Python 3.14 or a later version has.
            ("\ua7dcA @a\ua7dcb c", "\ua7dca \ua7dcb c", "\ua7dca @ a\ua7dcb c"),
            ("\U00010d50x", "\U00010d50x", "\U00010d50x"),
            ("a\U0001cd00b \u2427", "a\U0001cd00b \u2427", "a\U0001cd00b \u2427"),
            ("a\u0897b \u1acfx", "a\u0897b \u1acfx", "a\u0897b \u1acfx"),
            ("\U0001f8b2x", "x", "\U0001f8b2 x"),
            ("\U000323b0x", "\U000323b0x", "\U000323b0x"),
        ],
    )
    def test_ids_of_characters_that_not_every_python_knows(
        self, text: str, words: str, everything: str
    ) -> None:
        for reads, read in ((WORDS, words.split()), (READS_ALL, everything.split())):
            vocabulary = [*SPECIAL_TOKENS, *dict.fromkeys(read)]
            expected = map(vocabulary.index, ["[CLS]", *read, "[SEP]"])

            assert Encoding(reads, vocabulary, 16).encode(text) == [*expected]


@same_version
class TestPythonOfThatVersion:
    """All code points with the properties that this Python has."""

    @pytest.mark.parametrize(
        ("ours", "pythons"),
        [
            (characters.category, unicodedata.category),
            (characters.lower, str.lower),
            (characters.decomposed, partial(unicodedata.normalize, "NFD")),
            (characters.is_space, str.isspace),
        ],
        ids="category lower decomposed space".split(),
    )
    def test_properties(
        self, ours: Callable[[str], object], pythons: Callable[[str], object]
    ) -> None:
        assert [c for c in EVERY if ours(c) != pythons(c)] == []

    @pytest.mark.parametrize(
        ("inside", "pythons"), [(characters.word, r"\w"), (characters.spaces, r"\s")]
    )
    def test_classes_of_regular_expressions(
        self, inside: Callable[[], str], pythons: str
    ) -> None:
        every = "".join(EVERY)

        assert re.findall(f"[{inside()}]", every) == re.findall(pythons, every)

    def test_the_file_is_what_the_script_writes(self) -> None:
        script = load_script(ROOT / "scripts" / "unicode_data.py")
        file = Path(characters.__file__).with_name("characters.json")

        assert file.read_text("utf-8") == script.content()
