"""Detection of texts that are longer than the model reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from disaster_tweets import Classifier, bundle
from disaster_tweets.batch import workers
from disaster_tweets.batch.scorer import Scorer
from disaster_tweets.encoding import Encoding
from disaster_tweets.language import looks_foreign

LINK = " http://t.co/AbCd123456"
SYLLABLE = "각"  # three letters, which the vocabulary may contain
MANY = 10_000


@pytest.fixture(scope="module", params=["the topic's", "four"])
def folder(request: pytest.FixtureRequest, four_labels: Path) -> Path | None:
    """The model of the topic, and one with four labels, which reads everything."""
    return four_labels if request.param == "four" else None


@pytest.fixture(scope="module")
def classifier(folder: Path | None) -> Classifier:
    return Classifier.load(folder)


@pytest.fixture(scope="module")
def room(classifier: Classifier) -> int:
    """The number of word pieces that the model reads, without [CLS] and [SEP]."""
    return int(classifier.manifest["max_tokens"]) - 2


@pytest.fixture(scope="module")
def unlimited(folder: Path | None) -> Encoding:
    files = bundle.read(bundle.open_folder(folder))
    return Encoding(files.manifest["reads"], files.vocabulary, MANY)


class TestIsCut:
    @pytest.mark.parametrize(
        "part",
        ["cake ", "7 ", "x? ", "!", "火", f"cake{LINK} "],
        ids=["words", "digits", "marks", "marks alone", "Chinese", "links"],
    )
    def test_at_the_boundary(
        self, classifier: Classifier, unlimited: Encoding, room: int, part: str
    ) -> None:
        pieces = len(unlimited.encode(part)) - 2
        if not pieces:
            pytest.skip("the model reads nothing of it")
        parts = part * (room // pieces)
        fits = parts + " a" * (room % pieces)  # a letter is one piece, known or unknown
        for text, cut in ((parts[: -len(part)], False), (fits, False), (f"{fits} a", True)):
            assert classifier._is_cut(text) is cut
            assert classifier._score([text])[2] == [cut]

    def test_within_a_word(
        self, classifier: Classifier, unlimited: Encoding, room: int
    ) -> None:
        word = "zqxjzqxj"
        pieces = len(unlimited.encode(word)) - 2
        assert pieces > 1
        for missing in range(pieces + 1):
            text = "a " * (room - missing) + word
            assert classifier._is_cut(text) is (missing < pieces)

    def test_what_the_model_does_not_read_takes_no_room(
        self, classifier: Classifier, room: int
    ) -> None:
        reads = classifier.manifest["reads"]
        parts = {LINK: reads["urls"], " @someone": reads["handles"], " 🎂": reads["emoji"]}
        parts |= {" #": reads["marks"] == "all" or "#" in reads["marks"]}
        unread = "".join(part * 50 for part, is_read in parts.items() if not is_read)

        assert not classifier._is_cut("a " * room + unread)
        assert classifier._is_cut("a " * room + unread + " a")

    def test_one_long_word_is_one_piece(self, classifier: Classifier) -> None:
        assert not classifier._is_cut("x" * 1000)

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.one_of(
                st.text(max_size=12),
                st.sampled_from(["cake ", LINK, "&nGt;", "&#44033;", SYLLABLE, "\x1c", "\xa0"]),
                st.sampled_from(["x?" * 40, "zq" * 45, "各" * 50, "&ethttp://t.co/x", "ﬃ"]),
            ),
            max_size=40,
        ).map("".join)
    )
    @example(SYLLABLE * 60)
    @example("a\u0301" * 130)
    def test_is_exact(self, classifier: Classifier, unlimited: Encoding, text: str) -> None:
        pieces = unlimited.encode(text)
        cut = len(pieces) > classifier.manifest["max_tokens"]

        assert len(pieces) < MANY
        assert classifier._is_cut(text) is cut
        assert classifier._score([text])[2] == [cut]


class TestScore:
    def test_probabilities_are_those_of_predict_proba(
        self, classifier: Classifier, room: int
    ) -> None:
        texts = ["", "Decorate", "🎂", *("apple pie! " * n for n in range(room // 3, room, 3))]
        probabilities, labels, cut = classifier._score(texts)

        predictions = classifier.predict(texts)
        assert probabilities == [prediction.probability for prediction in predictions]
        assert labels == [prediction.label for prediction in predictions]
        assert cut == [classifier._is_cut(text) for text in texts]
        assert set(cut) == {False, True}


class TestScorer:
    def test_says_what_is_counted(self, classifier: Classifier, room: int) -> None:
        foreign = "Вода поднялась до окон "
        texts = [
            "a " * room,
            "a " * (room + 1),
            None,
            foreign,
            foreign * room,
            "a " * (room + 1),
        ]
        scorer = Scorer(classifier)
        first, again = scorer(texts), scorer(texts)

        assert first == again
        is_foreign = looks_foreign(foreign, classifier.manifest["languages"])
        assert is_foreign or classifier.manifest["languages"] != ["en"]
        assert [score and (score.cut, score.foreign) for score in first] == [
            (False, False),
            (True, False),
            None,
            (False, is_foreign),
            (True, is_foreign),
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
        scores = [*scorer(["cake", "tea", "cake", ""]), *scorer(["tea", "jam"])]

        assert seen == ["cake", "tea", "jam"]
        assert [score is None or score.foreign for score in scores] == [True] * 6

    def test_workers_say_it_too(
        self, classifier: Classifier, room: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = ["cake", "a " * (room + 1), None, "Вода поднялась до окон", "cake"]
        asked: list[int] = []
        submit = workers.Workers.score

        def spy(self: Any, new: list[str]) -> Any:
            asked.append(len(new))
            return submit(self, new)

        monkeypatch.setattr(workers, "TEXTS_BEFORE_WORKERS", 0)
        monkeypatch.setattr(workers.Workers, "are_ready", lambda self: True)
        monkeypatch.setattr(workers.Workers, "score", spy)
        score = workers.ChunkScorer(classifier, 2)
        chunks: Iterator[Any] = iter([SimpleNamespace(texts=texts)])
        try:
            ((_, scores),) = score(chunks, lambda chunk: None)
        finally:
            score.close()

        assert asked == [3]
        assert scores == Scorer(classifier)(texts)
