"""The classifier's answer for one text, and the rule by which it decides."""

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
    """The decision on one text and the probabilities that it rests on.

    Attributes:
        label: One of the classifier's ``classes_``. With two labels, the second one where
            ``probability`` reaches the threshold; with more, the most probable one.
        probability: In [0, 1]: with two labels, that of the second, the positive one; with
            more, that of ``label``. ``float(prediction)`` returns it.
        probabilities: The probability of each label, in the order of ``classes_``.
    """

    label: Label
    probability: float
    probabilities: Mapping[Label, float] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __float__(self) -> float:
        return self.probability

    def __repr__(self) -> str:
        return f"Prediction(label={self.label!r}, probability={self.probability:.4f})"


def for_json(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as plain values; with more than two labels, all probabilities."""
    values: dict[str, Any] = {
        "probability": round(prediction.probability, 7),
        "label": prediction.label,
    }
    if len(prediction.probabilities) > 2:
        values["probabilities"] = {
            label: round(probability, 7)
            for label, probability in prediction.probabilities.items()
        }
    return values


def decide(
    probabilities: npt.NDArray[np.floating], threshold: float | None
) -> npt.NDArray[np.intp]:
    """Return the index of the label that each text gets: the only rule for decisions.

    Args:
        probabilities: (texts, classes).
        threshold: With two labels, the probability from which on a text gets the second one;
            None with more, where the most probable label wins, of equal ones the first.

    Returns:
        (texts,), indices of classes.
    """
    import numpy as np

    decided: npt.NDArray[np.intp]
    if threshold is None:
        decided = probabilities.argmax(axis=1)
    else:
        # In float64: the threshold would else be rounded to the probabilities' float32.
        decided = (probabilities[:, 1].astype(np.float64) >= threshold).astype(np.intp)
    return decided


def shown_probabilities(
    probabilities: npt.NDArray[np.floating], decided: npt.NDArray[np.intp]
) -> npt.NDArray[np.floating]:
    """Return `Prediction.probability` of each text (texts,): see there."""
    import numpy as np

    if probabilities.shape[1] == 2:
        return probabilities[:, 1]
    shown: npt.NDArray[np.floating] = np.take_along_axis(
        probabilities, decided[:, None], axis=1
    )[:, 0]
    return shown
