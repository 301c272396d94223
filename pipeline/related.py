"""Related labels: labels of other data sets, whose question is near the topic's own question.

Each source of related labels has its own head. The logit of a source is the topic's logit plus
the output of its head. So the topic's logit learns from all sources, and the heads learn how
the questions differ. The heads are thrown away after the training.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from pipeline.training import Loss

# The input of the heads is scaled by this, so that heads learn more slowly than shared layers.
_SCALE = 0.3


def with_related(
    texts: Sequence[str], targets: np.ndarray, related: pd.DataFrame
) -> tuple[list[str], np.ndarray]:
    """Join the topic's targets and the related labels.

    Args:
        texts: Texts with targets of the topic.
        targets: (texts, 1) in [0, 1].
        related: ``text``, ``source`` and ``target`` (in [0, 1]), in any order.

    Returns:
        Texts, which begin with ``texts``, and targets (texts, 1 + sources) float64. The first
        column is that of the topic. The others are those of the sources, sorted by name. An
        unknown target is NaN.
    """
    all_texts = list(dict.fromkeys([*texts, *related["text"]]))
    sources = sorted(set(related["source"]))
    joined = np.full((len(all_texts), 1 + len(sources)), np.nan)
    joined[: len(texts), 0] = targets[:, 0]
    row = {text: i for i, text in enumerate(all_texts)}
    rows = related["text"].map(row).to_numpy(int)
    columns = related["source"].map({name: i for i, name in enumerate(sources, 1)})
    joined[rows, columns.to_numpy(int)] = related["target"].to_numpy(float)
    return all_texts, joined


def with_heads(model: keras.Model, sources: int) -> keras.Model:
    """Return the model with a logit for each source after its own: (batch, 1 + sources)."""
    vector = keras.layers.Rescaling(_SCALE)(model.get_layer("classifier").input)
    added = keras.layers.Dense(
        sources, kernel_initializer="zeros", dtype="float32", name="related"
    )(vector)
    # Keras adds (batch, 1) to (batch, sources) the wrong way if batch and sources are equal.
    logits = keras.layers.Add()([added, _concatenated([model.output] * sources)])
    return keras.Model(model.input, _concatenated([model.output, logits]))


def _concatenated(tensors: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.layers.Concatenate(dtype="float32")(tensors) if tensors[1:] else tensors[0]


def loss_with_related(weight: float) -> Loss:
    """Return the loss of `with_heads`: the cross-entropy of the known targets.

    Args:
        weight: The weight of a related label. A target of the topic has the weight 1.
    """

    def loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        known = tf.math.is_finite(targets)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(tf.where(known, targets, 0.5), logits)
        counted = tf.where(known, entropy, 0.0)
        own, others = counted[:, 0], tf.reduce_sum(counted[:, 1:], axis=1)
        return tf.reduce_mean(own + weight * others)

    return loss
