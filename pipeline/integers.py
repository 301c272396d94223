"""Quantize a student to the integers that `disaster_tweets.runtime.integers` runs.

The embeddings are rounded as in GPTQ (Frantar and others, 2022): the rounding error of one
dimension is compensated in the others. The other weights are rounded to the nearest integer.
The scales keep every sum exact in the floating-point numbers that NumPy multiplies.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from disaster_tweets.runtime.integers import LARGEST, LEVELS, WINDOW, layout
from pipeline import encoder
from pipeline.encoder import LAYER_NORM_EPSILON, Tensors
from pipeline.project import PipelineError

# The step between two values of an embedding, in standard deviations. A smaller step is closer
# to the trained model, but makes the compressed file larger.
_STEP = 0.095
_INT8 = 127
_HEADROOM = 1.5  # over the largest response to a filter in the training texts
_TINY = float(np.finfo(np.float32).tiny)  # replaces the 0 of a filter without response
# Added to the squared norms of the filters at each dimension, as a share of their mean. It
# limits how much one dimension compensates for another.
_DAMPING = 0.01
# Smaller sums of integers are exact in float32 and in float64. The limit of float64 leaves room
# for rounding.
_FLOAT32, _FLOAT64 = 2**24, 0.99 * 2**53


def quantize(tensors: Tensors, encoded: Sequence[Sequence[int]]) -> bytes:
    """Return the content of a model file.

    Args:
        tensors: The weights of a model with a convolution and without layers.
        encoded: Token ids of training texts. Their pooled means and maxima decide the scales of
            the pooled vector.

    Raises:
        PipelineError: The model has layers, no convolution or no hidden units.
    """
    shape = encoder.Shape.of(tensors, heads=1)
    if shape.layers or not shape.filters or not shape.hidden:
        raise PipelineError(
            "params.yaml: only a student without layers, with filters and hidden units can be "
            "exported; set student.layers to [], and filters and hidden above 0"
        )
    assert encoder.WINDOW == WINDOW
    standard = standardized(tensors[encoder.WORDS])
    kernel = np.concatenate(tensors["convolution.weight"].astype(np.float64), axis=1)
    offsets = tensors["embeddings.LayerNorm.bias"] @ kernel
    offsets[shape.filters : 2 * shape.filters] += tensors["convolution.bias"]
    kernel *= tensors["embeddings.LayerNorm.weight"][:, None]

    steps = np.maximum(_STEP, np.abs(standard).max(axis=0) / _INT8)
    kernel *= steps[:, None]
    grid = np.maximum(np.abs(kernel).max(axis=0), _TINY) / _INT8
    filters = np.rint(kernel / grid)
    embeddings = rounded(standard / steps, filters * grid)
    contributions = embeddings @ filters * grid + offsets
    units = np.abs(contributions).reshape(-1, WINDOW, shape.filters).max(axis=(0, 1)) / LARGEST
    units = np.maximum(units, _TINY)
    of_columns = np.tile(units, WINDOW)

    pooled = pool(np.rint(contributions / of_columns), encoded)
    pooling = LEVELS / (_HEADROOM * np.maximum(pooled.max(axis=0), 1))
    of_pooled = np.tile(units, 2) / pooling

    hidden = (tensors["hidden.weight"] * of_pooled).T
    bias = tensors["hidden.bias"].astype(np.float64)
    # Rounding may add one half to each number.
    limit = _FLOAT32 - 1 - (LEVELS * len(of_pooled) + 1) / 2
    grid_of_hidden = (LEVELS * np.abs(hidden).sum(axis=0) + np.abs(bias)) / limit
    grid_of_hidden = np.maximum(grid_of_hidden, _TINY)
    output = tensors["classifier.weight"].T.astype(np.float64)
    output *= np.concatenate([of_pooled, grid_of_hidden])[:, None]
    output_bias = tensors["classifier.bias"].astype(np.float64)
    largest = np.repeat([LEVELS, _FLOAT32], [len(of_pooled), shape.hidden])
    unit = float(((largest @ np.abs(output)) + np.abs(output_bias)).max() / _FLOAT64)

    form = layout(shape.pieces, shape.width, shape.filters, shape.hidden, shape.outputs)
    record = np.zeros(1, form)
    for name, value in {
        "factors": grid / of_columns,
        "offsets": offsets / of_columns,
        "pooling": pooling,
        "output": np.rint(output / unit),
        "output_bias": np.rint(output_bias / unit),
        "unit": unit,
        "hidden_bias": np.rint(bias / grid_of_hidden),
        "hidden": np.rint(hidden / grid_of_hidden),
        "filters": filters,
        "embeddings": embeddings,
    }.items():
        record[name][0] = value
    check(record[0])
    content = io.BytesIO()
    np.save(content, record, allow_pickle=False)
    return content.getvalue()


def standardized(embeddings: np.ndarray) -> np.ndarray:
    """Return embeddings (pieces, width) float64, each with mean 0 and variance 1."""
    centred = embeddings - embeddings.mean(axis=1, keepdims=True, dtype=np.float64)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    standard: np.ndarray = centred / np.sqrt(variance + LAYER_NORM_EPSILON)
    return standard


def rounded(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Round each row of ``values`` to int8 so that ``values @ kernel`` changes little.

    The dimensions are rounded one by one. Those with the largest kernel weights come first. The
    error of each dimension is spread over the dimensions that are not rounded yet.

    Args:
        values: (pieces, width).
        kernel: (width, columns).
    """
    reads = kernel @ kernel.T
    reads += _DAMPING * reads.trace() / len(reads) * np.eye(len(reads))
    order = np.argsort(-reads.diagonal(), kind="stable")
    spread = np.linalg.cholesky(np.linalg.inv(reads[np.ix_(order, order)])).T
    left = values[:, order]
    for i in range(len(order)):
        found = np.clip(np.rint(left[:, i]), -_INT8, _INT8)
        error = (left[:, i] - found) / spread[i, i]
        left[:, i] = found
        left[:, i + 1 :] -= error[:, None] * spread[i, i + 1 :]
    integers = np.empty_like(left)
    integers[:, order] = left
    return integers


def pool(contributions: np.ndarray, encoded: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the largest and the mean response to each filter: (texts, 2 * filters)."""
    left, middle, right = np.split(contributions, WINDOW, axis=1)
    pooled = []
    for ids in encoded:
        responses = middle[ids]
        responses[1:] += left[ids[:-1]]
        responses[:-1] += right[ids[1:]]
        np.maximum(responses, 0, out=responses)
        pooled.append(np.concatenate([responses.max(axis=0), responses.mean(axis=0)]))
    return np.array(pooled)


def check(record: np.void) -> None:
    """Assert that no sum of a model can exceed the integers that are exact."""

    def sums(name: str) -> np.ndarray:
        found: np.ndarray = np.abs(record[name].astype(np.float64)).sum(axis=0)
        return found

    of_hidden = LEVELS * sums("hidden") + np.abs(record["hidden_bias"])
    pooled = len(record["pooling"])
    weights = np.abs(record["output"])
    of_output = LEVELS * weights[:pooled].sum(axis=0) + of_hidden @ weights[pooled:]
    assert (_INT8 * sums("filters")).max() < _FLOAT32
    assert of_hidden.max() < _FLOAT32
    assert (of_output + np.abs(record["output_bias"])).max() < 2**53
