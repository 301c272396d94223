"""Labels of other data sets, learned besides the topic's own."""

from __future__ import annotations

from types import ModuleType

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline import encoder, training
from pipeline.related import loss_with_related, with_heads, with_related

RELATED = pd.DataFrame(
    {
        "text": ["b", "c", "b", "d"],
        "source": ["zeal", "area", "area", "zeal"],
        "target": [1.0, 0.0, 0.25, 0.5],
    }
)


@pytest.fixture
def model(reference: ModuleType) -> keras.Model:
    keras.utils.set_random_seed(1)
    weights = encoder.from_checkpoint(reference.tiny_checkpoint(), [*range(20)], 24)
    shape = encoder.Shape.of(weights, heads=2)
    built = encoder.build(shape, dropout=0.0)
    encoder.load(built, weights, shape)
    return built


def entropy(target: float, logit: float) -> float:
    return float(np.logaddexp(0, logit) - target * logit)


def test_a_text_has_a_target_of_each_source_that_knows_it() -> None:
    texts, targets = with_related(["a", "b"], np.array([[0.0], [1.0]]), RELATED)

    assert texts == ["a", "b", "c", "d"]
    nan = np.nan
    # The first column is the topic's own target. The sources follow, sorted by name.
    expected = [[0.0, nan, nan], [1.0, 0.25, 1.0], [nan, 0.0, nan], [nan, nan, 0.5]]
    np.testing.assert_array_equal(targets, expected)


def test_a_head_begins_with_the_logit_of_the_topic_and_leaves_it_alone(
    model: keras.Model,
) -> None:
    ids = np.array([[2, 7, 9, 3], [2, 11, 3, 0]], np.int32)
    before = model.predict(ids, verbose=0)
    heads = with_heads(model, 2)
    np.testing.assert_allclose(heads.predict(ids, verbose=0), np.tile(before, 3), atol=1e-6)

    kernel, _ = heads.get_layer("related").get_weights()
    heads.get_layer("related").set_weights([kernel, np.array([1.0, -2.0], np.float32)])
    moved = heads.predict(ids, verbose=0)
    np.testing.assert_allclose(moved - before, [[0, 1, -2]] * 2, atol=1e-5)
    np.testing.assert_allclose(model.predict(ids, verbose=0), before, atol=1e-6)


def test_a_target_that_is_not_known_costs_nothing() -> None:
    targets = tf.constant([[1.0, np.nan, 0.25], [np.nan, 0.0, np.nan]])
    logits = tf.Variable([[0.5, 3.0, -1.0], [9.0, 2.0, 9.0]])
    with tf.GradientTape() as tape:
        loss = loss_with_related(0.3)(targets, logits)
    gradient = tape.gradient(loss, logits).numpy()

    expected = entropy(1.0, 0.5) + 0.3 * entropy(0.25, -1.0) + 0.3 * entropy(0.0, 2.0)
    assert float(loss) == pytest.approx(expected / 2, rel=1e-5)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient != 0, np.isfinite(targets))


@pytest.mark.usefixtures("labels")
def test_accuracy_counts_the_topics_own_targets_that_are_known(outputs: int) -> None:
    if outputs > 1:
        pytest.skip("a topic of two labels only has related labels")
    targets = tf.constant([[1.0, 0.0], [0.0, np.nan], [np.nan, 1.0]])
    found = training.accuracy(targets, tf.constant([[2.0, 2.0], [3.0, 0.0], [-1.0, 1.0]]))
    assert found.numpy().ravel().tolist() == [1.0, 0.0]
