"""The schema of the manifest, with two labels and with more; test_bundle.py tests damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets.errors import ArtifactError
from disaster_tweets.manifest import SCHEMA_VERSION, parse

SLICE = {
    "texts": 12,
    "accuracy": {"value": 0.8, "low": 0.7, "high": 0.9},
    "auc": {"value": 0.9, "low": 0.8, "high": 1.0},
    "expected_calibration_error": {"value": 0.1, "low": 0.0, "high": 0.2},
}
OPTIONAL: dict[str, Any] = {
    "measured_on": "out_of_fold",
    "sources": {"elsewhere": {"texts": 5, "kinds": {}}},
    "slices": {"with a URL": SLICE},
    "robustness": {"spelling": {"mean_difference": 0.1, "decisions_changed": 0.2}},
    "candidates": {"student": {"accuracy": 0.8}, "encoder": {"accuracy": 0.9}},
    "architecture": {
        **{"layers": 0, "width": 384, "filters": 256, "window": 3},
        "parameters": 7_000_000,
    },
    "distillation": {
        **{"linear": 0.5, "labelled": 100, "unlabelled": 200},
        **{"assistant_layers": 6, "texts": 1000},
    },
    "teachers": {
        **{"repository": "somebody/large", "revision": "abc", "licence": "Apache-2.0"},
        **{"teachers": 5, "weight": 0.7},
    },
}

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def of_four(four_labels: Path) -> Manifest:
    found: Manifest = json.loads((four_labels / "manifest.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def of_two(of_four: Manifest) -> Manifest:
    """The same manifest with two labels."""
    measured = {key: of for key, of in of_four["metrics"].items() if key != "macro_f1"}
    return {
        **of_four,
        "labels": ["spam", "order"],
        "positive_label": "order",
        "threshold": 0.5,
        "calibration": {"a": 0.9, "b": 1.5, "c": -0.6},
        "metrics": {**measured, "f1": of_four["metrics"]["accuracy"]},
    }


@pytest.fixture(params=["of_two", "of_four"])
def either(request: pytest.FixtureRequest) -> Manifest:
    found: Manifest = request.getfixturevalue(request.param)
    return found


def parsed(manifest: Manifest, **changes: object) -> Manifest:
    return parse(json.dumps({**manifest, **changes}).encode())


def changed(manifest: Manifest, key: str, *value: object) -> Manifest:
    """Return a copy with another value at a path of keys, or without the key."""
    copy: Manifest = json.loads(json.dumps(manifest))
    *path, last = key.split("/")
    table = copy
    for part in path:
        table = table[part]
    if value:
        table[last] = value[0]
    else:
        del table[last]
    return copy


def refusal(manifest: object) -> str:
    """Return the reason in the error, and the next step."""
    with pytest.raises(ArtifactError) as caught:
        parse(json.dumps(manifest).encode(), "manifest.json")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith("manifest.json: ")
    return message.removeprefix("manifest.json: ")


def test_it_is_kept_as_it_is(either: Manifest, manifest: Manifest) -> None:
    for complete in (either, manifest):
        assert parsed(complete) == complete


class TestOptionalKeys:
    def test_they_are_kept(self, either: Manifest) -> None:
        assert parsed(either, **OPTIONAL) == {**either, **OPTIONAL}

    @pytest.mark.parametrize("key", OPTIONAL)
    def test_each_may_be_absent_alone(self, either: Manifest, key: str) -> None:
        rest = changed({**either, **OPTIONAL}, key)

        assert parsed(rest) == rest

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("slices", [], "slices has the wrong type"),
            ("sources", [], "sources has the wrong type"),
            ("measured_on", 3, "measured_on has the wrong type"),
            ("robustness", "steady", "robustness has the wrong type"),
            ("candidates", [], "candidates has the wrong type"),
            ("architecture", 3, "architecture must be an object"),
            ("architecture", {"layers": 3}, "architecture/width is missing"),
            (
                "architecture",
                {**OPTIONAL["architecture"], "filters": "many"},
                "architecture/filters has the wrong type",
            ),
            ("distillation", None, "distillation must be an object"),
            (
                "teachers",
                {**OPTIONAL["teachers"], "teachers": "five"},
                "teachers/teachers has the wrong type",
            ),
        ],
    )
    def test_another_form_is_refused(
        self, either: Manifest, key: str, value: object, reason: str
    ) -> None:
        refused = refusal({**either, key: value})

        assert refused == f"{reason}; reinstall disaster-tweets-model"


class TestWrongValues:
    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("schema_version", "1", "schema_version has the wrong type"),
            (
                "kind",
                "forest",
                "kind is 'forest', but this version runs student and encoder; use a version "
                "that runs it, or reinstall disaster-tweets-model",
            ),
            ("kind", None, "kind has the wrong type"),
            ("labels", ["order"], "labels must be two different names or more"),
            ("labels", ["order", "order"], "labels must be two different names or more"),
            ("labels", ["order", ""], "labels must be two different names or more"),
            ("labels", [0, 1], "labels must be two different names or more"),
            ("labels", "order", "labels has the wrong type"),
            ("reads/emoji", "yes", "reads/emoji has the wrong type"),
            ("reads/marks", True, "reads/marks has the wrong type"),
            ("calibration", 1.0, "calibration has the wrong type"),
            ("max_tokens", 2, "max_tokens must be above 2"),
            ("max_tokens", 128.0, "max_tokens has the wrong type"),
            ("metrics/accuracy/value", None, "metrics/accuracy/value has the wrong type"),
            ("artifacts", [], "artifacts must be an object"),
            ("artifacts/model.bin/size", "1", "artifacts/model.bin/size has the wrong type"),
            ("artifacts/vocab.txt/sha256", "0" * 63, "artifacts/vocab.txt/sha256 is not a SHA"),
            ("artifacts/vocab.txt/crc32", "0", "artifacts/vocab.txt/crc32 has the wrong type"),
        ],
    )
    def test_of_any_model(self, either: Manifest, key: str, value: object, reason: str) -> None:
        assert refusal(changed(either, key, value)).startswith(reason)

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("positive_label", "spam", "positive_label must be the second of the labels"),
            ("positive_label", None, "positive_label has the wrong type"),
            ("labels", ["order", "spam"], "positive_label must be the second of the labels"),
            ("labels", ["a", "b", "c"], "positive_label has the wrong type"),
            ("threshold", 0, "threshold must lie between 0 and 1"),
            ("threshold", 1, "threshold must lie between 0 and 1"),
            ("threshold", float("nan"), "threshold must lie between 0 and 1"),
            ("threshold", True, "threshold has the wrong type"),
            ("threshold", "0.5", "threshold has the wrong type"),
            ("threshold", None, "threshold has the wrong type"),
            ("thresholds", {"low": 0}, "thresholds/low must lie between 0 and 1"),
            ("thresholds", {"low": "0.2"}, "thresholds/low must lie between 0 and 1"),
            ("thresholds", 0.2, "thresholds has the wrong type"),
            ("calibration/a", 0, "calibration needs finite numbers, a and b above 0"),
            ("calibration/b", -1.0, "calibration needs finite numbers, a and b above 0"),
            ("calibration/b", float("inf"), "calibration needs finite numbers"),
            ("calibration/c", float("nan"), "calibration needs finite numbers"),
            ("calibration/c", None, "calibration/c has the wrong type"),
        ],
    )
    def test_of_two_labels(
        self, of_two: Manifest, key: str, value: object, reason: str
    ) -> None:
        assert refusal(changed(of_two, key, value)).startswith(reason)

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("positive_label", "order", "positive_label has the wrong type"),
            ("threshold", 0.5, "threshold has the wrong type"),
            ("calibration", {"a": 1, "b": 1, "c": 0}, "calibration/temperature is missing"),
            ("calibration/temperature", 0, "calibration needs a finite temperature above 0"),
            ("calibration/temperature", float("nan"), "calibration needs a finite temperature"),
            ("calibration/temperature", "1", "calibration/temperature has the wrong type"),
            ("calibration/biases", [0, 0, 0], "calibration needs a finite temperature above 0"),
            ("calibration/biases", [0, 0, 0, True], "calibration needs a finite temperature"),
            ("calibration/biases", [0, 0, 0, float("inf")], "calibration needs a finite temp"),
        ],
    )
    def test_of_more_labels(
        self, of_four: Manifest, key: str, value: object, reason: str
    ) -> None:
        assert refusal(changed(of_four, key, value)).startswith(reason)


class TestSchema:
    @pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
    def test_another_version_is_refused_first(self, version: int) -> None:
        # Missing keys do not matter, because that version has other keys.
        assert refusal({"schema_version": version}) == (
            f"schema_version is {version}, this version reads {SCHEMA_VERSION}; build the "
            "model with this version, or reinstall disaster-tweets-model"
        )


class TestMissingKeys:
    @pytest.mark.parametrize(
        "key",
        [
            *("schema_version", "kind", "labels", "reads", "reads/urls", "reads/handles"),
            *("max_tokens", "calibration", "positive_label", "threshold", "golden_tolerance"),
            *("metrics/auc/low", "artifacts/golden.json", "artifacts/calibration.npy"),
            *("artifacts/model.bin/crc32", "artifacts/model.bin/sha256"),
            *("backbone/licence", "training/processor_features"),
        ],
    )
    def test_of_any_model(self, either: Manifest, key: str) -> None:
        assert refusal(changed(either, key)).startswith(f"{key} is missing; ")

    @pytest.mark.parametrize(
        ("model", "key"),
        [
            *(("of_two", key) for key in ("calibration/b", "metrics/f1")),
            *(("of_four", key) for key in ("calibration/biases", "metrics/macro_f1")),
        ],
    )
    def test_of_so_many_labels(
        self, model: str, key: str, request: pytest.FixtureRequest
    ) -> None:
        complete = request.getfixturevalue(model)
        assert refusal(changed(complete, key)).startswith(f"{key} is missing; ")
