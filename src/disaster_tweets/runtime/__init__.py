"""What runs a model: token ids in, logits out, whatever kind of model it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

# The kinds of model that a manifest may name: a small network that was distilled, or the whole
# pretrained encoder.
STUDENT, ENCODER = "student", "encoder"
KINDS = (STUDENT, ENCODER)


class Runtime(Protocol):
    """What the classifier knows of the model behind it."""

    def logits(self, encoded: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """Return the logits (texts, classes) of texts, given the token ids of each."""
        ...

    def reserve(self, count: int) -> None:
        """Get ready for ``count`` threads at once."""
        ...


def open_model(kind: str, model: Path | bytes) -> Runtime:
    """Return what runs a model.

    Args:
        kind: One of `KINDS`.
        model: The path of its file, or its content.

    Raises:
        ArtifactError: The file is no such model.
    """
    assert kind in KINDS, kind
    from disaster_tweets.runtime.litert import LiteRT  # runs both kinds

    return LiteRT(model)
