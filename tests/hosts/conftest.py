"""Report the tested hosts: a table at the end of the run, and a file for CI."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

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
