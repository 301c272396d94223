"""Calibrates and measures the exported model; writes manifest, golden scores and reports.

What is fitted is fitted on the calibration split; what is reported is measured on the
held-out split. Both on the outputs of the exported file, never of the Keras model.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from disaster_tweets.bundle import GOLDEN, MODEL, VOCABULARY, read_vocabulary
from disaster_tweets.classifier import calibrate
from disaster_tweets.manifest import LABELS, SCHEMA_VERSION
from disaster_tweets.manifest import NAME as MANIFEST
from disaster_tweets.metrics import (
    fit_threshold,
    measure,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
)
from disaster_tweets.pipeline.metrics import fit_temperature
from disaster_tweets.pipeline.prepare import LABELLED
from disaster_tweets.pipeline.project import (
    ARTIFACTS,
    MODELS,
    PLOTS,
    RAW,
    REPORTS,
    params,
    run_stage,
    write_json,
)
from disaster_tweets.pipeline.splits import majority, read_split
from disaster_tweets.runtime import Runtime
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

# What the manifest and the reports keep of `measure`.
MEASURED = (
    "texts",
    "accuracy",
    "f1",
    "auc",
    "expected_calibration_error",
    "confusion_matrix",
)


class Exported:
    """The exported model before it has a manifest: logits only."""

    def __init__(self, max_tokens: int) -> None:
        vocabulary = read_vocabulary(ARTIFACTS / VOCABULARY)
        self._tokenizer = Tokenizer(vocabulary, max_tokens)
        self._runtime = Runtime(ARTIFACTS / MODEL)

    def logits(self, cleaned: list[str]) -> np.ndarray:
        """Return the logits (texts,) float64 of texts that are cleaned already."""
        encoded = [self._tokenizer.encode(text) for text in cleaned]
        return self._runtime.logits(encoded).astype(np.float64)


def write_plots(probabilities: np.ndarray, labels: np.ndarray, threshold: float) -> None:
    """Write the points of the curves that dvc.yaml declares as plots."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    false_positive_rate, true_positive_rate = roc_curve(probabilities, labels)
    precision, recall = precision_recall_curve(probabilities, labels)
    probability, frequency, _ = reliability_curve(probabilities, labels)
    names = np.array(LABELS)
    tables = {
        "roc": {
            "false_positive_rate": false_positive_rate,
            "true_positive_rate": true_positive_rate,
        },
        "precision_recall": {"recall": recall, "precision": precision},
        "reliability": {
            "probability": probability,
            "frequency": frequency,
            "perfect": probability,
        },
        "confusion": {
            "actual": names[labels],
            "predicted": names[(probabilities >= threshold).astype(int)],
        },
    }
    for name, columns in tables.items():
        path = PLOTS / f"{name}.csv"
        pd.DataFrame(columns).round(4).to_csv(path, index=False, lineterminator="\n")


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the size in bytes and the SHA-256 of a file."""
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def main() -> None:
    settings = params("evaluate")
    max_tokens = params("train")["max_tokens"]
    model = Exported(max_tokens)
    calibration, held_out = read_split("calibration"), read_split("held_out")

    logits = model.logits(list(calibration["text"]))
    temperature = round(fit_temperature(logits, calibration["target"].to_numpy()), 4)
    threshold = fit_threshold(
        calibrate(logits, temperature)[:, 1], majority(calibration).to_numpy()
    )
    labels = majority(held_out).to_numpy()
    probabilities = calibrate(model.logits(list(held_out["text"])), temperature)[:, 1]
    measured = measure(
        probabilities, labels, threshold, settings["resamples"], settings["seed"]
    )
    metrics = {name: measured[name] for name in MEASURED}

    tweets = json.loads(Path(__file__).with_name(GOLDEN).read_text("utf-8"))
    scores = calibrate(model.logits([clean(tweet) for tweet in tweets]), temperature)[:, 1]
    golden = [
        {"text": tweet, "probability": round(float(score), 7)}
        for tweet, score in zip(tweets, scores, strict=True)
    ]
    write_json(ARTIFACTS / GOLDEN, golden)

    backbone = params("download_backbone")
    write_json(
        ARTIFACTS / MANIFEST,
        {
            "schema_version": SCHEMA_VERSION,
            "model_version": settings["model_version"],
            "task": "text-classification",
            "labels": LABELS,
            "positive_label": LABELS[1],
            "languages": ["en"],
            "licence": "Apache-2.0",
            "max_tokens": max_tokens,
            "threshold": threshold,
            "temperature": temperature,
            "golden_tolerance": settings["golden_tolerance"],
            "metrics": metrics,
            "parity": json.loads((REPORTS / "parity.json").read_text("utf-8")),
            "artifacts": {
                name: fingerprint(ARTIFACTS / name) for name in (MODEL, VOCABULARY, GOLDEN)
            },
            "data": {LABELLED: f"sha256:{fingerprint(RAW / LABELLED)['sha256']}"},
            "backbone": {
                "repository": backbone["repository"],
                "revision": backbone["revision"],
                "licence": "Apache-2.0",
                "checksums": backbone["checksums"],
            },
            "training": json.loads((MODELS / "environment.json").read_text("utf-8")),
        },
    )

    write_json(REPORTS / "metrics.json", metrics)
    values = {name: of["value"] for name, of in metrics.items() if isinstance(of, dict)}
    write_json(REPORTS / "held_out.json", values)
    write_plots(probabilities, labels, threshold)
    accuracy = metrics["accuracy"]
    print(
        f"held-out accuracy {accuracy['value']:.4f} "
        f"({accuracy['low']:.4f} to {accuracy['high']:.4f}), "
        f"temperature {temperature}, threshold {threshold}"
    )


if __name__ == "__main__":
    run_stage(main)
