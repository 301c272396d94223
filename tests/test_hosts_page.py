"""docs/hosts.md and the table in the README list everything that the distribution offers."""

from __future__ import annotations

import ast
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from .conftest import ROOT, load_script

DISTRIBUTION = distribution("disaster-tweets-model")
REFERENCE = (ROOT / "docs" / "hosts.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted((ROOT / "docs" / "model" / "hosts").glob("*.md"))  # a copy has none
HOSTS = load_script(ROOT / "docs" / "hosts.py")
ADAPTERS = sorted((ROOT / "src" / "disaster_tweets" / "plugins").glob("[!_]*.py"))
HOST_TESTS = "".join(
    path.read_text("utf-8") for path in (ROOT / "tests" / "hosts").glob("*.py")
)
# Modules shared by adapters, parts of the SQLite adapter, and modules that test_plugins.py
# tests.
NOT_FOR_HOSTS = {
    *("column", "contract", "discovery"),
    *("datasette_enrichment", "sqlite_columns", "sqlite_command"),
}

by_stem = pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
by_host = pytest.mark.parametrize("host", HOSTS.HOSTS, ids=lambda host: host.name)


@pytest.mark.parametrize(
    "entry", DISTRIBUTION.entry_points, ids=lambda e: f"{e.group}: {e.name}"
)
def test_every_entry_point_is_documented(entry) -> None:
    assert f"| `{entry.group}` | `{entry.name}` | `{entry.value}` |" in REFERENCE


@by_stem
def test_every_hook_is_documented(path: Path) -> None:
    section = REFERENCE.partition(f"### disaster_tweets.plugins.{path.stem}\n")[2]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section.partition("###")[0], re.M))
    public = {
        node.name
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }

    assert public
    assert set(documented) == public


@by_stem
def test_every_adapter_is_tested_in_its_host(path: Path) -> None:
    module = f"disaster_tweets.plugins.{path.stem}"
    loaded_by_host = any(e.value.split(":")[0] == module for e in DISTRIBUTION.entry_points)

    assert path.stem in NOT_FOR_HOSTS or loaded_by_host or module in HOST_TESTS


@by_stem
def test_every_adapter_belongs_to_a_host(path: Path) -> None:
    assert path.stem in NOT_FOR_HOSTS or path.stem in {host.adapter for host in HOSTS.HOSTS}


@by_host
def test_a_host_gets_the_classifier_as_the_page_says(host) -> None:
    assert host.adapter in {path.stem for path in ADAPTERS}
    module = f"disaster_tweets.plugins.{host.adapter}"
    groups = {e.group for e in DISTRIBUTION.entry_points if e.value.split(":")[0] == module} - {
        "text_classifiers",
        "text_classifiers.info",
    }

    assert host.group in groups if host.group else not groups
    found, _, imported = REFERENCE.partition("## Hosts that need one import")
    for section, belongs in ((found, bool(host.group)), (imported, not host.group)):
        rows = re.findall(rf"^\| \[?{re.escape(host.name)}\b.*$", section, re.M)
        assert len(rows) == belongs
        if belongs:
            assert f"| `{host.extra}` |" in rows[0]
            assert host.use in rows[0]
            assert (module in rows[0]) == (not host.group)


@by_host
def test_every_host_has_an_extra_and_tests(host) -> None:
    assert host.extra in DISTRIBUTION.metadata.get_all("Provides-Extra")
    assert f'"{host.distribution}"' in HOST_TESTS


@pytest.mark.skipif(not PAGES, reason="the pages on hosts tell of another model")
def test_every_host_has_a_page_and_stands_in_both_tables() -> None:
    assert {page.stem for page in PAGES} == {host.name.lower() for host in HOSTS.HOSTS}
    for page in PAGES:
        assert f"](model/hosts/{page.name}) |" in REFERENCE
        assert f"](docs/model/hosts/{page.name}) |" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_begins_with_the_installation_with_which_its_examples_run(page: Path) -> None:
    text = page.read_text("utf-8")
    (extra,) = re.findall(r"^extra: (.+)$", text, re.M)
    (host,) = (host for host in HOSTS.HOSTS if host.name.lower() == page.stem)
    first = re.search(r"^```\w+\n(.*?)^```$", text, re.M | re.S)[1]

    assert first == f'pip install ".[{extra}]"\n'
    assert host.extra in extra.split(",")


def test_where_there_are_no_pages_no_host_links_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HOSTS, "PAGES", tmp_path / "none")

    folder = "docs/model/hosts"
    text = HOSTS.found(folder) + HOSTS.imported(folder)

    assert folder not in text
    for host in HOSTS.HOSTS:
        assert f"| {host.name} |" in text
