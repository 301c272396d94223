"""The inference graph: one text, no padding, no mask, two-dimensional activations.

In this form, LiteRT runs the whole model as one XNNPACK partition. The weights have the names
that `encoder` gives them.
"""

from __future__ import annotations

import math

import tensorflow as tf

from pipeline import encoder
from pipeline.encoder import LAYER_NORM_EPSILON, WINDOW, Shape, Tensors

IDS, POSITIONS = (tf.TensorSpec([None], tf.int32, name=name) for name in ("ids", "positions"))


class InferenceGraph(tf.Module):
    """The classifier on the token ids of a single text."""

    def __init__(self, tensors: Tensors, shape: Shape) -> None:
        super().__init__()
        self._shape = shape
        self._weights = {name: tf.constant(value) for name, value in tensors.items()}

    def function(self) -> tf.types.experimental.ConcreteFunction:
        """Return the graph: ids (tokens,), and positions if any, become logits (1, outputs)."""
        inputs = [IDS, POSITIONS] if self._shape.positions else [IDS]
        return tf.function(self.logits).get_concrete_function(*inputs)

    def logits(self, ids: tf.Tensor, positions: tf.Tensor | None = None) -> tf.Tensor:
        """Return the logits (1, outputs) of ids (tokens,) at positions 0, 1, ... (tokens,)."""
        w = self._weights
        x = tf.gather(w[encoder.WORDS], ids)
        if positions is not None:
            x += tf.gather(w[encoder.POSITIONS], positions)
        x = self._normalize(x, "embeddings.LayerNorm")
        for i in range(self._shape.layers):
            layer = f"encoder.layer.{i}"
            x = self._normalize(
                x + self._attend(x, f"{layer}.attention"), f"{layer}.attention.output.LayerNorm"
            )
            wide = tf.nn.gelu(self._dense(x, f"{layer}.intermediate.dense"), approximate=False)
            narrow = self._dense(wide, f"{layer}.output.dense")
            x = self._normalize(x + narrow, f"{layer}.output.LayerNorm")
        if self._shape.filters:
            x = self._convolve(x)
        pooled = tf.reduce_mean(x, axis=0, keepdims=True)
        if self._shape.filters:
            pooled = tf.concat([tf.reduce_max(x, axis=0, keepdims=True), pooled], axis=1)
        if self._shape.hidden:
            read = tf.nn.relu(self._dense(pooled, "hidden"))
            pooled = tf.concat([pooled, read], axis=1)
        return self._dense(pooled, "classifier")

    def _convolve(self, x: tf.Tensor) -> tf.Tensor:
        """Convolve in one product. Each row is a token and its neighbours, or zeros."""
        side = WINDOW // 2
        padded = tf.pad(x, [[side, side], [0, 0]])
        # Slices count their ends from the end: XNNPACK does not run graphs that compute shapes.
        windows = tf.concat([padded[i : i + 1 - WINDOW or None] for i in range(WINDOW)], axis=1)
        kernel = self._weights["convolution.weight"]
        flat = tf.reshape(kernel, (-1, self._shape.filters))
        return tf.nn.relu(tf.matmul(windows, flat) + self._weights["convolution.bias"])

    def _dense(self, x: tf.Tensor, name: str) -> tf.Tensor:
        w = self._weights
        return tf.matmul(x, w[f"{name}.weight"], transpose_b=True) + w[f"{name}.bias"]

    def _normalize(self, x: tf.Tensor, name: str) -> tf.Tensor:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        scaled = centred * tf.math.rsqrt(variance + LAYER_NORM_EPSILON)
        return scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]

    def _attend(self, x: tf.Tensor, name: str) -> tf.Tensor:
        width, heads = self._shape.width, self._shape.heads

        def head(part: str) -> tf.Tensor:
            flat = self._dense(x, f"{name}.self.{part}")
            split = tf.reshape(flat, (1, -1, heads, width // heads))
            return tf.transpose(split, (0, 2, 1, 3))

        query = head("query") / math.sqrt(width // heads)
        attention = tf.nn.softmax(tf.matmul(query, head("key"), transpose_b=True))
        mixed = tf.transpose(tf.matmul(attention, head("value")), (0, 2, 1, 3))
        return self._dense(tf.reshape(mixed, (-1, width)), f"{name}.output.dense")


def to_tflite(classifier: InferenceGraph) -> bytes:
    """Convert to a LiteRT flatbuffer with int8 weights, quantized per channel."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [classifier.function()], classifier
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    model: bytes = converter.convert()
    return model
