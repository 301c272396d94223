"""The updates of an embedding by the optimizer, compared with those of Keras's AdamW."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.optimizer import LazyAdamW

ROWS, WIDTH = 6, 3
LEARNING = {"learning_rate": 0.1, "weight_decay": 0.01}
FREE = 1e6  # a norm that no gradient reaches


class Dense(keras.optimizers.AdamW):
    """Keras's AdamW with dense gradients. It squares each part of a sparse one separately."""

    def apply(self, grads, trainable_variables=None):  # type: ignore[no-untyped-def]
        super().apply([tf.convert_to_tensor(each) for each in grads], trainable_variables)


def trained(optimizer: keras.Optimizer, batches: list[list[int]]) -> list[np.ndarray]:
    """Return embedding, kernel and bias after one step for each batch of ids."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Embedding(ROWS, WIDTH), keras.layers.Dense(1)])
    optimizer.exclude_from_weight_decay(var_names=["bias", "embeddings"])
    model.compile(optimizer, "mse")
    model.build((None, None))
    for ids in batches:
        model.train_on_batch(
            np.array([ids]), np.arange(len(ids), dtype=np.float32)[None, :, None]
        )
    return [np.asarray(weights) for weights in model.get_weights()]


def test_a_batch_that_reads_every_row_trains_as_in_keras() -> None:
    batches = [[0, 1, 2, 3, 4, 5], [5, 5, 4, 3, 2, 1, 0, 0, 0], [1, 0, 2, 4, 3, 5, 5]]
    lazy = trained(LazyAdamW(clip=FREE, **LEARNING), batches)
    expected = trained(Dense(**LEARNING), batches)
    for weights, reference in zip(lazy, expected, strict=True):
        np.testing.assert_allclose(weights, reference, atol=2e-6)


def test_rows_that_no_batch_reads_rest() -> None:
    before, *_ = trained(LazyAdamW(clip=FREE, **LEARNING), [])
    once, *_ = trained(LazyAdamW(clip=FREE, **LEARNING), [[1, 4]])
    twice, *_ = trained(LazyAdamW(clip=FREE, **LEARNING), [[1, 4], [4, 4]])
    assert np.flatnonzero((once != before).any(axis=1)).tolist() == [1, 4]
    assert np.flatnonzero((twice != once).any(axis=1)).tolist() == [4]


def test_gradients_are_cut_together_to_the_given_norm() -> None:
    dense, row = tf.Variable([3.0, 0.0]), tf.Variable([[0.0], [7.0], [0.0]])
    seen = []

    class Recording(LazyAdamW):
        def update_step(self, gradient, variable, learning_rate):  # type: ignore[no-untyped-def]
            seen.append(gradient)

    twice_the_same_row = tf.IndexedSlices(tf.constant([[2.0], [2.0]]), [1, 1], [3, 1])
    optimizer = Recording(clip=1.0, learning_rate=0.1)
    optimizer.apply([tf.constant([3.0, 0.0]), twice_the_same_row], [dense, row])
    assert seen[0].numpy().tolist() == pytest.approx([0.6, 0.0])
    assert seen[1].indices.numpy().tolist() == [1]
    assert seen[1].values.numpy().tolist() == [[pytest.approx(0.8)]]
