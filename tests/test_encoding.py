"""The fast encoding gives the same tokens as cleaning followed by tokenizing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets import bundle
from disaster_tweets.encoding import Encoding
from disaster_tweets.text import READS_ALL, Cleaner, Reads
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer

WORDS: Reads = {"urls": False, "handles": False, "emoji": False, "marks": "!?"}
READS = {
    "words": WORDS,
    "nothing but words": {**WORDS, "marks": ""},
    "emoji": {**WORDS, "emoji": True},
    "all marks": {**WORDS, "marks": "all"},
    "addresses": {**WORDS, "urls": True, "handles": True, "marks": "@#_/:."},
    # Some of these become ASCII marks that the model does not read: ≠ loses its stroke, and the
    # Greek question mark becomes a semicolon.
    "marks beyond ASCII": {**WORDS, "marks": "€“≠\u037e\u1fef👍"},
    "all": READS_ALL,
}

# Typical text, and the results of decoding or cleaning it.
PARTS = [
    *("https://example.com/a?b=1", "www.example.com", "HTTP", "@some_body", "@日本", "@ⓤser"),
    *("&amp;", "&lt;3", "&#9888;", "&#x1d41f;", "&#120;", "&eacute", "&#0;", "&"),
    *("\x89Ûªs", "\x89Û_", "â€™", "Ã©", "ðŸŽ‚", "cafÌ©"),
    *("𝐟𝐢𝐫𝐞", "ｆｉｒｅ", "ﬁre", "ⓕ", "🅵", "ꜰɪʀᴇ", "²", "½", "™"),
    *("🎂", "👍🏽", "☎️", "2\ufe0f\u20e3", "🇫🇷", "\u20c0", "\U0001fac8", "\U0001cd00"),
    *("café", "cafe\u0301", "İ", "ẞ", "ſ", "火", "한국", "क्षेत्र", "\u2126", "\u212a"),
    *("!", "?!", "“", "€", "≠", "\u037e", "\u1fef", "#", "_", "…", "'", "~", "]"),
    *(" ", "\t", "\n", "\r", "\x0b", "\x1c", "\x7f", "\x00", "\x85", "\xa0", "\u2028"),
    *("\u3000", "\ud800", "\udfff", "\ufffd", "\u200d", "\ufeff", "\ue000", "\U0010ffff"),
    *("a", "cake", "Cake", "zqxjzqxj", "a" * 101, "word " * 40),
]
ANY_TEXT = st.text(st.characters(categories=None)) | st.lists(
    st.sampled_from(PARTS) | st.text(st.characters(categories=None), max_size=3)
).map("".join)

MAX_TOKENS = 24

of_some = pytest.mark.parametrize("coders", ["the model's", "words", "all"], indirect=True)


class Coders(NamedTuple):
    """The encoding, and the two-step reference, for one length."""

    encode: Callable[..., list[int]]
    in_two_steps: Callable[..., list[int]]
    max_tokens: int


def make_coders(reads: Reads, vocabulary: list[str], max_tokens: int) -> Coders:
    clean = Cleaner(reads)
    tokenizer = cache(partial(Tokenizer, vocabulary))

    def in_two_steps(text: str, longest: int = max_tokens) -> list[int]:
        return tokenizer(longest).encode(clean(text))

    return Coders(Encoding(reads, vocabulary, max_tokens).encode, in_two_steps, max_tokens)


def pieces() -> list[str]:
    """Return a vocabulary that distinguishes characters, which another turns into [UNK]."""
    characters = [*map(chr, range(0x21, 0x7F)), *"火éſı“€🎂👍🏽☎"]
    of_characters = [form for character in characters for form in (character, f"##{character}")]
    return [*SPECIAL_TOKENS, "cake", "fire", "##re", *of_characters]


@pytest.fixture(scope="module", params=["the model's", *READS])
def coders(request: pytest.FixtureRequest) -> Coders:
    if request.param == "the model's":
        files = bundle.read(bundle.bundled())
        return make_coders(
            files.manifest["reads"], files.vocabulary, files.manifest["max_tokens"]
        )
    return make_coders(READS[request.param], pieces(), MAX_TOKENS)


def test_each_part(coders: Coders) -> None:
    texts = [
        text
        for part in PARTS
        for text in (part, f"cake {part} cake", f"a{part}b", f"é{part}火", part + part)
    ]

    assert [text for text in texts if coders.encode(text) != coders.in_two_steps(text)] == []


@settings(deadline=None, max_examples=150)
@given(text=ANY_TEXT, longest=st.just(MAX_TOKENS) | st.integers(2, 60))
def test_any_text(coders: Coders, text: str, longest: int) -> None:
    assert coders.encode(text, longest) == coders.in_two_steps(text, longest)


@of_some
@pytest.mark.parametrize("beyond", [-1, 0, 1])
@pytest.mark.parametrize("word", ["a", "火", "😀", "zq"])
def test_around_max_tokens(coders: Coders, word: str, beyond: int) -> None:
    for longest in (coders.max_tokens, coders.max_tokens + 1):
        text = " ".join([word] * (longest - 2 + beyond))
        encoded = coders.encode(text, longest)

        assert encoded == coders.in_two_steps(text, longest)
        assert coders.encode(text) == coders.in_two_steps(text)
        assert len(encoded) <= longest


def test_every_character_before_the_ideographs(coders: Coders) -> None:
    for first in range(0, 0x3000, 256):
        block = " ".join(f"a{chr(point)}b" for point in range(first, first + 256))

        assert coders.encode(block, 2000) == coders.in_two_steps(block, 2000)


@of_some
@pytest.mark.parametrize("part", ["cake ", "a", "é", "火", "🎂", "≠", "&amp;", "@b ", "\x00"])
def test_long_texts(coders: Coders, part: str) -> None:
    text = f"{part * (20_000 // len(part))} cake"

    assert coders.encode(text) == coders.in_two_steps(text)


@pytest.mark.parametrize("name", ["words", "all"])
def test_threads_at_once(name: str) -> None:
    texts = [f"{part} {other}" for part in PARTS for other in PARTS[::7]]
    coders = make_coders(READS[name], pieces(), MAX_TOKENS)
    expected = list(map(coders.in_two_steps, texts))

    def agree(shift: int) -> bool:
        found = list(map(coders.encode, texts[shift:] + texts[:shift]))
        return found == expected[shift:] + expected[:shift]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(agree, range(0, len(texts), len(texts) // 8)))
