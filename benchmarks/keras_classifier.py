"""The fine-tuned model in Keras, before its export: what the exported one is measured against.

python benchmarks/keras_classifier.py HEADS TEXT     one tweet from a cold start
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import numpy as np
from safetensors.numpy import load_file

from disaster_tweets.pipeline import encoder
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

ROOT = Path(__file__).parents[1]


def load(heads: int) -> Callable[[list[str]], list[float]]:
    """Return a function: texts -> probabilities of a disaster, by one call of ``predict``."""
    weights = load_file(ROOT / "models" / "classifier.safetensors")
    shape = encoder.Shape.of(weights, heads)
    model = encoder.build(shape, dropout=0.0)
    encoder.load(model, weights, shape)
    vocabulary = (ROOT / "models" / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    tokenizer = Tokenizer(vocabulary, shape.positions)
    manifest = json.loads((ROOT / "artifacts" / "manifest.json").read_text("utf-8"))
    temperature = manifest["temperature"]

    def score(texts: list[str]) -> list[float]:
        encoded = [tokenizer.encode(clean(text)) for text in texts]
        padded = np.zeros((len(encoded), max(map(len, encoded))), np.int32)
        for row, ids in zip(padded, encoded, strict=True):
            row[: len(ids)] = ids
        logits = model.predict(padded, verbose=0)[:, 0]
        return [1 / (1 + math.exp(-logit / temperature)) for logit in logits.tolist()]

    return score


if __name__ == "__main__":
    print(*load(int(sys.argv[1]))([sys.argv[2]]))
