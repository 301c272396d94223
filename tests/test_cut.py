"""Texts that are longer than the model reads: exactly those are called cut."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from disaster_tweets import Classifier
from disaster_tweets.batch import workers
from disaster_tweets.batch.scorer import Scorer
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

LINK = " http://t.co/AbCd123456"
SYLLABLE = "각"  # three letters, which the vocabulary may hold
MANY = 10_000


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def room(manifest: dict[str, Any]) -> int:
    """How many pieces the model reads, without the marks of the start and of the end."""
    return int(manifest["max_tokens"]) - 2


@pytest.fixture(scope="module")
def unlimited(classifier: Classifier) -> Tokenizer:
    return Tokenizer(list(classifier._tokenizer._ids), MANY)


class TestIsCut:
    @pytest.mark.parametrize(
        ("part", "pieces"),
        [("fire ", 1), ("7 ", 1), ("x? ", 2), ("!", 1), ("火", 1), ("fire" + LINK + " ", 1)],
        ids=["words", "digits", "marks", "marks alone", "Chinese", "links"],
    )
    def test_at_the_boundary(
        self, classifier: Classifier, room: int, part: str, pieces: int
    ) -> None:
        assert len(classifier._encode(part)) == pieces + 2
        fits = part * (room // pieces)
        for text, cut in ((fits[: -len(part)], False), (fits, False), (fits + part, True)):
            assert classifier._is_cut(text) is cut
            assert classifier._score([text])[1] == [cut]

    def test_within_a_word(self, classifier: Classifier, room: int) -> None:
        word = "abflood"  # several pieces
        pieces = len(classifier._encode(word)) - 2
        assert pieces > 1
        for missing in range(pieces + 1):
            text = "fire " * (room - missing) + word
            assert classifier._is_cut(text) is (missing < pieces)

    def test_what_the_model_does_not_read_takes_no_room(
        self, classifier: Classifier, room: int
    ) -> None:
        assert not classifier._is_cut("fire " * room + LINK * 50 + " @someone" * 50 + "." * 500)

    def test_one_long_word_is_one_piece(self, classifier: Classifier) -> None:
        assert not classifier._is_cut("x" * 1000)

    @settings(max_examples=200)
    @given(
        st.lists(
            st.one_of(
                st.text(max_size=12),
                st.sampled_from(["fire ", LINK, "&nGt;", "&#44033;", SYLLABLE, "\x1c", "\xa0"]),
                st.sampled_from(["x?" * 40, "zq" * 45, "各" * 50, "&ethttp://t.co/x", "ﬃ"]),
            ),
            max_size=40,
        ).map("".join)
    )
    @example(SYLLABLE * 60)
    @example("a\u0301" * 130)
    def test_is_exact(self, classifier: Classifier, unlimited: Tokenizer, text: str) -> None:
        pieces = unlimited.encode(clean(text))
        cut = len(pieces) > classifier.manifest["max_tokens"]

        assert len(pieces) < MANY
        assert classifier._is_cut(text) is cut
        longer = classifier._longer_tokenizer().encode(clean(text))
        assert (len(longer) > classifier.manifest["max_tokens"]) is cut

    def test_the_limit_of_the_model_stays(self, classifier: Classifier, room: int) -> None:
        classifier._is_cut("fire! " * room)

        assert len(classifier._encode("fire " * 2 * room)) == room + 2


class TestScore:
    def test_probabilities_are_those_of_predict_proba(
        self, classifier: Classifier, room: int
    ) -> None:
        texts = ["", "Evacuate", "🔥", *("grass fire! " * n for n in range(room // 3, room, 3))]
        probabilities, cut = classifier._score(texts)

        assert probabilities == classifier.predict_proba(texts)[:, 1].tolist()
        assert cut == [classifier._is_cut(text) for text in texts]
        assert set(cut) == {False, True}


class TestScorer:
    def test_says_what_is_counted(self, classifier: Classifier, room: int) -> None:
        texts = [
            "fire " * room,
            "fire " * (room + 1),
            None,
            "Вода поднялась до окон",
            "Вода поднялась до окон " * room,
            "fire " * (room + 1),
        ]
        scorer = Scorer(classifier)
        first, again = scorer(texts), scorer(texts)

        assert first == again
        assert [score and (score.cut, score.foreign) for score in first] == [
            (False, False),
            (True, False),
            None,
            (False, True),
            (True, True),
            (True, False),
        ]

    def test_looks_once_at_a_text_that_comes_again(
        self, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []

        def look(text: str, languages: list[str]) -> bool:
            seen.append(text)
            return True

        monkeypatch.setattr("disaster_tweets.batch.scorer.looks_foreign", look)
        scorer = Scorer(classifier)
        scores = [*scorer(["fire", "flood", "fire", ""]), *scorer(["flood", "storm"])]

        assert seen == ["fire", "flood", "storm"]
        assert [score is None or score.foreign for score in scores] == [True] * 6

    def test_workers_say_it_too(
        self, classifier: Classifier, room: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = ["fire", "fire " * (room + 1), None, "Вода поднялась до окон", "fire"]
        asked: list[int] = []
        submit = workers._Workers.score

        def spy(self: Any, new: list[str]) -> Any:
            asked.append(len(new))
            return submit(self, new)

        monkeypatch.setattr(workers, "_ALONE", 0)
        monkeypatch.setattr(workers._Workers, "are_ready", lambda self: True)
        monkeypatch.setattr(workers._Workers, "score", spy)
        score = workers.ChunkScorer(classifier, 2)
        chunks: Iterator[Any] = iter([SimpleNamespace(texts=texts)])
        try:
            ((_, scores),) = score(chunks, lambda chunk: None)
        finally:
            score.close()

        assert asked == [3]
        assert scores == Scorer(classifier)(texts)
