"""Learning more of a larger model than its logit: the vector that it makes of a text."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


def reading(model: keras.Model) -> keras.Model:
    """Return the model with two outputs: its logit, and what that is read from.

    They are (batch, 1) and (batch, width).
    """
    return keras.Model(model.input, [model.output, model.get_layer("classifier").input])


def imitating(model: keras.Model, width: int) -> keras.Model:
    """Return the model with another output, for its training: (batch, 1 + width) float32.

    Behind the logit stands what a linear layer, which is thrown away then, makes of the vector
    that the logit is read from.
    """
    vector = model.get_layer("classifier").input
    guess = keras.layers.Dense(width, dtype="float32", name="guess")(vector)
    return keras.Model(
        model.input, keras.layers.Concatenate(dtype="float32")([model.output, guess])
    )


def loss_of_both(weight: float) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return the loss of `imitating`: that of the logit, and of the vector times ``weight``.

    Its targets are (batch, 1 + width), a probability and a vector. Where they are (batch, 1),
    only the logit counts.
    """
    of_logit = keras.losses.BinaryCrossentropy(from_logits=True)

    def both(targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        result = of_logit(targets[:, :1], outputs[:, :1])
        if targets.shape[1] > 1:
            result += weight * tf.reduce_mean(tf.square(targets[:, 1:] - outputs[:, 1:]))
        return result

    return both
