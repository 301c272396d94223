"""Feature distillation: the student also learns to predict the assistant's features."""

from __future__ import annotations

import keras
import tensorflow as tf

from pipeline.training import Loss, cross_entropy


def with_features(model: keras.Model) -> keras.Model:
    """Return the model with two outputs: logits (batch, outputs) and features (batch, width).

    The features are the input of the layer that computes the logits.
    """
    return keras.Model(model.input, [model.output, model.get_layer("classifier").input])


def predicting_features(model: keras.Model, width: int) -> keras.Model:
    """Return the model with more outputs, for its training: (batch, outputs + width) float32.

    The added outputs predict the assistant's features. A linear layer computes them from the
    student's features. This layer is thrown away after the training.
    """
    vector = model.get_layer("classifier").input
    guess = keras.layers.Dense(width, dtype="float32", name="guess")(vector)
    return keras.Model(
        model.input, keras.layers.Concatenate(dtype="float32")([model.output, guess])
    )


def loss_with_features(outputs: int, weight: float) -> Loss:
    """Return the loss of `predicting_features`: that of the logits plus that of the features.

    The targets are (batch, outputs + width): first probabilities, then features. If the targets
    are (batch, outputs), only the loss of the logits counts.

    Args:
        outputs: The number of columns that are logits.
        weight: The weight of the mean squared error of the features.
    """
    of_logits = cross_entropy(outputs)

    def loss(targets: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        result = of_logits(targets[:, :outputs], predicted[:, :outputs])
        if targets.shape[1] > outputs:
            difference = targets[:, outputs:] - predicted[:, outputs:]
            result += weight * tf.reduce_mean(tf.square(difference))
        return result

    return loss
