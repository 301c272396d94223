"""Explanations: the weights match their definition, and the command shows them."""

from __future__ import annotations

import itertools
import json
import pickle
import re
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets import Classifier, Explanation, InputError, Prediction, WordWeight
from disaster_tweets.topic import LABELS, TEXTS

from .conftest import Run, Scored, on_a_terminal, two_labels

PLAIN = "The van has crossed the highway north of town"
ODD = "my phone\x1b[1m is dying,\tbrb"
SOME = [
    PLAIN,
    ODD,
    "@somebody says: bread &amp; butter, see https://example.org/x #news",
    "  the same word, the same word,\n\nthe  end ",
    "café\u00a0au lait 😂 水災\u3000水 \u200b voilÃ© \udcff",
    "parcel",
]


@pytest.fixture(scope="module", params=["the topic's", "four"])
def either(request: pytest.FixtureRequest, four_labels: Path) -> Classifier:
    """The classifier of the topic, and one with four labels."""
    return Classifier.load(four_labels if request.param == "four" else None)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def assert_definition(explanation: Explanation, classifier: Classifier) -> None:
    """Compare the weights with differences of `predict`, to the last bit."""
    text, prediction = explanation.text, explanation.prediction
    assert prediction == classifier.predict(text)
    of_two = len(classifier.classes_) == 2
    assert explanation.label == (classifier.classes_[1] if of_two else prediction.label)
    assert [each.word for each in explanation.words] == text.split()
    assert all(one.end < other.start for one, other in itertools.pairwise(explanation.words))
    for each in explanation.words:
        assert text[each.start : each.end] == each.word
        without = classifier.predict(text[: each.start] + text[each.end :])
        # The probability of the same label, even if the text without the word gets another.
        assert each.weight == (
            prediction.probability - without.probabilities[explanation.label]
        )


class TestWeights:
    @pytest.mark.parametrize("text", SOME)
    def test_they_keep_the_definition(self, either: Classifier, text: str) -> None:
        assert_definition(either.explain(text), either)

    @settings(deadline=None, max_examples=30)
    @given(st.text(st.characters(categories=None), max_size=60))
    def test_of_any_text(self, either: Classifier, text: str) -> None:
        explanation = either.explain(text)

        assert explanation.text == text
        assert explanation.prediction == either.predict(text)
        assert [text[each.start : each.end] for each in explanation.words] == text.split()

    def test_of_four_labels_they_are_of_the_one_that_the_text_gets(
        self, four_labels: Path
    ) -> None:
        four = Classifier.load(four_labels)
        thanks = four.explain("thanks but it was late, late, late")
        praise = four.explain("thanks, the best shop though it was late")

        assert [e.label for e in (thanks, praise)] == ["complaint", "praise"]
        assert [e.prediction.label for e in (thanks, praise)] == ["complaint", "praise"]
        assert thanks.words[0].weight < 0 < thanks.words[-1].weight
        assert praise.words[-1].weight < 0 < praise.words[0].weight

    def test_a_word_without_which_the_text_has_another_label(self, four_labels: Path) -> None:
        four = Classifier.load(four_labels)
        explanation = four.explain("wonderful late late")
        without = four.predict("wonderful late ")

        assert (explanation.label, without.label) == ("complaint", "praise")
        assert explanation.words[-1].weight == (
            explanation.prediction.probability - without.probabilities["complaint"]
        )
        assert explanation.words[-1].weight > 0.1

    def test_a_handle_that_is_not_read_weighs_the_same_whoever_it_names(
        self, classifier: Classifier
    ) -> None:
        if classifier.manifest["reads"]["handles"]:
            pytest.skip("the model reads handles")
        one, other = (
            classifier.explain(f"bread over the hills says @{name}") for name in ("ann", "bob")
        )

        assert [each.weight for each in one.words] == [each.weight for each in other.words]

    @two_labels
    def test_the_threshold_decides(self) -> None:
        assert Classifier.load(threshold=0).explain(ODD).prediction.label == LABELS[1]

    @pytest.mark.parametrize("text", ["", " \n\t "])
    def test_no_words(self, either: Classifier, text: str) -> None:
        prediction = either.predict(text)
        label = either.classes_[1] if len(either.classes_) == 2 else prediction.label
        assert either.explain(text) == Explanation(text, prediction, (), label)

    def test_of_a_str_of_numpy(self, classifier: Classifier) -> None:
        assert classifier.explain(np.str_(PLAIN)) == classifier.explain(PLAIN)

    @pytest.mark.parametrize(
        ("text", "kind"),
        [(None, "NoneType"), (b"cake", "bytes"), (["cake"], "list"), (7, "int")],
    )
    def test_anything_but_a_str_is_refused(
        self, classifier: Classifier, text: Any, kind: str
    ) -> None:
        with pytest.raises(InputError, match=f"^text must be a str, not {kind}$"):
            classifier.explain(text)


@pytest.mark.one_python
class TestCost:
    def test_a_score_for_the_text_and_one_for_each_word(
        self, classifier: Classifier, scored: Scored
    ) -> None:
        numbers = scored(classifier)
        classifier.explain(PLAIN)

        assert numbers == [len(PLAIN.split()) + 1]

    @pytest.mark.parametrize(
        "text",
        [
            "cake in town, " * 1430,
            "a" * 20_000,
            "!" * 20_000,
            "! " * 10_000,
            "\u200b " * 10_000,
            "a " + "!" * 18_000 + " cake in the hills" * 100,
            "\u00e9\u00a0" * 10_000,
        ],
        ids=["words", "word", "marks", "mark", "invisible", "uneven", "non-ascii"],
    )
    def test_a_long_text(self, either: Classifier, scored: Scored, text: str) -> None:
        numbers = scored(either)
        explanation = either.explain(text)

        assert sum(numbers) < either.manifest["max_tokens"]
        assert len(explanation.words) == len(text.split())
        assert explanation.prediction == either.predict(text)

    def test_what_is_not_read_weighs_nothing(self, either: Classifier) -> None:
        room = either.manifest["max_tokens"] - 2  # without [CLS] and [SEP]
        # A letter is one token. Without one letter, the model reads another at the end.
        words = ["a"] * room + ["b"] * room
        weights = [each.weight for each in either.explain(" ".join(words)).words]

        assert set(weights[room:]) == {0.0}
        assert any(weights[:room])

    @pytest.mark.parametrize("excess", [-1, 0, 1, 2])
    def test_around_the_length_that_is_read(self, either: Classifier, excess: int) -> None:
        number = either.manifest["max_tokens"] - 2 + excess
        words = itertools.islice(itertools.cycle(["a", "b", "c", "x"]), number)

        assert_definition(either.explain(" ".join(words)), either)

    def test_a_long_word_among_those_that_are_read(self, either: Classifier) -> None:
        # Without the exclamation marks, the model reads later words.
        text = "bread " + "!" * 500 + " cake in the hills" * 60

        assert_definition(either.explain(text), either)


class TestValues:
    def test_they_are_frozen(self, classifier: Classifier) -> None:
        explanation = classifier.explain(PLAIN)

        with pytest.raises(FrozenInstanceError):
            explanation.text = ""  # type: ignore[misc]
        with pytest.raises(FrozenInstanceError):
            explanation.words[0].weight = 0.0  # type: ignore[misc]

    def test_they_are_plain(self, classifier: Classifier) -> None:
        explanation = classifier.explain(PLAIN)

        assert type(explanation.words) is tuple
        assert {type(each) for each in explanation.words} == {WordWeight}
        assert {type(each.weight) for each in explanation.words} == {float}
        assert pickle.loads(pickle.dumps(explanation)) == explanation
        assert len({explanation, classifier.explain(PLAIN)}) == 1


class TestDict:
    def test_it_is_what_the_command_prints(self, either: Classifier) -> None:
        for text in (PLAIN, "", ODD):
            explanation = either.explain(text)
            values = explanation.to_dict()
            assert values == as_object(explanation)
            assert [*values][:3] == ["text", "probability", "label"]
            assert [*values][-1] == "words"
            assert json.loads(json.dumps(values)) == values


def explained(*weights: float, text: str = "", label: Any = "yes") -> Explanation:
    """Return an explanation with these weights, of ``text`` or of the words w0, w1, ..."""
    words, position = [], 0
    for number, weight in enumerate(weights):
        word = text or f"w{number}"
        words.append(WordWeight(word, position, position + len(word), weight))
        position += len(word) + 1
    whole = " ".join(word.word for word in words)
    return Explanation(whole, Prediction(label, 0.75), tuple(words), label)


class Page(HTMLParser):
    """A page, parsed from HTML.

    Attributes:
        text: All text, without tags.
        marked: The text of each ``mark``, with its style.
        weights: The text of each ``sup``.
        tags: The names of all elements, with their attributes.
    """

    def __init__(self, content: str) -> None:
        super().__init__()
        self.text, self.marked, self.weights = "", list[tuple[str, str]](), list[str]()
        self.tags = list[tuple[str, dict[str, str | None]]]()
        self._open = list[str]()
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open[-1:] == ["mark"]:
            self.marked.append((data, self.tags[-1][1]["style"] or ""))
        if self._open[-1:] == ["sup"]:
            self.weights.append(data)


class TestNotebook:
    def test_words_are_marked(self) -> None:
        page = Page(explained(0.5, -0.05, 0.019, 0.0)._repr_html_())

        assert [word for word, _ in page.marked] == ["w0", "w1"]
        for_it, against_it = (style for _, style in page.marked)
        assert for_it != against_it

    def test_not_by_colour_alone(self) -> None:
        page = Page(explained(0.5, -0.05, 0.019)._repr_html_())

        assert page.weights == ["+0.50", "\u22120.05"]
        assert "0.7500 yes (weights: + for yes, \u2212 against it)" in page.text

    def test_the_text_is_all_there(self, either: Classifier) -> None:
        for text in (PLAIN, "", "one  two\n three"):
            explanation = either.explain(text)
            page = Page(explanation._repr_html_())
            shown = page.text.partition("\n")[2]
            for weight in page.weights:
                shown = shown.replace(weight, "", 1)
            assert shown == text

    def test_a_weight_keeps_its_direction_in_any_script(self) -> None:
        page = Page(explained(-0.2, text="\u0645\u0631\u062d\u0628\u0627")._repr_html_())

        assert ("sup", {"dir": "ltr"}) in page.tags
        assert "auto" in {attributes.get("dir") for _, attributes in page.tags}

    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            '"><img/src=x/onerror=alert(1)>',
            "</mark></div>",
            "&lt;",
        ],
    )
    @pytest.mark.parametrize("weight", [0.0, 0.2])
    def test_markup_in_a_text_stays_text(self, text: str, weight: float) -> None:
        page = Page(explained(weight, text=text)._repr_html_())

        assert text in page.text
        assert {tag for tag, _ in page.tags} <= {"div", "mark", "small", "strong", "sup"}

    def test_markup_in_a_label_stays_text(self) -> None:
        page = Page(explained(0.2, label="<b>")._repr_html_())

        assert "for <b>," in page.text
        assert "b" not in {tag for tag, _ in page.tags}

    @pytest.mark.parametrize("character", ["\0", "\x1b", "\x85", "\ufffe", "\ud83d"])
    def test_characters_that_html_does_not_allow(self, character: str) -> None:
        shown = explained(0.2, text=f"a{character}b")._repr_html_()

        assert "a\ufffdb" in shown
        assert shown.encode()

    def test_nothing_is_fetched(self, classifier: Classifier) -> None:
        page = Page(classifier.explain(f"{PLAIN} https://example.org/")._repr_html_())

        for _, attributes in page.tags:
            assert set(attributes) <= {"dir", "style"}
            assert "url(" not in (attributes.get("style") or "")

    @pytest.mark.parametrize("page", [(255, 255, 255), (17, 17, 17), (0, 0, 0)])
    @pytest.mark.parametrize("weight", [0.02, -0.02, 0.1, -0.1, 0.3, -0.3, 1.0, -1.0])
    def test_light_and_dark_pages_keep_their_contrast(
        self, page: tuple[int, int, int], weight: float
    ) -> None:
        ((_, style),) = Page(explained(weight)._repr_html_()).marked
        found = re.search(r"background: rgba\((\d+), (\d+), (\d+), ([\d.]+)\)", style)
        assert found
        *color, opacity = map(float, found.groups())
        behind = [c * opacity + p * (1 - opacity) for c, p in zip(color, page, strict=True)]
        text = (0, 0, 0) if page[0] > 128 else (255, 255, 255)

        assert "color: inherit" in style
        assert contrast(text, behind) >= 7  # WCAG's level AAA


def contrast(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the contrast ratio of two colours, as WCAG defines it."""

    def luminance(color: Sequence[float]) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (value / 255 for value in color)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(map(luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


def rows(explanation: Explanation) -> str:
    """Return the output of the command without a terminal."""
    decision = explanation.prediction
    lines = [f"{decision.probability:.4f}\t{decision.label}"]
    for each in explanation.words:
        weight = f"{each.weight:+.4f}".replace("-0.0000", "+0.0000")
        lines.append(f"{weight}\t{each.word}".replace("\x1b", r"\x1b"))
    return "".join(f"{line}\n" for line in lines)


def as_object(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON output of the command."""
    decision = explanation.prediction
    of_labels = {label: round(p, 7) for label, p in decision.probabilities.items()}
    return {
        "text": explanation.text,
        "probability": round(decision.probability, 7),
        "label": decision.label,
        **({"probabilities": of_labels} if len(of_labels) > 2 else {}),
        "words": [
            {**vars(each), "weight": round(each.weight, 7)} for each in explanation.words
        ],
    }


class TestCommand:
    @pytest.fixture
    def invoke(self, run_here: Run) -> Run:
        """Run the command in this process."""
        return lambda *arguments, **options: run_here(
            "disaster-tweets", "explain", *arguments, **options
        )

    def test_rows(self, run: Any, classifier: Classifier) -> None:
        expected = "\n".join(rows(classifier.explain(text)) for text in (PLAIN, "", ODD))

        assert run("disaster-tweets", "explain", PLAIN, "", ODD) == (0, expected, "")

    def test_json(self, invoke: Run, classifier: Classifier) -> None:
        status, out, err = invoke("--json", *SOME[:4], "")

        assert (status, err) == (0, "")
        for line, text in zip(out.splitlines(), [*SOME[:4], ""], strict=True):
            assert json.loads(line) == as_object(classifier.explain(text))

    def test_four_labels(self, run_four_labels: Any, four_labels: Path) -> None:
        explanations = [Classifier.load(four_labels).explain(text) for text in (PLAIN, "", ODD)]
        texts = [each.text for each in explanations]
        shown = run_four_labels("disaster-tweets", "explain", *texts)
        lines = run_four_labels("disaster-tweets", "explain", "--json", *texts).out

        assert shown == (0, "\n".join(map(rows, explanations)), "")
        assert [json.loads(line) for line in lines.splitlines()] == [
            as_object(each) for each in explanations
        ]

    @pytest.mark.parametrize("arguments", [(), ("-",)], ids=["piped", "-"])
    def test_standard_input(
        self, invoke: Run, classifier: Classifier, arguments: tuple[str, ...]
    ) -> None:
        expected = "\n".join(rows(classifier.explain(text)) for text in (PLAIN, "parcel"))

        assert invoke(*arguments, stdin=f"{PLAIN}\nparcel".encode()) == (0, expected, "")

    def test_nothing_on_standard_input(self, invoke: Run) -> None:
        assert invoke() == (0, "", "")

    def test_a_line_that_is_not_utf_8(self, invoke: Run) -> None:
        status, out, err = invoke("--json", stdin=b"cake\n\xff\n")

        assert (status, len(out.splitlines())) == (1, 1)
        assert err.startswith("Error: standard input, line 2: byte 1 is not valid UTF-8; ")

    def test_what_the_output_cannot_show_is_escaped(self, run: Any) -> None:
        ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        status, _, err = run("disaster-tweets", "explain", "caf\u00e9".encode(), **ascii_only)

        assert (status, err) == (0, "")


class TestTerminal:
    def test_words_are_colored(self, classifier: Classifier) -> None:
        explanation = classifier.explain(PLAIN)
        head, text, *listed = on_a_terminal("explain", PLAIN).splitlines()

        prediction = explanation.prediction
        color = (32, 31)[LABELS.index(prediction.label)] if len(LABELS) == 2 else 36
        assert head == f"{prediction.probability:.4f}  \x1b[{color}m{prediction.label}\x1b[0m"
        assert plain(text) == PLAIN
        first = explanation.words[0]
        color = "\x1b[31m" if first.weight > 0 else "\x1b[32m"
        assert (color in text.partition(first.word)[0]) == (abs(first.weight) >= 0.02)
        colored = [each for each in explanation.words if abs(each.weight) >= 0.02]
        colored.sort(key=lambda each: -abs(each.weight))
        assert [plain(line).split() for line in listed] == [
            [f"{each.weight:+.4f}", each.word] for each in colored[:5]
        ]

    def test_a_control_character_does_not_reach_it(self) -> None:
        _, text, *_ = on_a_terminal("explain", ODD).splitlines()

        assert plain(text) == r"my phone\x1b[1m is dying,\tbrb"

    def test_json_has_no_color(self) -> None:
        assert json.loads(on_a_terminal("explain", "--json", PLAIN))["text"] == PLAIN

    def test_without_a_text(self) -> None:
        assert f"no TEXT: give {TEXTS} in quotes, or pipe" in on_a_terminal("explain")


def plain(line: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", line)
