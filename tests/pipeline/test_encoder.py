"""The Keras encoder and the flat graph against transformers' BERT."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from disaster_tweets.pipeline import encoder
from disaster_tweets.pipeline.flat import FlatClassifier, to_tflite
from disaster_tweets.runtime import Runtime

from .conftest import ROOT

REFERENCE = Path(__file__).parent / "reference"


def recorded(name: str) -> tuple[list[list[int]], np.ndarray]:
    content = json.loads((REFERENCE / name).read_text("utf-8"))
    return content["ids"], np.array(content["mean_hidden_states"])


def pooled(tensors: encoder.Tensors, heads: int, encoded: list[list[int]]) -> np.ndarray:
    """Return the mean hidden states of a padded batch, which the logit is made from."""
    shape = encoder.Shape.of(tensors, heads)
    model = encoder.build(shape, dropout=0.1)
    encoder.load(model, tensors, shape)
    before_dropout = model.get_layer("classifier").input._keras_history.operation.input
    batch = tf.ragged.constant(encoded, dtype=tf.int32).to_tensor()
    return np.asarray(keras.Model(model.input, before_dropout)(batch, training=False))


@pytest.fixture
def tiny(reference: ModuleType) -> encoder.Tensors:
    """The tiny encoder, with a classifier on top."""
    checkpoint = reference.tiny_checkpoint()
    pieces = list(range(reference.TINY["pieces"]))
    tensors = encoder.from_checkpoint(checkpoint, pieces, reference.TINY["positions"])
    generator = np.random.default_rng(1)
    tensors["classifier.weight"] = generator.standard_normal((1, 16)).astype(np.float32)
    tensors["classifier.bias"] = np.array([0.25], np.float32)
    return tensors


def test_a_padded_batch_gives_the_reference_outputs(tiny: encoder.Tensors) -> None:
    ids, expected = recorded("tiny.json")
    np.testing.assert_allclose(pooled(tiny, 2, ids), expected, atol=2e-5)


def test_the_backbone_gives_the_reference_outputs() -> None:
    mirror = os.environ.get("DISASTER_TWEETS_MIRROR", "")
    folders = [Path(mirror) / "all-MiniLM-L6-v2"] if mirror else []
    for folder in (*folders, ROOT / "data" / "backbone"):
        if (folder / "model.safetensors").is_file():
            break
    else:
        pytest.skip("needs the backbone: set DISASTER_TWEETS_MIRROR, or run dvc repro")
    checkpoint = load_file(folder / "model.safetensors")
    pieces = list(range(len(checkpoint["embeddings.word_embeddings.weight"])))
    ids, expected = recorded("backbone.json")
    tensors = encoder.from_checkpoint(checkpoint, pieces, positions=64)
    np.testing.assert_allclose(pooled(tensors, 12, ids), expected, atol=1e-5)


def test_trimming_keeps_the_pieces_that_were_chosen(reference: ModuleType) -> None:
    checkpoint = reference.tiny_checkpoint()
    kept = [3, 0, 59]
    tensors = encoder.from_checkpoint(checkpoint, kept, positions=8)
    rows = checkpoint["embeddings.word_embeddings.weight"]
    np.testing.assert_array_equal(tensors["embeddings.word_embeddings.weight"], rows[kept])
    assert len(tensors["embeddings.position_embeddings.weight"]) == 8


def test_weights_survive_the_way_through_keras(tiny: encoder.Tensors) -> None:
    shape = encoder.Shape.of(tiny, heads=2)
    model = encoder.build(shape, dropout=0.1)
    encoder.load(model, tiny, shape)
    returned = encoder.tensors(model, shape)
    assert returned.keys() == tiny.keys()
    for name, value in tiny.items():
        np.testing.assert_array_equal(returned[name], value, err_msg=name)


def test_the_flat_graph_is_the_same_function(tiny: encoder.Tensors) -> None:
    ids, states = recorded("tiny.json")
    expected = states @ tiny["classifier.weight"][0] + tiny["classifier.bias"][0]
    flat = FlatClassifier(tiny, encoder.Shape.of(tiny, heads=2))
    logits = [
        flat.logit(tf.constant(one, tf.int32), tf.range(len(one)))[0, 0].numpy() for one in ids
    ]
    np.testing.assert_allclose(logits, expected, atol=5e-5)


def test_the_exported_file_is_nearly_the_same_function(
    tiny: encoder.Tensors, tmp_path: Path
) -> None:
    ids, states = recorded("tiny.json")
    expected = states @ tiny["classifier.weight"][0] + tiny["classifier.bias"][0]
    path = tmp_path / "model.tflite"
    path.write_bytes(to_tflite(FlatClassifier(tiny, encoder.Shape.of(tiny, heads=2))))
    logits = Runtime(path).logits(ids)
    np.testing.assert_allclose(logits, expected, atol=0.1)
    assert np.abs(logits - expected).max() > 0  # it was quantized
