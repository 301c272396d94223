"""Perturbations: each makes only its own change, and the same change for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from disaster_tweets.text import Cleaner
from disaster_tweets.tokenizer import Tokenizer
from pipeline.perturbation import (
    PERTURBATIONS,
    Perturbation,
    make_hashtags,
    misspell,
    perturb,
)

from .conftest import READS

TEXTS = [
    "Roadwork has closed the bridge, take the ferry!",
    "smoke over the valley since noon",
    "our #garden is full of bees",
    "",
]
SEEDS = range(40)
LETTERS = "abcdefghijklmnopqrstuvwxyz"

UNSEEN = ("words made hashtags", "URL added", "handle added", "emoji added", "trailing space")
DOES: dict[str, Callable[[str, str], bool]] = {
    "upper case": lambda old, new: new == old.upper(),
    "lower case": lambda old, new: new == old.lower(),
    "no punctuation": lambda old, new: (
        new == old.replace(",", "").replace("!", "").replace(".", "")
    ),
    "hashtags added": lambda old, new: (
        new.startswith(f"{old} #") and new.count("#") - old.count("#") in (1, 2)
    ),
    "words made hashtags": lambda old, new: new.replace("#", "") == old.replace("#", ""),
    "URL added": lambda old, new: new.startswith(f"{old} http") and new.count("://") == 1,
    "handle added": lambda old, new: new.startswith("@") and new.endswith(f" {old}"),
    "emoji added": lambda old, new: new.startswith(f"{old} ") and not new.isascii(),
    "trailing space": lambda old, new: new == f"{old} ",
}


@pytest.fixture
def tokenizer() -> Tokenizer:
    """A tokenizer that knows each letter, so that no change ends in an unknown token."""
    pieces = [*LETTERS, *"0123456789!?"]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    return Tokenizer([*special, *pieces, *(f"##{piece}" for piece in pieces)], 500)


def one_slip_away(word: str) -> set[str]:
    """Return a word with one inner letter dropped, doubled, swapped or replaced."""
    found = set()
    for i in range(1, len(word) - 1):
        head, letter, tail = word[:i], word[i], word[i + 1 :]
        found |= {head + tail, head + letter + letter + tail}
        found.add(head + tail[0] + letter + tail[1:])
        found |= {head + other + tail for other in LETTERS}
    return found


def test_every_perturbation_is_checked_here() -> None:
    assert PERTURBATIONS.keys() == {"spelling"} | DOES.keys()
    assert DOES.keys() >= set(UNSEEN)


@pytest.mark.parametrize("name", DOES)
def test_a_perturbation_does_what_it_is_called(name: str) -> None:
    for text in TEXTS:
        for seed in SEEDS:
            new = PERTURBATIONS[name](text, random.Random(seed))
            assert DOES[name](text, new), (text, new)


def test_misspelling_slips_in_one_of_eight_words() -> None:
    for text in filter(None, TEXTS):
        slips = 0
        for seed in SEEDS:
            old, new = text.split(" "), misspell(text, random.Random(seed)).split(" ")
            changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
            assert len(changed) <= 1  # no text has more than eight words
            for before, after in changed:
                word = before.strip("#,!")
                assert len(word) >= 4
                assert after in {before.replace(word, slip) for slip in one_slip_away(word)}
            slips += bool(changed)
        assert slips > len(SEEDS) / 2  # some typos swap equal letters, which changes nothing


def test_short_words_numbers_addresses_and_names_have_no_misspelling() -> None:
    text = "@somebody we saw the sea at 12:30 in 2015, ok? #sea https://example.com/gone"
    assert {misspell(text, random.Random(seed)) for seed in SEEDS} == {text}


def test_words_become_hashtags_once() -> None:
    made = {make_hashtags("our #garden is dry", random.Random(seed)) for seed in SEEDS}
    assert made == {"our #garden is dry"}
    assert make_hashtags("our garden is dry", random.Random(1)) == "our #garden is dry"


@pytest.mark.parametrize("name", UNSEEN)
def test_what_the_model_does_not_read_changes_nothing(name: str, tokenizer: Tokenizer) -> None:
    clean = Cleaner(READS)
    for text in TEXTS:
        for seed in SEEDS:
            new = PERTURBATIONS[name](text, random.Random(seed))
            assert tokenizer.encode(clean(new)) == tokenizer.encode(clean(text)), new


@pytest.mark.parametrize("perturbation", [*PERTURBATIONS.values(), perturb])
def test_the_seed_decides(perturbation: Perturbation) -> None:
    def perturbed(seed: int) -> list[str]:
        generator = random.Random(seed)
        return [perturbation(text, generator) for text in TEXTS * 5]

    assert perturbed(1) == perturbed(1)


def test_texts_reach_the_model_misspelt_or_with_tags_or_as_they_are() -> None:
    text = TEXTS[1]
    generator = random.Random(1)
    made = [perturb(text, generator) for _ in range(500)]
    tagged = sum("#" in new for new in made) / len(made)
    misspelt = sum(not new.startswith(text) for new in made) / len(made)
    assert tagged == pytest.approx(0.4, abs=0.08)
    assert misspelt == pytest.approx(0.66, abs=0.08)  # of 0.7, some typos change nothing
    assert text in made
