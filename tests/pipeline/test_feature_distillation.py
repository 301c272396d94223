"""A student that learns a vector beside its logit."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import encoder
from pipeline.imitation import imitating, loss_of_both, reading
from pipeline.train import Batches, accuracy, fit, in_order
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer

PIECES = [*SPECIAL_TOKENS, *"abcdefghijklmnop"]
SHAPE = encoder.Shape(
    pieces=len(PIECES), positions=0, width=8, layers=0, heads=2, feed_forward=0, filters=6
)
SETTINGS = {"batch_size": 16, "disturbed": 0.0, "seed": 3}
LEARNING = {"epochs": 40, "learning_rate": 0.02, "warm_up": 0.1, "weight_decay": 0.0}


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(5)
    return encoder.build(SHAPE, dropout=0.0)


def test_the_logit_is_read_from_the_features(model: keras.Model) -> None:
    ids = np.array([[1, 7, 8, 2, 0], [1, 9, 10, 11, 2]], np.int32)
    logits, features = (np.asarray(output) for output in reading(model)(ids))
    assert (logits.shape, features.shape) == ((2, 1), (2, 2 * SHAPE.filters))
    kernel, bias = model.get_layer("classifier").get_weights()
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-4)
    np.testing.assert_array_equal(np.asarray(imitating(model, 4)(ids))[:, :1], logits)


def test_the_loss_is_that_of_the_logit_and_of_the_vector() -> None:
    targets = tf.constant([[1.0, 0.5, -1.0], [0.25, 2.0, 0.0]])
    outputs = tf.constant([[0.3, 0.0, 1.0], [-2.0, 1.0, 0.0]])

    def cross_entropy(target: float, logit: float) -> float:
        p = 1 / (1 + math.exp(-logit))
        return -target * math.log(p) - (1 - target) * math.log(1 - p)

    of_logit = (cross_entropy(1.0, 0.3) + cross_entropy(0.25, -2.0)) / 2
    of_vector = (0.25 + 4.0 + 1.0 + 0.0) / 4
    loss = loss_of_both(weight=0.7)
    assert float(loss(targets, outputs)) == pytest.approx(of_logit + 0.7 * of_vector, rel=1e-5)
    assert float(loss(targets[:, :1], outputs)) == pytest.approx(of_logit, rel=1e-5)


def test_accuracy_looks_at_the_logit_alone() -> None:
    targets = tf.constant([[0.9, -5.0], [0.2, 5.0], [0.7, 0.0]])
    outputs = tf.constant([[1.0, 9.0], [-1.0, -9.0], [-0.1, 9.0]])
    assert np.asarray(accuracy(targets, outputs)).tolist() == [[1.0], [1.0], [0.0]]


def test_logit_and_vector_are_both_learned(model: keras.Model) -> None:
    tokenizer = Tokenizer(PIECES, 8)
    letters = "abcdefghijklmnop"
    texts = [f"{one} {two}" for one in letters for two in letters]
    vowels = [(text[0] in "aeio") for text in texts]
    vectors = np.array([[text[2] in "aeio", text[2] > "h"] for text in texts]) * 2.0 - 1.0
    targets = np.column_stack([vowels, vectors])
    learner = imitating(model, width=2)
    validation = in_order(texts, targets[:, 0], tokenizer, 64)
    learned = fit(
        learner,
        Batches(texts, targets, tokenizer, SETTINGS),
        SETTINGS | LEARNING,
        validation,
        loss=loss_of_both(weight=1.0),
    )
    assert learned["val_accuracy"] == 1.0
    assert learned["val_loss"] < learned["loss"] < 0.5  # the vector counts in the latter alone
    ids = np.array([tokenizer.encode(text) for text in texts], np.int32)
    outputs = np.asarray(learner(ids))
    assert np.square(outputs[:, 1:] - vectors).mean() < 0.3
    # What is thrown away was no part of the model.
    np.testing.assert_array_equal(np.asarray(model(ids)), outputs[:, :1])
