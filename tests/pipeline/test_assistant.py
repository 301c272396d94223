"""The texts that an assistant labels, and how it is asked."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from pipeline import encoder
from pipeline.alter import altered
from pipeline.distill import ask, unlabelled, with_opinion, write
from pipeline.distillation import read_distilled, read_features
from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer

TEXTS = [
    "the river took the bridge and the road to the north http://x.co/1",
    "my oven is a volcano today and the cake is a crater @baker",
    "smoke over the harbour, ferries wait outside",
]


def test_the_assistant_labels_what_it_did_not_learn() -> None:
    events = pd.DataFrame({"text": [TEXTS[2], "no power in the valley"]})
    settings = {"copies_of_labelled": 3, "copies_of_others": 1, "seed": 1}
    more = unlabelled(TEXTS, 2, events, {}, settings)

    assert more[0] == "no power in the valley"
    assert more[1:] == list(altered(TEXTS, [3, 3, 1], {}, 1))


def test_each_text_gets_its_own_answer(reference: ModuleType) -> None:
    pieces = [*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(pieces, 24)
    weights = encoder.from_checkpoint(reference.tiny_checkpoint(), [*range(len(pieces))], 24)
    shape = encoder.Shape.of(weights, heads=2)
    model = encoder.build(shape, dropout=0.5)
    encoder.load(model, weights, shape)
    texts = [
        " ".join("qwertyuiopas"[: i % 12 + 1]) + f" {chr(97 + i % 26)}" for i in range(300)
    ]

    logits, features = ask(model, tokenizer, texts)
    assert logits.dtype == np.float32
    assert features.dtype == np.float16
    np.testing.assert_allclose(features.astype(float).mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(features.astype(float).std(axis=0), 1, atol=1e-3)
    alone = [
        float(np.asarray(model(np.array([tokenizer.encode(text)], np.int32)))[0, 0])
        for text in texts
    ]
    np.testing.assert_allclose(logits, alone, atol=1e-4)
    # The logit is a linear function of the features, whichever mean and scale they have.
    design = np.column_stack([features.astype(float), np.ones(len(texts))])
    fitted = design @ np.linalg.lstsq(design, np.array(alone), rcond=None)[0]
    np.testing.assert_allclose(fitted, alone, atol=1e-3)


def test_what_was_learned_keeps_its_targets() -> None:
    targets = with_opinion(np.array([0.3, 1.0]), np.array([9.0, -9.0, 0.0, math.log(3)]))
    assert targets == pytest.approx([0.3, 1.0, 0.5, 0.75])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    texts = ['with "quotes", a comma', "two\nlines", "a carriage\rreturn", "NA", "caf\u00e9"]
    targets, features = np.linspace(0, 1, 5) / 3, np.arange(15, dtype=np.float16).reshape(5, 3)
    paths = tmp_path / "new" / "train.csv", tmp_path / "new" / "features.npy"
    write(texts, targets, features, *paths)
    read = read_distilled(paths[0])

    assert list(read["text"]) == texts
    assert read["target"].to_numpy() == pytest.approx(targets, abs=1e-6)
    np.testing.assert_array_equal(read_features(paths[1]), features)
