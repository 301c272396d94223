"""Runtimes of models: token ids in, logits out, for each kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

# The kinds of model in a manifest: a small distilled network in integers, or the whole
# pretrained encoder.
STUDENT, ENCODER = "student", "encoder"
KINDS = (STUDENT, ENCODER)


class Runtime(Protocol):
    """The interface of a model. Any number of threads may call it."""

    def logits(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """Return the logits (texts, classes) of texts, given the token ids of each."""
        ...


def open_model(kind: str, model: Path | bytes) -> Runtime:
    """Return the runtime of a model.

    Args:
        kind: One of `KINDS`.
        model: The path of the model file, or its content.

    Raises:
        ArtifactError: The file is no such model, or the package that runs it is missing.
    """
    if kind == STUDENT:
        from disaster_tweets.runtime.integers import Integers

        return Integers(model)
    assert kind == ENCODER, kind
    from disaster_tweets.runtime.litert import LiteRT

    return LiteRT(model)
