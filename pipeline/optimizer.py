"""AdamW for models that are mostly word embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


class LazyAdamW(keras.optimizers.AdamW):
    """AdamW that updates only those rows of an embedding that a batch has read.

    A vocabulary has thousands of rows, and a batch reads a few hundred of them. Keras updates
    all rows at each step. In a small model, this takes longer than everything else. This class
    leaves a row unchanged until a batch reads it again, as PyTorch's SparseAdam does.

    Args:
        clip: The largest norm of all gradients together.
        arguments: Arguments of `keras.optimizers.AdamW`, without amsgrad and clipping.
    """

    def __init__(self, *, clip: float, **arguments: object) -> None:
        super().__init__(**arguments)
        self._clip = clip

    def apply(
        self,
        grads: Sequence[tf.Tensor | tf.IndexedSlices],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Clip and apply the gradients.

        Keras's own clipping would make the sparse gradients of embeddings dense.
        """
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
        """Update a variable: the rows of a sparse gradient, or the whole variable."""
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
    """Update some rows of a moving average; return these rows."""
    moved = kept * tf.gather(moment, rows) + (1 - kept) * values
    moment.scatter_update(tf.IndexedSlices(moved, rows))
    return moved


def _summed(gradient: tf.Tensor | tf.IndexedSlices) -> tf.Tensor | tf.IndexedSlices:
    """Return the gradient with each row once, repeated rows summed."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, place = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)
