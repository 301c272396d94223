"""The inference graph: one text, no padding, no mask, two-dimensional activations.

In this shape LiteRT runs the whole model as one XNNPACK partition. Weights are those of
`encoder`, under the same names.
"""

from __future__ import annotations

import math

import tensorflow as tf

from disaster_tweets.pipeline.encoder import LAYER_NORM_EPSILON, Shape, Tensors


class FlatClassifier(tf.Module):
    """The classifier on the token ids of a single text."""

    def __init__(self, tensors: Tensors, shape: Shape) -> None:
        super().__init__()
        self._shape = shape
        self._weights = {name: tf.constant(value) for name, value in tensors.items()}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32, name="ids"),
            tf.TensorSpec([None], tf.int32, name="positions"),
        ]
    )
    def logit(self, ids: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """Return the logit (1, 1) of ids (tokens,) at positions 0, 1, ... (tokens,)."""
        w = self._weights
        x = tf.gather(w["embeddings.word_embeddings.weight"], ids)
        x += tf.gather(w["embeddings.position_embeddings.weight"], positions)
        x = self._normalize(x, "embeddings.LayerNorm")
        for i in range(self._shape.layers):
            layer = f"encoder.layer.{i}"
            x = self._normalize(
                x + self._attend(x, f"{layer}.attention"), f"{layer}.attention.output.LayerNorm"
            )
            wide = tf.nn.gelu(self._dense(x, f"{layer}.intermediate.dense"), approximate=False)
            narrow = self._dense(wide, f"{layer}.output.dense")
            x = self._normalize(x + narrow, f"{layer}.output.LayerNorm")
        return self._dense(tf.reduce_mean(x, axis=0, keepdims=True), "classifier")

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


def to_tflite(classifier: FlatClassifier) -> bytes:
    """Convert to a LiteRT flatbuffer with int8 weights, quantized per channel."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [classifier.logit.get_concrete_function()], classifier
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    model: bytes = converter.convert()
    return model
