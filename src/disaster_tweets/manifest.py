"""The manifest: what a trained model says of itself, and the check of its form.

The pipeline's last stage writes it; nothing else may. Adding a key is free; a change that
breaks readers raises SCHEMA_VERSION.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from disaster_tweets.errors import DISTRIBUTION, ArtifactError
from disaster_tweets.prediction import Label

SCHEMA_VERSION = 1
NAME = "manifest.json"
LABELS: tuple[Label, Label] = ("not_disaster", "disaster")

Manifest = dict[str, Any]

_NUMBER = (int, float)

# Each key that must be there, with its type; nested tables likewise.
_FORM: dict[str, Any] = {
    "schema_version": int,
    "model_version": str,
    "task": str,
    "labels": list,
    "positive_label": str,
    "languages": list,
    "licence": str,
    "max_tokens": int,
    "threshold": _NUMBER,
    "calibration": {"a": _NUMBER, "b": _NUMBER, "c": _NUMBER},
    "golden_tolerance": _NUMBER,
    "metrics": {
        "texts": int,
        "accuracy": {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER},
        "f1": {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER},
        "auc": {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER},
        "expected_calibration_error": {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER},
        "confusion_matrix": list,
    },
    "parity": dict,
    "artifacts": {
        "model.tflite": {"size": int, "crc32": int, "sha256": str},
        "vocab.txt": {"size": int, "crc32": int, "sha256": str},
        "golden.json": {"size": int, "crc32": int, "sha256": str},
    },
    "data": dict,
    "backbone": {"repository": str, "revision": str, "licence": str, "checksums": dict},
    "training": {
        "precision": str,
        "processor_features": list,
        "threads": int,
        "tools": dict,
    },
}

# Keys that may be absent, with what they hold where they are there.
_OPTIONAL_FORM: dict[str, Any] = {
    "slices": dict,
    "robustness": dict,
    "architecture": {  # and heads, feed_forward, window, hidden where it has such parts
        "layers": int,
        "width": int,
        "filters": int,
        "parameters": int,
    },
    "distillation": {  # of a model that had teachers
        "repository": str,
        "revision": str,
        "licence": str,
        "teachers": int,
        "weight": _NUMBER,
        "linear": _NUMBER,
        "labelled": int,
        "unlabelled": int,
        "assistant_layers": int,
        "texts": int,
    },
}


def parse(raw: bytes, source: str = NAME) -> Manifest:
    """Return the manifest in ``raw``.

    Args:
        raw: JSON in UTF-8.
        source: The file's name, for messages.

    Raises:
        ArtifactError: The content is not a manifest that this version understands.
    """
    try:
        manifest = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _refused(source, f"not valid JSON ({error})") from None
    _check_form(manifest, _FORM, source, "")
    present = {key: form for key, form in _OPTIONAL_FORM.items() if key in manifest}
    _check_form(manifest, present, source, "")
    if manifest["schema_version"] != SCHEMA_VERSION:
        found = manifest["schema_version"]
        raise _refused(
            source, f"schema_version is {found}, this version reads {SCHEMA_VERSION}"
        )
    if tuple(manifest["labels"]) != LABELS or manifest["positive_label"] != LABELS[1]:
        raise _refused(source, f"labels must be {list(LABELS)}, the second one positive")
    if not 0 < manifest["threshold"] < 1:
        raise _refused(source, "threshold must lie between 0 and 1")
    if not manifest["max_tokens"] > 2:
        raise _refused(source, "max_tokens must be above 2")
    calibration = manifest["calibration"]
    # Else the order of the texts would change, or a probability be no number.
    finite = all(math.isfinite(calibration[name]) for name in "abc")
    if not (finite and calibration["a"] > 0 and calibration["b"] > 0):
        raise _refused(source, "calibration needs finite numbers, a and b above 0")
    for name, entry in manifest["artifacts"].items():
        if not re.fullmatch("[0-9a-f]{64}", entry["sha256"]):
            raise _refused(source, f"artifacts/{name}/sha256 is not a SHA-256 in hex")
    checked: Manifest = manifest
    return checked


def _check_form(value: object, form: Any, source: str, key: str) -> None:
    if isinstance(form, dict):
        if not isinstance(value, dict):
            raise _refused(source, f"{key or 'its content'} must be an object")
        for name, inner in form.items():
            path = f"{key}/{name}".lstrip("/")
            if name not in value:
                raise _refused(source, f"{path} is missing")
            _check_form(value[name], inner, source, path)
    elif not isinstance(value, form) or isinstance(value, bool):
        raise _refused(source, f"{key} has the wrong type")


def _refused(source: str, reason: str) -> ArtifactError:
    return ArtifactError(f"{source}: {reason}; reinstall {DISTRIBUTION}")
