"""Feature distillation: the student also learns the vector that the assistant makes."""

from __future__ import annotations

import keras
import tensorflow as tf

from pipeline.training import Loss, cross_entropy


def with_features(model: keras.Model) -> keras.Model:
    """Return the model with two outputs: its logits, and the vector that they are read from.

    They are (batch, outputs) and (batch, width).
    """
    return keras.Model(model.input, [model.output, model.get_layer("classifier").input])


def predicting_features(model: keras.Model, width: int) -> keras.Model:
    """Return the model with more outputs, for its training: (batch, outputs + width) float32.

    A linear layer predicts the assistant's vector from the student's. It is thrown away after
    the training.
    """
    vector = model.get_layer("classifier").input
    guess = keras.layers.Dense(width, dtype="float32", name="guess")(vector)
    return keras.Model(
        model.input, keras.layers.Concatenate(dtype="float32")([model.output, guess])
    )


def loss_with_features(outputs: int, weight: float) -> Loss:
    """Return the loss of `predicting_features`: that of the logits and that of the vector.

    Its targets are (batch, outputs + width), probabilities and a vector. Where they are (batch,
    outputs), only the logits count.

    Args:
        outputs: How many of the columns are logits.
        weight: What the mean squared error of the vector counts.
    """
    of_logits = cross_entropy(outputs)

    def loss(targets: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        result = of_logits(targets[:, :outputs], predicted[:, :outputs])
        if targets.shape[1] > outputs:
            difference = targets[:, outputs:] - predicted[:, outputs:]
            result += weight * tf.reduce_mean(tf.square(difference))
        return result

    return loss
