"""docs/hosts.md and the README's table: nothing that the distribution offers is left out."""

from __future__ import annotations

import ast
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from .conftest import ROOT

DISTRIBUTION = distribution("disaster-tweets-model")
REFERENCE = (ROOT / "docs" / "hosts.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted((ROOT / "docs" / "hosts").glob("*.md"))
ADAPTERS = sorted((ROOT / "src" / "disaster_tweets" / "plugins").glob("[!_]*.py"))
HOST_TESTS = "".join(
    path.read_text("utf-8") for path in (ROOT / "tests" / "hosts").glob("*.py")
)
# What adapters share, parts of the one of SQLite, and what tests/test_plugins.py covers.
NOT_FOR_HOSTS = {
    *("column", "contract", "discovery"),
    *("datasette_enrichment", "sqlite_columns", "sqlite_command"),
}

by_stem = pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


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


@by_page
def test_every_host_stands_in_both_tables(page: Path) -> None:
    assert f"](hosts/{page.name}) |" in REFERENCE
    assert f"](docs/hosts/{page.name}) |" in README


@by_page
def test_every_host_has_an_extra_and_tests(page: Path) -> None:
    facts = dict(re.findall(r"^(\w+): (.+)$", page.read_text("utf-8").split("---\n")[1], re.M))

    assert facts["extra"] in DISTRIBUTION.metadata.get_all("Provides-Extra")
    for name in facts["distribution"].split():
        assert f'"{name}"' in HOST_TESTS
