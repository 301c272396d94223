"""Stage: export both kinds of model, measure parity with Keras, choose which one ships."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

from disaster_tweets.bundle import MODEL, VOCABULARY
from disaster_tweets.calibration import calibrate, fit, tabulate
from disaster_tweets.metrics import one_vs_rest_auc
from disaster_tweets.prediction import decide
from disaster_tweets.runtime import ENCODER, KINDS, STUDENT
from pipeline import encoder
from pipeline.exported import FILES, Exported, encoder_of, threshold_of
from pipeline.inference_graph import InferenceGraph, to_tflite
from pipeline.integers import quantize
from pipeline.project import (
    ARTIFACTS,
    MODELS,
    REPORTS,
    PipelineError,
    params,
    run_stage,
    write_json,
)
from pipeline.splits import majority, read_split, shares, targets
from pipeline.targets import probabilities
from pipeline.unseen import to_calibrate

AUTO = "auto"

# The number of training texts to measure parity on, if there is no calibration split.
_COMPARED = 1000


def parity(
    keras_logits: np.ndarray, exported_logits: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Compare the probabilities of the exported model with those of Keras, before calibration.

    Args:
        keras_logits: (texts, outputs), from the trained model in float32.
        exported_logits: (texts, outputs), from the exported file.
        labels: (texts,), indices of labels.

    Returns:
        The number of texts, the mean and the largest absolute difference of the probabilities,
        the fraction of texts with another likeliest label, and the drop of the AUC.
    """
    reference, exported = (
        shares(probabilities(logits)) for logits in (keras_logits, exported_logits)
    )
    difference = np.abs(reference - exported)
    changed = reference.argmax(axis=1) != exported.argmax(axis=1)
    return {
        "texts": len(labels),
        "mean_difference": float(difference.mean()),
        "max_difference": float(difference.max()),
        "decisions_changed": float(changed.mean()),
        "auc_drop": float(
            one_vs_rest_auc(reference, labels) - one_vs_rest_auc(exported, labels)
        ),
    }


def check_parity(
    path: Path, kind: str, measured: dict[str, float], limits: dict[str, dict[str, float]]
) -> None:
    """Raise PipelineError if a measure is above the limit for its kind in params.yaml."""
    for measure, limit in limits[kind].items():
        if measured[measure] > limit:
            raise PipelineError(
                f"{path}: {measure} from Keras is {measured[measure]:.4f}, above the limit "
                f"export.parity.{kind}.{measure} = {limit} of params.yaml; do not ship it"
            )


def on_validation(logits: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return accuracy and log loss on unseen texts, after calibration to the same texts.

    Args:
        logits: (texts, labels).
        targets: (texts, outputs).
    """
    fitted = fit(logits, shares(targets))
    calibrated = calibrate(logits, fitted, tabulate(fitted))
    right = decide(calibrated, threshold_of(logits.shape[1])) == majority(targets)
    tiny = np.finfo(np.float32).eps
    loss = -(shares(targets) * np.log(np.clip(calibrated, tiny, 1))).sum(axis=1)
    return {"accuracy": round(float(right.mean()), 4), "log_loss": round(float(loss.mean()), 4)}


def choose(ship: str, validation: dict[str, dict[str, float]], margin: float) -> str:
    """Return the kind of model that ships.

    Args:
        ship: A kind, or ``auto``. With ``auto`` the student ships, unless its accuracy on
            unseen texts is more than ``margin`` below that of the encoder.
        validation: The results of `on_validation`, by kind.
        margin: A difference of accuracies; see ``ship``.
    """
    if ship in KINDS:
        return ship
    if ship != AUTO:
        raise PipelineError(
            f"params.yaml: export.ship is {ship!r}; it must be {AUTO}, {' or '.join(KINDS)}"
        )
    behind = validation[ENCODER]["accuracy"] - validation[STUDENT]["accuracy"]
    return ENCODER if behind > margin + 1e-9 else STUDENT


def main() -> None:
    settings, model = params("export"), params("model")
    train, split = read_split("train"), read_split("calibration")
    compared = split if len(split) else train.sample(min(_COMPARED, len(train)), random_state=0)
    texts, of_texts = list(compared["text"]), targets(compared)
    measured: dict[str, dict[str, Any]] = {"parity": {}, "validation": {}}
    for kind in KINDS:
        weights = load_file(MODELS / f"{kind}.safetensors")
        shape = encoder.Shape.of(weights, model["attention_heads"])
        if kind == STUDENT:
            encode = encoder_of(kind, model["max_tokens"])
            content = quantize(weights, list(map(encode, train["text"])))
        else:
            content = to_tflite(InferenceGraph(weights, shape))
        FILES[kind].write_bytes(content)
        exported = Exported(kind, model["max_tokens"])
        logits, outputs = exported.logits(texts), of_texts.shape[1]
        measured["parity"][kind] = parity(
            _keras_logits(weights, shape, list(map(exported.encode, texts))),
            logits[:, -outputs:],
            majority(of_texts),
        )
        unseen = to_calibrate(exported)
        measured["validation"][kind] = on_validation(unseen.logits, unseen.targets)
    shipped = choose(settings["ship"], measured["validation"], settings["margin"])
    write_json(REPORTS / "candidates.json", {"shipped": shipped} | measured)
    for kind, of_kind in measured["validation"].items():
        print(
            f"{kind}: accuracy {of_kind['accuracy']:.4f} on unseen texts, mean "
            f"difference from Keras {measured['parity'][kind]['mean_difference']:.4f}"
        )
    print(f"{shipped} ships")
    check_parity(FILES[shipped], shipped, measured["parity"][shipped], settings["parity"])
    ARTIFACTS.mkdir(exist_ok=True)
    shutil.copyfile(FILES[shipped], ARTIFACTS / MODEL)
    shutil.copyfile(MODELS / f"{shipped}.vocab.txt", ARTIFACTS / VOCABULARY)
    write_json(REPORTS / "parity.json", measured["parity"][shipped])


def _keras_logits(
    weights: encoder.Tensors, shape: encoder.Shape, encoded: list[list[int]]
) -> np.ndarray:
    """Return the logits (texts, outputs) of a trained model in float32."""
    reference = encoder.build(shape, dropout=0.0)
    encoder.load(reference, weights, shape)
    padded = tf.ragged.constant(encoded, dtype=tf.int32).to_tensor()
    logits: np.ndarray = reference.predict(padded, batch_size=32, verbose=0)
    return logits.astype(np.float64)


if __name__ == "__main__":
    run_stage(main)
