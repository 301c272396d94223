"""The web page without a browser: its answers to forms and files."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import math
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from disaster_tweets import Classifier, Prediction, predict
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.topic import (
    EXAMPLES,
    LABELS,
    LIMITS,
    MEANING,
    NOUNS,
    PROBABILITY,
    QUESTION,
    TEXTS,
    TITLE,
    TRAINING_DATA,
)
from disaster_tweets.web import create_app, results
from disaster_tweets.web import upload as upload_module

from ..conftest import two_labels
from .conftest import FIELD, FIRST, SECOND, of_all, percent, reads, telling_text

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
VOID = {"input", "link", "meta", "img", "br"}


class Element(NamedTuple):
    """An element of a page, with its text."""

    tag: str
    attributes: dict[str, str]
    parts: list[str]

    @property
    def text(self) -> str:
        return "".join(self.parts)


class Page(HTMLParser):
    """A parsed page. Its elements must be nested properly."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), attrs
        element = Element(tag, {name: value or "" for name, value in attrs}, [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(_has(element, k.rstrip("_"), v) for k, v in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        (element,) = self.all(tag, **attributes)
        return element

    def by_id(self, name: str) -> Element:
        (element,) = (e for e in self.elements if e.attributes.get("id") == name)
        return element


def _has(element: Element, name: str, value: str) -> bool:
    held = element.attributes.get(name)
    return held is not None and (value in held.split() if name == "class" else value == held)


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def sent(client: FlaskClient, text: str, **fields: str) -> Page:
    response = client.post("/", data={"text": text, **fields})
    assert response.status_code == 200
    return Page(response.text)


def upload(client: FlaskClient, name: str, content: bytes, **fields: str) -> TestResponse:
    return client.post("/file", data={"file": (io.BytesIO(content), name), **fields})


def refused(response: TestResponse, status: int, field: str) -> str:
    """Check the refusal of a form; return the error message beside the field."""
    assert response.status_code == status
    page = Page(response.text)
    message = page.by_id(f"{field}-message")
    control = page.by_id(field)
    assert message.attributes["id"] in control.attributes["aria-describedby"].split()
    assert control.attributes["aria-invalid"] == "true"
    assert page.one("title").text.startswith("Error: ")
    assert page.by_id("result").text.strip() == ""
    assert message.text
    assert "\n" not in message.text
    return message.text


class TestForm:
    def test_is_well_formed_and_labelled(self, client: FlaskClient) -> None:
        page = Page(client.get("/").text)
        ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
        controls = [*page.all("textarea"), *page.all("input"), *page.all("progress")]

        assert page.one("html").attributes["lang"] == "en"
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert len(ids) == len(set(ids))
        assert {label.attributes["for"] for label in page.all("label")} == {
            control.attributes["id"] for control in controls
        }
        for element in page.elements:
            for name in ("aria-describedby", "aria-labelledby"):
                assert set(element.attributes.get(name, "").split()) <= set(ids)
        assert page.one("h1").text == page.one("title").text == QUESTION
        assert page.one("a", class_="name").text.strip() == TITLE
        assert page.one("label", for_="text").text == FIELD

    def test_sends_texts_in_no_address(self, client: FlaskClient) -> None:
        page = Page(client.get("/?text=parcel").text)

        assert [form.attributes["method"] for form in page.all("form")] == ["post", "post"]
        assert page.by_id("text").text.strip() == ""

    def test_a_single_text(self, any_model: Classifier, client: FlaskClient) -> None:
        text = telling_text(any_model)
        page = sent(client, text)
        explanation = any_model.explain(text)

        assert page.by_id("verdict").text == reads(explanation.prediction)
        assert page.one("p", class_="text").text == text
        assert page.by_id("text").text.removeprefix("\n") == text
        marked = [word for word in explanation.words if abs(word.weight) >= 0.02]
        assert marked
        assert [(mark.text, mark.attributes["class"][:3]) for mark in page.all("mark")] == [
            (word.word, "for" if word.weight > 0 else "aga") for word in marked
        ]
        strongest = max(explanation.words, key=lambda word: abs(word.weight))
        first = page.one("ul", class_="weights").text.split()[:2]
        assert first == [strongest.word, f"{100 * strongest.weight:+.1f}".replace("-", "−")]
        of_two = len(any_model.classes_) == 2
        side = NOUNS[LABELS[1]] if of_two else f"the label {explanation.label}"
        assert (
            f"with a solid line speak for {side}, those"
            in page.one("section", class_="result").text
        )

    def test_many_lines(self, any_model: Classifier, client: FlaskClient) -> None:
        page = sent(client, f"{FIRST}\n\r\n  \r{SECOND}\r{FIRST}\r\n{SECOND}\n")
        texts = [FIRST, SECOND] * 2
        predictions = any_model.predict(texts)
        rows = [" ".join(row.text.split()) for row in page.all("tr", class_="row")]

        assert page.by_id("verdict").text == of_all(predictions)
        assert [p.text for p in page.all("p", class_="text")] == texts
        assert widths(page) == [f"{each.probability:.2%}" for each in predictions]
        for row, prediction in zip(rows, predictions, strict=True):
            label = prediction.label
            shown = NOUNS[label] if len(any_model.classes_) == 2 else label
            assert f" {shown} {percent(prediction.probability)} " in row
        assert page.all("mark") == []

    def test_the_words_of_one_of_many(self, any_model: Classifier, client: FlaskClient) -> None:
        text = telling_text(any_model)
        closed = sent(client, f"{SECOND}\n{text}")
        button = closed.by_id("explain-2")
        opened = sent(client, f"{SECOND}\n{text}", explain=button.attributes["value"])
        words = [word.word for word in any_model.explain(text).words if abs(word.weight) > 0.02]

        assert button.attributes["aria-expanded"] == "false"
        assert opened.by_id("explain-2").attributes["aria-expanded"] == "true"
        assert opened.by_id("explain-1").attributes["aria-expanded"] == "false"
        assert words
        assert [mark.text for mark in opened.all("mark")] == words
        again = sent(
            client, f"{SECOND}\n{text}", explain=opened.by_id("explain-2").attributes["value"]
        )
        assert again.all("mark") == []

    @pytest.mark.parametrize("line", ["0", "3", "-1", "x", "9" * 99])
    def test_the_words_of_a_line_that_is_not_there(
        self, client: FlaskClient, line: str
    ) -> None:
        assert sent(client, f"{FIRST}\n{SECOND}", explain=line).all("mark") == []

    def test_examples(self, client: FlaskClient) -> None:
        *buttons, together = Page(client.get("/").text).all("button", name="example")

        assert [button.text for button in buttons] == [*EXAMPLES]
        for button in buttons:
            page = sent(client, "something else", example=button.attributes["value"])
            assert page.one("p", class_="text").text == button.text
            assert page.by_id("text").text.removeprefix("\n") == button.text
        assert sent(client, FIRST, example="99").one("p", class_="text").text == FIRST
        page = sent(client, FIRST, example=together.attributes["value"])
        assert [p.text for p in page.all("p", class_="text")] == [*EXAMPLES]

    def test_never_sounds_certain(self) -> None:
        percent = create_app().jinja_env.filters["percent"]

        assert [percent(p) for p in (0.0, 0.0004, 0.0005, 0.5, 0.9995, 0.9996, 1.0)] == [
            *("< 0.1%", "< 0.1%", "0.1%", "50.0%", "> 99.9%", "> 99.9%", "> 99.9%"),
        ]


def widths(page: Page) -> list[str]:
    """Return the widths of the bars."""
    return [rect.attributes["width"] for rect in page.all("rect", class_="fill")]


@two_labels
class TestTwoLabels:
    @pytest.fixture
    def predictions(self, monkeypatch: pytest.MonkeyPatch) -> list[Prediction]:
        """The predictions of two texts, with a threshold that gives each text another label."""
        classifier = bundled_classifier()
        lower, upper = sorted(each.probability for each in predict([FIRST, SECOND]))
        assert lower < upper
        monkeypatch.setattr(classifier, "threshold", (lower + upper) / 2)
        return classifier.predict([FIRST, SECOND])

    def test_what_is_said_of_each(
        self, predictions: list[Prediction], client: FlaskClient
    ) -> None:
        said = {}
        for text, prediction in zip([FIRST, SECOND], predictions, strict=True):
            page = sent(client, text)
            assert page.by_id("verdict").text == reads(prediction)
            assert widths(page) == [f"{prediction.probability:.2%}"]
            said[prediction.label] = page.by_id("verdict").text.partition(":")[0]
            section = page.one("section", class_="result").attributes["class"].split()
            assert ("positive" in section) == (prediction.label == LABELS[1])
            assert ("negative" in section) == (prediction.label == LABELS[0])

        assert said == {
            LABELS[0]: f"Does not read like {NOUNS[LABELS[1]]}",
            LABELS[1]: f"Reads like {NOUNS[LABELS[1]]}",
        }

    def test_how_many_are_positive(
        self, predictions: list[Prediction], client: FlaskClient
    ) -> None:
        page = sent(client, f"{FIRST}\n{SECOND}\n{SECOND}")
        again = [predictions[0].label, *[predictions[1].label] * 2]

        assert page.by_id("verdict").text == of_all([predictions[0], *[predictions[1]] * 2])
        assert [cell.text for cell in page.all("td", class_="label")] == [
            NOUNS[label] for label in again
        ]
        assert page.one("th", class_="probability").text.lower() == PROBABILITY.lower()

    @pytest.mark.parametrize("percent", [None, "", "x", "nan", "inf", "-1", "100.1"])
    def test_without_a_threshold_it_is_that_of_the_model(
        self, client: FlaskClient, percent: str | None
    ) -> None:
        page = sent(client, FIRST, **({} if percent is None else {"threshold": percent}))
        threshold = Classifier.load().threshold

        assert page.one("line").attributes["x1"] == f"{threshold:.2%}"
        assert page.by_id("threshold").attributes["value"] == f"{100 * threshold:g}"

    @pytest.mark.parametrize(("percent", "label"), [("0", 1), ("100", 0)])
    def test_another_threshold(self, client: FlaskClient, percent: str, label: int) -> None:
        one = sent(client, FIRST, threshold=percent)
        many = sent(client, f"{FIRST}\n{SECOND}", threshold=percent)

        assert one.by_id("verdict").text.startswith(("Does not", "Reads")[label])
        assert {cell.text for cell in many.all("td", class_="label")} == {NOUNS[LABELS[label]]}
        for page in (one, many):
            assert page.by_id("threshold").attributes["value"] == percent
            assert {line.attributes["x1"] for line in page.all("line")} == {f"{percent}.00%"}

    def test_the_threshold_itself_is_over(self) -> None:
        classifier, probability = bundled_classifier(), predict(FIRST).probability

        for threshold, label in ((probability, 1), (math.nextafter(probability, 1), 0)):
            explanation = results.explain(classifier, FIRST, results.View(threshold))
            assert explanation.prediction.label == LABELS[label]


def shown(page: Page) -> list[str]:
    """Return the texts of the rows that are not hidden."""
    texts = [p.text for p in page.all("p", class_="text")]
    rows = page.all("tr", class_="row")
    return [
        text for text, row in zip(texts, rows, strict=True) if "hidden" not in row.attributes
    ]


LINES = [f"late again {number}, and nobody knows why" for number in range(120)]


class TestTable:
    def test_pages(self, client: FlaskClient) -> None:
        page = sent(client, "\n".join(LINES))
        turned = sent(client, "\n".join(LINES), page=page.by_id("next").attributes["value"])
        last = sent(client, "\n".join(LINES), page="99")

        assert shown(page) == LINES[:50]
        assert page.by_id("range").text == "1–50 of 120"
        assert "disabled" in page.by_id("previous").attributes
        assert shown(turned) == LINES[50:100]
        assert shown(last) == LINES[100:]
        assert "disabled" in last.by_id("next").attributes
        # The script makes the other rows from the data.
        for each in (page, turned, last):
            rest = [row[1] for row in json.loads(each.one("table").attributes["data-rest"])]
            assert sorted([*shown(each), *rest]) == sorted(LINES)

    def test_a_row_that_is_explained_is_shown(self, client: FlaskClient) -> None:
        assert LINES[60] in shown(sent(client, "\n".join(LINES), explain="61"))

    @pytest.mark.parametrize("page", ["0", "-1", "x", "²", "9" * 99])
    def test_no_such_page(self, client: FlaskClient, page: str) -> None:
        assert shown(sent(client, "\n".join(LINES), page=page))[:1] == LINES[:1]

    def test_orders(self, client: FlaskClient) -> None:
        probabilities = {text: predict(text).probability for text in LINES}
        down = sorted(LINES, key=lambda text: -probabilities[text])

        assert shown(sent(client, "\n".join(LINES), order="down")) == down[:50]
        up = shown(sent(client, "\n".join(LINES), order="up"))
        assert [probabilities[text] for text in up] == sorted(probabilities.values())[:50]
        assert shown(sent(client, "\n".join(LINES), order="x")) == LINES[:50]

    def test_words(self, client: FlaskClient) -> None:
        page = sent(client, "\n".join(LINES), words=" AGAIN 11")
        none = sent(client, "\n".join(LINES), words="<nowhere>")

        assert shown(page) == [text for text in LINES if "again 11" in text]
        assert "hidden" in page.by_id("none").attributes
        assert page.by_id("found").text == "11 rows"
        assert shown(none) == []
        assert none.by_id("none").text == f"None of the 120 {TEXTS} fits."
        assert "hidden" not in none.by_id("none").attributes
        assert none.by_id("words").attributes["value"] == "<nowhere>"
        one = sent(client, "\n".join(LINES), words="again 119")
        assert one.by_id("found").text == "1 row"

    def test_labels(self, any_model: Classifier, client: FlaskClient) -> None:
        texts = [*EXAMPLES, FIRST, SECOND]
        labels = [each.label for each in any_model.predict(texts)]
        page = sent(client, "\n".join(texts), label=labels[0])

        assert shown(page) == [
            text for text, label in zip(texts, labels, strict=True) if label == labels[0]
        ]
        chosen = page.one("input", name="label", value=labels[0])
        assert "checked" in chosen.attributes
        assert shown(sent(client, "\n".join(texts), label="x")) == texts

    def test_download(self, any_model: Classifier, client: FlaskClient) -> None:
        texts = [FIRST, SECOND, 'an "open" box']
        response = client.post("/scored", data={"text": "\n".join(texts), "order": "down"})
        lines = {
            text: f"{field},{prediction.probability:.6f},{prediction.label}"
            for text, field, prediction in zip(
                texts,
                [f'"{FIRST}"', f'"{SECOND}"', '"an ""open"" box"'],
                any_model.predict(texts),
                strict=True,
            )
        }
        best = sorted(any_model.predict(texts), key=lambda each: -each.probability)

        header, *rows = response.text.splitlines()
        assert header == "text,probability,label"
        assert sorted(rows) == sorted(lines.values())
        assert [row.split(",")[-2] for row in rows] == [f"{p.probability:.6f}" for p in best]
        assert response.headers["Content-Disposition"].startswith("attachment; filename*=")
        assert response.content_type == "text/csv; charset=utf-8"

    @two_labels
    def test_download_of_what_is_shown(self, client: FlaskClient) -> None:
        fields = {"threshold": "0", "label": LABELS[1], "words": "parcel"}
        response = client.post("/scored", data={"text": f"{FIRST}\n{SECOND}", **fields})

        assert response.text.splitlines()[1:] == [
            f'"{FIRST}",{predict(FIRST).probability:.6f},{LABELS[1]}'
        ]

    def test_download_of_nothing(self, client: FlaskClient) -> None:
        assert "write something" in refused(client.post("/scored"), 422, "text")
        assert client.get("/scored").headers["Location"] == "/"


class TestMoreLabels:
    def test_a_bar_for_each_label(self, model_of_more: Classifier, client: FlaskClient) -> None:
        page = sent(client, FIRST)
        prediction = model_of_more.predict(FIRST)
        shares = sorted(prediction.probabilities.items(), key=lambda share: -share[1])
        bars = page.one("ul", class_="labels").text.split("\n")

        assert [" ".join(bar.split()) for bar in bars if bar.strip()] == [
            f"{label} {percent(share)}" for label, share in shares
        ]
        assert widths(page) == [f"{share:.2%}" for _, share in shares]
        assert ["predicted" in bar.attributes["class"] for bar in page.all("svg")] == [
            True,
            *[False] * (len(shares) - 1),
        ]
        assert page.all("line") == []
        assert "threshold" not in page.one("section", class_="result").text

    def test_how_many_have_each_label(
        self, model_of_more: Classifier, client: FlaskClient
    ) -> None:
        texts = [*EXAMPLES, FIRST, SECOND]
        page = sent(client, "\n".join(texts))
        labels = [each.label for each in model_of_more.predict(texts)]
        everything, *pills = [label.text.rpartition(" ") for label in page.all("label")
                              if label.attributes["for"].startswith("label-")]  # fmt: skip

        assert page.by_id("verdict").text == f"{len(texts)} {TEXTS}"
        assert everything[::2] == ("All", str(len(texts)))
        numbers = {name.lower(): int(count) for name, _, count in pills}
        assert {name: count for name, count in numbers.items() if count} == {
            label.lower(): labels.count(label) for label in labels
        }
        assert [*numbers.values()] == sorted(numbers.values(), reverse=True)
        assert "threshold" not in page.one("section", class_="result").text.lower()
        assert not [e for e in page.elements if e.attributes.get("id") == "threshold"]

    def test_the_bars_of_one_of_many(
        self, model_of_more: Classifier, client: FlaskClient
    ) -> None:
        page = sent(client, f"{FIRST}\n{SECOND}", explain="2")
        first, second = model_of_more.predict([FIRST, SECOND])

        assert len(page.all("ul", class_="labels")) == 1
        assert widths(page) == [
            f"{share:.2%}"
            for share in (
                first.probability,
                second.probability,
                *sorted(second.probabilities.values(), reverse=True),
            )
        ]

    def test_a_file(self, model_of_more: Classifier, client: FlaskClient) -> None:
        prediction = model_of_more.predict(FIRST)
        response = upload(client, "a.csv", f'text\n"{FIRST}"\n'.encode())

        assert response.text.splitlines() == [
            "text,probability,label",
            f'"{FIRST}",{prediction.probability:.6f},{prediction.label}',
        ]


HOSTILE = {
    "script": "<script>alert(1)</script> parcel",
    "attribute": "\"><img src=x onerror=alert(1)> ' onfocus='alert(1)",
    "end of the field": "</textarea></p></main><h1>parcel",
    "template": "{{ config }} {% raw %} ${parcel} &lt;b&gt; &amp;amp;",
    "direction": "\u202eerif\u2066 وصل الطرد متأخرا \u200f",
    "emoji": "📦🧑\u200d🚒🏳️\u200d🌈 parcel\ufe0f",
    "control": "parcel \x00\x07\x1b[31m\x7f\x85 near",
    "noncharacters": "parcel \ufffe\uffff \U0010ffff",
    "zalgo": "p" + "\u0300" * 500 + "arcel",
    "long": "late" * 6000,
    "words": "late " * 4999,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts(client: FlaskClient, text: str) -> None:
    page = sent(client, text)
    shown = page.one("p", class_="text").text
    told = telling_text(bundled_classifier())  # has marked words, as ``text`` may have
    harmless = {element.tag for element in sent(client, told).elements}
    allowed = "".join(c for c in text if _is_allowed(c))

    assert shown == page.by_id("text").text.removeprefix("\n")
    assert shown.replace("\ufffd", "") == allowed
    assert len(shown) == len(text)
    assert {element.tag for element in page.elements} <= harmless
    assert not any(name.startswith("on") for e in page.elements for name in e.attributes)

    among_others = sent(client, f"{FIRST}\n{text}", explain="2")
    assert among_others.all("p", class_="text")[1].text.replace("\ufffd", "") == allowed


def _is_allowed(character: str) -> bool:
    code = ord(character)
    return not (code < 0x20 or 0x7F <= code < 0xA0 or code in (0xFFFE, 0xFFFF))


def test_a_name_of_a_column_and_of_a_file_stay_text(client: FlaskClient) -> None:
    response = upload(client, "<i>&amp;.csv", b'<script>,"</select>"\n1,2\n')
    page = Page(response.text)
    message = page.by_id("file-message").text

    assert message.startswith(f"<i>&amp;.csv: which column holds the {TEXTS}?")
    assert [option.text for option in page.all("option")[1:]] == ["<script>", "</select>"]


class TestRefusedText:
    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"data": {"text": ""}},
            {"data": {"text": "\r\n \t\r\n"}},
            {"json": {"text": FIRST}},
            {"data": b"text=\xff", "content_type": FORM},
        ],
        ids=["no form", "no text", "blanks", "JSON", "no UTF-8"],
    )
    def test_nothing(self, client: FlaskClient, form: dict[str, Any]) -> None:
        assert "write something" in refused(client.post("/", **form), 422, "text")

    def test_too_many_lines(self) -> None:
        client = create_app({"MAX_TEXTS": 2}).test_client()

        assert sent(client, "a\n\nb").by_id("verdict")
        response = client.post("/", data={"text": "a\nb\nc"})
        message = refused(response, 422, "text")
        assert "3 lines" in message
        assert "2 fit" in message
        assert Page(response.text).by_id("text").text == "\na\nb\nc"

    def test_a_line_that_is_too_long(self, client: FlaskClient) -> None:
        most = client.application.config["MAX_EXPLAINED_LENGTH"]

        assert sent(client, "a" * most)
        response = client.post("/", data={"text": "a" * (most + 1)})
        assert f"{most + 1:,} characters, and {most:,} are allowed" in refused(
            response, 422, "text"
        )
        assert "a" * (most + 1) in response.text

    def test_too_much(self) -> None:
        client = create_app({"MAX_CONTENT_LENGTH": 600_000}).test_client()

        # More than Flask's default limit, and less than the page's limit.
        fits = client.post("/", data={"text": "f\n" * 130_000})
        assert "130,000 lines" in refused(fits, 422, "text")
        response = client.post("/", data={"text": "a" * 600_000})
        assert "0.6 MB" in refused(response, 413, "text")

    def test_too_many_fields(self, client: FlaskClient) -> None:
        fields = {"text": FIRST, **dict.fromkeys(map(str, range(1200)), "x")}

        response = client.post("/", data=fields, content_type=MULTIPART)

        assert refused(response, 413, "text").startswith("More than 1,000 fields")


TABLES = {
    "plain": ("a.csv", f'id,text\n1,"{FIRST}"\n2,"{SECOND}"\n', {}),
    "missing texts": ("a.csv", 'id,text\n1,\n2,""\n3,late\n', {}),
    "a mark, CRLF, no last line end": ("a.csv", "\ufefftext,id\r\nlate,1\r\nlost,2", {}),
    "quotes and line ends": ("a.csv", 'text\n"late\n\n""open"" the box"\n"a\r\nb"\n', {}),
    "blank lines": ("a.csv", "\n\ntext\n\nlate\n\r\n\n", {}),
    "NUL": ("a.csv", "text\nlate\0again\n", {}),
    "no rows": ("a.csv", "text\n", {}),
    "no line end at all": ("a.csv", "text", {}),
    "the only column": ("texts.CSV", "message\nlate\n", {}),
    "a column of choice": ("a.csv", 'id," töööt ""x"""\n1,late\n', {"column": ' töööt "x"'}),
    "replaced columns": ("a.csv", 'label,text,x\n"1\n2",late,3\n', {"overwrite": "yes"}),
    "many pieces": ("a.csv", "text\n" + 'late\n\nlost\n""\n' * 500, {}),
    "sep=": ("a.csv", "sep=|\nplace|text\na|late\n", {}),
    "carriage returns": ("a.csv", 'id,text\r1,"late\nagain"\r', {}),
    "no header": ("a.csv", "late again\nlost\n", {"no_header": "yes"}),
    "no header, columns": ("a.tsv", "1\ta\n2\tb\n", {"no_header": "yes", "column": "2"}),
    "lines that look like rows": ("a.csv", 'id,text\n1,"a\n2,b"\n', {"quoting": "standard"}),
    "plain quotes": ("a.tsv", 'id\ttext\n1\t"late\n2\tlost\n', {"quoting": "none"}),
}


OPTIONS = {
    "column": "--text-column={}",
    "overwrite": "--overwrite-columns",
    "no_header": "--no-header",
    "quoting": "--quoting={}",
}
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "js": "application/json",
}


def zipped(*names: str) -> bytes:
    """Return a zip of files with these names, each a table with one text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"text\nlate\n")
    return file.getvalue()


JSON = '[{"id": 1, "text": "late"},\n {"id": 2, "text": null}]\n'
OTHERS = {
    "JSON Lines": ("a.jsonl", b'{"text": "late"}\n{"text": null}\n', "a.jsonl"),
    "JSON": ("a.json", JSON.encode(), "a.json"),
    "an archive": ("a.js", b'window.YTD.notes.part0 = [{"text": "late"}]', "a.js"),
    "plain text": ("a.txt", b"late\n\nlost, again\n", "a.csv"),
    "gzip": ("a.csv.gz", gzip.compress(b"text\nlate\n"), "a.csv"),
    "bzip2": ("a.jsonl.bz2", bz2.compress(b'{"text": "late"}\n'), "a.jsonl"),
    "xz": ("a.tsv.xz", lzma.compress(b"text\tid\nlate\t1\n"), "a.tsv"),
    "zip": ("b.zip", zipped("a.csv"), "a.csv"),
    "UTF-16": ("a.csv", "id,text\n1,late é\n".encode("utf-16"), "a.csv"),
}


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "content", "fields", "scored"),
        [
            *((name, text.encode(), fields, name) for name, text, fields in TABLES.values()),
            *((name, content, {}, scored) for name, content, scored in OTHERS.values()),
        ],
        ids=[*TABLES, *OTHERS],
    )
    def test_come_back_as_from_the_command(
        self,
        client: FlaskClient,
        score: Callable[..., bytes],
        name: str,
        content: bytes,
        fields: dict[str, str],
        scored: str,
    ) -> None:
        options = [OPTIONS[field].format(chosen) for field, chosen in fields.items()]
        expected = score(name, content, *options, output=scored)

        response = upload(client, name, content, **fields)

        assert response.status_code == 200
        assert response.data == expected
        assert int(response.headers["Line-Count"]) == response.data.count(b"\n")
        stem, _, suffix = scored.rpartition(".")
        assert response.headers["Content-Disposition"] == (
            f"attachment; filename*=UTF-8''{stem}-scored.{suffix}"
        )
        assert response.content_type == MEDIA_TYPES[suffix.lower()]

    @pytest.mark.parametrize("suffix", ["parquet", "arrow"])
    def test_columnar_files(
        self, client: FlaskClient, score: Callable[..., bytes], suffix: str
    ) -> None:
        arrow = pytest.importorskip("pyarrow")
        feather, parquet = (pytest.importorskip(f"pyarrow.{n}") for n in ("feather", "parquet"))
        write, read = {
            "parquet": (parquet.write_table, parquet.read_table),
            "arrow": (feather.write_feather, feather.read_table),
        }[suffix]
        table = arrow.table({"id": [*range(2100)], "text": [FIRST, None, SECOND] * 700})

        def sent(rows: int) -> tuple[bytes, TestResponse]:
            file = io.BytesIO()
            write(table.slice(0, rows), file)
            return file.getvalue(), upload(client, f"a.{suffix}", file.getvalue())

        content, response = sent(2100)
        expected = read(io.BytesIO(score(f"a.{suffix}", content)))
        empty = read(io.BytesIO(sent(0)[1].data))

        assert response.headers["Row-Count"] == "2100"
        assert "Line-Count" not in response.headers
        assert read(io.BytesIO(response.data)).equals(expected)
        assert empty.num_rows == 0
        assert empty.column_names == ["id", "text", "probability", "label"]

    def test_workbooks(self, client: FlaskClient) -> None:
        openpyxl = pytest.importorskip("openpyxl")

        def workbook(*sheets: str) -> bytes:
            book, file = openpyxl.Workbook(), io.BytesIO()
            book.remove(book.active)
            for name in sheets:
                page = book.create_sheet(name)
                for row in (["id", "text"], [1, FIRST], [2, None], [3, name]):
                    page.append(row)
            book.save(file)
            return file.getvalue()

        response = upload(client, "a.xlsx", workbook("late"))
        several = upload(client, "a.xlsx", workbook("late", "lost"))
        options = Page(several.text).all("option")
        chosen = upload(client, "a.xlsx", workbook("late", "lost"), sheet="lost")
        (sheet,) = openpyxl.load_workbook(io.BytesIO(response.data)).worksheets
        (other,) = openpyxl.load_workbook(io.BytesIO(chosen.data)).worksheets
        first = predict(FIRST)

        assert [*sheet.values][:3] == [
            ("id", "text", "probability", "label"),
            (1, FIRST, pytest.approx(first.probability, abs=1e-6), first.label),
            (2, None, None, None),
        ]
        assert (sheet.title, other.title) == ("late", "lost")
        assert "a.xlsx: which sheet" in refused(several, 422, "file")
        assert [option.text for option in options[1:]] == ["late", "lost"]
        assert other.cell(4, 2).value == "lost"

    def test_texts_inside_a_struct(self, client: FlaskClient) -> None:
        arrow, parquet = (pytest.importorskip(n) for n in ("pyarrow", "pyarrow.parquet"))
        file = io.BytesIO()
        parquet.write_table(arrow.table({"id": [1], "post": [{"body": FIRST}]}), file)
        response = upload(client, "a.parquet", file.getvalue())
        chosen = upload(client, "a.parquet", file.getvalue(), column="post.body")

        hint = "a text in it has the path 'post.body'; choose another"
        assert hint in refused(response, 422, "file")
        assert "post.body" in [option.text for option in Page(response.text).all("option")]
        assert chosen.headers["Row-Count"] == "1"

    def test_a_title_above_the_header(self, client: FlaskClient) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        book, file = openpyxl.Workbook(), io.BytesIO()
        for row in (["Report"], ["id", "text"], [1, FIRST]):
            book.active.append(row)
        book.save(file)
        message = refused(upload(client, "a.xlsx", file.getvalue()), 422, "file")

        assert "If the header is not the first row, delete the rows above it." in message

    def test_a_library_that_the_server_lacks(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        monkeypatch.setattr(upload_module, "find_spec", lambda name: None)
        page = Page(client.get("/").text)

        message = refused(upload(client, "a.parquet", b"PAR1"), 422, "file")
        assert "which this server lacks; save the file as CSV" in message
        assert "Parquet" not in page.by_id("file-hint").text
        assert ".xlsx" not in page.by_id("file").attributes["accept"]
        assert ".jsonl" in page.by_id("file").attributes["accept"]

    @pytest.mark.parametrize("name", ["a.csv.gz", "a.zip", "a.xlsx"])
    def test_what_unpacks_to_too_much(self, name: str) -> None:
        client = create_app({"MAX_UNPACKED_LENGTH": 1000}).test_client()
        large = b"text\n" + b"late" * 1000
        packed = gzip.compress(large)
        if name != "a.csv.gz":
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.csv" if name == "a.zip" else "xl/workbook.xml", large)
            packed = file.getvalue()

        assert "unpacks to more than 0.001 MB" in refused(
            upload(client, name, packed), 422, "file"
        )

    def test_what_had_to_be_guessed_is_said(self, client: FlaskClient) -> None:
        response = upload(client, "a.csv", b"place;Message\na;late\n")
        plain = upload(client, "a.csv", b"place,text\na,late\n")

        notice = unquote(response.headers["Notice"])
        assert "separated by semicolons (';')" in notice
        assert "column 'Message'" in notice
        assert "Notice" not in plain.headers

    def test_rows_are_counted_before(self, client: FlaskClient) -> None:
        response = upload(client, "a.csv", b'text\n"a\nb"\n\n""\n')

        assert (response.headers["Row-Count"], response.headers["Line-Count"]) == ("2", "5")

    def test_come_back_as_they_are_scored_while_the_client_is_there(
        self, client: FlaskClient, scored: Callable[..., list[int]]
    ) -> None:
        numbers = scored(bundled_classifier())
        response = upload(client, "a.csv", numbered(3000))
        pieces = response.iter_encoded()

        assert next(pieces) == b"text,probability,label\n"
        assert numbers == []
        rows = next(pieces).count(b"\n")
        assert rows == sum(numbers) < 3000
        response.close()
        assert list(pieces) == []
        assert rows == sum(numbers)

    def test_nothing_is_kept(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        content = b"text,more\nsecretive," + b"z" * 2_000_000 + b"\n"
        body, media_type = multipart("a.csv", content)
        # No temporary file can be made, so uploads have to stay in memory.
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

        first = client.post("/file", data=body, content_type=media_type)
        assert first.data.count(b"z") == 2_000_000
        second = upload(client, "b.csv", b"text\na\n")
        assert b"secretive" not in second.data
        assert "a.csv" not in client.get("/").text
        assert list(tmp_path.iterdir()) == []

    def test_names(self, client: FlaskClient) -> None:
        def name(sent: str) -> str:
            response = upload(client, sent, b"text\n")
            header = response.headers["Content-Disposition"]
            return header.removeprefix("attachment; filename*=UTF-8''")

        assert name("/dir/../a b.csv") == "a%20b-scored.csv"
        assert name("größe 📦.csv") == "gr%C3%B6%C3%9Fe%20%F0%9F%93%A6-scored.csv"
        assert name("a; b=.csv") == "a%3B%20b%3D-scored.csv"
        assert name("a\x01\x85b.csv") == "ab-scored.csv"

    def test_the_address_of_the_form_leads_to_the_page(self, client: FlaskClient) -> None:
        assert client.get("/file").headers["Location"] == "/"


def multipart(name: str, content: bytes) -> tuple[bytes, str]:
    """Return the body of a request with a file, and its media type."""
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"'.encode()
    body = b"--edge\r\n" + head + b"\r\n\r\n" + content + b"\r\n--edge--\r\n"
    return body, f"{MULTIPART}; boundary=edge"


def numbered(rows: int) -> bytes:
    return b"text\n" + b"".join(b"late %d\n" % number for number in range(rows))


REFUSED = {
    "no name": ("", b"text\nlate\n", ["choose one"]),
    "an old workbook": ("a.xls", b"PK", ["a.xls", "save it as .xlsx"]),
    "no name of a format": ("texts", b"text\nlate\n", ["texts", ".csv, .tsv"]),
    "JSON by another name": ("a.csv", b'[{"text": "late"}]', ["is JSON", "ends in .json"]),
    "JSON without rows": ("a.json", b"[1, 2]", ["a.json", "holds no objects"]),
    "half of JSON": ("a.json", b'[{"text": "late"}', ["a.json"]),
    "half of JSON Lines": ("a.jsonl", b'{"text": "late"}\n{"text', ["a.jsonl, row 2 (line 2)"]),
    "a key that is taken": ("a.jsonl", b'{"text": "a", "label": 1}', ["'label'", "to replace"]),
    "half of gzip": ("a.csv.gz", b"\x1f\x8b\x08", ["a.csv.gz", "save it again"]),
    "twice": ("a.csv.gz", gzip.compress(gzip.compress(b"text\na\n")), ["compressed twice"]),
    "a document": ("a.csv", zipped("word/document.xml"), ["a document (.docx)"]),
    "no zip": ("a.zip", b"text\nlate\n", ["a.zip: damaged zip data", "send it again"]),
    "an unknown name in a zip": ("a.zip", zipped("a.md"), ["a.md: its name ends in no known"]),
    "two files": ("a.zip", zipped("a.csv", "b.csv"), ["a zip of 2 files", "a.csv, b.csv"]),
    "empty": ("a.csv", b"", ["a.csv", "is empty"]),
    "a picture by another name": ("a.csv", b"\x89PNG\r\n\x1a\n", ["a.csv", "picture"]),
    "half of UTF-16": ("a.csv", "text\nlate\n".encode("utf-16")[:-1], ["a.csv", "UTF-8"]),
    "UTF-16 without a mark": ("a.csv", "text\nlate\n".encode("utf-16-le"), ["UTF-8"]),
    "a web page": ("a.csv", b"<!doctype html><html>", ["a.csv", "web page"]),
    "Latin-1": ("a.csv", b"text\nlate\ncaf\xe9\n", ["a.csv, row 2 (line 3)", "UTF-8"]),
    "fields": ("a.csv", b"id,text\n1,a\n2\n", ["row 2 (line 3): 1 field", "header has 2"]),
    "an open quote": ("a.csv", b'text\nlate\n"b\n', ["line 3", "never closes", "Quotes"]),
    "swallowed rows": ("a.tsv", b'id\ttext\n1\t"a\n2\tb"\n', ["line 2", "look like 2 rows"]),
    "a first line that may be a text": ("a.csv", b"late again\nb\n", ["tick the box"]),
    "no such column": ("a.csv", b"id,remark\n1,a\n", ["which column"]),
    "two such columns": ("a.csv", b"text,text\n1,a\n", ["several", "'text'", "rename"]),
    "taken": ("a.csv", b"text,label\na,1\n", ["'label'", "rename", "to replace"]),
    "both taken": ("a.csv", b"text,label,probability\na,1,2\n", ["'probability' and 'label'"]),
}


class TestRefusedFiles:
    @pytest.mark.parametrize(("name", "content", "words"), REFUSED.values(), ids=REFUSED)
    def test_one_line_tells_why(
        self, client: FlaskClient, name: str, content: bytes, words: list[str]
    ) -> None:
        message = refused(upload(client, name, content), 422, "file")

        assert all(word in message for word in words), message
        assert "--" not in message  # no options of the command line

    def test_no_form(self, client: FlaskClient) -> None:
        refused(client.post("/file"), 422, "file")
        refused(client.post("/file", data={"file": "text"}), 422, "file")
        refused(client.post("/file", data=b"--x", content_type=MULTIPART), 422, "file")

    def test_a_row_far_behind_is_found_before_the_first_is_scored(
        self, client: FlaskClient, scored: Callable[..., list[int]]
    ) -> None:
        numbers = scored(bundled_classifier())
        response = upload(client, "a.csv", numbered(3000) + b"a,b\n")

        assert "row 3001 (line 3002)" in refused(response, 422, "file")
        assert numbers == []

    def test_the_columns_to_choose_from(self, client: FlaskClient) -> None:
        page = Page(upload(client, "a.csv", b"id,remark\n1,a\n").text)
        taken = Page(upload(client, "a.csv", b"id,text,label\n1,a,b\n").text)

        assert "open" in page.one("details").attributes
        assert [option.attributes["value"] for option in page.all("option")] == [
            "",
            "id",
            "remark",
        ]
        assert not any("selected" in option.attributes for option in page.all("option"))
        assert [o.text for o in taken.all("option") if "selected" in o.attributes] == ["text"]

    def test_too_large(self) -> None:
        client = create_app({"MAX_UPLOAD_LENGTH": 2000}).test_client()

        assert upload(client, "a.csv", b"text\n" + b"a" * 1500).status_code == 200
        message = refused(upload(client, "a.csv", b"text\n" + b"a" * 2000), 413, "file")
        assert "disaster-tweets score" in message

    def test_too_many_fields(self, client: FlaskClient) -> None:
        fields = dict.fromkeys(map(str, range(1200)), "x")

        message = refused(upload(client, "a.csv", b"text\nlate\n", **fields), 413, "file")

        assert message.startswith("More than 1,000 fields")

    def test_a_column_with_a_long_name(self) -> None:
        client = create_app({"MAX_FORM_MEMORY_SIZE": 100}).test_client()
        name = "a" * 200

        answer = upload(client, "a.csv", f"{name}\nlate\n".encode(), column=name)

        assert answer.status_code == 200

    def test_too_many_rows(self, scored: Callable[..., list[int]]) -> None:
        numbers = scored(bundled_classifier())
        client = create_app({"MAX_UPLOAD_ROWS": 2}).test_client()

        assert upload(client, "a.csv", numbered(2)).data
        message = refused(upload(client, "my file.csv", numbered(3)), 422, "file")
        assert "disaster-tweets score 'my file.csv' -o 'my file-scored.csv'" in message
        assert sum(numbers) == 2


class TestCard:
    def test_the_measures_and_the_facts(
        self, any_model: Classifier, client: FlaskClient
    ) -> None:
        page = Page(client.get("/card").text)
        text = " ".join(page.one("main").text.split())
        manifest = any_model.manifest
        metrics = manifest["metrics"]
        f1, title = ("f1", "F1") if "f1" in metrics else ("macro_f1", "Macro F1")
        terms, values = ([element.text for element in page.all(tag)] for tag in ("dt", "dd"))
        facts = dict(zip(terms, values, strict=True))

        assert Page(client.get("/").text).all("a", href="/card")
        for name, shown in (("accuracy", "Accuracy"), (f1, title)):
            measure = metrics[name]
            assert (
                f"{shown}{measure['value']:.3f}{measure['low']:.3f} to {measure['high']:.3f}"
            ) in text
        assert f"Measured on {metrics['texts']:,} {TEXTS} " in text
        for told in (QUESTION, MEANING, TRAINING_DATA, *LIMITS):
            assert " ".join(told.split()) in text
        assert facts["SHA-256"] == manifest["artifacts"]["model.bin"]["sha256"]
        assert facts["Labels"] == ", ".join(any_model.classes_)
        assert facts["Fine-tuned from"].startswith(manifest["backbone"]["repository"])
        assert facts.get("Threshold") == (
            str(any_model.threshold) if len(any_model.classes_) == 2 else None
        )

    @two_labels
    def test_what_was_found_and_missed(
        self, client: FlaskClient, manifest: dict[str, Any]
    ) -> None:
        text = " ".join(Page(client.get("/card").text).one("main").text.split())
        (kept, alarms), (missed, found) = manifest["metrics"]["confusion_matrix"]

        assert (
            f"Of {missed + found} {TEXTS} labelled {LABELS[1]}, the model found {found} and "
            f"missed {missed}. Of {kept + alarms} others, it labelled {alarms} {LABELS[1]} by "
            "mistake."
        ) in text

    def test_which_labels_are_confused(
        self, model_of_more: Classifier, client: FlaskClient
    ) -> None:
        page = Page(client.get("/card").text)
        matrix = model_of_more.manifest["metrics"]["confusion_matrix"]
        labels = [*model_of_more.classes_]
        head, *rows = (row.text.split("\n") for row in page.all("tr")[-len(labels) - 1 :])

        assert head == ["Label in the data", *labels]
        assert rows == [
            [label, *(f"{count:,}" for count in row)]
            for label, row in zip(labels, matrix, strict=True)
        ]


@pytest.fixture(params=["empty", "one", "many", "refused", "card"])
def html(request: pytest.FixtureRequest, any_model: Classifier, client: FlaskClient) -> str:
    page = {
        "empty": lambda: client.get("/"),
        "one": lambda: client.post("/", data={"text": FIRST}),
        "many": lambda: client.post("/", data={"text": f"{FIRST}\n{SECOND}", "explain": "1"}),
        "refused": lambda: upload(client, "a.csv", b"id,remark\n"),
        "card": lambda: client.get("/card"),
    }[request.param]()
    return page.text


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(
    client: FlaskClient, html: str
) -> None:
    page = Page(html)

    assert page.all("style") == []
    assert all(script.text == "" and script.attributes["src"] for script in page.all("script"))
    for element in page.elements:
        assert not {"style", "srcdoc"} & element.attributes.keys()
        assert not any(name.startswith("on") for name in element.attributes)
        for name in ("src", "href", "action", "formaction"):
            address = element.attributes.get(name, "")
            assert address == "" or address.startswith(("/", "#")), address
            path = urlsplit(address).path
            if path and name in ("src", "href"):
                with client.get(path) as response:
                    assert response.status_code == 200


def test_every_address_is_below_the_prefix_of_a_proxy(client: FlaskClient) -> None:
    prefix = {"SCRIPT_NAME": "/texts"}
    for path in ("/", "/card"):
        page = Page(client.get(path, environ_overrides=prefix).text)
        addresses = [
            element.attributes[name]
            for element in page.elements
            for name in ("src", "href", "action")
            if name in element.attributes
        ]
        assert len(addresses) > 5
        assert all(address.startswith(("/texts/", "#")) for address in addresses)
    location = client.get("/file", environ_overrides=prefix).headers["Location"]
    assert location == "/texts/"


@pytest.fixture(autouse=True)
def _no_cookie(client: FlaskClient) -> Iterator[None]:
    yield
    assert not client._cookies
