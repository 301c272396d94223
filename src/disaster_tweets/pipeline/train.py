"""Fine-tunes the backbone on the train split: models/classifier.safetensors and vocab.txt."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from disaster_tweets.pipeline import encoder
from disaster_tweets.pipeline.project import (
    BACKBONE,
    MODELS,
    PLOTS,
    REPORTS,
    params,
    run_stage,
    write_json,
    write_text,
)
from disaster_tweets.pipeline.splits import majority, read_split
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer

Settings = dict[str, Any]

# What can change the model's bytes, or its scores, when it is upgraded.
RECORDED_PACKAGES = ("ai-edge-litert", "keras", "numpy", "scikit-learn", "tensorflow")

_KERNEL_FEATURES = frozenset(
    "amx_bf16 amx_int8 amx_tile avx2 avx512f avx512_bf16 avx512_vnni avx_vnni fma".split()
)

_BRACKETED = re.compile(r"\[.+\]")  # special and unused pieces, such as [MASK]


def backbone_vocabulary() -> list[str]:
    """Return the word pieces of the backbone, in the order of their ids."""
    model = json.loads((BACKBONE / "tokenizer.json").read_text("utf-8"))["model"]
    ids: dict[str, int] = model["vocab"]
    return sorted(ids, key=ids.__getitem__)


def trim_vocabulary(
    vocabulary: list[str], texts: Iterable[str], most_frequent: int, max_tokens: int
) -> list[int]:
    """Choose the word pieces to keep.

    Args:
        vocabulary: The backbone's pieces; BERT orders them by falling frequency.
        texts: The training texts, cleaned.
        most_frequent: How many pieces from the top are kept whether seen or not.
        max_tokens: Passed on to the tokenizer.

    Returns:
        Ids: the special tokens, then in the backbone's order all single characters, all
        pieces of ``texts`` and the most frequent ones.
    """
    tokenizer = Tokenizer(vocabulary, max_tokens)
    seen = {piece for text in texts for piece in tokenizer.encode(text)}
    plain = [i for i, piece in enumerate(vocabulary) if not _BRACKETED.fullmatch(piece)]
    frequent = set(plain[:most_frequent])
    kept = [
        i
        for i in plain
        if i in seen or i in frequent or len(vocabulary[i].removeprefix("##")) == 1
    ]
    return [vocabulary.index(token) for token in SPECIAL_TOKENS] + kept


def batches(
    encoded: list[list[int]], targets: np.ndarray, batch_size: int, seed: int | None
) -> tf.data.Dataset:
    """Return batches of ids (batch, tokens) int32, padded with 0, and targets (batch, 1).

    With a seed they are shuffled, anew for each epoch.
    """
    ragged = tf.ragged.constant(encoded, dtype=tf.int32)
    data = tf.data.Dataset.from_tensor_slices((ragged, targets.astype(np.float32)[:, None]))
    if seed is not None:
        data = data.shuffle(len(encoded), seed=seed, reshuffle_each_iteration=True)
    return data.ragged_batch(batch_size).map(lambda ids, target: (ids.to_tensor(), target))


def fit(
    model: keras.Model, train: tf.data.Dataset, calibration: tf.data.Dataset, settings: Settings
) -> None:
    """Fine-tune with AdamW, a warm-up and a cosine decay; write loss and metrics per epoch."""
    steps = settings["epochs"] * int(train.cardinality())
    warm_up = round(settings["warm_up"] * steps)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=steps - warm_up,
            warmup_target=settings["learning_rate"],
            warmup_steps=warm_up,
        ),
        weight_decay=settings["weight_decay"],
        global_clipnorm=1.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer,
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    PLOTS.mkdir(parents=True, exist_ok=True)
    history = model.fit(
        train,
        validation_data=calibration,
        epochs=settings["epochs"],
        shuffle=False,  # the data set shuffles itself
        callbacks=[keras.callbacks.CSVLogger(PLOTS / "training.csv")],
        verbose=1 if sys.stdout.isatty() else 2,
    ).history
    last = {name: float(values[-1]) for name, values in history.items()}
    write_json(REPORTS / "training.json", last)


def processor_features() -> list[str]:
    """Return the instruction sets, of those that numeric libraries choose kernels by.

    Empty where the system does not tell (only Linux on x86-64 does).
    """
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return sorted(_KERNEL_FEATURES.intersection(flags))


def set_up_tensorflow(settings: Settings) -> dict[str, Any]:
    """Make TensorFlow deterministic, and return what the result depends on."""
    features = processor_features()
    bfloat16 = bool({"avx512_bf16", "amx_bf16"} & set(features))
    keras.utils.set_random_seed(settings["seed"])
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if bfloat16 else "float32")
    return {
        "precision": "bfloat16" if bfloat16 else "float32",
        "processor_features": features,
        "threads": settings["threads"],
        "tools": {"python": ".".join(platform.python_version_tuple()[:2])}
        | {package: version(package) for package in RECORDED_PACKAGES},
    }


def main() -> None:
    settings = params("train")
    environment = set_up_tensorflow(settings)
    train, calibration = read_split("train"), read_split("calibration")

    vocabulary = backbone_vocabulary()
    max_tokens = settings["max_tokens"]
    kept = trim_vocabulary(
        vocabulary, train["text"], settings["most_frequent_pieces"], max_tokens
    )
    pieces = [vocabulary[i] for i in kept]
    tokenizer = Tokenizer(pieces, max_tokens)
    weights = encoder.from_checkpoint(
        load_file(BACKBONE / "model.safetensors"), kept, max_tokens
    )
    shape = encoder.Shape.of(weights, settings["attention_heads"])
    model = encoder.build(shape, settings["dropout"])
    encoder.load(model, weights, shape)

    def batched(texts: pd.Series, targets: pd.Series, seed: int | None) -> tf.data.Dataset:
        encoded = [tokenizer.encode(text) for text in texts]
        return batches(encoded, targets.to_numpy(), settings["batch_size"], seed)

    fit(
        model,
        batched(train["text"], train["target"], settings["seed"]),
        batched(calibration["text"], majority(calibration), None),
        settings,
    )

    MODELS.mkdir(exist_ok=True)
    save_file(encoder.tensors(model, shape), MODELS / "classifier.safetensors")
    write_text(MODELS / "vocab.txt", "".join(f"{piece}\n" for piece in pieces))
    write_json(MODELS / "environment.json", environment)


if __name__ == "__main__":
    run_stage(main)
