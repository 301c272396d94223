"""Stage: calibrate and measure the exported models; write manifest, golden scores, reports.

All measures are on texts that the model has not learned (see `unseen`). They measure the
outputs of exported files, never those of a Keras model.
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

from disaster_tweets.bundle import CALIBRATION, GOLDEN, MODEL, VOCABULARY
from disaster_tweets.manifest import HELD_OUT, OUT_OF_FOLD, SCHEMA_VERSION
from disaster_tweets.manifest import NAME as MANIFEST
from disaster_tweets.metrics import (
    auc,
    forecasts,
    measure,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
    threshold_of_recall,
)
from disaster_tweets.prediction import decide, shown_probabilities
from disaster_tweets.runtime import ENCODER, KINDS, STUDENT
from disaster_tweets.runtime.litert import GOLDEN_TOLERANCE
from disaster_tweets.text import HANDLE, URL
from pipeline import encoder
from pipeline.cleaning import clean
from pipeline.exported import FILES, Exported, threshold_of
from pipeline.perturbation import PERTURBATIONS, Perturbation
from pipeline.prepare import LABELLED
from pipeline.project import (
    ARTIFACTS,
    LABELLED_BY_ASSISTANT,
    MODELS,
    PLOTS,
    RAW,
    REPORTS,
    SOURCES,
    params,
    run_stage,
    write_json,
)
from pipeline.splits import label_names, majority, read_split
from pipeline.targets import read_description, read_related, read_table, with_sources
from pipeline.unseen import of_log_odds, read_measured, to_calibrate, to_report

GOLDEN_TEXTS = Path("topic/golden.json")

OF_SLICE = ("texts", "accuracy", "auc", "expected_calibration_error")

_HASHTAG = re.compile(r"(?<!\w)#\w")


def of_manifest(labels: int) -> tuple[str, ...]:
    """Return the measures that the manifest and reports keep, for this number of labels."""
    f1 = "f1" if labels == 2 else "macro_f1"
    return ("texts", "accuracy", f1, "auc", "expected_calibration_error", "confusion_matrix")


def robustness(
    texts: Sequence[str],
    score: Callable[[list[str]], np.ndarray],
    threshold: float | None,
    seed: int,
    perturbations: Mapping[str, Perturbation] = PERTURBATIONS,
) -> dict[str, dict[str, float]]:
    """Measure how far each perturbation moves the probabilities.

    Args:
        texts: As people write them.
        score: Returns the probabilities (texts, labels) of texts.
        threshold: As for `decide`.
        seed: Each perturbation starts from this seed, so no perturbation affects another.
        perturbations: The perturbations by name.

    Returns:
        For each perturbation, ``mean_difference``, ``percentile_95`` and ``max_difference`` of
        the absolute difference of a text's probabilities; and ``decisions_changed``, a share of
        the texts. The difference of a text is the largest one among its labels.
    """
    before = score(list(texts))
    measured = {}
    for name, perturbation in perturbations.items():
        generator = random.Random(seed)
        after = score([perturbation(text, generator) for text in texts])
        difference = np.abs(after - before).max(axis=1)
        changed = decide(after, threshold) != decide(before, threshold)
        values = {
            "mean_difference": difference.mean(),
            "percentile_95": np.percentile(difference, 95),
            "max_difference": difference.max(),
            "decisions_changed": np.mean(changed),
        }
        measured[name] = {key: round(float(value), 4) for key, value in values.items()}
    return measured


def slices(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return masks (texts,) of slices of the texts, by names such as "with a URL".

    Three slices are by length. Each has a third of the texts, as far as equal lengths allow.
    The length of a text is the number of words that the model reads.
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
    threshold: float | None,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Return OF_SLICE of each part. A part that lacks a label has no AUC and is left out."""
    measured = {}
    for name, part in parts.items():
        if len(np.unique(labels[part])) == probabilities.shape[1]:
            of_part = measure(probabilities[part], labels[part], threshold, resamples, seed)
            measured[name] = {key: of_part[key] for key in OF_SLICE}
    return measured


def measure_sources(
    table: pd.DataFrame,
    probabilities: np.ndarray,
    threshold: float,
    named: Mapping[str, float],
) -> dict[str, dict[str, Any]]:
    """Measure a model of two labels on other data sets, by source, part and kind of text.

    Args:
        table: ``source``, ``part``, ``kind`` and ``target`` of texts. The target of a text
            without a label is NaN.
        probabilities: The probabilities (texts,) of the second label.
        threshold: A text with this probability or more gets the second label.
        named: Other thresholds, by name.

    Returns:
        For each source, the number of ``texts``, ``kinds``, and if its texts have both labels,
        ``accuracy`` and ``auc``. Each kind has the number of ``texts``, their ``target`` if it
        is the same for all, ``flagged``, the share that gets the second label, and
        ``flagged_at``, this share at each of the other thresholds by name. ``parts`` has
        ``texts`` and ``auc`` of each part with both labels, if there are any.
    """
    table = table.assign(probability=probabilities, flagged=probabilities >= threshold)
    measured: dict[str, dict[str, Any]] = {}
    for source, of_source in table[table["target"].notna()].groupby("source"):
        found: dict[str, Any] = {"texts": len(of_source)} | _accuracy_and_auc(of_source)
        found["kinds"] = {}
        for kind, of_kind in of_source.groupby("kind"):
            labels = of_kind["target"].unique()
            found["kinds"][str(kind)] = {
                "texts": len(of_kind),
                **({"target": int(labels[0])} if len(labels) == 1 else {}),
                "flagged": round(float(of_kind["flagged"].mean()), 4),
                "flagged_at": {
                    name: round(float((of_kind["probability"] >= at).mean()), 4)
                    for name, at in named.items()
                },
            }
        parts = {
            str(part): {"texts": len(of_part), "auc": _accuracy_and_auc(of_part)["auc"]}
            for part, of_part in of_source.groupby("part")
            if part and of_part["target"].nunique() == 2
        }
        measured[str(source)] = found | ({"parts": parts} if parts else {})
    return measured


def _accuracy_and_auc(table: pd.DataFrame) -> dict[str, float]:
    labels = table["target"].to_numpy(int)
    if len(np.unique(labels)) < 2:
        return {}
    right = table["flagged"].to_numpy() == (labels == 1)
    return {
        "accuracy": round(float(right.mean()), 4),
        "auc": round(float(auc(table["probability"].to_numpy(), labels)), 4),
    }


def architecture(tensors: encoder.Tensors, heads: int) -> dict[str, int]:
    """Return the dimensions of the model's parts, and the number of its parameters."""
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


def distillation() -> dict[str, Any]:
    """Describe the assistant; count the training texts of the assistant and the student."""
    train, assistant = read_split("train"), params("assistant")
    texts, *_ = with_sources(train, read_table(SOURCES / "targets.csv"))
    learned = read_table(LABELLED_BY_ASSISTANT / "train.csv")
    return {
        "assistant_layers": len(assistant["layers"]),
        "linear": assistant["linear"],
        "labelled": len(train),
        "unlabelled": len(texts) - len(train),
        "related": len(read_related()),
        "texts": len(learned),
    }


def probabilities_of(exported: Exported, table: pd.DataFrame) -> np.ndarray:
    """Return the probabilities (texts, 2) of texts of `read_measured`.

    A text with an out-of-fold logit gets the probability of that logit. The exported file
    scores the other texts.
    """
    out_of_fold = table[exported.kind].to_numpy(float)
    logits = of_log_odds(out_of_fold)
    missing = np.isnan(out_of_fold)
    logits[missing] = exported.logits(list(table["text"][missing]))
    return exported.calibrated(logits)


def golden_scores(probabilities: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the golden score of each text: the probability that a prediction shows.

    With more than two labels, a golden score also has the predicted label.

    Args:
        probabilities: (texts, labels).
        labels: The names of the labels.
    """
    decided = decide(probabilities, threshold_of(len(labels)))
    shown = shown_probabilities(probabilities, decided)
    return [
        ({} if len(labels) == 2 else {"label": labels[index]}) | {"probability": probability}
        for index, probability in zip(decided.tolist(), shown.tolist(), strict=True)
    ]


def write_plots(probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
    """Write the points of the curves that dvc.yaml declares as plots.

    For two labels, the curves are those of the second label. For more labels, the ROC and
    precision-recall curves pool the questions of each label against all others, and the
    reliability curve is that of the predicted label.
    """
    PLOTS.mkdir(parents=True, exist_ok=True)
    decided = decide(probabilities, threshold_of(len(names)))
    if len(names) == 2:
        pooled, hits = probabilities[:, 1], labels
    else:
        pooled = probabilities.ravel()
        hits = (labels[:, None] == np.arange(len(names))).astype(int).ravel()
    false_positive_rate, true_positive_rate = roc_curve(pooled, hits)
    precision, recall = precision_recall_curve(pooled, hits)
    probability, frequency, _ = reliability_curve(*forecasts(probabilities, labels))
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
            "actual": np.array(names)[labels],
            "predicted": np.array(names)[decided],
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
    settings, model = params("evaluate"), params("model")
    names = label_names()
    two, threshold = len(names) == 2, threshold_of(len(names))
    resamples, seed = settings["resamples"], settings["seed"]
    candidates = json.loads((REPORTS / "candidates.json").read_text("utf-8"))
    shipped = candidates["shipped"]

    exported = {kind: Exported(kind, model["max_tokens"]) for kind in KINDS}
    measured, probabilities = {}, {}
    for kind, of_kind in exported.items():
        calibration = to_calibrate(of_kind)
        of_kind.fit(calibration.logits, calibration.targets)
        reported, probabilities[kind] = to_report(of_kind)
        texts, labels = reported.texts, majority(reported.targets)
        measured[kind] = measure(probabilities[kind], labels, threshold, resamples, seed)
    kept = of_manifest(len(names))
    metrics = {name: measured[shipped][name] for name in kept}
    score = exported[shipped].score
    others = read_measured()
    never_learned = others[others[list(KINDS)].isna().all(axis=1)]
    moved = robustness(list(never_learned["text"]) or texts, score, threshold, seed)
    by_slice = measure_slices(
        slices(texts), probabilities[shipped], labels, threshold, resamples, seed
    )

    named, by_source = {}, {}
    if threshold is not None:
        of_second = probabilities[shipped][:, 1]
        lower = threshold_of_recall(of_second, labels, settings["recall"])
        named = {"recall": min(lower, threshold)}
        others = others[others["source"] != ""]
        by_source = measure_sources(
            others, probabilities_of(exported[shipped], others)[:, 1], threshold, named
        )

    golden_texts = json.loads(GOLDEN_TEXTS.read_text("utf-8"))
    golden = [
        {"text": text, **scored}
        for text, scored in zip(
            golden_texts, golden_scores(score(golden_texts), names), strict=True
        )
    ]
    write_json(ARTIFACTS / GOLDEN, golden)
    np.save(ARTIFACTS / CALIBRATION, exported[shipped].table.astype("<f8"), allow_pickle=False)

    backbone = params("download_backbone")
    weights = load_file(MODELS / f"{shipped}.safetensors")
    write_json(
        ARTIFACTS / MANIFEST,
        {
            "schema_version": SCHEMA_VERSION,
            "model_version": settings["model_version"],
            "task": "text-classification",
            "kind": shipped,
            "labels": names,
            "positive_label": names[1] if two else None,
            "languages": ["en"],
            "licence": "Apache-2.0",
            "reads": params("reads"),
            "max_tokens": model["max_tokens"],
            "threshold": threshold,
            "thresholds": named,
            "calibration": exported[shipped].calibration,
            "golden_tolerance": GOLDEN_TOLERANCE if shipped == ENCODER else 0,
            "measured_on": HELD_OUT if len(read_split("held_out")) else OUT_OF_FOLD,
            "metrics": metrics,
            "candidates": {
                kind: {
                    "validation": candidates["validation"][kind],
                    "metrics": {name: measured[kind][name] for name in kept},
                    "size": FILES[kind].stat().st_size,
                }
                for kind in KINDS
            },
            "slices": by_slice,
            **({"sources": by_source} if by_source else {}),
            "robustness": moved,
            "parity": candidates["parity"][shipped],
            "artifacts": {
                name: fingerprint(ARTIFACTS / name)
                for name in (MODEL, VOCABULARY, CALIBRATION, GOLDEN)
            },
            "data": {LABELLED: f"sha256:{fingerprint(RAW / LABELLED)['sha256']}"},
            "backbone": {
                "repository": backbone["repository"],
                "revision": backbone["revision"],
                "licence": "Apache-2.0",
                "checksums": backbone["checksums"],
            },
            "architecture": architecture(weights, model["attention_heads"]),
            **({"distillation": distillation()} if shipped == STUDENT else {}),
            **read_description(),
            "training": json.loads((MODELS / "environment.json").read_text("utf-8")),
        },
    )

    write_json(REPORTS / "metrics.json", metrics)
    values = {name: of["value"] for name, of in metrics.items() if isinstance(of, dict)}
    write_json(REPORTS / "held_out.json", values)
    write_json(REPORTS / "robustness.json", moved)
    write_plots(probabilities[shipped], labels, names)
    for kind, of in measured.items():
        value, low, high = (of["accuracy"][name] for name in ("value", "low", "high"))
        ships = " (ships)" if kind == shipped else ""
        print(f"{kind}{ships}: accuracy {value:.4f} ({low:.4f} to {high:.4f}) on unseen texts")


if __name__ == "__main__":
    run_stage(main)
