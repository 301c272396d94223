"""What the classifier says about one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Label = Literal["disaster", "not_disaster"]


@dataclass(frozen=True)
class Prediction:
    """The decision on one text and the probability that it rests on.

    Attributes:
        label: ``'disaster'`` where ``probability`` reaches the threshold that it was
            decided with, else ``'not_disaster'``.
        probability: Probability of a real disaster, in [0, 1]; ``float(prediction)``
            returns it.
    """

    label: Label
    probability: float

    def __float__(self) -> float:
        return self.probability

    def __repr__(self) -> str:
        return f"Prediction(label={self.label!r}, probability={self.probability:.4f})"
