"""An exported model before it has a manifest, and the rule by which such a model decides."""

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
    """Return the threshold for so many labels.

    Of two labels, the more probable one is predicted: calibration has moved the boundary
    between them to one half. Of more, the most probable one is predicted without a threshold.
    """
    return 0.5 if labels == 2 else None


# Where each kind of model lies until one of them ships.
FILES = {STUDENT: MODELS / "student.npy", ENCODER: MODELS / "encoder.tflite"}


def encoder_of(kind: str, max_tokens: int) -> Callable[[str], list[int]]:
    """Return what turns a text into the token ids of a kind of model."""
    vocabulary = read_vocabulary(MODELS / f"{kind}.vocab.txt")
    tokenizer = Tokenizer(vocabulary, max_tokens)
    return lambda text: tokenizer.encode(clean(text))


class Exported:
    """The exported file of a kind of model: logits, and probabilities once it is calibrated."""

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
        """Return logits as calibrated probabilities (texts, labels) float32."""
        return calibrate(logits, self.calibration, self.table)

    def score(self, texts: list[str]) -> np.ndarray:
        """Return the calibrated probabilities (texts, labels) float32."""
        return self.calibrated(self.logits(texts))
