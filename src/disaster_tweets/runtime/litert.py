"""Run the encoder as a LiteRT flatbuffer, one text at a time, for models that ship it."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from disaster_tweets.errors import DISTRIBUTION, ArtifactError

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    raise ArtifactError(
        "this model is an encoder, and needs ai-edge-litert: pip install ai-edge-litert"
    ) from None

if TYPE_CHECKING:
    import numpy.typing as npt


# Tolerance of golden scores on another processor: LiteRT chooses kernels by instruction set,
# and the kernels round differently.
GOLDEN_TOLERANCE = 0.02


class LiteRT:
    """A pool of interpreters for one model, safe to use from several threads.

    Two threads must not share an interpreter, so each call borrows one. The pool grows to the
    largest number of concurrent calls. All interpreters map the same file.

    Args:
        model: The path or the content of the flatbuffer.

    Raises:
        ArtifactError: LiteRT rejects the model.
    """

    def __init__(self, model: Path | bytes) -> None:
        self._model = model
        self._idle: deque[_SingleText] = deque()
        with without_start_up_message():
            self._idle.append(_SingleText(model))

    def logits(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Return the logits (texts, classes) of texts, given the token ids of each.

        A model with one output returns the log-odds of the second class; the logit of the first
        class is 0 then.
        """
        with self._borrowed() as interpreter:
            outputs = interpreter.outputs
            logits = np.zeros((len(encoded), max(outputs, 2)))
            # Consecutive texts of one length save LiteRT a new memory plan for each.
            for i in sorted(range(len(encoded)), key=lambda i: len(encoded[i])):
                logits[i, -outputs:] = interpreter.logits(encoded[i])
        return logits

    @contextmanager
    def _borrowed(self) -> Iterator[_SingleText]:
        try:
            interpreter = self._idle.pop()
        except IndexError:
            with without_start_up_message():
                interpreter = _SingleText(self._model)
        yield interpreter
        self._idle.append(interpreter)  # not after an error, which leaves an unknown state


class _SingleText:
    """One interpreter."""

    def __init__(self, model: Path | bytes) -> None:
        source = (
            {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        )
        try:
            self._interpreter = Interpreter(**source, num_threads=1)
            inputs = self._interpreter.get_input_details()
            index = {
                detail["name"].partition(":")[0].rpartition("_")[2]: detail["index"]
                for detail in inputs
            }
            self._ids, self._positions = index["ids"], index.get("positions")
            output = self._interpreter.get_output_details()[0]
            self._logits, self.outputs = output["index"], int(output["shape"][-1])
            self._length = 0
            self._resize(1)
        except (ValueError, RuntimeError, KeyError) as error:
            name = "the model" if isinstance(model, bytes) else model
            raise ArtifactError(
                f"{name}: LiteRT cannot run it ({' '.join(str(error).split())}); "
                f"reinstall {DISTRIBUTION} and ai-edge-litert"
            ) from error

    def logits(self, ids: Sequence[int]) -> npt.NDArray[np.float32]:
        if len(ids) != self._length:
            self._resize(len(ids))
        self._interpreter.set_tensor(self._ids, np.array(ids, np.int32))
        self._interpreter.invoke()
        logits: npt.NDArray[np.float32] = self._interpreter.get_tensor(self._logits)[0]
        return logits

    def _resize(self, length: int) -> None:
        inputs = [self._ids] if self._positions is None else [self._ids, self._positions]
        for tensor in inputs:
            self._interpreter.resize_tensor_input(tensor, [length], strict=True)
        self._interpreter.allocate_tensors()
        if self._positions is not None:
            self._interpreter.set_tensor(self._positions, np.arange(length, dtype=np.int32))
        self._length = length


@contextmanager
def without_start_up_message() -> Iterator[None]:
    """Suppress the line that LiteRT prints for each interpreter, and pass on other output.

    C++ code writes it to file descriptor 2, and no setting disables it. The descriptor
    belongs to the whole process, so nothing is suppressed while other threads run.
    """
    if threading.active_count() > 1:
        yield
        return
    try:
        standard_error = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    written, writing = os.pipe()
    if hasattr(os, "set_blocking"):  # losing output is better than waiting for a reader
        os.set_blocking(writing, False)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        with os.fdopen(written, "rb") as lines:
            for line in lines:
                if b"Created TensorFlow Lite XNNPACK delegate" not in line:
                    os.write(2, line)
