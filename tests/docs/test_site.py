"""The site: it builds without a warning, its links work, and its examples run."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import click
import pytest

import disaster_tweets
from disaster_tweets import metrics
from disaster_tweets.cli import commands

if find_spec("furo") is None:
    pytest.skip("needs the extra docs", allow_module_level=True)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    page.relative_to(DOCS).with_suffix("").as_posix()
    for page in DOCS.rglob("*.md")
    if not page.name.endswith(".template.md")
)
REFERENCE = [f"disaster_tweets.{name}" for name in disaster_tweets.__all__] + [
    f"disaster_tweets.metrics.{name}"
    for name, function in inspect.getmembers(metrics, inspect.isfunction)
    if function.__module__ == metrics.__name__ and not name.startswith("_")
]
IN_CSS = re.compile(r"""(?:url\(|@import\s)\s*['"]?([^'")\s]+)""")


class Site(NamedTuple):
    """The folder of the site, and the exit status and the messages of Sphinx."""

    folder: Path
    status: int
    said: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built with the options in tox.ini in a new folder."""
    folder = tmp_path_factory.mktemp("site")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, "--builder", "html", DOCS, folder],
        capture_output=True,
        text=True,
    )
    return Site(folder, done.returncode, done.stderr)


class Page(HTMLParser):
    """The parts of a page: anchors, links, loaded files, the menu and the entries.

    An entry is the text below a name in the reference, up to the next name.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.menu: list[str] = []
        self.entries: dict[str, str] = {}
        self._in_menu = False
        self._entry = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "dt" and "id" in values:
            self._entry = values["id"]
        if tag == "li":
            self._in_menu = "toctree-l1" in values.get("class", "")
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
            if self._in_menu:
                self.menu.append(values["href"])
                self._in_menu = False
        if tag == "link":
            loaded = {"stylesheet", "icon", "preload"}.intersection(values["rel"].split())
            (self.loads if loaded else self.links).append(values["href"])
        self.loads += [values[name] for name in ("src", "srcset", "data") if name in values]

    def handle_data(self, data: str) -> None:
        if self._entry:
            self.entries[self._entry] = self.entries.get(self._entry, "") + data


@cache
def page(path: Path) -> Page:
    return Page(path.read_text("utf-8"))


def words(text: str) -> str:
    """Return a text without backticks and with single spaces, to compare page and docstring."""
    return " ".join(text.replace("`", "").split())


def test_it_builds_without_a_warning(site: Site) -> None:
    assert (site.status, site.said) == (0, "")


def test_every_page_stands_in_the_menu(site: Site) -> None:
    menu = {link.removesuffix(".html") for link in page(site.folder / "index.html").menu}

    assert len(menu) > 10
    assert menu == set(PAGES) - {"index"}


@pytest.mark.parametrize("name", REFERENCE)
def test_a_public_name_stands_in_the_reference_with_its_docstring(
    site: Site, name: str
) -> None:
    module, _, member = name.rpartition(".")
    docstring = inspect.getdoc(getattr(importlib.import_module(module), member)) or ""
    summary = words(docstring.partition("\n\n")[0])

    assert summary
    assert summary in words(page(site.folder / "api.html").entries[name])


def test_every_link_leads_somewhere(site: Site) -> None:
    broken = []
    followed = 0
    for path in sorted(site.folder.rglob("*.html")):
        for link in page(path).links:
            scheme, host, target, _, anchor = urlsplit(link)
            if scheme or host:
                continue
            to = (path.parent / unquote(target)).resolve() if target else path
            followed += 1
            if not to.is_file() or (
                anchor and to.suffix == ".html" and unquote(anchor) not in page(to).ids
            ):
                broken.append(f"{path.relative_to(site.folder)}: {link}")

    assert followed > 100
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    loaded = {
        (path, address) for path in site.folder.rglob("*.html") for address in page(path).loads
    } | {
        (path, address)
        for path in site.folder.rglob("*.css")
        for address in IN_CSS.findall(path.read_text("utf-8"))
    }

    assert len(loaded) > len(PAGES)
    for path, address in loaded:
        scheme, host, target, *_ = urlsplit(address)
        here = (scheme, host) == ("", "") and (path.parent / target).is_file()
        assert here or scheme == "data", f"{path}: {address}"


@pytest.mark.parametrize(
    ("stem", "where", "name"),
    [
        ("occlus", "terms", "explain"),
        *((word, "titleterms", word) for word in ("excel", "json", "docker")),
        ("panda", "titleterms", "pandas"),
        *((word, "titleterms", "schedule") for word in ("cron", "airflow")),
        *((word, "titleterms", "install") for word in ("instal", "pip", "window")),
        ("parquet", "titleterms", "score-a-file"),
    ],
)
def test_the_search_finds_a_word(site: Site, stem: str, where: str, name: str) -> None:
    script = (site.folder / "searchindex.js").read_text("utf-8")
    index = json.loads(script.removeprefix("Search.setIndex(").removesuffix(")"))
    found = index[where][stem]

    assert name in {
        index["docnames"][page] for page in (found if isinstance(found, list) else [found])
    }


def test_each_page_has_buttons_that_copy(site: Site) -> None:
    assert any("copybutton" in address for address in page(site.folder / "index.html").loads)


@pytest.mark.parametrize("command", commands.list_commands(click.Context(commands)))
def test_each_command_stands_on_its_page_with_choices_and_defaults(
    site: Site, command: str
) -> None:
    entries = page(site.folder / "commands.html").entries
    found = commands.get_command(click.Context(commands), command)
    assert found is not None
    assert command in page(site.folder / "commands.html").ids
    for option in found.params:
        # An option for two labels is hidden from a model with more.
        if isinstance(option, click.Option) and not option.hidden:
            name = option.opts[0].lstrip("-")
            said = words(entries[f"cmdoption-disaster-tweets-{command}-{name}"])
            assert words(option.help or "") in said
            if isinstance(option.type, click.Choice):
                assert " | ".join(option.type.choices) in said
            if option.show_default:
                assert repr(option.default) in said


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
@pytest.mark.parametrize(
    "name", ["score-a-file", "excel", "json", "pandas", "schedule", "explain"]
)
def test_the_examples_of_a_page_print_what_it_shows(name: str) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "transcripts.py", "--check", DOCS / f"{name}.md"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_address_of_the_service_stands_on_its_page() -> None:
    source = (ROOT / "src" / "disaster_tweets" / "web" / "api.py").read_text("utf-8")
    served = re.findall(r'^@blueprint\.(\w+)\("(.+?)"\)', source, re.MULTILINE)
    listed = re.findall(
        r"^\| `(\w+)` \| `(.+?)` \|", (DOCS / "http-api.md").read_text("utf-8"), re.M
    )

    assert served
    assert listed == [(method.upper(), address) for method, address in served]
