"""The web page in a real browser, on the real server.

Set DISASTER_TWEETS_SCREENSHOTS to a folder to get a picture of each scene.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flask", reason="needs the extra [web]")
pytest.importorskip("playwright", reason="needs playwright")

from playwright.sync_api import Browser, Download, Locator, Page, expect, sync_playwright

from disaster_tweets import Classifier, predict

from .conftest import Server

FIRE, JOKE = "Brush fire jumped the road, homes are being evacuated", "my phone is dying, brb"
# As many rows as a file may have, so that its scores take some seconds.
ROW = b"fire %d by the old bridge and crews of two towns are on the way to the river\n"
MANY = b"text\n" + b"".join(ROW % number for number in range(50_000))
HOSTILE = "<img src=x onerror=alert(1)> fire </textarea><script>alert(1)</script>"

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine, with a profile of its own."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"needs one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """The address of the page, served by two workers that share nothing."""
    yield server.url
    assert len(server.said.splitlines()) == 1
    for text in (FIRE, JOKE, HOSTILE, "tweets.csv"):
        assert text not in server.out.read_text("utf-8")


@pytest.fixture
def open_page(browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """Open the page as a new visitor; nothing may come from elsewhere, and nothing go wrong."""
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
    assert not [address for address in addresses if "fire" in address]
    # What the browser itself says of a status from 400 on is no fault of the page.
    assert [text for text in wrong if not text.startswith("Failed to load resource")] == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def plain_page(open_page: Callable[..., Page]) -> Page:
    """The page where scripts are switched off."""
    return open_page(java_script_enabled=False)


def score_text(page: Page, text: str) -> None:
    page.get_by_label("Tweet in English").fill(text)
    page.get_by_role("button", name="Score", exact=True).click()


def score_file(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Score the file").click()


def verdict(page: Page) -> Locator:
    return page.locator("#verdict")


def message(page: Page, field: str) -> Locator:
    return page.locator(f"#{field}-message")


def reads(text: str) -> str:
    """Return what the page says of a text."""
    prediction = predict(text)
    words = "Reads" if prediction.label == "disaster" else "Does not read"
    return f"{words} like a real disaster: {prediction.probability:.1%}"


class TestTexts:
    def test_one(self, page: Page, url: str) -> None:
        score_text(page, FIRE)

        expect(verdict(page)).to_have_text(reads(FIRE))
        expect(page.get_by_role("status")).to_have_text(reads(FIRE))
        expect(verdict(page)).to_be_in_viewport()
        expect(page.locator("mark").first).to_have_css("text-decoration-line", "underline")
        assert page.url == f"{url}/"
        share, threshold = predict(FIRE).probability, Classifier.load().threshold
        name = f"{share:.1%}, threshold {threshold:.0%}"
        bar = page.get_by_role("img", name=name).bounding_box()
        fill = page.locator(".fill").bounding_box()
        assert bar is not None
        assert fill is not None
        assert fill["width"] / bar["width"] == pytest.approx(share, abs=0.005)

    def test_one_after_the_other(self, page: Page) -> None:
        score_text(page, FIRE)
        expect(verdict(page)).to_have_text(reads(FIRE))
        score_text(page, "")
        expect(message(page, "text")).to_contain_text("write a tweet")
        expect(verdict(page)).to_have_count(0)
        expect(page.get_by_label("Tweet in English")).to_be_focused()
        expect(page.get_by_label("Tweet in English")).to_have_attribute("aria-invalid", "true")
        score_text(page, JOKE)
        expect(verdict(page)).to_have_text(reads(JOKE))
        expect(message(page, "text")).to_be_empty()
        expect(page.get_by_label("Tweet in English")).to_have_attribute("aria-invalid", "false")

    def test_examples(self, page: Page) -> None:
        examples = page.locator(".examples").get_by_role("button")

        assert examples.count() >= 2
        for example in examples.all():
            text = example.inner_text()
            example.click()
            expect(verdict(page)).to_have_text(reads(text))
            expect(page.get_by_label("Tweet in English")).to_have_value(text)

    def test_many(self, page: Page) -> None:
        score_text(page, f"{FIRE}\n\n{JOKE}\n")

        expect(verdict(page)).to_have_text("1 of 2 read like a real disaster")
        words = page.get_by_role("button", name="Words of tweet 1")
        expect(words).to_have_attribute("aria-expanded", "false")
        words.click()
        expect(words).to_have_attribute("aria-expanded", "true")
        expect(words).to_be_focused()
        expect(page.locator("mark").first).to_be_visible()
        words.click()
        expect(page.locator("mark")).to_have_count(0)

    def test_too_much_stays_in_its_field(self, page: Page) -> None:
        text, field = "fire " * 250_000, page.get_by_label("Tweet in English")
        field.evaluate("(field, text) => { field.value = text }", text)  # as by a paste
        page.get_by_role("button", name="Score", exact=True).click()

        expect(message(page, "text")).to_contain_text("More than 1 MB")
        assert field.input_value() == text

    def test_hostile(self, page: Page) -> None:
        score_text(page, HOSTILE)

        expect(page.locator(".tweet")).to_have_text(HOSTILE)
        assert page.locator("#result img[src], script:not([src])").count() == 0


ROWS = f'id,text\r\n1,"{FIRE}"\r\n2,\r\n3,"a\n""b"""\r\n'.encode() + b"4,flood\r\n" * 700


@pytest.fixture
def scored(run: Callable[..., Any], tmp_path: Path) -> bytes:
    """What the command makes of `ROWS`."""
    (tmp_path / "in.csv").write_bytes(ROWS)
    assert run("disaster-tweets", "score", "in.csv", "-o", "out.csv").status == 0
    return (tmp_path / "out.csv").read_bytes()


def download(page: Page, name: str) -> bytes:
    """Return what is behind the link, once it is there."""
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {name}").click()
    return saved(download.value, name)


def saved(download: Download, name: str) -> bytes:
    assert download.suggested_filename == name
    return download.path().read_bytes()


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
            {"name": "my tweets.csv", "mimeType": "text/csv", "buffer": ROWS}
        )
        page.get_by_role("button", name="Score the file").click()

        assert download(page, "my tweets-scored.csv") == scored
        expect(page.get_by_role("status")).to_have_text("Done: 703 rows.")
        expect(page.get_by_role("progressbar")).to_be_hidden()

    def test_dropped(self, page: Page, scored: bytes) -> None:
        drop(page, "tweets.csv")

        assert download(page, "tweets-scored.csv") == scored
        expect(page.locator(".dropping")).to_have_count(0)

    def test_two_dropped(self, page: Page) -> None:
        drop(page, "a.csv", "b.csv")

        expect(message(page, "file")).to_have_text("One file at a time, please.")

    def test_progress_and_cancel(self, page: Page, scored: bytes) -> None:
        score_file(page, "tweets.csv", MANY)

        bar = page.get_by_role("progressbar", name="Scoring tweets.csv")
        expect(page.locator("#share")).to_have_text(re.compile(r"^[1-9]\d?% of 50,000 rows$"))
        assert 0 < bar.evaluate("bar => bar.value") < 1
        page.get_by_role("button", name="Cancel").click()
        expect(message(page, "file")).to_have_text("Cancelled.")
        expect(bar).to_be_hidden()
        expect(page.locator("#download")).to_be_hidden()
        score_file(page, "tweets.csv", ROWS)
        assert download(page, "tweets-scored.csv") == scored
        expect(message(page, "file")).to_be_empty()

    def test_the_column_is_chosen(self, page: Page) -> None:
        score_file(page, "tweets.csv", b"id,remark\n1,fire\n")
        expect(message(page, "file")).to_contain_text("tweets.csv: which column holds")
        expect(page.locator("#file")).to_have_attribute("aria-invalid", "true")
        page.get_by_label("Column with the tweets").select_option("remark")
        page.get_by_role("button", name="Score the file").click()

        lines = download(page, "tweets-scored.csv").decode().splitlines()
        assert lines[1] == f"1,fire,{predict('fire').probability:.6f},{predict('fire').label}"
        # Another file has other columns.
        score_file(page, "other.csv", b"text,n\nfire,1\n")
        assert download(page, "other-scored.csv").count(b"\n") == 2

    def test_what_had_to_be_guessed_is_shown(self, page: Page) -> None:
        score_file(page, "tweets.csv", b"id;Tweet\n1;fire\n")
        download(page, "tweets-scored.csv")
        expect(page.locator("#rows")).to_contain_text("separated by semicolons (';')")
        expect(page.locator("#rows")).to_contain_text("column 'Tweet'")

    def test_quotes_that_are_characters(self, page: Page) -> None:
        score_file(page, "tweets.tsv", b'id\ttext\n1\t"fire\n2\tflood"\n')
        expect(message(page, "file")).to_contain_text("look like 2 rows")
        page.get_by_label("Are characters like others").check()
        page.get_by_role("button", name="Score the file").click()
        assert download(page, "tweets-scored.tsv").count(b"\n") == 3

    def test_columns_are_replaced(self, page: Page) -> None:
        score_file(page, "tweets.csv", b"text,label\nfire,1\n")
        expect(message(page, "file")).to_contain_text("'label'")
        page.get_by_label("Replace columns").check()
        page.get_by_role("button", name="Score the file").click()

        assert download(page, "tweets-scored.csv").startswith(
            b"text,probability,label\nfire,0."
        )

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("tweets.png", b"\x89PNG", "not a CSV file"),
            ("tweets.csv", b"text\nfire\ncaf\xe9\n", "row 2 (line 3): not valid UTF-8"),
            ("tweets.csv", b"", "is empty"),
            ("tweets.csv", b"text\n" + b"a" * 5_000_000, "disaster-tweets score"),
        ],
        ids=["no CSV", "no UTF-8", "empty", "too large"],
    )
    def test_refused(self, page: Page, name: str, content: bytes, words: str) -> None:
        score_file(page, name, content)

        expect(message(page, "file")).to_contain_text(words)
        expect(page.get_by_role("progressbar")).to_be_hidden()
        expect(page.locator("#file")).to_have_value(re.compile(re.escape(name)))

    def test_none(self, page: Page) -> None:
        page.get_by_role("button", name="Score the file").click()

        expect(message(page, "file")).to_have_text("No file yet: choose one first.")


class TestServerInTrouble:
    def test_out_of_reach(self, page: Page) -> None:
        page.context.set_offline(True)
        score_text(page, FIRE)
        score_file(page, "tweets.csv", ROWS)

        for field in ("text", "file"):
            expect(message(page, field)).to_contain_text("cannot be reached")
        page.context.set_offline(False)
        score_text(page, FIRE)
        expect(verdict(page)).to_have_text(reads(FIRE))

    def test_busy(self, page: Page) -> None:
        problem = json.dumps({"title": "Service Unavailable", "detail": "try again"})
        page.route(
            "**/*",
            lambda route: route.fulfill(
                status=503, body=problem, content_type="application/problem+json"
            ),
        )
        score_text(page, FIRE)

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
        score_file(page, "tweets.csv", ROWS)

        expect(message(page, "file")).to_contain_text("did not come back")
        expect(page.locator("#download")).to_be_hidden()


class TestWithoutScripts:
    def test_texts(self, plain_page: Page, url: str) -> None:
        page = plain_page
        score_text(page, FIRE)
        expect(verdict(page)).to_have_text(reads(FIRE))
        expect(verdict(page)).to_be_in_viewport()
        expect(page.get_by_label("Tweet in English")).to_have_value(FIRE)
        assert page.url == f"{url}/#verdict"
        score_text(page, f"{FIRE}\n{JOKE}")
        page.get_by_role("button", name="Words of tweet 1").click()
        expect(page.locator("mark").first).to_be_visible()
        page.get_by_role("button", name="this mixtape is fire").click()
        expect(verdict(page)).to_have_text(reads("this mixtape is fire"))
        score_text(page, " ")
        expect(message(page, "text")).to_contain_text("write a tweet")
        expect(message(page, "text")).to_be_in_viewport()

    def test_files(self, plain_page: Page, scored: bytes) -> None:
        with plain_page.expect_download() as download:
            score_file(plain_page, "tweets.csv", ROWS)
        assert saved(download.value, "tweets-scored.csv") == scored
        score_file(plain_page, "tweets.csv", b"id,remark\n1,fire\n")
        expect(message(plain_page, "file")).to_contain_text("which column")
        expect(plain_page.locator("#progress, #download, .scripted").first).to_be_hidden()
        plain_page.get_by_label("Column with the tweets").select_option("remark")
        with plain_page.expect_download() as download:
            score_file(plain_page, "tweets.csv", b"id,remark\n1,fire\n")
        assert b"1,fire,0." in saved(download.value, "tweets-scored.csv")


class TestKeyboard:
    def test_all_is_reached_and_shows_its_focus(self, page: Page) -> None:
        def tab_to(name: str) -> None:
            focused = page.locator(":focus")
            for _ in range(20):
                page.keyboard.press("Tab")
                # The box of a check box has its name beside it.
                expect(focused).to_have_css("outline-style", "solid")
                if focused.evaluate("e => e.labels?.[0]?.innerText ?? e.innerText") == name:
                    return
            pytest.fail(f"{name} cannot be reached")

        tab_to("Skip to the content")
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        tab_to("Tweet in English")
        page.keyboard.type(FIRE)
        tab_to("Score")
        page.keyboard.press("Enter")
        expect(verdict(page)).to_have_text(reads(FIRE))
        tab_to("this mixtape is fire")
        page.keyboard.press("Space")
        expect(verdict(page)).to_have_text(reads("this mixtape is fire"))
        tab_to("Columns")
        page.keyboard.press("Enter")
        tab_to("Column with the tweets")
        tab_to("Replace columns that are named probability or label")
        tab_to("Score the file")
        page.keyboard.press("Enter")
        expect(message(page, "file")).to_contain_text("choose one")

    def test_control_enter_scores(self, page: Page) -> None:
        page.get_by_label("Tweet in English").fill(FIRE)
        page.keyboard.press("Enter")
        page.keyboard.type(JOKE)
        page.keyboard.press("Control+Enter")

        expect(verdict(page)).to_have_text("1 of 2 read like a real disaster")

    def test_the_focus_is_not_lost_with_the_button_to_cancel(self, page: Page) -> None:
        score_file(
            page, "tweets.csv", b"text\n" + b"".join(b"fire %d\n" % n for n in range(30_000))
        )
        page.get_by_role("button", name="Cancel").focus()

        expect(page.get_by_role("link", name="Download tweets-scored.csv")).to_be_focused()


def show_nothing(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def show_one(page: Page) -> None:
    score_text(page, f"{FIRE}, and my mixtape is fire too")
    expect(verdict(page)).to_be_visible()


def show_many(page: Page) -> None:
    texts = [FIRE, JOKE, "My kitchen looks like a tornado went through it", "fire" * 100]
    score_text(page, "\n".join(texts))
    page.get_by_role("button", name="Words of tweet 3").click()
    expect(page.locator("mark").first).to_be_visible()


def show_errors(page: Page) -> None:
    score_text(page, "")
    score_file(page, "tweets.csv", b"id,remark\n1,fire\n")
    expect(message(page, "text")).not_to_be_empty()
    expect(page.get_by_label("Column with the tweets")).to_be_visible()


def show_progress(page: Page) -> None:
    score_file(page, "tweets.csv", MANY)
    expect(page.locator("#share")).to_have_text(re.compile(r"^\d\d% of"))


def show_download(page: Page) -> None:
    score_file(page, "tweets.csv", ROWS)
    expect(page.get_by_role("link", name="Download tweets-scored.csv")).to_be_visible()


def show_card(page: Page) -> None:
    page.get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    page.wait_for_load_state()  # its style sheet included


SCENES = (
    show_nothing, show_one, show_many, show_errors, show_progress, show_download, show_card
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_looks(
    open_page: Callable[..., Page], scene: Callable[[Page], None], width: int, scheme: str
) -> None:
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    scene(page)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    folder = os.environ.get("DISASTER_TWEETS_SCREENSHOTS")
    if folder:
        name = f"{scene.__name__.removeprefix('show_')}-{width}-{scheme}.png"
        page.screenshot(path=Path(folder) / name, full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_axe_finds_no_violation(
    open_page: Callable[..., Page], scene: Callable[[Page], None], scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # A transition would show colours that nobody has to read.
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    scene(page)
    results = axe.run(page)

    assert len(results.response["passes"]) > 20
    assert results.violations_count == 0, results.generate_report()


def test_nothing_moves_where_that_is_not_wanted(open_page: Callable[..., Page]) -> None:
    moving, calm = open_page(), open_page(reduced_motion="reduce")
    bar = "getComputedStyle(document.getElementById('bar')).animationName"
    scrolling = "getComputedStyle(document.documentElement).scrollBehavior"

    assert (moving.evaluate(bar), moving.evaluate(scrolling)) == ("pulse", "smooth")
    assert (calm.evaluate(bar), calm.evaluate(scrolling)) == ("none", "auto")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marked_words_can_be_read_in_forced_colours(
    open_page: Callable[..., Page], scheme: str
) -> None:
    page = open_page(forced_colors="active", color_scheme=scheme)
    show_one(page)
    colours = page.evaluate(
        """Object.fromEntries(["mark", ".tweet", "html"].map((name) => {
            const style = getComputedStyle(document.querySelector(name));
            return [name, [style.color, style.backgroundColor]];
        }))"""
    )

    assert colours["mark"] == [colours[".tweet"][0], colours["html"][1]]
