"""Augmented copies, and the words that may replace a word."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.augmentation import augmented, similar_words

pytestmark = pytest.mark.usefixtures("cleaner")

TEXTS = [
    "the river took the bridge and the road to the north http://x.co/1",
    "my oven is a volcano today and the cake is a crater @baker",
    "smoke over the harbour, ferries wait outside",
]
SIMILAR = {"river": ["canal", "lake"], "smoke": ["fog"]}


def words_of(*texts: str) -> set[str]:
    return set(" ".join(texts).replace(",", "").split())


def test_each_copy_is_made_of_words_that_people_wrote_and_of_similar_ones() -> None:
    copies = list(augmented(TEXTS, [40, 40, 40], SIMILAR, seed=1))

    assert len(copies) == 120
    assert words_of(*copies) - words_of(*TEXTS) == {"canal", "lake", "fog"}
    # No copy has URLs or handles, which the model does not read.
    assert not any("http" in copy or "@" in copy for copy in copies)


def test_some_copies_are_shorter_and_begin_within_the_text() -> None:
    copies = [copy.split() for copy in augmented(TEXTS[:1], [200], {}, seed=1)]
    original = TEXTS[0].split()[:-1]
    shortened = [copy for copy in copies if len(copy) < len(original)]

    assert len(shortened) > 40
    assert {copy[0] for copy in shortened} > {"the"}


def test_some_copies_end_as_another_text_does() -> None:
    copies = list(augmented(TEXTS, [50, 0, 0], {}, seed=1))
    assert any(copy.startswith("the river") and copy.endswith("crater") for copy in copies)


def test_a_text_has_as_many_copies_as_were_asked_for() -> None:
    copies = list(augmented(["earth", "water"], [3, 0], {}, seed=1))
    assert len(copies) == 3
    assert {copy.split()[0] for copy in copies} == {"earth"}


def test_a_word_is_replaced_whatever_its_case() -> None:
    copies = augmented(["Smoke SMOKE smoke"], [50], SIMILAR, seed=1)
    assert words_of(*copies) == {"Smoke", "SMOKE", "smoke", "fog"}


def test_the_seed_decides_what_is_changed() -> None:
    once, again, other = (list(augmented(TEXTS, [2] * 3, SIMILAR, seed)) for seed in (3, 3, 4))
    assert once == again != other


def test_a_text_without_words_has_no_copy() -> None:
    assert list(augmented(["http://x.co/2 @someone"], [2], SIMILAR, seed=1)) == []


def test_the_most_similar_words_are_found() -> None:
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    embeddings = np.stack([np.cos(around), np.sin(around)], axis=1)
    pieces = ["east", "northeast", "north", "##west", "west", "so", "south", "southeast"]
    similar = similar_words(pieces, embeddings, count=1)

    # Parts of words and short words are left out.
    assert set(similar) == {"east", "northeast", "north", "west", "south", "southeast"}
    assert similar["north"] == ["northeast"]
    assert similar["south"] == ["southeast"]


@pytest.mark.parametrize("count", [2, 3, 12])
def test_a_word_is_not_similar_to_itself(count: int) -> None:
    pieces = ["air", "water", "earth"]
    similar = similar_words(pieces, np.eye(3), count)
    for word, others in similar.items():
        assert sorted([word, *others]) == sorted(pieces)
