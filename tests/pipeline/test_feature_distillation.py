"""A student that learns features and logits."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer
from pipeline import encoder
from pipeline.feature_distillation import (
    loss_with_features,
    predicting_features,
    with_features,
)
from pipeline.training import Batches, accuracy, fit, in_order

pytestmark = pytest.mark.usefixtures("cleaner")

LETTERS = "abcdefghijklmnop"
PIECES = [*SPECIAL_TOKENS, *LETTERS]
FILTERS = 6
SETTINGS = {"batch_size": 16, "perturbed": 0.0, "seed": 3}
LEARNING = {"epochs": 40, "learning_rate": 0.02, "warm_up": 0.1, "weight_decay": 0.0}


@pytest.fixture
def model(outputs: int) -> keras.Model:
    keras.utils.set_random_seed(5)
    shape = encoder.Shape(
        **{"pieces": len(PIECES), "positions": 0, "width": 8, "layers": 0, "heads": 2},
        **{"feed_forward": 0, "filters": FILTERS, "outputs": outputs},
    )
    return encoder.build(shape, dropout=0.0)


def test_the_logits_are_read_from_the_features(model: keras.Model, outputs: int) -> None:
    ids = np.array([[1, 7, 8, 2, 0], [1, 9, 10, 11, 2]], np.int32)
    logits, features = (np.asarray(output) for output in with_features(model)(ids))
    assert (logits.shape, features.shape) == ((2, outputs), (2, 2 * FILTERS))
    kernel, bias = model.get_layer("classifier").get_weights()
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-4)
    predicted = np.asarray(predicting_features(model, 4)(ids))
    assert predicted.shape == (2, outputs + 4)
    np.testing.assert_array_equal(predicted[:, :outputs], logits)


def test_the_loss_is_that_of_the_logit_and_of_the_vector() -> None:
    targets = tf.constant([[1.0, 0.5, -1.0], [0.25, 2.0, 0.0]])
    predicted = tf.constant([[0.3, 0.0, 1.0], [-2.0, 1.0, 0.0]])
    p = 1 / (1 + np.exp(-np.array([0.3, -2.0])))
    target = np.array([1.0, 0.25])
    of_logit = np.mean(-target * np.log(p) - (1 - target) * np.log(1 - p))
    of_vector = (0.25 + 4.0 + 1.0 + 0.0) / 4
    loss = loss_with_features(1, weight=0.7)

    both = float(loss(targets, predicted))
    assert both == pytest.approx(of_logit + 0.7 * of_vector, rel=1e-5)
    assert float(loss(targets[:, :1], predicted)) == pytest.approx(of_logit, rel=1e-5)


def test_the_loss_of_more_labels_is_their_cross_entropy() -> None:
    targets = tf.constant([[0.0, 0.25, 0.75, 3.0], [1.0, 0.0, 0.0, -1.0]])
    predicted = tf.constant([[0.5, 1.0, -1.0, 1.0], [2.0, 0.0, 0.5, -1.0]])
    logits, shares = predicted.numpy()[:, :3], targets.numpy()[:, :3]
    logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    of_logits = -(shares * logarithms).sum(axis=1).mean()
    of_vector = (4.0 + 0.0) / 2
    loss = loss_with_features(3, weight=0.5)

    both = float(loss(targets, predicted))
    assert both == pytest.approx(of_logits + 0.5 * of_vector, rel=1e-5)
    assert float(loss(targets[:, :3], predicted)) == pytest.approx(of_logits, rel=1e-5)


@pytest.mark.parametrize("labels", [4], indirect=True)
def test_accuracy_compares_the_likeliest_of_more_labels(labels: int) -> None:
    targets = tf.constant(
        [[0.1, 0.2, 0.3, 0.4, 9.0], [0.5, 0.3, 0.1, 0.1, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]]
    )
    predicted = tf.constant(
        [[-1.0, 0.0, 0.0, 0.5, 7.0], [0.2, 0.1, 0.0, 0.0, 9.0], [0.0, 1.0, 2.0, 0.0, 0.0]]
    )
    assert np.asarray(accuracy(targets, predicted)).tolist() == [[1.0], [1.0], [0.0]]


@pytest.mark.parametrize("labels", [4], indirect=True, ids=["four labels"])
def test_logits_and_vector_are_both_learned(model: keras.Model, outputs: int) -> None:
    tokenizer = Tokenizer(PIECES, 8)
    texts = [f"{one} {two}" for one in LETTERS for two in LETTERS]
    of_labels = np.eye(outputs)[[LETTERS.index(text[0]) // 4 for text in texts]]
    vectors = np.array([[text[2] in "aeio", text[2] > "h"] for text in texts]) * 2.0 - 1.0
    learner = predicting_features(model, width=2)
    learned = fit(
        learner,
        Batches(texts, np.column_stack([of_labels, vectors]), tokenizer, SETTINGS),
        SETTINGS | LEARNING,
        in_order(texts, of_labels, tokenizer, 64),
        loss=loss_with_features(outputs, weight=1.0),
    )
    assert learned["val_accuracy"] == 1.0
    # The loss of the features counts in training only.
    assert learned["val_loss"] < learned["loss"] < 0.5
    ids = np.array([tokenizer.encode(text) for text in texts], np.int32)
    predicted = np.asarray(learner(ids))
    assert np.square(predicted[:, outputs:] - vectors).mean() < 0.3
    # The layer that is thrown away is no part of the model.
    np.testing.assert_array_equal(np.asarray(model(ids)), predicted[:, :outputs])
