"""The Keras model: BERT's embeddings, some of BERT's layers, a convolution, and logits.

The convolution is optional. Without it, pooling takes the mean over the tokens of a text. With
it, pooling takes the maximum and the mean of the responses to each filter. Hidden units are
optional too: they read the pooled vector. The logits read the pooled vector and the hidden
units. Two labels have one logit, the log-odds of the second label. More labels have one logit
each. A model without layers has no position embeddings, because the convolution sees
neighbouring tokens anyway.

The weights are a dict of arrays, with the names and the layout of BERT checkpoints (Linear
weights are (outputs, inputs)). So the backbone, the trained model and the exported graph share
one format. The token type embedding is constant for single texts. It is added to the position
embeddings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

Tensors = dict[str, np.ndarray]

LAYER_NORM_EPSILON = 1e-12
WINDOW = 3  # tokens that a filter of the convolution sees
WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"


@dataclass(frozen=True)
class Shape:
    """The dimensions of an encoder."""

    pieces: int
    positions: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    filters: int
    hidden: int = 0
    outputs: int = 1

    @classmethod
    def of(cls, tensors: Tensors, heads: int, outputs: int = 1) -> Shape:
        """Return the dimensions of weights, which tell all but the number of heads.

        Args:
            tensors: The weights.
            heads: The number of attention heads in each layer.
            outputs: The number of logits, if the weights have no classifier yet.
        """
        pieces, width = tensors[WORDS].shape
        layers = {
            match[1]
            for name in tensors
            if (match := re.match(r"encoder\.layer\.(\d+)\.", name))
        }
        return cls(
            pieces=pieces,
            positions=len(tensors.get(POSITIONS, ())),
            width=width,
            layers=len(layers),
            heads=heads,
            feed_forward=len(tensors.get("encoder.layer.0.intermediate.dense.bias", ())),
            filters=len(tensors.get("convolution.bias", ())),
            hidden=len(tensors.get("hidden.bias", ())),
            outputs=len(tensors.get("classifier.bias", range(outputs))),
        )


def from_checkpoint(checkpoint: Tensors, pieces: list[int], positions: int) -> Tensors:
    """Return the weights of a BERT checkpoint that the classifier needs.

    Args:
        checkpoint: The weights of the backbone, float32.
        pieces: Ids of the word pieces to keep. The index of a piece becomes its new id.
        positions: The number of positions to keep.

    Returns:
        The encoder's weights, without pooler and token types.
    """
    kept = {
        name: value.astype(np.float32)
        for name, value in checkpoint.items()
        if name.startswith(("embeddings.LayerNorm", "encoder."))
    }
    kept[WORDS] = checkpoint[WORDS][pieces]
    kept[POSITIONS] = (
        checkpoint[POSITIONS][:positions]
        + checkpoint["embeddings.token_type_embeddings.weight"][0]
    )
    return kept


def reduce(
    tensors: Tensors,
    layers: list[int],
    feed_forward: int,
    filters: int,
    seed: int,
    hidden: int = 0,
) -> Tensors:
    """Cut a smaller encoder out of a large one; add a convolution and hidden units.

    Args:
        tensors: As `from_checkpoint` returns them.
        layers: The layers to keep, in order; the first layer is 0.
        feed_forward: The number of units to keep in each feed-forward part. They are the units
            with the largest importance: the norm of the input weights times the norm of the
            output weights.
        filters: The number of filters of the convolution; 0 for no convolution.
        seed: Seed of the random weights of the convolution and of the hidden units.
        hidden: The number of hidden units; 0 for none.

    Returns:
        The weights under the same names, with the kept layers numbered from 0. Added are
        ``convolution.weight`` (window, width, filters), ``convolution.bias`` (filters,),
        ``hidden.weight`` (hidden, pooled) and ``hidden.bias`` (hidden,).
    """
    reduced = {
        name: value
        for name, value in tensors.items()
        if not name.startswith("encoder.") and (layers or name != POSITIONS)
    }
    width = tensors[WORDS].shape[1]
    initial = keras.initializers.GlorotUniform(seed)
    if filters:
        shape = (WINDOW, width, filters)
        reduced["convolution.weight"] = np.asarray(initial(shape), np.float32)
        reduced["convolution.bias"] = np.zeros(filters, np.float32)
    if hidden:
        reduced["hidden.weight"] = np.asarray(
            initial((hidden, 2 * filters or width)), np.float32
        )
        reduced["hidden.bias"] = np.zeros(hidden, np.float32)
    for new, old in enumerate(layers):
        layer = f"encoder.layer.{old}"
        wide = tensors[f"{layer}.intermediate.dense.weight"]
        narrow = tensors[f"{layer}.output.dense.weight"]
        importance = np.linalg.norm(wide, axis=1) * np.linalg.norm(narrow, axis=0)
        kept = np.sort(np.argsort(-importance, kind="stable")[:feed_forward])
        for name, value in tensors.items():
            part = name.removeprefix(f"{layer}.")
            if part == name:
                continue
            if part.startswith("intermediate."):
                value = value[kept]
            elif part == "output.dense.weight":
                value = value[:, kept]
            reduced[f"encoder.layer.{new}.{part}"] = np.ascontiguousarray(value)
    return reduced


class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector for each position to (batch, tokens, width)."""

    def __init__(self, positions: int, width: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.embeddings = self.add_weight(shape=(positions, width), name="embeddings")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return ``x`` plus the first ``tokens`` position embeddings."""
        return x + self.embeddings[: keras.ops.shape(x)[1]]


class Product(keras.layers.Dense):
    """A dense layer of (batch, tokens, width), faster than Keras's own.

    TensorFlow takes the products of an einsum in bfloat16 if it may
    (`training.set_up_tensorflow`). The gradient of Keras's product is a sum of one matrix for
    each text.
    """

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Return (batch, tokens, units)."""
        return self.activation(tf.einsum("btw,wu->btu", x, self.kernel) + self.bias)


def build(shape: Shape, dropout: float) -> keras.Model:
    """Return the untrained model.

    The input is ids (batch, tokens) int32, where 0 is padding. The output is logits (batch,
    outputs). The layers have the names that `load` and `tensors` use.
    """
    layers = keras.layers
    ids = keras.Input((None,), dtype="int32", name="ids")
    real = keras.ops.not_equal(ids, 0)
    weights = keras.ops.expand_dims(keras.ops.cast(real, "float32"), -1)

    def normalize(name: str, x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name=name)(x)

    x = layers.Embedding(shape.pieces, shape.width, name="words")(ids)
    if shape.positions:
        x = PositionEmbedding(shape.positions, shape.width, name="positions")(x)
    x = layers.Dropout(dropout)(normalize("words_norm", x))
    for i in range(shape.layers):
        attended = layers.MultiHeadAttention(
            shape.heads, shape.width // shape.heads, dropout=dropout, name=f"attention_{i}"
        )(x, x, attention_mask=real[:, None, :])
        x = normalize(f"attention_norm_{i}", x + layers.Dropout(dropout)(attended))
        wide = Product(shape.feed_forward, activation="gelu", name=f"wide_{i}")(x)
        narrow = Product(shape.width, name=f"narrow_{i}")(wide)
        x = normalize(f"narrow_norm_{i}", x + layers.Dropout(dropout)(narrow))
    if shape.filters:
        x = x * keras.ops.cast(weights, x.dtype)  # tokens of padding become zeros
        x = layers.Conv1D(
            shape.filters, WINDOW, padding="same", activation="relu", name="convolution"
        )(x)
    x = keras.ops.cast(x, "float32") * weights
    pooled = keras.ops.sum(x, axis=1) / keras.ops.sum(weights, axis=1)
    if shape.filters:
        pooled = keras.ops.concatenate([keras.ops.max(x, axis=1), pooled], axis=-1)
    if shape.hidden:
        units = layers.Dense(shape.hidden, activation="relu", dtype="float32", name="hidden")
        read = units(layers.Dropout(dropout)(pooled))
        pooled = keras.ops.concatenate([pooled, read], axis=-1)
    classifier = layers.Dense(shape.outputs, dtype="float32", name="classifier")
    return keras.Model(ids, classifier(layers.Dropout(dropout)(pooled)), name="classifier")


def load(model: keras.Model, tensors: Tensors, shape: Shape) -> None:
    """Put the weights into ``model``: the encoder's, and the classifier's if it has any."""
    for layer, weights in _layout(tensors, shape).items():
        model.get_layer(layer).set_weights(weights)


def _layout(tensors: Tensors, shape: Shape) -> dict[str, list[np.ndarray]]:
    """Return the weights as Keras holds them: by name of the layer, a list in order."""
    split = (shape.width, shape.heads, shape.width // shape.heads)

    def norm(name: str) -> list[np.ndarray]:
        return [tensors[f"{name}.weight"], tensors[f"{name}.bias"]]

    def dense(name: str) -> list[np.ndarray]:
        return [tensors[f"{name}.weight"].T, tensors[f"{name}.bias"]]

    def head(name: str) -> list[np.ndarray]:
        kernel, bias = dense(name)
        return [kernel.reshape(split), bias.reshape(split[1:])]

    layout = {"words": [tensors[WORDS]], "words_norm": norm("embeddings.LayerNorm")}
    if shape.positions:
        layout["positions"] = [tensors[POSITIONS]]
    if shape.filters:
        layout["convolution"] = [tensors["convolution.weight"], tensors["convolution.bias"]]
    if shape.hidden:
        layout["hidden"] = dense("hidden")
    for i in range(shape.layers):
        layer = f"encoder.layer.{i}"
        kernel, bias = dense(f"{layer}.attention.output.dense")
        layout |= {
            f"attention_{i}": [
                *head(f"{layer}.attention.self.query"),
                *head(f"{layer}.attention.self.key"),
                *head(f"{layer}.attention.self.value"),
                kernel.reshape(*split[1:], shape.width),
                bias,
            ],
            f"attention_norm_{i}": norm(f"{layer}.attention.output.LayerNorm"),
            f"wide_{i}": dense(f"{layer}.intermediate.dense"),
            f"narrow_{i}": dense(f"{layer}.output.dense"),
            f"narrow_norm_{i}": norm(f"{layer}.output.LayerNorm"),
        }
    if "classifier.weight" in tensors:
        layout["classifier"] = dense("classifier")
    return layout


def tensors(model: keras.Model, shape: Shape) -> Tensors:
    """Return all weights of ``model``. This is the inverse of `load`."""
    width = shape.width

    def weights(layer: str) -> list[np.ndarray]:
        return [np.asarray(w, np.float32) for w in model.get_layer(layer).get_weights()]

    def dense(
        kernel: np.ndarray, bias: np.ndarray, *, inputs: int
    ) -> tuple[np.ndarray, np.ndarray]:
        return np.ascontiguousarray(kernel.reshape(inputs, -1).T), bias.reshape(-1)

    named: Tensors = {WORDS: weights("words")[0]}
    if shape.positions:
        named[POSITIONS] = weights("positions")[0]

    def put(name: str, pair: tuple[np.ndarray, np.ndarray] | list[np.ndarray]) -> None:
        named[f"{name}.weight"], named[f"{name}.bias"] = pair

    put("embeddings.LayerNorm", weights("words_norm"))
    for i in range(shape.layers):
        layer = f"encoder.layer.{i}"
        attention = weights(f"attention_{i}")
        for part, at in (
            ("self.query", 0),
            ("self.key", 2),
            ("self.value", 4),
            ("output.dense", 6),
        ):
            put(
                f"{layer}.attention.{part}",
                dense(attention[at], attention[at + 1], inputs=width),
            )
        put(f"{layer}.attention.output.LayerNorm", weights(f"attention_norm_{i}"))
        put(f"{layer}.intermediate.dense", dense(*weights(f"wide_{i}"), inputs=width))
        put(f"{layer}.output.dense", dense(*weights(f"narrow_{i}"), inputs=shape.feed_forward))
        put(f"{layer}.output.LayerNorm", weights(f"narrow_norm_{i}"))
    if shape.filters:
        put("convolution", weights("convolution"))
    pooled = 2 * shape.filters or width
    if shape.hidden:
        put("hidden", dense(*weights("hidden"), inputs=pooled))
    put("classifier", dense(*weights("classifier"), inputs=pooled + shape.hidden))
    return named
