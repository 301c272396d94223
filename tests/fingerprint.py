"""A classifier with a different probability for each text, for tests of the right order.

The real one reads neither quotes nor most punctuation, so that it would score a wrong text
like the right one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets.classifier import Classifier

LABELS = ("lower", "upper")  # not the topic's labels, as `score` writes those of any classifier


def fingerprint(text: str) -> float:
    """Return the probability of a text: a hash with as many decimals as `score` writes."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 999_999 / 1e6


def _label(text: str) -> str:
    return LABELS[fingerprint(text) >= 0.5]


def added(text: str | None) -> tuple[str, str]:
    """Return the two new fields of a delimited row; both are empty for a missing text."""
    if text is None or not text.strip():
        return "", ""
    return f"{fingerprint(text):.6f}", _label(text)


@contextmanager
def fingerprints() -> Iterator[None]:
    """Let the command score texts by their fingerprints."""
    classifier = _loaded()

    def load(*arguments: Any, **options: Any) -> Classifier:
        return classifier

    def score(self: Classifier, texts: list[str]) -> tuple[list[float], list[str], list[bool]]:
        return (
            [fingerprint(text) for text in texts],
            [_label(text) for text in texts],
            [False] * len(texts),
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classifier, "load", load)
        patch.setattr(Classifier, "_score", score)
        patch.setattr(os, "fsync", lambda number: None)  # saves most of the time
        yield


_classifiers: list[Classifier] = []


def _loaded() -> Classifier:
    if not _classifiers:
        _classifiers.append(Classifier.load())
    return _classifiers[0]


def scores_in(path: Path, encoding: str = "utf-8", delimiter: str | None = None) -> list[str]:
    """Return the probabilities in an output, in the order of its rows, as text.

    Args:
        path: JSON Lines, or delimited text.
        encoding: That of delimited text.
        delimiter: What separates its fields; None where a header tells.
    """
    if path.suffix == ".jsonl":
        lines = path.read_text("utf-8-sig").split("\n")
        records = [json.loads(line) for line in lines if line.strip()]
        found = [record["probability"] for record in records]
        return ["" if value is None else f"{value:.6f}" for value in found]
    content = path.read_bytes().decode(encoding)
    if delimiter is None:
        header = re.search(r"(.)probability\1label(?=[\r\n]|$)", content)
        assert header, content
        delimiter, content = header[1], content[header.end() :]
    between = re.escape(delimiter)
    row = rf"{between}(0\.\d{{6}}|){between}(?:{'|'.join(LABELS)}|)(?=[\r\n]|$)"
    return re.findall(row, content)


def scores_of(texts: Iterable[str | None]) -> list[str]:
    """Return the probabilities that an output must hold for these texts, in their order."""
    return [added(text)[0] for text in texts]
