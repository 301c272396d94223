"""Run the small model in integers with NumPy alone: the same scores on every machine.

The model is a convolution over embeddings. The maximum and the mean of each filter's responses
are the inputs of the hidden units and of the logits. A response is the sum over three
neighbouring tokens, and a token contributes the same value each time as left, middle or right
neighbour. So these contributions are computed when a token is first met, and then looked up.

No bit of a score depends on processor, BLAS, batch or thread. Sums of integers are exact in any
order, also in a matrix product of float32 up to 2**24 and of float64 up to 2**53, and
`pipeline.integers` keeps all sums below. All other steps are single operations on single
numbers, which IEEE 754 defines to the bit.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from disaster_tweets.errors import DISTRIBUTION, ArtifactError

if TYPE_CHECKING:
    import numpy.typing as npt

WINDOW = 3  # tokens that a filter sees
LARGEST = 32767 // WINDOW  # largest contribution, so that a sum of three fits int16
LEVELS = 1023  # largest input of a hidden unit

# Number of texts in a batch, so that the responses fit the cache of a processor core; also
# the number of new tokens computed at once.
_BATCH = 32
_SINGLE_THREADED = 1 << 18  # multiplications of a product that OpenBLAS runs in one thread


def layout(pieces: int, width: int, filters: int, hidden: int, outputs: int) -> npt.DTypeLike:
    """Return the dtype of the record in a model file.

    Contributions to filters are ``rint(embeddings @ filters * factors + offsets)``: first all
    filters for the left neighbour, then for the middle, then for the right neighbour. The
    pooled inputs are ``rint(pooled * pooling)``, at most LEVELS: first the maxima, then the
    means. The hidden units are ``max(0, inputs @ hidden + hidden_bias)``. The logits are
    ``([inputs, hidden units] @ output + output_bias) * unit``.
    """
    columns, pooled = WINDOW * filters, 2 * filters
    return np.dtype(
        [
            ("factors", "<f8", (columns,)),
            ("offsets", "<f8", (columns,)),
            ("pooling", "<f8", (pooled,)),
            ("output", "<f8", (pooled + hidden, outputs)),
            ("output_bias", "<f8", (outputs,)),
            ("unit", "<f8"),
            ("hidden_bias", "<f4", (hidden,)),
            ("hidden", "<i2", (pooled, hidden)),
            ("filters", "i1", (width, columns)),
            ("embeddings", "i1", (pieces, width)),
        ]
    )


class Integers:
    """A model in integers.

    Args:
        model: The path or the content of a model file: a record of `layout` in NumPy's format.

    Raises:
        ArtifactError: The file is no such record.
    """

    def __init__(self, model: Path | bytes) -> None:
        record = _read(model)
        # Memory-mapped: only the rows that are read take memory.
        self._embeddings = record["embeddings"]
        self._filters = _in_blocks(record["filters"])
        self._factors, self._offsets = record["factors"], record["offsets"]
        self._pooling = record["pooling"].astype(np.float32)
        pooled = len(self._pooling)
        self._hidden, self._hidden_bias = _in_blocks(record["hidden"]), record["hidden_bias"]
        self._output, self._output_bias = record["output"], record["output_bias"]
        self._unit = record["unit"].reshape(1)
        pieces, filters = len(self._embeddings), pooled // 2
        # The row of each token in the three tables below; the row past the end for a token that
        # was not met yet. Padding after the end of a text has row 0, which keeps its responses
        # at 0 or below.
        self._padding, self._unseen = pieces, pieces + 1
        rows = np.full(pieces + 1, self._unseen)
        rows[self._padding] = 0
        self._known = rows, 1  # the rows of tokens, and the first free row
        # The system allocates memory only for rows that are written.
        self._contributions = [np.empty((pieces + 1, filters), np.int16) for _ in range(WINDOW)]
        for table, value in zip(self._contributions, (0, -LARGEST, 0), strict=True):
            table[0] = value
        # Arrays, because NumPy converts a Python number slowly.
        self._levels, self._zero = np.array([LEVELS], np.float32), np.zeros(1, np.float32)
        self._no_response = np.zeros(_BATCH * filters, np.int16)

    def logits(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Return the logits (texts, classes) of texts, given the token ids of each.

        A model with one output returns the log-odds of the second class; the logit of the first
        class is 0 then.
        """
        outputs = self._output.shape[1]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        in_order = [encoded[i] for i in order]
        logits = np.zeros((len(encoded), max(outputs, 2)))
        for start in range(0, len(encoded), _BATCH):
            end = start + _BATCH
            logits[start:end, -outputs:] = self._outputs(in_order[start:end])
        if len(order) > 1:
            logits[order] = logits.copy()
        return logits

    def _outputs(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Return the outputs (texts, outputs) of texts; the last text must be the longest."""
        pooled = len(self._pooling)
        # The inputs of the output layer: maxima and means, then hidden units.
        read = np.empty((len(encoded), len(self._output)), np.float32)
        inputs, units = read[:, :pooled], read[:, pooled:]
        largest, total = self._pool(encoded)
        lengths = np.array([[len(ids)] for ids in encoded], np.float32)
        inputs[:, : pooled // 2] = largest
        np.divide(total, lengths, out=inputs[:, pooled // 2 :], dtype=np.float32)
        inputs *= self._pooling
        np.rint(inputs, out=inputs)
        np.minimum(inputs, self._levels, out=inputs)
        np.add(_product(inputs, self._hidden, units.shape[1]), self._hidden_bias, out=units)
        np.maximum(units, self._zero, out=units)
        # Without BLAS, which would wake its threads for this small product.
        outputs: npt.NDArray[np.float64]
        outputs = np.einsum("ij,jk->ik", read.astype(np.float64), self._output)
        outputs += self._output_bias
        outputs *= self._unit
        return outputs

    def _pool(
        self, encoded: Sequence[Sequence[int]]
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
        """Return the maximum response to each filter and the sum, (texts, filters) each."""
        texts, tokens = len(encoded), len(encoded[-1])
        if texts == 1:
            ids = np.array(encoded[0], np.intp)
        else:
            by_token = chain.from_iterable(zip_longest(*encoded, fillvalue=self._padding))
            ids = np.fromiter(by_token, np.intp, tokens * texts)
        rows = self._known[0].take(ids)
        left, middle, right = self._contributions
        try:
            responses = middle.take(rows, axis=0)
        except IndexError:
            self._add_tokens(ids)
            rows = self._known[0].take(ids)
            responses = middle.take(rows, axis=0)
        # A token contributes as left neighbour to the response around the next token.
        responses[texts:] += left.take(rows[:-texts], axis=0)
        responses[:-texts] += right.take(rows[texts:], axis=0)
        filters = middle.shape[1]
        responses = responses.reshape(tokens, texts * filters)
        np.maximum(responses, self._no_response[: texts * filters], out=responses)
        largest = np.maximum.reduce(responses, axis=0)
        total = np.add.reduce(responses, axis=0, dtype=np.int32)
        return largest.reshape(texts, filters), total.reshape(texts, filters)

    def _add_tokens(self, ids: npt.NDArray[np.intp]) -> None:
        """Compute the contributions of the tokens in ``ids`` that were not met before."""
        with new_tokens_lock:
            rows, free = self._known[0].copy(), self._known[1]
            unseen = ids[rows.take(ids) == self._unseen].tolist()
            new = np.array(list(dict.fromkeys(unseen)), np.intp)
            for start in range(0, len(new), _BATCH):
                tokens = new[start : start + _BATCH]
                embeddings = self._embeddings[tokens].astype(np.float32)
                sums = _product(embeddings, self._filters, len(self._factors))
                contributions = np.rint(sums * self._factors + self._offsets)
                np.maximum(contributions, -LARGEST, out=contributions)
                np.minimum(contributions, LARGEST, out=contributions)
                end = free + len(tokens)
                for table, part in zip(
                    self._contributions, np.split(contributions, WINDOW, axis=1), strict=True
                ):
                    table[free:end] = part
                rows[tokens] = np.arange(free, end)
                free = end
            self._known = rows, free  # assigned once, at the end: others read without the lock


def _in_blocks(weights: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    """Return weights (inputs, outputs) as (blocks, inputs, columns) for `_product`."""
    inputs, outputs = weights.shape
    columns = max(1, _SINGLE_THREADED // (_BATCH * inputs))
    padded = np.zeros((inputs, -(-outputs // columns) * columns), np.float32)
    padded[:, :outputs] = weights
    return np.ascontiguousarray(padded.reshape(inputs, -1, columns).transpose(1, 0, 2))


def _product(
    rows: npt.NDArray[np.float32], blocks: npt.NDArray[np.float32], outputs: int
) -> npt.NDArray[np.float32]:
    """Return ``rows @ weights``, (rows, outputs).

    Each block is so small that OpenBLAS multiplies it in this thread. OpenBLAS would split a
    larger product among threads, which wait longer than they compute, above all on a busy
    machine.
    """
    product: npt.NDArray[np.float32] = np.matmul(rows, blocks).transpose(1, 0, 2)
    return product.reshape(len(rows), -1)[:, :outputs]


# One lock for all models, so that a process forked while a thread holds it gets a new one.
new_tokens_lock = threading.Lock()


def _renew_lock() -> None:
    global new_tokens_lock
    new_tokens_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def _read(model: Path | bytes) -> Any:
    """Return the record of a model, as arrays without a copy."""
    try:
        if isinstance(model, bytes):
            (record,) = np.load(io.BytesIO(model), allow_pickle=False)
        else:
            (record,) = np.asarray(np.load(model, mmap_mode="r", allow_pickle=False))
        pieces, width = record["embeddings"].shape
        pooled, hidden = record["hidden"].shape
        outputs = record["output"].shape[1]
        if record.dtype != layout(pieces, width, pooled // 2, hidden, outputs):
            raise ValueError("its fields are others")
    except (ValueError, EOFError, IndexError, TypeError, OSError) as error:
        name = "the model" if isinstance(model, bytes) else model
        reason = " ".join(str(error).split())
        raise ArtifactError(
            f"{name}: not a model of this version ({reason}); reinstall {DISTRIBUTION}"
        ) from None
    return record
