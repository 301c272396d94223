"""The texts that the assistant labels, its logits and its features."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer
from pipeline import encoder
from pipeline.assistant import label, texts_to_label, with_soft_labels, words_alike
from pipeline.augmentation import augmented
from pipeline.project import BACKBONE

from ..tiny import make_backbone

pytestmark = pytest.mark.usefixtures("cleaner")

TEXTS = [
    "the baker took the bread and the road to the north http://x.co/1",
    "my oven is a volcano today and the cake is a crater @baker",
    "fog over the harbour, ferries wait outside",
]


def test_the_assistant_labels_what_it_did_not_learn() -> None:
    unlabelled = [TEXTS[2], "no trains in the valley"]
    settings = {"copies_of_labelled": 3, "copies_of_others": 1, "seed": 1}
    more = texts_to_label(TEXTS, 2, np.array([1, 2, 3]), unlabelled, {}, settings)

    assert more[0] == "no trains in the valley"
    assert more[1:] == list(augmented(TEXTS, [3, 6, 3], {}, 1))


def test_words_of_the_vocabulary_may_stand_for_each_other(
    tmp_path: Path, reference: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_backbone(BACKBONE, reference, ["bread", "cake", "oven", "##s", "rare"])
    settings = {"layers": [], "feed_forward": 0, "filters": 4, "hidden": 0, "seed": 1}
    settings |= {"max_tokens": 16, "most_frequent_pieces": 3}
    alike = words_alike(["Ovens @rare"], settings)

    assert {word: set(others) for word, others in alike.items()} == {
        "bread": {"cake", "oven"},
        "cake": {"bread", "oven"},
        "oven": {"bread", "cake"},
    }


@pytest.mark.parametrize("outputs", [1, 4])
def test_each_text_gets_its_own_logits_and_features(
    reference: ModuleType, outputs: int
) -> None:
    pieces = [*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(pieces, 24)
    weights = encoder.from_checkpoint(reference.tiny_checkpoint(), [*range(len(pieces))], 24)
    shape = encoder.Shape.of(weights, heads=2, outputs=outputs)
    model = encoder.build(shape, dropout=0.5)
    encoder.load(model, weights, shape)
    texts = [
        " ".join("qwertyuiopas"[: i % 12 + 1]) + f" {chr(97 + i % 26)}" for i in range(140)
    ]

    logits, features = label(model, tokenizer, texts)
    assert (logits.dtype, logits.shape) == (np.float32, (140, outputs))
    assert features.dtype == np.float16
    np.testing.assert_allclose(features.astype(float).mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(features.astype(float).std(axis=0), 1, atol=1e-3)
    alone = np.concatenate(
        [np.asarray(model(np.array([tokenizer.encode(text)], np.int32))) for text in texts[::9]]
    )
    np.testing.assert_allclose(logits[::9], alone, atol=1e-4)
    # The logits are a linear function of the features, whatever their mean and scale are.
    design = np.column_stack([features.astype(float), np.ones(len(texts))])
    fitted = design @ np.linalg.lstsq(design, logits, rcond=None)[0]
    np.testing.assert_allclose(fitted, logits, atol=1e-3)


def test_what_was_learned_keeps_its_targets() -> None:
    logits = np.array([[9.0], [-9.0], [0.0], [math.log(3)]], np.float32)
    targets = with_soft_labels(np.array([[0.3], [1.0]]), logits)
    np.testing.assert_allclose(targets, [[0.3], [1.0], [0.5], [0.75]], atol=1e-6)


def test_of_more_labels_the_others_get_a_probability_of_each() -> None:
    logits = np.log(np.array([[1.0, 1.0, 8.0], [2.0, 2.0, 4.0], [1.0, 3.0, 6.0]]))
    targets = with_soft_labels(np.array([[0.5, 0.5, 0.0]]), logits)
    expected = [[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.1, 0.3, 0.6]]
    np.testing.assert_allclose(targets, expected)
