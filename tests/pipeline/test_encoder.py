"""The Keras encoder and the inference graph, compared with BERT of transformers."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from disaster_tweets.runtime import ENCODER, open_model
from pipeline import encoder
from pipeline.inference_graph import InferenceGraph, to_tflite

from .conftest import ROOT

REFERENCE = Path(__file__).parent / "reference"

of_any_labels = pytest.mark.parametrize(
    "tiny", [1, 4], indirect=True, ids=["two labels", "four labels"]
)

# The SHA-256 of the weights that gave reference/backbone.json.
BACKBONE = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def recorded(name: str) -> tuple[list[list[int]], np.ndarray]:
    content = json.loads((REFERENCE / name).read_text("utf-8"))
    return content["ids"], np.array(content["mean_hidden_states"])


def pooled(tensors: encoder.Tensors, heads: int, encoded: list[list[int]]) -> np.ndarray:
    """Return the mean hidden states of a padded batch, from which the logits are computed."""
    shape = encoder.Shape.of(tensors, heads)
    model = encoder.build(shape, dropout=0.1)
    encoder.load(model, tensors, shape)
    before_dropout = model.get_layer("classifier").input._keras_history.operation.input
    batch = tf.ragged.constant(encoded, dtype=tf.int32).to_tensor()
    return np.asarray(keras.Model(model.input, before_dropout)(batch, training=False))


def keras_logits(tensors: encoder.Tensors, encoded: list[list[int]]) -> np.ndarray:
    """Return the logits (texts, outputs) of a padded batch."""
    shape = encoder.Shape.of(tensors, heads=2)
    model = encoder.build(shape, dropout=0.1)
    encoder.load(model, tensors, shape)
    batch = tf.ragged.constant(encoded, dtype=tf.int32).to_tensor()
    return np.asarray(model(batch, training=False))


@pytest.fixture
def tiny(reference: ModuleType, request: pytest.FixtureRequest) -> encoder.Tensors:
    """The tiny encoder with a classifier, of one output or as many as the test asks for."""
    outputs = getattr(request, "param", 1)
    checkpoint = reference.tiny_checkpoint()
    pieces = list(range(reference.TINY["pieces"]))
    tensors = encoder.from_checkpoint(checkpoint, pieces, reference.TINY["positions"])
    generator = np.random.default_rng(1)
    weights = generator.standard_normal((outputs, 16))
    tensors["classifier.weight"] = weights.astype(np.float32)
    tensors["classifier.bias"] = np.linspace(0.25, 0.5, outputs, dtype=np.float32)
    return tensors


def test_a_padded_batch_gives_the_reference_outputs(tiny: encoder.Tensors) -> None:
    ids, expected = recorded("tiny.json")
    np.testing.assert_allclose(pooled(tiny, 2, ids), expected, atol=2e-5)


def test_the_backbone_gives_the_reference_outputs() -> None:
    mirror = os.environ.get("DISASTER_TWEETS_MIRROR", "")
    folders = [Path(mirror) / "all-MiniLM-L6-v2"] if mirror else []
    for folder in (*folders, ROOT / "data" / "backbone"):
        path = folder / "model.safetensors"
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == BACKBONE:
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


def test_layers_that_are_kept_are_numbered_anew(tiny: encoder.Tensors) -> None:
    reduced = encoder.reduce(tiny, [1], 32, filters=0, seed=1)
    assert encoder.Shape.of(reduced, heads=2).layers == 1
    for name, value in tiny.items():
        if name.startswith("encoder.layer.1."):
            name = name.replace("layer.1", "layer.0")
        elif name.startswith("encoder."):
            continue
        np.testing.assert_array_equal(reduced[name], value, err_msg=name)


def test_units_of_the_smallest_norms_are_dropped(tiny: encoder.Tensors) -> None:
    unused = {0: [3, 30], 1: [0, 31]}
    for layer, units in unused.items():
        name = f"encoder.layer.{layer}"
        # One unit has tiny input weights, the other tiny output weights. Neither adds anything.
        tiny[f"{name}.intermediate.dense.weight"][units[0]] *= 1e-9
        tiny[f"{name}.intermediate.dense.bias"][units[0]] = 0
        tiny[f"{name}.output.dense.weight"][:, units[1]] *= 1e-9
    ids, _ = recorded("tiny.json")
    reduced = encoder.reduce(tiny, [0, 1], 30, filters=0, seed=1)
    for layer, units in unused.items():
        name = f"encoder.layer.{layer}"
        for part, axis in (
            ("intermediate.dense.weight", 0),
            ("intermediate.dense.bias", 0),
            ("output.dense.weight", 1),
        ):
            kept = np.delete(tiny[f"{name}.{part}"], units, axis)
            np.testing.assert_array_equal(reduced[f"{name}.{part}"], kept, err_msg=part)
    assert encoder.Shape.of(reduced, heads=2).feed_forward == 30
    np.testing.assert_allclose(pooled(reduced, 2, ids), pooled(tiny, 2, ids), atol=1e-5)


def with_convolution(
    tiny: encoder.Tensors, layers: list[int], hidden: int = 0
) -> encoder.Tensors:
    """Return the given layers, a convolution, hidden units and a classifier."""
    tensors = encoder.reduce(tiny, layers, 32, filters=6, seed=1, hidden=hidden)
    generator = np.random.default_rng(2)
    tensors["convolution.bias"] = generator.standard_normal(6).astype(np.float32)
    outputs = len(tiny["classifier.bias"])
    weights = generator.standard_normal((outputs, 12 + hidden))
    tensors["classifier.weight"] = weights.astype(np.float32)
    return tensors


def test_a_convolution_comes_with_weights_that_the_seed_decides(tiny: encoder.Tensors) -> None:
    def weights(seed: int) -> np.ndarray:
        return encoder.reduce(tiny, [], 0, filters=6, seed=seed)["convolution.weight"]

    assert weights(1).shape == (encoder.WINDOW, 16, 6)
    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()


def test_without_layers_only_words_are_left_of_the_backbone(tiny: encoder.Tensors) -> None:
    shape = encoder.Shape.of(with_convolution(tiny, []), heads=2)
    assert (shape.layers, shape.positions, shape.feed_forward, shape.filters) == (0, 0, 0, 6)
    assert shape.pieces == len(tiny["embeddings.word_embeddings.weight"])


@pytest.mark.parametrize("layers", [[], [1]])
def test_a_convolution_sees_nothing_of_the_padding(
    tiny: encoder.Tensors, layers: list[int]
) -> None:
    tensors = with_convolution(tiny, layers)
    ids, _ = recorded("tiny.json")
    batch = pooled(tensors, 2, ids)
    alone = np.concatenate([pooled(tensors, 2, [one]) for one in ids])
    np.testing.assert_allclose(batch, alone, atol=1e-5)


def graph_logits(tensors: encoder.Tensors, encoded: list[list[int]]) -> np.ndarray:
    """Return the logits of the inference graph, which takes one text at a time."""
    shape = encoder.Shape.of(tensors, heads=2)
    graph = InferenceGraph(tensors, shape)
    positions = [tf.range(len(one)) if shape.positions else None for one in encoded]
    rows = [
        graph.logits(tf.constant(one, tf.int32), at).numpy()
        for one, at in zip(encoded, positions, strict=True)
    ]
    return np.concatenate(rows)


def exported_logits(
    tensors: encoder.Tensors, encoded: list[list[int]], folder: Path
) -> np.ndarray:
    """Return the logits of the exported file."""
    graph = InferenceGraph(tensors, encoder.Shape.of(tensors, heads=2))
    path = folder / "model.tflite"
    path.write_bytes(to_tflite(graph))
    return open_model(ENCODER, path).logits(encoded)[:, -len(tensors["classifier.bias"]) :]


@pytest.mark.parametrize(
    ("tiny", "layers", "hidden"), [(1, [], 0), (4, [], 5), (1, [1], 5)], indirect=["tiny"]
)
def test_the_convolution_of_the_inference_graph_is_the_same_function(
    tiny: encoder.Tensors, layers: list[int], hidden: int, tmp_path: Path
) -> None:
    tensors = with_convolution(tiny, layers, hidden)
    ids, _ = recorded("tiny.json")
    assert min(map(len, ids)) == 2  # an empty text has fewer tokens than a filter sees
    expected = keras_logits(tensors, ids)

    np.testing.assert_allclose(graph_logits(tensors, ids), expected, atol=5e-5)
    np.testing.assert_allclose(exported_logits(tensors, ids, tmp_path), expected, atol=0.2)


@pytest.mark.parametrize(
    ("tiny", "form"),
    [(4, "layers"), (1, "convolution"), (4, "both"), (1, "hidden")],
    indirect=["tiny"],
)
def test_weights_survive_the_way_through_keras(tiny: encoder.Tensors, form: str) -> None:
    if form != "layers":
        layers = [0, 1] if form == "both" else []
        tiny = with_convolution(tiny, layers, hidden=5 if form == "hidden" else 0)
    shape = encoder.Shape.of(tiny, heads=2)
    model = encoder.build(shape, dropout=0.1)
    encoder.load(model, tiny, shape)
    returned = encoder.tensors(model, shape)
    assert returned.keys() == tiny.keys()
    for name, value in tiny.items():
        np.testing.assert_array_equal(returned[name], value, err_msg=name)


@of_any_labels
def test_the_inference_graph_and_the_exported_file_are_the_same_function(
    tiny: encoder.Tensors, tmp_path: Path
) -> None:
    ids, states = recorded("tiny.json")
    expected = states @ tiny["classifier.weight"].T + tiny["classifier.bias"]
    np.testing.assert_allclose(keras_logits(tiny, ids), expected, atol=5e-5)
    np.testing.assert_allclose(graph_logits(tiny, ids), expected, atol=5e-5)

    exported = exported_logits(tiny, ids, tmp_path)
    np.testing.assert_allclose(exported, expected, atol=0.1)
    assert np.abs(exported - expected).max() > 0  # so the file is quantized


@pytest.mark.parametrize("asked", [1, 4])
def test_weights_that_have_no_classifier_get_the_outputs_that_are_asked_for(
    reference: ModuleType, asked: int
) -> None:
    tensors = encoder.from_checkpoint(reference.tiny_checkpoint(), list(range(60)), 24)
    shape = encoder.Shape.of(tensors, heads=2, outputs=asked)
    model = encoder.build(shape, dropout=0.0)
    encoder.load(model, tensors, shape)

    assert model.output.shape == (None, asked)
    assert encoder.Shape.of(encoder.tensors(model, shape), heads=2).outputs == asked
