"""The answer for one text, and the rule that decides between the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from disaster_tweets.topic import Label


@dataclass(frozen=True)
class Prediction:
    """The label of one text, and the probabilities behind it.

    ``float(prediction)`` is the probability, and so is what ``f"{prediction:.2f}"`` formats.
    With two labels, predictions sort by their probability. Two predictions are equal if their
    labels and probabilities are.

    Attributes:
        label: One of the classifier's ``classes_``. With two labels, the second one where
            ``probability`` reaches the threshold. With more, the most probable one.
        probability: In [0, 1]. With two labels, the probability of the second, the positive
            one. With more, the probability of ``label``.
        probabilities: The probability of each label, in the order of ``classes_``.
    """

    label: Label
    probability: float
    probabilities: Mapping[Label, float] = field(
        default_factory=dict, repr=False, compare=False
    )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: what the commands and the service print as JSON.

        ``json.dumps(prediction.to_dict())`` is a line of ``disaster-tweets predict --json``
        without the text.

        Returns:
            ``probability``, ``label`` and, with more than two labels, ``probabilities``, in
            this order. Probabilities are rounded to 7 decimals, as they are float32.
        """
        values: dict[str, Any] = {
            "probability": round(self.probability, 7),
            "label": self.label,
        }
        if len(self.probabilities) > 2:
            values["probabilities"] = {
                label: round(probability, 7)
                for label, probability in self.probabilities.items()
            }
        return values

    def __float__(self) -> float:
        return self.probability

    def __format__(self, format_spec: str) -> str:
        return format(self.probability, format_spec) if format_spec else str(self)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Prediction):
            return NotImplemented
        self._check_order(other)
        return self.probability < other.probability

    def __le__(self, other: object) -> bool:
        if not isinstance(other, Prediction):
            return NotImplemented
        self._check_order(other)
        return self.probability <= other.probability

    def _check_order(self, other: Prediction) -> None:
        if max(len(self.probabilities), len(other.probabilities)) > 2:
            raise TypeError(
                "predictions with more than two labels have no order, as each probability is "
                "that of its own label; sort with key=float, or by the probability of one label"
            )

    def __repr__(self) -> str:
        return f"Prediction(label={self.label!r}, probability={self.probability:.4f})"


def decide(
    probabilities: npt.NDArray[np.floating], threshold: float | None
) -> npt.NDArray[np.intp]:
    """Return the index of the label that each text gets. There is no other rule for decisions.

    Args:
        probabilities: Shape (texts, classes).
        threshold: With two labels, a text gets the second one from this probability on. With
            more it is None: the most probable label wins, and of equal ones the first.

    Returns:
        Indices of classes, shape (texts,).
    """
    import numpy as np

    decided: npt.NDArray[np.intp]
    if threshold is None:
        decided = probabilities.argmax(axis=1)
    else:
        # In float64, as float32 would round the threshold.
        decided = (probabilities[:, 1].astype(np.float64) >= threshold).astype(np.intp)
    return decided


def shown_probabilities(
    probabilities: npt.NDArray[np.floating], decided: npt.NDArray[np.intp]
) -> npt.NDArray[np.floating]:
    """Return the `Prediction.probability` of each text, shape (texts,).

    Args:
        probabilities: Shape (texts, classes).
        decided: The index of each text's label, shape (texts,), as `decide` returns it.
    """
    import numpy as np

    if probabilities.shape[1] == 2:
        return probabilities[:, 1]
    shown: npt.NDArray[np.floating] = np.take_along_axis(
        probabilities, decided[:, None], axis=1
    )[:, 0]
    return shown
