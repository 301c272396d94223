"""Compute the exact output of the small model with int64 sums, for which NumPy calls no BLAS.

All else is one operation on two numbers at a time.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from disaster_tweets.runtime.integers import LARGEST, LEVELS, WINDOW


def record_of(model: Path | bytes) -> Any:
    """Return the record in a model file, given its path or content."""
    file = io.BytesIO(model) if isinstance(model, bytes) else model
    (record,) = np.load(file, allow_pickle=False)
    return record


def exact_pooled(record: Any, encoded: list[list[int]]) -> np.ndarray[Any, Any]:
    """Return the pooled responses of texts, (texts, 2 * filters) int64."""
    filters = len(record["pooling"]) // 2
    used = sorted(set().union(*encoded))
    sums = record["embeddings"][used].astype(np.int64) @ record["filters"].astype(np.int64)
    scaled = np.rint(sums * record["factors"] + record["offsets"])
    contributions = np.clip(scaled, -LARGEST, LARGEST).astype(np.int64)
    rows = {token: row for row, token in enumerate(used)}
    pooled = []
    for ids in encoded:
        parts = contributions[[rows[token] for token in ids]].reshape(-1, WINDOW, filters)
        responses = parts[:, 1].copy()
        responses[1:] += parts[:-1, 0]
        responses[:-1] += parts[1:, 2]
        responses = np.maximum(responses, 0)
        means = responses.sum(axis=0).astype(np.float32) / np.float32(len(ids))
        both = np.concatenate([responses.max(axis=0).astype(np.float32), means])
        levels = np.rint(both * record["pooling"].astype(np.float32))
        pooled.append(np.minimum(levels, LEVELS).astype(np.int64))
    return np.array(pooled)


def exact_logits(record: Any, encoded: list[list[int]]) -> np.ndarray[Any, Any]:
    """Return the logits of texts, (texts, classes) float64."""
    hidden, hidden_bias, output, output_bias = (
        record[name].astype(np.int64)
        for name in ("hidden", "hidden_bias", "output", "output_bias")
    )
    assert (output == record["output"]).all()
    pooled = exact_pooled(record, encoded)
    units = np.maximum(pooled @ hidden + hidden_bias, 0)
    outputs = np.concatenate([pooled, units], axis=1) @ output + output_bias
    logits = outputs.astype(np.float64) * float(record["unit"])
    if logits.shape[1] == 1:
        return np.concatenate([np.zeros_like(logits), logits], axis=1)
    return logits
