"""The measures that the manifest claims are above the floor."""

from __future__ import annotations

from disaster_tweets import bundle

FLOORS = {"accuracy": 0.82, "f1": 0.77, "auc": 0.885}


def test_the_quality_is_above_the_floor() -> None:
    metrics = bundle.bundled_manifest()["metrics"]

    assert {name for name, floor in FLOORS.items() if metrics[name]["value"] < floor} == set()
    assert metrics["expected_calibration_error"]["value"] < 0.06
