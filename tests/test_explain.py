"""Explanations: the weights keep their definition, the command shows them."""

from __future__ import annotations

import itertools
import json
import pickle
import re
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets import Classifier, Explanation, InputError, WordWeight
from disaster_tweets.runtime import Runtime

from .conftest import on_a_terminal

FIRE = "Wildfire has crossed the highway north of town"
JOKE = "my phone\x1b[1m is dying,\tbrb"
TEXTS = [
    FIRE,
    JOKE,
    "@somebody says: smoke &amp; sirens, see https://example.org/x #news",
    "  the same word, the same word,\n\nthe  end ",
    "café\u00a0au lait 😂 水災\u3000水 \u200b voilÃ© \udcff",
    "flood",
]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each call of the runtime scores."""
    numbers: list[int] = []
    logits = Runtime.logits

    def record(self: Runtime, encoded: Any) -> Any:
        numbers.append(len(encoded))
        return logits(self, encoded)

    monkeypatch.setattr(Runtime, "logits", record)
    return numbers


def assert_definition(explanation: Explanation, classifier: Classifier) -> None:
    """Compare with what `predict` says, to the last bit."""
    text = explanation.text
    assert explanation.prediction == classifier.predict(text)
    assert [each.word for each in explanation.words] == text.split()
    for each in explanation.words:
        assert text[each.start : each.end] == each.word
        without = classifier.predict(text[: each.start] + text[each.end :])
        assert each.weight == explanation.prediction.probability - without.probability


class TestWeights:
    @pytest.mark.parametrize("text", TEXTS)
    def test_they_keep_the_definition(self, classifier: Classifier, text: str) -> None:
        assert_definition(classifier.explain(text), classifier)

    @settings(deadline=None, max_examples=30)
    @given(st.text(st.characters(categories=None), max_size=60))
    def test_of_any_text(self, text: str) -> None:
        classifier = Classifier.load()
        explanation = classifier.explain(text)

        assert explanation.text == text
        assert explanation.prediction == classifier.predict(text)
        assert [text[each.start : each.end] for each in explanation.words] == text.split()

    def test_words_come_in_order(self, classifier: Classifier) -> None:
        words = classifier.explain(TEXTS[3]).words

        assert all(a.end < b.start for a, b in itertools.pairwise(words))

    # begin: left out of a copy
    def test_a_word_that_speaks_for_a_disaster_is_positive(
        self, classifier: Classifier
    ) -> None:
        words = classifier.explain(FIRE).words

        assert max(words, key=lambda each: each.weight).word == "Wildfire"
        assert words[0].weight > 0.02

    # end: left out of a copy

    def test_they_are_the_same_again(self, classifier: Classifier) -> None:
        for text in TEXTS:
            assert classifier.explain(text) == Classifier.load().explain(text)

    def test_a_handle_weighs_the_same_whoever_it_names(self, classifier: Classifier) -> None:
        one, other = (
            classifier.explain(f"smoke over the hills says @{name}") for name in ("ann", "bob")
        )

        assert [each.weight for each in one.words] == [each.weight for each in other.words]

    def test_the_threshold_decides(self) -> None:
        assert Classifier.load(threshold=0).explain(JOKE).prediction.label == "disaster"

    @pytest.mark.parametrize("text", ["", " \n\t "])
    def test_no_words(self, classifier: Classifier, text: str) -> None:
        assert classifier.explain(text) == Explanation(text, classifier.predict(text), ())

    def test_of_a_str_of_numpy(self, classifier: Classifier) -> None:
        assert classifier.explain(np.str_(FIRE)) == classifier.explain(FIRE)

    @pytest.mark.parametrize(
        ("text", "kind"),
        [(None, "NoneType"), (b"fire", "bytes"), (["fire"], "list"), (7, "int")],
    )
    def test_anything_but_a_str_is_refused(
        self, classifier: Classifier, text: Any, kind: str
    ) -> None:
        with pytest.raises(InputError, match=f"^text must be a str, not {kind}$"):
            classifier.explain(text)


class TestCost:
    def test_a_score_for_the_text_and_one_for_each_word(
        self, classifier: Classifier, scored: list[int]
    ) -> None:
        classifier.explain(FIRE)

        assert scored == [len(FIRE.split()) + 1]

    @pytest.mark.parametrize(
        "text",
        [
            "fire in town, " * 7143,
            "a" * 100_000,
            "!" * 100_000,
            "! " * 50_000,
            "\u200b " * 50_000,
            "a " + "!" * 90_000 + " fire in the hills" * 500,
            "\u00e9\u00a0" * 50_000,
        ],
        ids=["words", "word", "marks", "mark", "invisible", "uneven", "non-ascii"],
    )
    def test_a_long_text(
        self, classifier: Classifier, manifest: dict[str, Any], scored: list[int], text: str
    ) -> None:
        explanation = classifier.explain(text)

        assert sum(scored) < manifest["max_tokens"]
        assert len(explanation.words) == len(text.split())
        assert explanation.prediction == classifier.predict(text)

    def test_what_is_not_read_weighs_nothing(
        self, classifier: Classifier, manifest: dict[str, Any]
    ) -> None:
        room = manifest["max_tokens"] - 2  # the marks of the start and of the end
        words = ["fire", "town"] * room
        weights = [each.weight for each in classifier.explain(" ".join(words)).words]

        assert set(weights[room:]) == {0.0}
        assert all(weights[:room])

    @pytest.mark.parametrize("excess", [-1, 0, 1, 2])
    def test_around_the_length_that_is_read(
        self, classifier: Classifier, manifest: dict[str, Any], excess: int
    ) -> None:
        number = manifest["max_tokens"] - 2 + excess
        words = itertools.islice(itertools.cycle(["fire", "in", "the", "hills"]), number)

        assert_definition(classifier.explain(" ".join(words)), classifier)

    def test_a_long_word_among_those_that_are_read(self, classifier: Classifier) -> None:
        # Without the exclamation marks, words from far behind move up.
        text = "smoke " + "!" * 500 + " fire in the hills" * 60

        assert_definition(classifier.explain(text), classifier)


class TestValues:
    def test_they_are_frozen(self, classifier: Classifier) -> None:
        explanation = classifier.explain(FIRE)

        with pytest.raises(FrozenInstanceError):
            explanation.text = ""  # type: ignore[misc]
        with pytest.raises(FrozenInstanceError):
            explanation.words[0].weight = 0.0  # type: ignore[misc]

    def test_they_are_plain(self, classifier: Classifier) -> None:
        explanation = classifier.explain(FIRE)

        assert type(explanation.words) is tuple
        assert {type(each) for each in explanation.words} == {WordWeight}
        assert {type(each.weight) for each in explanation.words} == {float}
        assert pickle.loads(pickle.dumps(explanation)) == explanation
        assert len({explanation, classifier.explain(FIRE)}) == 1


def rows(explanation: Explanation) -> str:
    """Return what the command prints where no terminal is."""
    decision = explanation.prediction
    lines = [f"{decision.probability:.4f}\t{decision.label}"]
    for each in explanation.words:
        weight = f"{each.weight:+.4f}".replace("-0.0000", "+0.0000")
        lines.append(f"{weight}\t{each.word}".replace("\x1b", r"\x1b"))
    return "".join(f"{line}\n" for line in lines)


class TestCommand:
    def test_rows(self, run: Any, classifier: Classifier) -> None:
        expected = "\n".join(rows(classifier.explain(text)) for text in (FIRE, "", JOKE))

        assert run("disaster-tweets", "explain", FIRE, "", JOKE) == (0, expected, "")

    def test_json(self, run: Any, classifier: Classifier) -> None:
        status, out, err = run("disaster-tweets", "explain", "--json", *TEXTS[:4], "")

        assert (status, err) == (0, "")
        for line, text in zip(out.splitlines(), [*TEXTS[:4], ""], strict=True):
            explanation = classifier.explain(text)
            assert json.loads(line) == {
                "text": text,
                "probability": round(explanation.prediction.probability, 7),
                "label": explanation.prediction.label,
                "words": [
                    {**vars(each), "weight": round(each.weight, 7)}
                    for each in explanation.words
                ],
            }

    @pytest.mark.parametrize("arguments", [(), ("-",)], ids=["piped", "-"])
    def test_standard_input(
        self, run: Any, classifier: Classifier, arguments: tuple[str, ...]
    ) -> None:
        expected = "\n".join(rows(classifier.explain(text)) for text in (FIRE, "flood"))
        explained = run(
            "disaster-tweets", "explain", *arguments, stdin=f"{FIRE}\nflood".encode()
        )

        assert explained == (0, expected, "")

    def test_nothing_on_standard_input(self, run: Any) -> None:
        assert run("disaster-tweets", "explain") == (0, "", "")

    def test_a_line_that_is_not_utf_8(self, run: Any) -> None:
        status, out, err = run("disaster-tweets", "explain", "--json", stdin=b"fire\n\xff\n")

        assert (status, len(out.splitlines())) == (1, 1)
        assert err.startswith("Error: standard input, line 2: byte 1 is not valid UTF-8; ")

    def test_what_the_output_cannot_show_is_escaped(self, run: Any) -> None:
        ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        status, _, err = run("disaster-tweets", "explain", "caf\u00e9".encode(), **ascii_only)

        assert (status, err) == (0, "")


class TestTerminal:
    def test_words_are_colored(self, classifier: Classifier) -> None:
        explanation = classifier.explain(FIRE)
        head, text, *listed = on_a_terminal("explain", FIRE).splitlines()

        prediction = explanation.prediction
        color = {"disaster": "\x1b[31m", "not_disaster": "\x1b[32m"}[prediction.label]
        assert head == f"{prediction.probability:.4f}  {color}{prediction.label}\x1b[0m"
        assert plain(text) == FIRE
        first = explanation.words[0]
        color = "\x1b[31m" if first.weight > 0 else "\x1b[32m"
        assert (color in text.partition(first.word)[0]) == (abs(first.weight) >= 0.02)
        colored = [each for each in explanation.words if abs(each.weight) >= 0.02]
        colored.sort(key=lambda each: -abs(each.weight))
        assert [plain(line).split() for line in listed] == [
            [f"{each.weight:+.4f}", each.word] for each in colored[:5]
        ]

    def test_a_control_character_does_not_reach_it(self) -> None:
        _, text, *_ = on_a_terminal("explain", JOKE).splitlines()

        assert plain(text) == r"my phone\x1b[1m is dying,\tbrb"

    def test_json_has_no_color(self) -> None:
        assert json.loads(on_a_terminal("explain", "--json", FIRE))["text"] == FIRE

    def test_without_a_text(self) -> None:
        assert "no TEXT: give tweets in quotes, or pipe" in on_a_terminal("explain")


def plain(line: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", line)
