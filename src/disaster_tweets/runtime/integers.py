"""Run the small model in integers, with NumPy alone: the same scores on every machine.

The model is a convolution over embeddings, whose responses become their maxima and means, which
hidden units and the logits read. A token contributes to the response of a filter as the left,
the middle or the right of three neighbours, always the same; so the contributions of a token
are computed when it is first met, and looked up from then on.

Why no bit depends on processor, BLAS, batch or thread: sums of integers are exact in any order,
also in a product of float32 matrices as long as they stay below 2**24, and in float64 below
2**53. `pipeline.integers` sees to that. All else is single operations on single numbers, which
IEEE 754 defines to the bit.
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
LARGEST = 32767 // WINDOW  # contribution, so that three fit int16
LEVELS = 1023  # the largest value that hidden units read

# Texts of about one length, whose responses fit the cache of a processor core; and tokens that
# are met first.
_AT_ONCE = 32
_SMALL = 1 << 18  # multiplications of a product that OpenBLAS keeps to one thread


def layout(pieces: int, width: int, filters: int, hidden: int, outputs: int) -> npt.DTypeLike:
    """Return the form of the record that a model file holds.

    In it, contributions to filters are ``rint(embeddings @ filters * factors + offsets)``,
    first those of the left neighbour to each filter, then of the middle, then of the right one.
    What a text becomes is ``rint(pooled * pooling)``, at most LEVELS, first the largest
    responses, then the means. Hidden units are ``max(0, that @ hidden + hidden_bias)``, and the
    logits ``(both @ output + output_bias) * unit``.
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
        model: The path of its file, or its content: a record of `layout` in NumPy's format.

    Raises:
        ArtifactError: The file is not such a record.
    """

    def __init__(self, model: Path | bytes) -> None:
        record = _read(model)
        # Mapped from the file: only what is read of it takes memory.
        self._embeddings = record["embeddings"]
        self._filters = _in_blocks(record["filters"])
        self._factors, self._offsets = record["factors"], record["offsets"]
        self._pooling = record["pooling"].astype(np.float32)
        pooled = len(self._pooling)
        self._hidden, self._hidden_bias = _in_blocks(record["hidden"]), record["hidden_bias"]
        self._output, self._output_bias = record["output"], record["output_bias"]
        self._unit = record["unit"].reshape(1)
        pieces, filters = len(self._embeddings), pooled // 2
        # The row of each token in the three tables below, or one that they have not before the
        # token is met. A token that stands for none, behind the end of a text, lets no response
        # be above 0.
        self._none, self._unmet = pieces, pieces + 1
        rows = np.full(pieces + 1, self._unmet)
        rows[self._none] = 0
        self._known = rows, 1  # and the first row that is free
        # The system gives memory to the rows that are written.
        self._contributions = [np.empty((pieces + 1, filters), np.int16) for _ in range(WINDOW)]
        for table, value in zip(self._contributions, (0, -LARGEST, 0), strict=True):
            table[0] = value
        # Arrays, as NumPy takes its time to make one of a number.
        self._levels, self._zero = np.array([LEVELS], np.float32), np.zeros(1, np.float32)
        self._no_response = np.zeros(_AT_ONCE * filters, np.int16)

    def logits(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Return the logits (texts, classes) of texts, given the token ids of each.

        A model with a single output gives the log-odds of the second of two classes; the logit
        of the first one is 0 then.
        """
        outputs = self._output.shape[1]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        in_order = [encoded[i] for i in order]
        logits = np.zeros((len(encoded), max(outputs, 2)))
        for start in range(0, len(encoded), _AT_ONCE):
            end = start + _AT_ONCE
            logits[start:end, -outputs:] = self._outputs(in_order[start:end])
        if len(order) > 1:
            logits[order] = logits.copy()
        return logits

    def _outputs(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Return the outputs (texts, outputs) of texts, the longest of which is the last."""
        pooled = len(self._pooling)
        # What the outputs read: maxima and means, and hidden units.
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
        # Without BLAS, which would wake its threads for this.
        outputs: npt.NDArray[np.float64]
        outputs = np.einsum("ij,jk->ik", read.astype(np.float64), self._output)
        outputs += self._output_bias
        outputs *= self._unit
        return outputs

    def _pool(
        self, encoded: Sequence[Sequence[int]]
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
        """Return the largest response to each filter and their sum, (texts, filters) each."""
        texts, tokens = len(encoded), len(encoded[-1])
        if texts == 1:
            ids = np.array(encoded[0], np.intp)
        else:
            by_token = chain.from_iterable(zip_longest(*encoded, fillvalue=self._none))
            ids = np.fromiter(by_token, np.intp, tokens * texts)
        rows = self._known[0].take(ids)
        left, middle, right = self._contributions
        try:
            responses = middle.take(rows, axis=0)
        except IndexError:
            self._learn(ids)
            rows = self._known[0].take(ids)
            responses = middle.take(rows, axis=0)
        # A token contributes as the left neighbour to the response around the next one.
        responses[texts:] += left.take(rows[:-texts], axis=0)
        responses[:-texts] += right.take(rows[texts:], axis=0)
        filters = middle.shape[1]
        responses = responses.reshape(tokens, texts * filters)
        np.maximum(responses, self._no_response[: texts * filters], out=responses)
        largest = np.maximum.reduce(responses, axis=0)
        total = np.add.reduce(responses, axis=0, dtype=np.int32)
        return largest.reshape(texts, filters), total.reshape(texts, filters)

    def _learn(self, ids: npt.NDArray[np.intp]) -> None:
        """Compute the contributions of the tokens among ``ids`` that are met first."""
        with _learning:
            rows, free = self._known[0].copy(), self._known[1]
            unmet = ids[rows.take(ids) == self._unmet].tolist()
            new = np.array(list(dict.fromkeys(unmet)), np.intp)
            for start in range(0, len(new), _AT_ONCE):
                tokens = new[start : start + _AT_ONCE]
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
            self._known = rows, free  # at once, and last: others read it without the lock


def _in_blocks(weights: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    """Return weights (inputs, outputs) as `_product` takes them, (blocks, inputs, columns)."""
    inputs, outputs = weights.shape
    columns = max(1, _SMALL // (_AT_ONCE * inputs))
    padded = np.zeros((inputs, -(-outputs // columns) * columns), np.float32)
    padded[:, :outputs] = weights
    return np.ascontiguousarray(padded.reshape(inputs, -1, columns).transpose(1, 0, 2))


def _product(
    rows: npt.NDArray[np.float32], blocks: npt.NDArray[np.float32], outputs: int
) -> npt.NDArray[np.float32]:
    """Return ``rows @ weights``, (rows, outputs).

    The product with each block is so small that OpenBLAS keeps it to this thread. It would
    share out a larger one among threads, which wait for each other longer than they compute,
    above all on a busy machine.
    """
    product: npt.NDArray[np.float32] = np.matmul(rows, blocks).transpose(1, 0, 2)
    return product.reshape(len(rows), -1)[:, :outputs]


# One for all models, so that a process which is forked while a thread learns gets a new one.
_learning = threading.Lock()


def _renew_lock() -> None:
    global _learning
    _learning = threading.Lock()


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
