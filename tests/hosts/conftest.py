"""What the tests of hosts share, and a report of the tested hosts."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import predict

from ..conftest import ROOT, load_script

# The test outcomes of each module, and the distributions in its HOSTS.
_outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
_hosts: dict[str, tuple[str, ...]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        hosts = getattr(getattr(item, "module", None), "HOSTS", ())
        _hosts[item.nodeid.partition("::")[0]] = hosts


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid.partition("::")[0]][report.outcome] += 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table; also write it to the file that DISASTER_TWEETS_HOSTS names."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for module, outcomes in _outcomes.items():
        for host in _hosts.get(module, ()):
            table[f"{host} {version(host)}"].update(outcomes)
    terminalreporter.section("hosts")
    for host, outcomes in sorted(table.items()):
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        terminalreporter.write_line(f"{host}: {counts}")
    if path := os.environ.get("DISASTER_TWEETS_HOSTS"):
        Path(path).write_text(json.dumps(table, indent=2), encoding="utf-8")


def what_to_type(name: str) -> Any:
    """Return the row of a host in the README's tables."""
    (host,) = (h for h in load_script(ROOT / "docs" / "hosts.py").HOSTS if h.name == name)
    return host


@pytest.fixture
def typed() -> Callable[..., Any]:
    """Run the import and the code of a host in the README's table; return the last value."""

    def typed(name: str, **names: Any) -> Any:
        host = what_to_type(name)
        exec(host.imports, names)
        *first, last = host.use.split("; ")
        exec("\n".join(first), names)
        return eval(last, names)

    return typed


def check_own_probabilities(rows: Iterable[tuple[str, float, str]]) -> None:
    """Check texts, probabilities and labels of a host that has the model with four labels."""
    for text, probability, label in rows:
        probabilities = predict(text).probabilities
        assert len(probabilities) == 4
        assert label == max(probabilities, key=probabilities.__getitem__)
        assert probability == probabilities[label]
