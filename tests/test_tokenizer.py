"""The tokenizer, compared with the library `tokenizers` and all segmentations of a word."""

from __future__ import annotations

import math
import sys
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import importlib_resources
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets.characters import category
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer

tokenizers = pytest.importorskip("tokenizers", reason="the oracle has no wheel here")

Encode = Callable[[str], "list[int]"]


def make_oracle(vocabulary: Sequence[str], max_tokens: int) -> Encode:
    """Return an encoding of the library's words, each by the best of all its segmentations."""
    ids = {piece: index for index, piece in enumerate(vocabulary)}
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()

    @cache
    def cut(word: str) -> list[int]:
        if word in ids:
            return [ids[word]]
        best: list[tuple[int, list[int]] | None] = [(0, [])]
        for end in range(1, len(word) + 1):
            ways = [
                (before[0] + cost(form), [*before[1], ids[form]])
                for start, before in enumerate(best)
                if before is not None
                for form in forms(word[start:end], start)
                if form in ids
            ]
            best.append(min(ways, key=lambda way: way[0], default=None))
        whole = best[-1]
        return [ids["[UNK]"]] if whole is None or len(word) > 100 else whole[1]

    def forms(part: str, start: int) -> list[str]:
        return [part, f"##{part}"] if start else [part]

    def cost(form: str) -> int:
        # In rounded millionths, because a sum of floats would depend on its order.
        if len(form.removeprefix("##") or form) == 1:
            return round(math.log(len(ids)) * 2**20) + 2**20
        return round(math.log(ids[form]) * 2**20) + 2**20 * form.startswith("##")

    def encode(text: str) -> list[int]:
        words = pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))
        pieces = [piece for word, _ in words for piece in cut(word[:101])]
        return [ids["[CLS]"], *pieces[: max_tokens - 2], ids["[SEP]"]]

    return encode


def bundled_vocabulary() -> list[str]:
    file = importlib_resources.files("disaster_tweets.artifacts") / "vocab.txt"
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


@pytest.fixture(scope="module")
def ours(manifest: dict[str, Any]) -> Encode:
    return Tokenizer(bundled_vocabulary(), manifest["max_tokens"]).encode


@pytest.fixture(scope="module")
def oracle(manifest: dict[str, Any]) -> Encode:
    return make_oracle(bundled_vocabulary(), manifest["max_tokens"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\r\n\x0b\x0c\x1c\x85\xa0\u2028\u3000",
        "Market near the Harbour, 3 stalls on-site: don't miss it!",
        "#Sale @user http $5 ^_^ a+b=c <3 `x` |y| ~z~",
        "NAÏVE Café ÅNGSTRÖM İstanbul ΟΔΟΣ ẞ ﬁre Ⅷ ２４",
        "Cafe\u0301 versus Caf\u00e9; e\u0301\u0302\u0303",
        "台風で停電しています 地震かも ㄱ 한국 \uf900 \U0002f800",
        "🔥🔥 👩‍🚒 👍🏽 🇯🇵 ☎️ 1️⃣",
        "a\x00b a\ufffdb a\u00adb a\u200bb a\u202eb a\ufeffb a\x7fb a\ue000b",
        "مرحبا שָׁלוֹם नमस्ते สวัสดี",
        "«quoted» “quoted” ‘quoted’ — – … ¿que? ¡no! ․",
        "unbelievabilityness antidisestablishmentarianism xqzjvwk",
        "[CLS",
        "word" * 24 + " " + "word" * 26,
        "\u0301" * 150 + "cake" + "\u0301" * 150,
    ],
)
def test_hand_written(ours: Encode, oracle: Encode, text: str) -> None:
    assert ours(text) == oracle(text)


# The Unicode tables of the library have another version than ours, so only characters with the
# same category since Unicode 3.2 are used. Also excluded:
# - Cs: the library accepts no lone surrogates;
# - spacing marks with a combining class, eight signs of musical notation: the library reorders
#   them with their neighbours, and the tokenizer normalizes each character separately.
STABLE = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.ucd_3_2_0.category(character) == category(character)
    and category(character) not in ("Cn", "Cs")
    and not (category(character) == "Mc" and unicodedata.combining(character))
]

TEXTS = st.text(st.sampled_from(STABLE), max_size=60) | st.text(
    st.sampled_from("aeés’'. ,#@\n-\u0301\u0327ßİ火ç🎂01ǆﬁ"), max_size=60
)


@settings(deadline=None, max_examples=200)
@given(text=TEXTS | st.lists(st.sampled_from(bundled_vocabulary())).map("".join))
def test_any_text(ours: Encode, oracle: Encode, text: str) -> None:
    assert ours(text) == oracle(text)


@pytest.fixture(scope="module")
def characters() -> tuple[Encode, Encode]:
    """Both tokenizers over a vocabulary of characters, so that [UNK] hides no character."""
    normal = {
        lowered
        for character in STABLE
        if category(character) != "Co"
        for part in unicodedata.normalize("NFD", character)
        for lowered in part.lower()
        if not lowered.isspace()
    }
    pieces = [piece for letter in sorted(normal) for piece in (letter, f"##{letter}")]
    vocabulary = [*SPECIAL_TOKENS, *pieces]
    return Tokenizer(vocabulary, 128).encode, make_oracle(vocabulary, 128)


def test_every_character(characters: tuple[Encode, Encode]) -> None:
    ours, oracle = characters
    different = [
        f"U+{ord(character):04X}"
        for character in STABLE
        if ours(f"a{character}b") != oracle(f"a{character}b")
    ]

    assert different == []


@settings(deadline=None, max_examples=200)
@given(text=TEXTS)
def test_any_characters_together(characters: tuple[Encode, Encode], text: str) -> None:
    ours, oracle = characters

    assert ours(text) == oracle(text)


@pytest.mark.parametrize("beyond", [-1, 0, 1])
@pytest.mark.parametrize("word", ["a", "🎂", "!", "火"])
def test_around_max_tokens(
    ours: Encode, oracle: Encode, manifest: dict[str, Any], word: str, beyond: int
) -> None:
    longest: int = manifest["max_tokens"]
    text = " ".join([word] * (longest + beyond - 2))

    assert len(ours(text)) == min(longest + beyond, longest)
    assert ours(text) == oracle(text)


@pytest.mark.parametrize("room", range(8))
def test_a_word_of_many_pieces_is_cut_where_the_room_ends(
    ours: Encode, oracle: Encode, manifest: dict[str, Any], room: int
) -> None:
    word = "zqxjzqxj"
    assert len(ours(word)) > 6
    text = "a " * (manifest["max_tokens"] - 2 - room) + word

    assert ours(text) == oracle(text)


@pytest.mark.parametrize("letter", ["a", "É", "🎂"])
@pytest.mark.parametrize("length", [99, 100, 101, 100_000])
def test_long_words(ours: Encode, oracle: Encode, letter: str, length: int) -> None:
    assert ours(letter * length) == oracle(letter * length)


def test_a_word_over_100_characters_is_unknown(ours: Encode) -> None:
    assert len(ours("a" * 100)) > 3
    assert ours("a" * 101) == ours("🎂" * 101)


@pytest.mark.parametrize("part", ["cake ", "火", "! ", " ", "\u0301"])
def test_100_000_characters(ours: Encode, oracle: Encode, part: str) -> None:
    text = part * (100_000 // len(part))

    assert ours(text) == oracle(text)


def test_lone_surrogates_are_dropped(ours: Encode) -> None:
    assert ours("ca\ud800ke\udfff") == ours("cake")
    assert ours("\ud83d") == ours("")


def test_no_cost_of_a_piece_rests_on_the_last_bits_of_its_logarithm() -> None:
    """Mathematical libraries may differ there, by about 1e-8 of a cost unit."""
    fractions = [math.log(rank) * 2**20 % 1 for rank in range(1, 2**17)]

    assert min(abs(fraction - 0.5) for fraction in fractions) > 1e-7
