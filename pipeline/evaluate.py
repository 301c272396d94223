"""Calibrates and measures the exported model; writes manifest, golden scores and reports.

What is fitted is fitted on the calibration split; what is reported is measured on the
held-out split. Both on the outputs of the exported file, never of the Keras model.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from disaster_tweets.bundle import GOLDEN, MODEL, VOCABULARY, read_vocabulary
from disaster_tweets.classifier import calibrate
from disaster_tweets.manifest import LABELS, SCHEMA_VERSION
from disaster_tweets.manifest import NAME as MANIFEST
from disaster_tweets.metrics import (
    measure,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
)
from pipeline import encoder

# begin: left out of a copy
from pipeline.distillation import (
    examples,
    read_distilled,
    read_events,
    read_soft_labels,
    teachers,
)

# end: left out of a copy
from pipeline.metrics import fit_calibration
from pipeline.noise import NOISES, Noise
from pipeline.prepare import LABELLED
from pipeline.project import (
    ARTIFACTS,
    MODELS,
    PLOTS,
    RAW,
    REPORTS,
    params,
    run_stage,
    write_json,
)
from pipeline.splits import majority, read_split
from disaster_tweets.runtime import Runtime
from disaster_tweets.text import HANDLE, URL, clean
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
THRESHOLD = 0.5  # the more probable label; calibration sees to it that it is the likelier one
OF_SLICE = ("texts", "accuracy", "auc", "expected_calibration_error")

_HASHTAG = re.compile(r"(?<!\w)#\w")


class Exported:
    """The exported model before it has a manifest: logits only."""

    def __init__(self, max_tokens: int) -> None:
        vocabulary = read_vocabulary(ARTIFACTS / VOCABULARY)
        self._tokenizer = Tokenizer(vocabulary, max_tokens)
        self._runtime = Runtime(ARTIFACTS / MODEL)

    def logits(self, texts: list[str]) -> np.ndarray:
        """Return the logits (texts,) float64."""
        encoded = [self._tokenizer.encode(clean(text)) for text in texts]
        return self._runtime.logits(encoded).astype(np.float64)


def robustness(
    texts: Sequence[str],
    score: Callable[[list[str]], np.ndarray],
    threshold: float,
    seed: int,
    noises: Mapping[str, Noise] = NOISES,
) -> dict[str, dict[str, float]]:
    """Measure how far each noise moves the probability.

    Args:
        texts: As people write them.
        score: Returns the probabilities (texts,) of texts.
        threshold: Decisions are ``probability >= threshold``.
        seed: Each noise begins with it anew, whatever the others draw.
        noises: What is done to each text, by name.

    Returns:
        For each noise ``mean_difference``, ``percentile_95`` and ``max_difference``, all of
        the absolute difference, and ``decisions_changed``, a share of the texts.
    """
    before = score(list(texts))
    measured = {}
    for name, noise in noises.items():
        generator = random.Random(seed)
        after = score([noise(text, generator) for text in texts])
        difference = np.abs(after - before)
        values = {
            "mean_difference": difference.mean(),
            "percentile_95": np.percentile(difference, 95),
            "max_difference": difference.max(),
            "decisions_changed": np.mean((after >= threshold) != (before >= threshold)),
        }
        measured[name] = {key: round(float(value), 4) for key, value in values.items()}
    return measured


def slices(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return which of the texts (texts,) have a property, by what follows "texts" in its name.

    The lengths are thirds, as far as equal lengths allow, in words that the model reads.
    """
    url = np.array([bool(URL.search(text)) for text in texts])
    handle = np.array([bool(HANDLE.search(URL.sub(" ", text))) for text in texts])
    hashtag = np.array([bool(_HASHTAG.search(URL.sub(" ", text))) for text in texts])
    words = np.array([len(clean(text).split()) for text in texts])
    few, many = (int(edge) for edge in np.quantile(words, [1 / 3, 2 / 3]))
    return {
        "with a URL": url,
        "without a URL": ~url,
        "with a handle": handle,
        "without a handle": ~handle,
        "with a hashtag": hashtag,
        "without a hashtag": ~hashtag,
        f"of up to {few} words": words <= few,
        f"of {few + 1} to {many} words": (words > few) & (words <= many),
        f"of more than {many} words": words > many,
    }


def measure_slices(
    parts: Mapping[str, np.ndarray],
    probabilities: np.ndarray,
    labels: np.ndarray,
    threshold: float,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Return OF_SLICE of each part; one that lacks a label has no AUC and is left out."""
    measured = {}
    for name, part in parts.items():
        if len(np.unique(labels[part])) == 2:
            of_part = measure(probabilities[part], labels[part], threshold, resamples, seed)
            measured[name] = {key: of_part[key] for key in OF_SLICE}
    return measured


def architecture(tensors: encoder.Tensors, heads: int) -> dict[str, int]:
    """Return the dimensions of what the model has, and the number of its parameters."""
    shape = encoder.Shape.of(tensors, heads)
    of_layers = {"heads": shape.heads, "feed_forward": shape.feed_forward}
    return {
        "layers": shape.layers,
        "width": shape.width,
        **(of_layers if shape.layers else {}),
        "filters": shape.filters,
        **({"window": encoder.WINDOW} if shape.filters else {}),
        **({"hidden": shape.hidden} if shape.hidden else {}),
        "parameters": sum(tensor.size for tensor in tensors.values()),
    }


# begin: left out of a copy
def distillation() -> dict[str, Any]:
    """Describe the teachers, and count the texts of which the model learned what they say."""
    teacher, train, soft = params("download_teacher"), read_split("train"), read_soft_labels()
    shares, learned = params("distill"), read_distilled()
    texts, _ = examples(train, read_events(), soft, teachers(soft), shares["weight"])
    return {
        "repository": teacher["repository"],
        "revision": teacher["revision"],
        "licence": "Apache-2.0",
        "teachers": len(teachers(soft)),
        "weight": shares["weight"],
        "linear": shares["linear"],
        "labelled": len(train),
        "unlabelled": len(texts) - len(train),
        "assistant_layers": len(shares["layers"]),
        "texts": len(learned),
    }


# end: left out of a copy
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
    """Return the size in bytes, the CRC-32 and the SHA-256 of a file."""
    content = path.read_bytes()
    return {
        "size": len(content),
        "crc32": zlib.crc32(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def main() -> None:
    settings = params("evaluate")
    train = params("train")
    max_tokens, attention_heads = train["max_tokens"], train["attention_heads"]
    model = Exported(max_tokens)
    calibration, held_out = read_split("calibration"), read_split("held_out")

    logits = model.logits(list(calibration["text"]))
    fitted = fit_calibration(logits, calibration["target"].to_numpy())

    def score(texts: list[str]) -> np.ndarray:
        return calibrate(model.logits(texts), fitted)[:, 1]

    labels, texts = majority(held_out).to_numpy(), list(held_out["text"])
    probabilities = score(texts)
    measured = measure(
        probabilities, labels, THRESHOLD, settings["resamples"], settings["seed"]
    )
    metrics = {name: measured[name] for name in MEASURED}
    moved = robustness(texts, score, THRESHOLD, settings["seed"])
    by_slice = measure_slices(
        slices(texts), probabilities, labels, THRESHOLD, settings["resamples"], settings["seed"]
    )

    tweets = json.loads(Path(__file__).with_name(GOLDEN).read_text("utf-8"))
    golden = [
        {"text": tweet, "probability": round(float(probability), 7)}
        for tweet, probability in zip(tweets, score(tweets), strict=True)
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
            "threshold": THRESHOLD,
            "calibration": fitted,
            "golden_tolerance": settings["golden_tolerance"],
            "metrics": metrics,
            "slices": by_slice,
            "robustness": moved,
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
            "architecture": architecture(
                load_file(MODELS / "classifier.safetensors"), attention_heads
            ),
            # begin: left out of a copy
            "distillation": distillation(),
            # end: left out of a copy
            "training": json.loads((MODELS / "environment.json").read_text("utf-8")),
        },
    )

    write_json(REPORTS / "metrics.json", metrics)
    values = {name: of["value"] for name, of in metrics.items() if isinstance(of, dict)}
    write_json(REPORTS / "held_out.json", values)
    write_json(REPORTS / "robustness.json", moved)
    write_plots(probabilities, labels, THRESHOLD)
    accuracy = metrics["accuracy"]
    print(
        f"held-out accuracy {accuracy['value']:.4f} "
        f"({accuracy['low']:.4f} to {accuracy['high']:.4f}), "
        f"calibration {', '.join(f'{name} = {value}' for name, value in fitted.items())}"
    )


if __name__ == "__main__":
    run_stage(main)
