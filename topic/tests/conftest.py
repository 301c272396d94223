"""Fixtures for the tests of the topic: those of tests/conftest.py, and written sentences."""

import csv

import pytest

from tests.conftest import ROOT, golden, manifest, raw_data, wheel

__all__ = ["golden", "manifest", "raw_data", "wheel"]


@pytest.fixture(scope="session")
def written() -> list[dict[str, str]]:
    """The rows of topic/written.csv."""
    with (ROOT / "topic" / "written.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
