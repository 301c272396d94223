"""An exported model before it has a manifest, and the rule by which such a model decides."""

from __future__ import annotations

import numpy as np
import pandas as pd

from disaster_tweets.bundle import read_vocabulary
from disaster_tweets.calibration import calibrate, fit
from disaster_tweets.runtime import open_model
from disaster_tweets.tokenizer import Tokenizer
from pipeline.cleaning import clean
from pipeline.project import MODELS, Settings
from pipeline.splits import shares, targets


def threshold_of(labels: int) -> float | None:
    """Return the threshold for so many labels.

    Of two labels, the more probable one is predicted: calibration has moved the boundary
    between them to one half. Of more, the most probable one is predicted without a threshold.
    """
    return 0.5 if labels == 2 else None


class Exported:
    """The exported file of a kind of model: logits, and probabilities once it is calibrated."""

    def __init__(self, kind: str, max_tokens: int) -> None:
        vocabulary = read_vocabulary(MODELS / f"{kind}.vocab.txt")
        self._tokenizer = Tokenizer(vocabulary, max_tokens)
        self._model = open_model(kind, MODELS / f"{kind}.tflite")
        self.calibration: Settings = {}

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        return [self._tokenizer.encode(clean(text)) for text in texts]

    def logits(self, texts: list[str]) -> np.ndarray:
        """Return the logits (texts, labels) float32."""
        return self._model.logits(self.encode(texts))

    def fit(self, split: pd.DataFrame) -> None:
        """Fit the calibration to a split."""
        of_texts = shares(targets(split))
        self.calibration = fit(self.logits(list(split["text"])), of_texts)

    def score(self, texts: list[str]) -> np.ndarray:
        """Return the calibrated probabilities (texts, labels) float32."""
        return calibrate(self.logits(texts), self.calibration)
