"""Check and read the manifest: the description of a trained model in manifest.json.

Only the pipeline's last stage writes it. Adding a key is free; a change that breaks readers
raises SCHEMA_VERSION.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from numbers import Real
from typing import Any

from disaster_tweets.errors import DISTRIBUTION, ArtifactError, InputError
from disaster_tweets.runtime import KINDS

SCHEMA_VERSION = 3
NAME = "manifest.json"

# Values of ``measured_on``: the texts of ``metrics`` were held out, or scored by models
# that were trained without them.
HELD_OUT, OUT_OF_FOLD = MEASURED_ON = ("held_out", "out_of_fold")

Manifest = dict[str, Any]

_NUMBER = (int, float)
_INTERVAL = {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER}
_FILE = {"size": int, "crc32": int, "sha256": str}

# Required keys and the types of their values; nested tables likewise.
_SCHEMA: dict[str, Any] = {
    "schema_version": int,
    "model_version": str,
    "task": str,
    "kind": str,
    "labels": list,
    "languages": list,
    "licence": str,
    "reads": {"urls": bool, "handles": bool, "emoji": bool, "marks": str},
    "max_tokens": int,
    "calibration": dict,
    "golden_tolerance": _NUMBER,
    "metrics": {
        "texts": int,
        "accuracy": _INTERVAL,
        "auc": _INTERVAL,
        "expected_calibration_error": _INTERVAL,
        "confusion_matrix": list,
    },
    "parity": dict,
    "artifacts": {
        "model.bin": _FILE,
        "vocab.txt": _FILE,
        "calibration.npy": _FILE,
        "golden.json": _FILE,
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

# Further requirements for two labels, and for more.
_SCHEMA_OF_TWO: dict[str, Any] = {
    "positive_label": str,
    "threshold": _NUMBER,
    "calibration": dict.fromkeys("abc", _NUMBER),
    "metrics": {"f1": _INTERVAL},
}
_SCHEMA_OF_MORE: dict[str, Any] = {
    "positive_label": type(None),
    "threshold": type(None),
    "calibration": {"temperature": _NUMBER, "biases": list},
    "metrics": {"macro_f1": _INTERVAL},
}

# Optional keys and the types of their values.
_OPTIONAL_SCHEMA: dict[str, Any] = {
    "thresholds": dict,  # other thresholds for two labels, by name
    "measured_on": str,  # one of MEASURED_ON; held-out texts if missing
    "slices": dict,
    "sources": dict,  # the metrics on other data sets, by name
    "robustness": dict,
    "candidates": dict,  # the metrics of each kind of model, one of which ships
    "architecture": {  # also heads, feed_forward, window and hidden, if the model has them
        "layers": int,
        "width": int,
        "filters": int,
        "parameters": int,
    },
    "distillation": {  # for a distilled model; also related, if it has related labels
        "assistant_layers": int,
        "linear": _NUMBER,
        "labelled": int,
        "unlabelled": int,
        "texts": int,
    },
    "teachers": {  # for a model distilled from teachers
        "repository": str,
        "revision": str,
        "licence": str,
        "teachers": int,
        "weight": _NUMBER,
    },
}


def parse(raw: bytes, source: str = NAME) -> Manifest:
    """Parse a manifest and check its schema.

    Args:
        raw: JSON in UTF-8.
        source: The name of the file in messages.

    Raises:
        ArtifactError: The content is no manifest that this version understands.
    """
    try:
        manifest = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _refused(source, f"not valid JSON ({error})") from None
    found = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if isinstance(found, int) and found != SCHEMA_VERSION:
        raise ArtifactError(
            f"{source}: schema_version is {found}, this version reads {SCHEMA_VERSION}; build "
            f"the model with this version, or reinstall {DISTRIBUTION}"
        )
    _check_schema(manifest, _SCHEMA, source, "")
    present = {key: schema for key, schema in _OPTIONAL_SCHEMA.items() if key in manifest}
    _check_schema(manifest, present, source, "")
    _check_labels(manifest, source)
    if manifest["kind"] not in KINDS:
        raise ArtifactError(
            f"{source}: kind is {manifest['kind']!r}, but this version runs "
            f"{' and '.join(KINDS)}; use a version that runs it, or reinstall {DISTRIBUTION}"
        )
    if not manifest["max_tokens"] > 2:
        raise _refused(source, "max_tokens must be above 2")
    for name, entry in manifest["artifacts"].items():
        if not re.fullmatch("[0-9a-f]{64}", entry["sha256"]):
            raise _refused(source, f"artifacts/{name}/sha256 is not a SHA-256 in hex")
    checked: Manifest = manifest
    return checked


def number_of_threshold(value: Any, manifest: Manifest) -> float:
    """Return a threshold, which is a number in [0, 1] or a name, as a float.

    Raises:
        InputError: It is neither.
    """
    named = manifest.get("thresholds", {})
    if isinstance(value, str) and value in named:
        return float(named[value])
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if is_number and 0 <= value <= 1:  # not as a float: an int may be too large for one
        return float(value)
    names = "".join(f" or {name!r}" for name in named)
    shown = " ".join(reprlib.repr(value).split())  # a column takes several lines
    raise InputError(f"threshold must be a number from 0 to 1{names}, not {shown}")


def _check_labels(manifest: Manifest, source: str) -> None:
    """Check the labels, and the values that depend on their number."""
    labels = manifest["labels"]
    named = all(isinstance(label, str) and label for label in labels)
    if not named or len(labels) < 2 or len(set(labels)) < len(labels):
        raise _refused(source, "labels must be two different names or more")
    two = len(labels) == 2
    _check_schema(manifest, _SCHEMA_OF_TWO if two else _SCHEMA_OF_MORE, source, "")
    calibration = manifest["calibration"]
    # Otherwise calibration could reverse the order of texts, or give NaN.
    if two:
        if manifest["positive_label"] != labels[1]:
            raise _refused(source, "positive_label must be the second of the labels")
        if not 0 < manifest["threshold"] < 1:
            raise _refused(source, "threshold must lie between 0 and 1")
        for name, value in manifest.get("thresholds", {}).items():
            if not (_is_finite(value) and 0 < value < 1):
                raise _refused(source, f"thresholds/{name} must lie between 0 and 1")
        if not all(map(_is_finite, calibration.values())) or not (
            calibration["a"] > 0 and calibration["b"] > 0
        ):
            raise _refused(source, "calibration needs finite numbers, a and b above 0")
    elif not (
        _is_finite(calibration["temperature"])
        and calibration["temperature"] > 0
        and len(calibration["biases"]) == len(labels)
        and all(map(_is_finite, calibration["biases"]))
    ):
        raise _refused(
            source,
            "calibration needs a finite temperature above 0, and a finite bias for each label",
        )


def _is_finite(value: object) -> bool:
    return isinstance(value, _NUMBER) and not isinstance(value, bool) and math.isfinite(value)


def _check_schema(value: object, schema: Any, source: str, key: str) -> None:
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            raise _refused(source, f"{key or 'its content'} must be an object")
        for name, inner in schema.items():
            path = f"{key}/{name}".lstrip("/")
            if name not in value:
                raise _refused(source, f"{path} is missing")
            _check_schema(value[name], inner, source, path)
    elif not isinstance(value, schema) or (isinstance(value, bool) and schema is not bool):
        raise _refused(source, f"{key} has the wrong type")


def _refused(source: str, reason: str) -> ArtifactError:
    return ArtifactError(f"{source}: {reason}; reinstall {DISTRIBUTION}")
