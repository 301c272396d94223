"""Fine-tuned weights -> artifacts/model.tflite and vocab.txt, with parity measured."""

from __future__ import annotations

import shutil

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

from disaster_tweets.bundle import MODEL, VOCABULARY, read_vocabulary
from pipeline import encoder
from pipeline.flat import FlatClassifier, to_tflite
from pipeline.project import (
    ARTIFACTS,
    MODELS,
    REPORTS,
    PipelineError,
    params,
    run_stage,
    write_json,
)
from pipeline.splits import majority, read_split
from disaster_tweets.runtime import Runtime
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer


def parity(
    keras_logits: np.ndarray, exported_logits: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Compare the exported model's probabilities, before calibration, with Keras's.

    Args:
        keras_logits: (texts,), from the fine-tuned model in float32.
        exported_logits: (texts,), from the exported file.
        labels: (texts,), 0 or 1.

    Returns:
        Mean and largest absolute difference of the probabilities, the fraction of texts
        on different sides of 0.5, and by how much the AUC fell.
    """
    reference, exported = (
        1 / (1 + np.exp(-logits)) for logits in (keras_logits, exported_logits)
    )
    difference = np.abs(reference - exported)
    auc_drop = roc_auc_score(labels, reference) - roc_auc_score(labels, exported)
    return {
        "texts": len(labels),
        "mean_difference": float(difference.mean()),
        "max_difference": float(difference.max()),
        "decisions_changed": float(((reference >= 0.5) != (exported >= 0.5)).mean()),
        "auc_drop": float(auc_drop),
    }


def check_parity(measured: dict[str, float], limits: dict[str, float]) -> None:
    """Raise PipelineError where a measure is beyond its limit in params.yaml."""
    for name, limit in limits.items():
        if measured[name] > limit:
            raise PipelineError(
                f"{ARTIFACTS / MODEL}: {name} from Keras is {measured[name]:.4f}, above the "
                f"limit export.parity.{name} = {limit} of params.yaml; do not ship it"
            )


def main() -> None:
    weights = load_file(MODELS / "classifier.safetensors")
    shape = encoder.Shape.of(weights, params("train")["attention_heads"])

    ARTIFACTS.mkdir(exist_ok=True)
    model = ARTIFACTS / MODEL
    model.write_bytes(to_tflite(FlatClassifier(weights, shape)))
    shutil.copyfile(MODELS / VOCABULARY, ARTIFACTS / VOCABULARY)

    calibration = read_split("calibration")
    tokenizer = Tokenizer(read_vocabulary(MODELS / VOCABULARY), params("train")["max_tokens"])
    encoded = [tokenizer.encode(clean(text)) for text in calibration["text"]]
    reference = encoder.build(shape, dropout=0.0)
    encoder.load(reference, weights, shape)
    padded = tf.ragged.constant(encoded, dtype=tf.int32).to_tensor()
    measured = parity(
        reference.predict(padded, batch_size=32, verbose=0)[:, 0].astype(np.float64),
        Runtime(model).logits(encoded).astype(np.float64),
        majority(calibration).to_numpy(),
    )
    REPORTS.mkdir(exist_ok=True)
    write_json(REPORTS / "parity.json", measured)
    print(measured)
    check_parity(measured, params("export")["parity"])


if __name__ == "__main__":
    run_stage(main)
