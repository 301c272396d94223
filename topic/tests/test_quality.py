"""The measures in the manifest: they reach the floors, and fit the written sentences."""

from __future__ import annotations

from typing import Any

from disaster_tweets import Classifier
from disaster_tweets.topic import LABELS

FLOORS = {"accuracy": 0.82, "f1": 0.75, "auc": 0.88}


def test_the_quality_is_above_the_floor(manifest: dict[str, Any]) -> None:
    metrics = manifest["metrics"]

    assert {name for name, floor in FLOORS.items() if metrics[name]["value"] < floor} == set()
    assert metrics["expected_calibration_error"]["value"] < 0.03


def test_the_written_sentences_are_told_apart_as_the_manifest_says(
    manifest: dict[str, Any], written: list[dict[str, str]]
) -> None:
    rows = [row for row in written if row["split"] == "held_out"]
    found = Classifier.load().predict([row["text"] for row in rows])
    right = [each.label == row["label"] for each, row in zip(found, rows, strict=True)]
    by_kind: dict[str, list[bool]] = {}
    for each, row in zip(found, rows, strict=True):
        by_kind.setdefault(row["kind"], []).append(each.label == LABELS[1])

    claimed = manifest["sources"]["written"]
    assert claimed["texts"] == len(rows)
    assert claimed["accuracy"] == round(sum(right) / len(rows), 4)
    assert {kind: of["flagged"] for kind, of in claimed["kinds"].items()} == {
        kind: round(sum(of) / len(of), 4) for kind, of in by_kind.items()
    }
