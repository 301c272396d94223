"""AdamW for models that are mostly word embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


class LazyAdamW(keras.optimizers.AdamW):
    """AdamW that touches only those rows of an embedding that a batch has read.

    Of a vocabulary of thousands, a batch reads a few hundred. Keras moves the whole table at
    each step, which takes longer than all else in a small model. Here a row rests until it is
    read again, as in PyTorch's SparseAdam.

    Args:
        clip: The norm that all gradients together are cut to.
        arguments: Those of `keras.optimizers.AdamW`, without amsgrad and clipping.
    """

    def __init__(self, *, clip: float, **arguments: object) -> None:
        super().__init__(**arguments)
        self._clip = clip

    def apply(
        self,
        grads: Sequence[tf.Tensor | tf.IndexedSlices],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Clip the gradients, which Keras's own way would spread over whole tables; apply."""
        clipped, _ = tf.clip_by_global_norm(
            [_summed(gradient) for gradient in grads], self._clip
        )
        super().apply(clipped, trainable_variables)

    def update_step(
        self,
        gradient: tf.Tensor | tf.IndexedSlices,
        variable: tf.Variable,
        learning_rate: tf.Tensor,
    ) -> None:
        """Update the rows of a variable that the gradient has, or all of it."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        rows, values = gradient.indices, gradient.values
        step = tf.cast(self.iterations + 1, values.dtype)
        unbiased = tf.sqrt(1 - tf.pow(self.beta_2, step)) / (1 - tf.pow(self.beta_1, step))
        mean = _moved(self._momentums[index].value, self.beta_1, rows, values)
        square = _moved(self._velocities[index].value, self.beta_2, rows, tf.square(values))
        change = learning_rate * unbiased * mean / (tf.sqrt(square) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(change, rows))


def _moved(moment: tf.Variable, kept: float, rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Move some rows of a moving average; return them."""
    moved = kept * tf.gather(moment, rows) + (1 - kept) * values
    moment.scatter_update(tf.IndexedSlices(moved, rows))
    return moved


def _summed(gradient: tf.Tensor | tf.IndexedSlices) -> tf.Tensor | tf.IndexedSlices:
    """Return a gradient that has each row once."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, place = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)
