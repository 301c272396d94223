"""The form of the manifest, where keys came later; damage is in test_bundle.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from disaster_tweets.errors import ArtifactError
from disaster_tweets.manifest import parse

SLICE = {
    "texts": 12,
    "accuracy": {"value": 0.8, "low": 0.7, "high": 0.9},
    "auc": {"value": 0.9, "low": 0.8, "high": 1.0},
    "expected_calibration_error": {"value": 0.1, "low": 0.0, "high": 0.2},
}
LATER: dict[str, Any] = {
    "slices": {"with a URL": SLICE},
    "robustness": {"spelling": {"mean_difference": 0.1, "decisions_changed": 0.2}},
    "architecture": {
        "layers": 0,
        "width": 384,
        "filters": 256,
        "window": 3,
        "parameters": 7_000_000,
    },
    "distillation": {
        "repository": "somebody/large",
        "revision": "abc",
        "licence": "Apache-2.0",
        "teachers": 5,
        "weight": 0.7,
        "linear": 0.5,
        "labelled": 100,
        "unlabelled": 200,
        "assistant_layers": 6,
        "texts": 1000,
    },
}


def parsed(manifest: dict[str, Any], **changes: object) -> dict[str, Any]:
    return parse(json.dumps({**manifest, **changes}).encode())


def test_a_model_from_before_the_later_keys_loads(manifest: dict[str, Any]) -> None:
    older = {key: value for key, value in manifest.items() if key not in LATER}

    assert parsed(older) == older


def test_the_later_keys_are_kept(manifest: dict[str, Any]) -> None:
    assert parsed(manifest, **LATER) == {**manifest, **LATER}


@pytest.mark.parametrize("key", LATER)
def test_each_later_key_may_be_absent_alone(manifest: dict[str, Any], key: str) -> None:
    rest = {**manifest, **LATER}
    del rest[key]

    assert parsed(rest) == rest


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("slices", [], "slices has the wrong type"),
        ("robustness", "steady", "robustness has the wrong type"),
        ("architecture", 3, "architecture must be an object"),
        ("architecture", {"layers": 3}, "architecture/width is missing"),
        (
            "architecture",
            {**LATER["architecture"], "filters": "many"},
            "architecture/filters has the wrong type",
        ),
        ("distillation", None, "distillation must be an object"),
        (
            "distillation",
            {**LATER["distillation"], "teachers": "five"},
            "distillation/teachers has the wrong type",
        ),
    ],
)
def test_a_later_key_of_another_form_is_refused(
    manifest: dict[str, Any], key: str, value: object, reason: str
) -> None:
    with pytest.raises(ArtifactError, match=f"^manifest.json: {reason}; reinstall"):
        parsed(manifest, **{key: value})
