"""`disaster-tweets score` on the tweets of real events, which have their own labels."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from disaster_tweets import Classifier

pytestmark = pytest.mark.one_python

ADDED = re.compile(rb",(\d\.\d{6}),(?:not_)?disaster(?=\r?\n|\Z)")


@pytest.fixture(scope="session")
def events() -> list[Path]:
    folder = Path(os.environ.get("DISASTER_TWEETS_MIRROR") or os.devnull)
    files = sorted([*folder.glob("crisislex/*.csv"), *folder.glob("crisislex26/*.csv")])
    if not files:
        pytest.skip("needs crisislex*/*.csv in the folder that DISASTER_TWEETS_MIRROR names")
    return files


def test_real_events(events: list[Path], tmp_path: Path) -> None:
    """Each row keeps its bytes and gets the score of its text."""
    classifier = Classifier.load()
    for source in events:
        content = source.read_bytes()
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        header, *rows = csv.reader(text, skipinitialspace=True, strict=True)
        names = [name.strip().lower() for name in header]
        (column,) = (i for i, name in enumerate(names) if name in ("tweet", "tweet text"))
        texts = [row[column] for row in rows]
        target = tmp_path / source.name
        options = ("--label-column", "predicted", "--jobs", "1")
        done = subprocess.run(
            [sys.executable, "-m", "disaster_tweets", "score", source, "-o", target, *options],
            capture_output=True,
            encoding="utf-8",
        )
        scored = target.read_bytes()

        assert done.returncode == 0, done.stderr
        assert "the texts are taken from column" in done.stderr
        counts = f"{len(rows):,} rows: {len(rows):,} scored, 0 missing, 0 rejected"
        assert counts in done.stderr
        assert ADDED.sub(b"", scored).replace(b",probability,predicted", b"", 1) == content
        expected = classifier.predict_proba(texts)[:, 1].tolist()
        assert [found.decode() for found in ADDED.findall(scored)] == [
            f"{probability:.6f}" for probability in expected
        ]
