"""The trained model in Keras, before its export, as the reference for the exported model.

python benchmarks/keras_classifier.py TEXT     one tweet from a cold start
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import numpy as np
from environments import ROOT
from safetensors.numpy import load_file

from disaster_tweets.bundle import CALIBRATION, read_vocabulary
from disaster_tweets.calibration import calibrate
from disaster_tweets.text import Cleaner
from disaster_tweets.tokenizer import Tokenizer
from pipeline import encoder


def load() -> Callable[[list[str]], list[float]]:
    """Return a function: texts -> probabilities of a disaster, by one call of ``predict``."""
    weights = load_file(ROOT / "models" / "student.safetensors")
    shape = encoder.Shape.of(weights, attention_heads())
    model = encoder.build(shape, dropout=0.0)
    encoder.load(model, weights, shape)
    vocabulary = read_vocabulary(ROOT / "models" / "student.vocab.txt")
    manifest = json.loads((ROOT / "artifacts" / "manifest.json").read_text("utf-8"))
    clean = Cleaner(manifest["reads"])
    tokenizer = Tokenizer(vocabulary, manifest["max_tokens"])
    table = np.load(ROOT / "artifacts" / CALIBRATION)

    def score(texts: list[str]) -> list[float]:
        encoded = [tokenizer.encode(clean(text)) for text in texts]
        padded = np.zeros((len(encoded), max(map(len, encoded))), np.int32)
        for row, ids in zip(padded, encoded, strict=True):
            row[: len(ids)] = ids
        logits = np.zeros((len(encoded), 2), np.float32)
        logits[:, 1:] = model.predict(padded, verbose=0)
        return calibrate(logits, manifest["calibration"], table)[:, 1].tolist()

    return score


def attention_heads() -> int:
    """Return the number of attention heads, without a YAML parser, which no peer installs."""
    settings = (ROOT / "params.yaml").read_text("utf-8")
    return int(re.findall(r"^  attention_heads: (\d+)$", settings, re.MULTILINE)[0])


if __name__ == "__main__":
    print(*load()([sys.argv[1]]))
