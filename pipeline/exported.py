"""An exported model that has no manifest yet, and its threshold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from disaster_tweets.bundle import read_vocabulary
from disaster_tweets.calibration import calibrate, fit, tabulate
from disaster_tweets.runtime import ENCODER, STUDENT, open_model
from disaster_tweets.tokenizer import Tokenizer
from pipeline.cleaning import clean
from pipeline.project import MODELS, Settings
from pipeline.splits import shares


def threshold_of(labels: int) -> float | None:
    """Return the threshold for this number of labels.

    A model predicts the most probable label. For two labels, this is a threshold of one half,
    because calibration has moved the boundary there. More labels need no threshold.
    """
    return 0.5 if labels == 2 else None


# The file of each kind of model. One of them is copied to the artifacts.
FILES = {STUDENT: MODELS / "student.npy", ENCODER: MODELS / "encoder.tflite"}


def encoder_of(kind: str, max_tokens: int) -> Callable[[str], list[int]]:
    """Return a function that turns a text into token ids for a kind of model."""
    vocabulary = read_vocabulary(MODELS / f"{kind}.vocab.txt")
    tokenizer = Tokenizer(vocabulary, max_tokens)
    return lambda text: tokenizer.encode(clean(text))


class Exported:
    """The exported file of a kind of model. After `fit`, it gives probabilities too."""

    def __init__(self, kind: str, max_tokens: int) -> None:
        self.kind = kind
        self.encode = encoder_of(kind, max_tokens)
        self._model = open_model(kind, FILES[kind])
        self.calibration: Settings = {}
        self.table = np.empty(0)

    def logits(self, texts: list[str]) -> np.ndarray:
        """Return the logits (texts, labels) float64."""
        return self._model.logits([self.encode(text) for text in texts])

    def fit(self, logits: np.ndarray, targets: np.ndarray) -> None:
        """Fit the calibration to logits (texts, labels) and targets (texts, outputs)."""
        self.calibration = fit(logits, shares(targets))
        self.table = tabulate(self.calibration)

    def calibrated(self, logits: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities (texts, labels) float32 of logits."""
        return calibrate(logits, self.calibration, self.table)

    def score(self, texts: list[str]) -> np.ndarray:
        """Return the calibrated probabilities (texts, labels) float32 of texts."""
        return self.calibrated(self.logits(texts))
