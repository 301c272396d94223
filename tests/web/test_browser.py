"""The web page in a real browser, on the real server.

Set DISASTER_TWEETS_SCREENSHOTS to a folder to get a picture of each scene.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")
pytest.importorskip("playwright", reason="needs playwright")

from playwright.sync_api import Browser, Download, Locator, Page, expect, sync_playwright
from werkzeug.serving import make_server

from disaster_tweets import Classifier, predict
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.topic import EXAMPLES, LABELS, NOUNS, TEXT, TEXTS
from disaster_tweets.web import create_app

from ..conftest import two_labels
from .conftest import FIELD, FIRST, SECOND, Server, of_all, percent, reads, telling_text

# The largest number of rows in a file, so that scoring takes some seconds.
ROW = b"parcel %d was sent to the old address and two shops in town say that it never came\n"
MANY = b"text\n" + b"".join(ROW % number for number in range(50_000))
HOSTILE = "<img src=x onerror=alert(1)> parcel </textarea><script>alert(1)</script>"

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine, with a new profile."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"needs one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """The address of the page, which two workers serve without shared state."""
    yield server.url
    assert len(server.said.splitlines()) == 1
    for text in (FIRST, SECOND, HOSTILE, "texts.csv"):
        assert text not in server.out.read_text("utf-8")


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """Open pages as a new visitor; fail at any error, and at any request to another server."""
    wrong: list[str] = []
    pages: list[Page] = []

    def open_page(path: str = "/", **options: Any) -> Page:
        page = browser.new_context(**options).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(url + path)
        return page

    addresses: list[str] = []
    yield open_page
    for page in pages:
        state = page.context.storage_state()
        assert (state["cookies"], state["origins"]) == ([], [])
        page.context.close()
    assert [a for a in addresses if not a.startswith((f"{url}/", f"blob:{url}/"))] == []
    assert not [address for address in addresses if "parcel" in address]
    # The browser itself logs each status of 400 or more. That is no error of the page.
    assert [text for text in wrong if not text.startswith("Failed to load resource")] == []


@pytest.fixture
def open_page(browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """Open the page of the server."""
    with visiting(browser, url) as open_page:
        yield open_page


@pytest.fixture
def open_page_of_more(
    browser: Browser, model_of_more: Classifier
) -> Iterator[Callable[..., Page]]:
    """Open the page with a model of more than two labels, served by a thread."""
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with visiting(browser, f"http://127.0.0.1:{server.server_port}") as open_page:
            yield open_page
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def plain_page(open_page: Callable[..., Page]) -> Page:
    """The page in a browser without scripts."""
    return open_page(java_script_enabled=False)


def score_text(page: Page, text: str) -> None:
    page.get_by_label(FIELD).fill(text)
    page.get_by_role("button", name="Score", exact=True).click()


def score_file(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Score the file").click()


def verdict(page: Page) -> Locator:
    return page.locator("#verdict")


def message(page: Page, field: str) -> Locator:
    return page.locator(f"#{field}-message")


def words_of(page: Page, number: int) -> Locator:
    return page.get_by_role("button", name=f"Words of {TEXT} {number}", exact=True)


def filled(page: Page) -> list[float]:
    """Return the filled share of each bar."""
    shares = []
    for bar in page.locator(".bar").all():
        track, fill = (bar.locator(part).bounding_box() for part in (".track", ".fill"))
        assert track is not None
        assert fill is not None
        shares.append(fill["width"] / track["width"])
    return shares


class TestTexts:
    def test_one(self, page: Page, url: str) -> None:
        text = telling_text(bundled_classifier())
        score_text(page, text)

        prediction = predict(text)
        expect(verdict(page)).to_have_text(reads(prediction))
        expect(page.get_by_role("status")).to_have_text(reads(prediction))
        expect(verdict(page)).to_be_in_viewport()
        expect(page.locator("mark").first).to_have_css("text-decoration-line", "underline")
        assert page.url == f"{url}/"
        assert filled(page)[0] == pytest.approx(prediction.probability, abs=0.005)

    def test_one_after_the_other(self, page: Page) -> None:
        score_text(page, FIRST)
        expect(verdict(page)).to_have_text(reads(predict(FIRST)))
        for _ in range(2):
            message(page, "text").evaluate("e => { e.said = e.firstChild }")
            score_text(page, "")
            expect(message(page, "text")).to_contain_text("write something")
            # A screen reader does not read an old node again.
            assert message(page, "text").evaluate("e => e.firstChild !== e.said")
            expect(verdict(page)).to_have_count(0)
            expect(page.get_by_label(FIELD)).to_be_focused()
            expect(page.get_by_label(FIELD)).to_have_attribute("aria-invalid", "true")
            expect(page.get_by_role("status")).to_be_empty()
            expect(page).to_have_title(re.compile("^Error: "))
        score_text(page, SECOND)
        expect(verdict(page)).to_have_text(reads(predict(SECOND)))
        expect(message(page, "text")).to_be_empty()
        expect(page.get_by_label(FIELD)).to_have_attribute("aria-invalid", "false")
        expect(page).not_to_have_title(re.compile("^Error: "))

    def test_clear(self, page: Page) -> None:
        score_file(page, "texts.png", b"\x89PNG")
        expect(message(page, "file")).not_to_be_empty()
        score_text(page, FIRST)
        expect(verdict(page)).to_be_visible()
        page.get_by_role("link", name="Clear").click()

        expect(page.get_by_label(FIELD)).to_have_value("")
        expect(page.get_by_label(FIELD)).to_be_focused()
        expect(verdict(page)).to_have_count(0)
        expect(message(page, "file")).to_be_empty()
        expect(page.locator("#file")).to_have_value("")
        expect(page.get_by_role("status")).to_have_text("Cleared")
        expect(page).not_to_have_title(re.compile("^Error: "))

    def test_examples(self, page: Page) -> None:
        examples = page.locator(".examples").get_by_role("button")

        assert examples.count() == len(EXAMPLES) + 1  # the last button is for all examples
        for text in EXAMPLES:
            examples.get_by_text(text, exact=True).click()
            expect(verdict(page)).to_have_text(reads(predict(text)))
            expect(page.get_by_label(FIELD)).to_have_value(text)
        page.get_by_role("button", name="All at once").click()
        expect(verdict(page)).to_have_text(of_all(predict([*EXAMPLES])))
        expect(page.get_by_label(FIELD)).to_have_value("\n".join(EXAMPLES))

    def test_many(self, page: Page) -> None:
        text = telling_text(bundled_classifier())
        score_text(page, f"{text}\n\n{SECOND}\n")

        expect(verdict(page)).to_have_text(of_all(predict([text, SECOND])))
        words = words_of(page, 1)
        expect(words).to_have_attribute("aria-expanded", "false")
        words.click()
        expect(words).to_have_attribute("aria-expanded", "true")
        expect(words).to_be_focused()
        expect(page.locator("mark").first).to_be_visible()
        words.click()
        expect(page.locator("mark")).to_have_count(0)

    def test_too_much_stays_in_its_field(self, page: Page) -> None:
        text, field = ("z" * 80 + "\n") * 13_000, page.get_by_label(FIELD)
        field.evaluate("(field, text) => { field.value = text }", text)  # like a paste
        page.get_by_role("button", name="Score", exact=True).click()

        expect(message(page, "text")).to_contain_text("More than 1 MB")
        assert field.input_value() == text

    def test_hostile(self, page: Page) -> None:
        score_text(page, HOSTILE)

        expect(page.locator(".text")).to_have_text(HOSTILE)
        assert page.locator("#result img[src], script:not([src])").count() == 0


@contextmanager
def asking_nothing(page: Page) -> Iterator[None]:
    """Check that the page sends no request."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield
    assert asked == []


@two_labels
class TestThreshold:
    def test_of_one(self, page: Page) -> None:
        score_text(page, FIRST)
        slider = page.get_by_role("slider", name="Threshold")
        expect(verdict(page)).to_be_visible()
        expect(slider).to_have_value(f"{100 * Classifier.load().threshold:g}")
        with asking_nothing(page):
            slider.press("Home")
            expect(verdict(page)).to_contain_text(re.compile("^Reads like"))
            expect(page.locator(".result")).to_have_class(re.compile("positive"))
            slider.press("End")
            expect(verdict(page)).to_contain_text(re.compile("^Does not read like"))
            expect(page.get_by_label("Threshold in percent")).to_have_value("100")
            expect(page.get_by_role("status")).to_contain_text("Threshold 100%: Does not read")
            page.get_by_label("Threshold in percent").fill("0.5")
            expect(slider).to_have_attribute("aria-valuetext", "0.5%")
            expect(page.locator("line")).to_have_attribute("x1", "0.5%")
            page.get_by_role("button", name="Back to").click()
            expect(slider).to_be_focused()
        expect(verdict(page)).to_have_text(reads(predict(FIRST)))
        expect(page.get_by_role("button", name="Back to")).to_be_hidden()

    def test_of_many(self, page: Page) -> None:
        score_text(page, f"{FIRST}\n{SECOND}\n{SECOND}")
        lower, upper = sorted([predict(FIRST), predict(SECOND)], key=float)
        both = [FIRST, SECOND, SECOND]
        expect(verdict(page)).to_be_visible()
        with asking_nothing(page):
            for threshold in (0.1, 100 * (lower.probability + upper.probability) / 2, 99.9):
                page.get_by_label("Threshold in percent").fill(str(threshold))
                over = [100 * predict(text).probability >= threshold for text in both]
                read = "reads" if sum(over) == 1 else "read"
                expect(verdict(page)).to_contain_text(f"{sum(over)} of 3 {TEXTS} {read} like")
                expect(page.locator("td.label")).to_have_text(
                    [NOUNS[LABELS[each]] for each in over]
                )

    def test_one_that_misses_fewer(self, page: Page) -> None:
        score_text(page, f"{FIRST}\n{SECOND}")
        recall = Classifier.load().manifest["thresholds"]["recall"]
        over = sum(text.probability >= recall for text in predict([FIRST, SECOND]))
        with asking_nothing(page):
            page.get_by_role("button", name="Miss fewer").click()
            expect(page.get_by_label("Threshold in percent")).to_have_value(f"{100 * recall:g}")
            expect(verdict(page)).to_contain_text(f"{over} of 2")

    def test_what_is_no_threshold_gives_way_to_the_last_one(self, page: Page) -> None:
        score_text(page, f"{FIRST}\n{SECOND}")
        field = page.get_by_label("Threshold in percent")
        with asking_nothing(page):
            for typed in ("", "150", "-1"):
                field.fill("100")
                field.fill(typed)
                field.press("Tab")
                expect(field, f"after {typed!r}").to_have_value("100")
            page.get_by_label("Order").select_option("Most probable first")
            expect(verdict(page)).to_contain_text("0 of 2")
            expect(page.locator("td.label")).to_have_text([NOUNS[LABELS[0]]] * 2)

    def test_it_stays_for_the_next_text(self, page: Page) -> None:
        score_text(page, FIRST)
        page.get_by_label("Threshold in percent").fill("0")
        score_text(page, SECOND)

        expect(verdict(page)).to_contain_text("Reads like")
        expect(verdict(page)).to_contain_text(percent(predict(SECOND).probability))


LINES = [f"late again {number}, and nobody knows why" for number in range(1000)]


class TestTable:
    @pytest.fixture
    def page(self, page: Page) -> Page:
        """The page with a thousand texts."""
        page.get_by_label(FIELD).evaluate(
            "(field, text) => { field.value = text }", "\n".join(LINES)
        )
        page.get_by_role("button", name="Score", exact=True).click()
        expect(verdict(page)).to_contain_text(f"1,000 {TEXTS}")
        return page

    def test_pages(self, page: Page) -> None:
        pages = page.get_by_role("navigation", name="Pages of the table")
        following = pages.get_by_role("button", name="Next")
        expect(page.locator(".row .text")).to_have_text(LINES[:50])
        with asking_nothing(page):
            for first in range(50, 1000, 50):
                following.click()
                expect(page.locator(".row .text").first).to_have_text(LINES[first])
            expect(pages).to_contain_text("951–1,000 of 1,000")
            expect(following).to_be_disabled()
            expect(pages.get_by_role("button", name="Previous")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.get_by_role("status")).to_have_text("Rows 901–950 of 1,000")

    def test_order_and_words(self, page: Page) -> None:
        predictions = dict(zip(LINES, predict(LINES), strict=True))
        with asking_nothing(page):
            page.get_by_label("Order").select_option("Most probable first")
            best = sorted(LINES, key=lambda text: -predictions[text].probability)
            expect(page.locator(".row .text")).to_have_text(best[:50])
            page.get_by_label("Contains").fill("AGAIN 77")
            found = [text for text in best if "again 77" in text]
            expect(page.locator(".row .text")).to_have_text(found)
            expect(page.get_by_role("status")).to_have_text("11 rows shown")
            page.get_by_label("Contains").fill("again 777")
            expect(page.get_by_role("status")).to_have_text("1 row shown")
            expect(page.locator("#save")).to_have_text("Download 1 row as CSV")
            page.get_by_label("Contains").fill("nowhere")
            page.keyboard.press("Enter")
            expect(page.get_by_text(f"None of the 1,000 {TEXTS} fits.")).to_be_visible()
            expect(page.locator("#save")).to_be_disabled()

    def test_words_of_a_row_stay_with_it(self, page: Page) -> None:
        text = telling_text(bundled_classifier())
        score_text(page, f"{FIRST}\n{SECOND}\n{text}")
        words_of(page, 3).click()
        expect(page.locator(".detail")).to_have_count(1)
        page.get_by_label("Contains").fill(text)

        expect(page.locator(".row")).to_have_count(1)
        expect(page.locator(".row .text")).to_have_text(text)
        marked = [w.word for w in bundled_classifier().explain(text).words
                  if abs(w.weight) > 0.02]  # fmt: skip
        expect(page.locator(".row mark")).to_have_text(marked)
        page.get_by_label("Contains").fill("nowhere")
        expect(page.locator(".detail")).to_have_count(0)

    @two_labels
    def test_labels_follow_the_threshold(self, page: Page) -> None:
        page.get_by_role("radio", name=NOUNS[LABELS[1]]).check()
        with asking_nothing(page):
            page.get_by_label("Threshold in percent").fill("0")
            expect(page.get_by_role("radio", name="All 1,000")).to_be_visible()
            expect(page.locator("#found")).to_have_text("1,000 rows")
            page.get_by_label("Threshold in percent").fill("100")
            expect(page.locator(".row")).to_have_count(0)

    @two_labels
    def test_download(self, page: Page) -> None:
        page.get_by_label("Threshold in percent").fill("0")
        page.get_by_label("Contains").fill("again 77")
        page.get_by_label("Order").select_option("Most probable first")
        page.get_by_label(FIELD).fill("typed since")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download 11 rows as CSV").click()

        content = saved(download.value, f"{TEXTS.replace(' ', '-')}-scored.csv").decode()
        lines = [text for text in LINES if "again 77" in text]
        lines.sort(key=lambda text: -predict(text).probability)
        assert content.splitlines() == [
            "text,probability,label",
            *(f'"{text}",{predict(text).probability:.6f},{LABELS[1]}' for text in lines),
        ]


class TestMoreLabels:
    def test_one_and_many(
        self, open_page_of_more: Callable[..., Page], model_of_more: Classifier
    ) -> None:
        page, text = open_page_of_more(), telling_text(model_of_more)
        score_text(page, text)

        prediction = model_of_more.predict(text)
        shares = sorted(prediction.probabilities.items(), key=lambda share: -share[1])
        expect(verdict(page)).to_have_text(reads(prediction))
        expect(page.get_by_role("status")).to_have_text(reads(prediction))
        expect(page.locator(".labels").get_by_role("listitem")).to_have_text(
            [f"{label} {percent(share)}" for label, share in shares]
        )
        assert filled(page) == pytest.approx([share for _, share in shares], abs=0.005)
        fills = [
            fill.evaluate("e => getComputedStyle(e).fill")
            for fill in page.locator(".fill").all()
        ]
        assert len({*fills[1:]}) == 1
        assert fills[0] != fills[1]
        marked = [word for word in model_of_more.explain(text).words if abs(word.weight) > 0.02]
        expect(page.locator("mark")).to_have_text([word.word for word in marked])

        score_text(page, f"{FIRST}\n{SECOND}")
        expect(verdict(page)).to_have_text(of_all(model_of_more.predict([FIRST, SECOND])))
        expect(page.locator(".labels")).to_have_count(0)
        words_of(page, 2).click()
        expect(page.locator(".labels").get_by_role("listitem")).to_have_count(len(shares))
        expect(words_of(page, 2)).to_be_focused()


ROWS = f'id,text\r\n1,"{FIRST}"\r\n2,\r\n3,"a\n""b"""\r\n'.encode() + b"4,lost\r\n" * 700


@pytest.fixture
def scored(score: Callable[..., bytes]) -> bytes:
    """The output of the command `score` for `ROWS`."""
    return score("texts.csv", ROWS)


def download(page: Page, name: str) -> bytes:
    """Wait for the download link, follow it, and return the content."""
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {name}").click()
    return saved(download.value, name)


def saved(download: Download, name: str) -> bytes:
    assert download.suggested_filename == name
    return download.path().read_bytes()


def scored_line(text: str) -> str:
    prediction = predict(text)
    return f"{text},{prediction.probability:.6f},{prediction.label}"


def drop(page: Page, *names: str, content: bytes = ROWS) -> None:
    transfer = page.evaluate_handle(
        """([names, content]) => {
            const transfer = new DataTransfer();
            for (const name of names) transfer.items.add(new File([content], name));
            return transfer;
        }""",
        [names, content.decode()],
    )
    for event in ("dragover", "drop"):
        page.locator("h1").dispatch_event(event, {"dataTransfer": transfer})


class TestFiles:
    def test_chosen(self, page: Page, scored: bytes) -> None:
        with page.expect_file_chooser() as chooser:
            page.locator("#file").click()
        chooser.value.set_files(
            {"name": "my texts.csv", "mimeType": "text/csv", "buffer": ROWS}
        )
        page.get_by_role("button", name="Score the file").click()

        assert download(page, "my texts-scored.csv") == scored
        expect(page.get_by_role("status")).to_have_text("Done: 703 rows.")
        expect(page.locator("#share")).to_have_text("100% of 703 rows")
        expect(page.get_by_role("progressbar")).to_be_hidden()

    def test_a_single_row_and_what_had_to_be_guessed(self, page: Page) -> None:
        score_file(page, "texts.csv", b"id;Message\n1;late\n")

        assert download(page, "texts-scored.csv").count(b"\n") == 2
        expect(page.get_by_role("status")).to_have_text(
            re.compile("^Done: 1 row\\. texts.csv: ")
        )
        expect(page.locator("#share")).to_have_text("100% of 1 row")
        expect(page.locator("#rows")).to_contain_text("separated by semicolons (';')")
        expect(page.locator("#rows")).to_contain_text("column 'Message'")

    def test_a_file_that_comes_as_a_whole(self, page: Page, tmp_path: Path) -> None:
        arrow, parquet = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
        parquet.write_table(arrow.table({"text": ["late", "lost"] * 5000}), tmp_path / "a")
        score_file(page, "texts.parquet", (tmp_path / "a").read_bytes())

        (tmp_path / "b").write_bytes(download(page, "texts-scored.parquet"))
        assert parquet.read_table(tmp_path / "b").num_rows == 10_000
        expect(page.get_by_role("status")).to_have_text("Done: 10,000 rows.")

    def test_dropped(self, page: Page, scored: bytes) -> None:
        drop(page, "a.csv", "b.csv")
        expect(message(page, "file")).to_have_text("One file at a time, please.")
        drop(page, "texts.csv")

        assert download(page, "texts-scored.csv") == scored
        expect(page.locator(".dropping")).to_have_count(0)

    def test_progress_and_cancel(self, page: Page, scored: bytes) -> None:
        score_file(page, "texts.csv", MANY)

        bar = page.get_by_role("progressbar", name="Scoring texts.csv")
        expect(page.locator("#share")).to_have_text(re.compile(r"^[1-9]\d?% of 50,000 rows$"))
        assert 0 < bar.evaluate("bar => bar.value") < 1
        page.get_by_role("button", name="Cancel").click()
        expect(message(page, "file")).to_have_text("Cancelled.")
        expect(bar).to_be_hidden()
        expect(page.locator("#download")).to_be_hidden()
        score_file(page, "texts.csv", ROWS)
        assert download(page, "texts-scored.csv") == scored
        expect(message(page, "file")).to_be_empty()

    def test_the_column_is_chosen(self, page: Page) -> None:
        score_file(page, "texts.csv", b"id,remark\n1,late\n")
        expect(message(page, "file")).to_contain_text("texts.csv: which column holds")
        expect(page.locator("#file")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_role("status")).to_be_empty()
        expect(page.get_by_label(f"Column with the {TEXTS}")).to_be_focused()
        page.get_by_label(f"Column with the {TEXTS}").select_option("remark")
        page.get_by_role("button", name="Score the file").click()

        lines = download(page, "texts-scored.csv").decode().splitlines()
        assert lines[1] == f"1,{scored_line('late')}"
        # The list of columns belongs to the previous file.
        score_file(page, "other.csv", b"text,n\nlate,1\n")
        assert download(page, "other-scored.csv").count(b"\n") == 2

    def test_quotes_are_characters_and_columns_are_replaced(self, page: Page) -> None:
        score_file(page, "texts.tsv", b'label\ttext\n1\t"late\n2\tlost"\n')
        expect(message(page, "file")).to_contain_text("'label'")
        page.get_by_label("Replace columns").check()
        page.get_by_role("button", name="Score the file").click()
        expect(message(page, "file")).to_contain_text("look like 2 rows")
        page.get_by_label("Are ordinary characters").check()
        page.get_by_role("button", name="Score the file").click()

        lines = download(page, "texts-scored.tsv").decode().splitlines()
        assert lines == [
            "text\tprobability\tlabel",
            *(scored_line(text).replace(",", "\t") for text in ('"late', 'lost"')),
        ]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"text\nlate\ncaf\xe9\n", "row 2 (line 3): not valid UTF-8"),
            (b"text\n" + b"a" * 5_000_000, "disaster-tweets score"),
        ],
        ids=["by the server", "by the page"],
    )
    def test_refused(self, page: Page, content: bytes, words: str) -> None:
        score_file(page, "texts.csv", content)

        expect(message(page, "file")).to_contain_text(words)
        expect(page.get_by_role("progressbar")).to_be_hidden()
        expect(page.locator("#file")).to_have_value(re.compile(r"texts\.csv"))

    def test_none(self, page: Page) -> None:
        page.get_by_role("button", name="Score the file").click()

        expect(message(page, "file")).to_have_text("No file yet: choose one first.")
        expect(page.locator("#file")).to_be_focused()


class TestServerInTrouble:
    def test_out_of_reach(self, page: Page) -> None:
        score_text(page, "")
        expect(message(page, "text")).to_contain_text("write something")
        page.context.set_offline(True)
        score_text(page, FIRST)
        score_file(page, "texts.csv", ROWS)

        for field in ("text", "file"):
            expect(message(page, field)).to_contain_text("cannot be reached")
            # The user's input is not the error.
            expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "false")
        expect(page.get_by_role("status")).to_be_empty()
        page.context.set_offline(False)
        score_text(page, FIRST)
        expect(verdict(page)).to_have_text(reads(predict(FIRST)))

    def test_busy(self, page: Page) -> None:
        problem = json.dumps({"title": "Service Unavailable", "detail": "try again"})
        page.route(
            "**/*",
            lambda route: route.fulfill(
                status=503, body=problem, content_type="application/problem+json"
            ),
        )
        score_text(page, FIRST)

        expect(message(page, "text")).to_have_text("Service Unavailable: try again")

    def test_a_file_that_ends_early(self, page: Page) -> None:
        page.route(
            "**/file",
            lambda route: route.fulfill(
                body="text,probability,label\n",
                content_type="text/csv",
                headers={"Line-Count": "3", "Row-Count": "2"},
            ),
        )
        score_file(page, "texts.csv", ROWS)

        expect(message(page, "file")).to_contain_text("did not come back")
        expect(page.locator("#download")).to_be_hidden()


class TestWithoutScripts:
    def test_texts(self, plain_page: Page, url: str) -> None:
        page = plain_page
        score_text(page, FIRST)
        expect(verdict(page)).to_have_text(reads(predict(FIRST)))
        expect(verdict(page)).to_be_in_viewport()
        expect(page.get_by_label(FIELD)).to_have_value(FIRST)
        assert page.url == f"{url}/#verdict"
        expect(page.get_by_role("slider")).to_have_count(0)
        score_text(page, f"{telling_text(bundled_classifier())}\n{SECOND}")
        words_of(page, 1).click()
        expect(page.locator("mark").first).to_be_visible()
        page.get_by_role("button", name=EXAMPLES[1], exact=True).click()
        expect(verdict(page)).to_have_text(reads(predict(EXAMPLES[1])))
        page.get_by_role("link", name="Clear").click()
        expect(page.get_by_label(FIELD)).to_have_value("")
        score_text(page, " ")
        expect(message(page, "text")).to_contain_text("write something")
        expect(message(page, "text")).to_be_in_viewport()
        score_text(page, FIRST)
        if len(LABELS) == 2:
            page.get_by_label("Threshold in percent").fill("0")
            page.get_by_role("button", name="Apply").click()
            expect(verdict(page)).to_contain_text("Reads like")

    def test_the_table(self, plain_page: Page) -> None:
        page, texts = plain_page, [*EXAMPLES, FIRST, *LINES[:100]]
        score_text(page, "\n".join(texts))
        expect(page.locator(".row:visible")).to_have_count(50)
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".row:visible .text").first).to_have_text(texts[50])
        page.get_by_label("Order").select_option("Most probable first")
        page.get_by_label("Contains").fill("AGAIN")
        page.get_by_role("button", name="Apply").last.click()
        found = sorted(LINES[:100], key=lambda text: -predict(text).probability)
        expect(page.locator(".row:visible .text")).to_have_text(found[:50])
        with page.expect_download() as download:
            page.get_by_role("button", name="Download 100 rows as CSV").click()
        assert download.value.path().read_text("utf-8").count("\n") == 101

    def test_files(self, plain_page: Page, scored: bytes) -> None:
        with plain_page.expect_download() as download:
            score_file(plain_page, "texts.csv", ROWS)
        assert saved(download.value, "texts-scored.csv") == scored
        score_file(plain_page, "texts.csv", b"id,remark\n1,late\n")
        expect(message(plain_page, "file")).to_contain_text("which column")
        expect(plain_page.locator("#progress, #download, .scripted").first).to_be_hidden()
        plain_page.get_by_label(f"Column with the {TEXTS}").select_option("remark")
        with plain_page.expect_download() as download:
            score_file(plain_page, "texts.csv", b"id,remark\n1,late\n")
        lines = saved(download.value, "texts-scored.csv").decode().splitlines()
        assert lines[1] == f"1,{scored_line('late')}"


class TestKeyboard:
    def test_all_is_reached_and_shows_its_focus(self, page: Page) -> None:
        def tab_to(name: str) -> None:
            focused = page.locator(":focus")
            for _ in range(20):
                page.keyboard.press("Tab")
                # A check box has its label beside it.
                expect(focused).to_have_css("outline-style", "solid")
                if focused.evaluate("e => e.labels?.[0]?.innerText ?? e.innerText") == name:
                    return
            pytest.fail(f"{name} cannot be reached")

        tab_to("Skip to the content")
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        tab_to(FIELD)
        page.keyboard.type(FIRST)
        tab_to("Score")
        page.keyboard.press("Enter")
        expect(verdict(page)).to_have_text(reads(predict(FIRST)))
        tab_to(EXAMPLES[1])
        page.keyboard.press("Space")
        expect(verdict(page)).to_have_text(reads(predict(EXAMPLES[1])))
        tab_to("Columns, sheet and quotes")
        page.keyboard.press("Enter")
        tab_to(f"Column with the {TEXTS}")
        tab_to("Replace columns that are named probability or label")
        tab_to("Score the file")
        page.keyboard.press("Enter")
        expect(message(page, "file")).to_contain_text("choose one")

    def test_control_enter_scores(self, page: Page) -> None:
        page.get_by_label(FIELD).fill(FIRST)
        page.keyboard.press("Enter")
        page.keyboard.type(SECOND)
        page.keyboard.press("Control+Enter")

        expect(verdict(page)).to_have_text(of_all(predict([FIRST, SECOND])))

    def test_the_focus_is_not_lost_with_the_button_to_cancel(self, page: Page) -> None:
        score_file(
            page, "texts.csv", b"text\n" + b"".join(b"late %d\n" % n for n in range(30_000))
        )
        page.get_by_role("button", name="Cancel").focus()

        link = page.get_by_role("link", name="Download texts-scored.csv")
        expect(link).to_be_focused(timeout=60_000)


def show_nothing(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def show_one(page: Page) -> None:
    score_text(page, telling_text(bundled_classifier()))
    expect(verdict(page)).to_be_visible()


def show_many(page: Page) -> None:
    texts = [FIRST, SECOND, telling_text(bundled_classifier()), "late" * 100]
    score_text(page, "\n".join(texts))
    words_of(page, 3).click()
    expect(page.locator("mark").first).to_be_visible()


def show_table(page: Page) -> None:
    page.get_by_label(FIELD).fill("\n".join([*EXAMPLES, *LINES[:196]]))
    page.get_by_role("button", name="Score", exact=True).click()
    page.get_by_label("Order").select_option("Most probable first")
    expect(page.get_by_role("status")).to_have_text("200 rows shown")


def show_errors(page: Page) -> None:
    score_text(page, "")
    score_file(page, "texts.csv", b"id,remark\n1,late\n")
    expect(message(page, "text")).not_to_be_empty()
    expect(page.get_by_label(f"Column with the {TEXTS}")).to_be_visible()


def show_progress(page: Page) -> None:
    score_file(page, "texts.csv", MANY)
    expect(page.locator("#share")).to_have_text(re.compile(r"^\d\d% of"))


def show_download(page: Page) -> None:
    score_file(page, "texts.csv", ROWS)
    expect(page.get_by_role("link", name="Download texts-scored.csv")).to_be_visible()


def show_card(page: Page) -> None:
    page.get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    page.wait_for_load_state()  # includes the style sheet


SCENES = (
    show_nothing, show_one, show_many, show_table, show_errors, show_progress, show_download,
    show_card,
)  # fmt: skip


SCENES_OF_MORE = (show_one, show_many, show_card)

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])
scenes, scenes_of_more = (
    pytest.mark.parametrize("scene", shown, ids=lambda scene: scene.__name__)
    for shown in (SCENES, SCENES_OF_MORE)
)
# During a transition, axe would check passing colours.
CALM = {"viewport": {"width": 320, "height": 844}, "reduced_motion": "reduce"}


def look(page: Page, name: str) -> None:
    """Check that a page is as wide as its window, and that axe finds nothing in it.

    Save pictures if a folder is set.
    """
    folder = os.environ.get("DISASTER_TWEETS_SCREENSHOTS")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if folder:
            page.screenshot(path=Path(folder) / name.format(width), full_page=True)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    results = axe.run(page)
    assert len(results.response["passes"]) > 20
    assert results.violations_count == 0, results.generate_report()


@schemes
@scenes
def test_looks(
    open_page: Callable[..., Page], scene: Callable[[Page], None], scheme: str
) -> None:
    page = open_page(color_scheme=scheme, **CALM)
    scene(page)

    look(page, f"{scene.__name__.removeprefix('show_')}-{{}}-{scheme}.png")


@schemes
@scenes_of_more
def test_looks_of_more_labels(
    open_page_of_more: Callable[..., Page],
    model_of_more: Classifier,
    scene: Callable[[Page], None],
    scheme: str,
) -> None:
    page = open_page_of_more(color_scheme=scheme, **CALM)
    scene(page)

    shown = f"{scene.__name__.removeprefix('show_')}-{len(model_of_more.classes_)}-labels"
    look(page, f"{shown}-{{}}-{scheme}.png")


def test_nothing_moves_where_that_is_not_wanted(open_page: Callable[..., Page]) -> None:
    moving, calm = open_page(), open_page(reduced_motion="reduce")
    bar = "getComputedStyle(document.getElementById('bar')).animationName"
    scrolling = "getComputedStyle(document.documentElement).scrollBehavior"

    assert (moving.evaluate(bar), moving.evaluate(scrolling)) == ("pulse", "smooth")
    assert (calm.evaluate(bar), calm.evaluate(scrolling)) == ("none", "auto")


@schemes
def test_marked_words_can_be_read_in_forced_colours(
    open_page: Callable[..., Page], scheme: str
) -> None:
    page = open_page(forced_colors="active", color_scheme=scheme)
    show_one(page)
    colours = page.evaluate(
        """Object.fromEntries(["mark", ".text", "html"].map((name) => {
            const style = getComputedStyle(document.querySelector(name));
            return [name, [style.color, style.backgroundColor]];
        }))"""
    )

    assert colours["mark"] == [colours[".text"][0], colours["html"][1]]
