"""The input of a training: batches of texts and targets, and their order."""

from __future__ import annotations

import itertools
from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer
from pipeline import encoder
from pipeline.project import PipelineError
from pipeline.training import Batches, fit, in_order, trim_vocabulary

pytestmark = pytest.mark.usefixtures("cleaner")

SIZE = 8
SETTINGS: dict[str, Any] = {"batch_size": SIZE, "perturbed": 0.0, "seed": 3}
LEARNING = {"epochs": 15, "learning_rate": 0.02, "warm_up": 0.1, "weight_decay": 0.01}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
# Each text has a pair of letters, which no other text has, and a word of 1 to 11 letters.
TEXTS = [
    f"{LETTERS[i // 26]}{LETTERS[i % 26]} {'x' * (i % 11 + 1)}" for i in range(45 * SIZE + 5)
]
TARGETS = np.arange(len(TEXTS))[:, None] / len(TEXTS)

Batch = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(PIECES, 40)


def epochs(tokenizer: Tokenizer, number: int, **settings: Any) -> list[list[Batch]]:
    """Return the batches of the first epochs."""
    batches = Batches(TEXTS, TARGETS, tokenizer, SETTINGS | settings)
    endless = iter(batches.dataset().as_numpy_iterator())
    return [list(itertools.islice(endless, batches.per_epoch)) for _ in range(number)]


def rows(batches: list[Batch]) -> list[tuple[tuple[int, ...], float]]:
    """Return the ids without padding, and the target, of each text in these batches."""
    return [
        (tuple(ids[ids != 0].tolist()), float(target[0]))
        for batch, targets in batches
        for ids, target in zip(batch, targets, strict=True)
    ]


def test_fewer_texts_than_a_batch_are_refused(tokenizer: Tokenizer) -> None:
    exact = Batches(TEXTS[:SIZE], TARGETS[:SIZE], tokenizer, SETTINGS)
    assert exact.per_epoch == 1
    with pytest.raises(PipelineError, match=r"^only 7 texts .* training\.batch_size = 8 "):
        Batches(TEXTS[: SIZE - 1], TARGETS[: SIZE - 1], tokenizer, SETTINGS)


@pytest.mark.parametrize(
    ("labels", "layers"), [(2, []), (4, [1])], indirect=["labels"], ids=["words", "layers"]
)
def test_a_convolution_learns_with_layers_before_it_and_without(
    tokenizer: Tokenizer, reference: ModuleType, outputs: int, layers: list[int]
) -> None:
    weights = encoder.reduce(
        encoder.from_checkpoint(reference.tiny_checkpoint(), list(range(len(PIECES))), 24),
        layers,
        feed_forward=8,
        filters=8,
        seed=1,
    )
    shape = encoder.Shape.of(weights, heads=2, outputs=outputs)
    model = encoder.build(shape, dropout=0.0)
    encoder.load(model, weights, shape)
    # The order of the letters decides the label. A mean over the letters cannot tell it.
    orders = ("yx w", "xy w", "w yx", "w xy")[: max(2, outputs)]
    labels = np.arange(8 * SIZE) % len(orders)
    texts = [f"{LETTERS[i % 7]} {orders[label]} z" for i, label in enumerate(labels)]
    targets = np.eye(4)[labels] if outputs == 4 else labels[:, None]
    learned = fit(model, Batches(texts, targets, tokenizer, SETTINGS), SETTINGS | LEARNING)
    assert learned["accuracy"] > 0.95
    for name, before in weights.items():
        trained = encoder.tensors(model, shape)[name]
        assert (trained != before).any(), name


def test_each_epoch_has_every_text_once_up_to_the_last_part_batch(tokenizer: Tokenizer) -> None:
    known = {tuple(tokenizer.encode(text)): i for i, text in enumerate(TEXTS)}
    assert len(known) == len(TEXTS)
    seen = [Counter(known[ids] for ids, _ in rows(epoch)) for epoch in epochs(tokenizer, 2)]
    for epoch in seen:
        assert set(epoch.values()) == {1}
        assert len(epoch) == len(TEXTS) - 5
    assert seen[0] != seen[1]  # each epoch leaves out other texts


def test_targets_stay_with_their_text(tokenizer: Tokenizer) -> None:
    targets = np.column_stack([TARGETS, 1 - TARGETS, 2 * TARGETS])
    known = {
        tuple(tokenizer.encode(text)): row for text, row in zip(TEXTS, targets, strict=True)
    }
    batches = Batches(TEXTS, targets, tokenizer, SETTINGS)
    epoch = itertools.islice(batches.dataset().as_numpy_iterator(), batches.per_epoch)
    for ids, of_batch in epoch:
        assert of_batch.shape == (SIZE, 3)
        expected = [known[tuple(row[row != 0].tolist())] for row in ids]
        np.testing.assert_allclose(of_batch, expected, rtol=1e-6)


def test_batches_are_as_wide_as_their_longest_text_and_end_in_zeros(
    tokenizer: Tokenizer,
) -> None:
    (batches,) = epochs(tokenizer, 1)
    for ids, targets in batches:
        assert (ids.dtype, targets.dtype, targets.shape) == (np.int32, np.float32, (SIZE, 1))
        lengths = (ids != 0).sum(axis=1)
        assert ids.shape == (SIZE, lengths.max())
        for row, length in zip(ids, lengths, strict=True):
            assert not row[length:].any()
            assert row[length - 1] == PIECES.index("[SEP]")


def test_texts_of_a_batch_are_of_about_one_length(tokenizer: Tokenizer) -> None:
    (batches,) = epochs(tokenizer, 1)
    spread = [np.ptp((ids != 0).sum(axis=1)) for ids, _ in batches]
    assert max(spread) <= 2 < np.ptp([len(text) for text in TEXTS])
    widths = [ids.shape[1] for ids, _ in batches]
    assert widths != sorted(widths)


def test_the_seed_decides(tokenizer: Tokenizer) -> None:
    def seeded(seed: int) -> list[tuple[tuple[int, ...], float]]:
        (batches,) = epochs(tokenizer, 1, seed=seed, perturbed=0.5)
        return rows(batches)

    assert seeded(1) == seeded(1)
    assert seeded(1) != seeded(2)


def test_some_texts_are_perturbed_each_time_in_another_way(tokenizer: Tokenizer) -> None:
    known = {tuple(tokenizer.encode(text)) for text in TEXTS}
    changed = [
        {ids for ids, _ in rows(epoch)} - known for epoch in epochs(tokenizer, 2, perturbed=0.5)
    ]
    for epoch in changed:
        assert 0.1 < len(epoch) / len(TEXTS) < 0.5
    assert changed[0] != changed[1]


def test_texts_are_cleaned_before_they_are_encoded(tokenizer: Tokenizer) -> None:
    written = ["@somebody ab http://x.co/y", "ab", "#ab 🔥", "ab."]
    settings = SETTINGS | {"batch_size": 4}
    batches = Batches(written, np.zeros((4, 1)), tokenizer, settings).dataset()
    ids, _ = next(iter(batches.as_numpy_iterator()))
    np.testing.assert_array_equal(ids, [tokenizer.encode("ab")] * 4)


def test_a_validation_has_all_texts_in_order(tokenizer: Tokenizer) -> None:
    targets = (TARGETS > 0.5).astype(int)
    batches = list(in_order(TEXTS, targets, tokenizer, SIZE).as_numpy_iterator())
    assert [ids for ids, _ in rows(batches)] == [
        tuple(tokenizer.encode(text)) for text in TEXTS
    ]
    assert [target for _, target in rows(batches)] == targets[:, 0].tolist()
    assert [len(ids) for ids, _ in batches] == [SIZE] * 45 + [5]


def test_the_vocabulary_keeps_what_the_texts_need() -> None:
    vocabulary = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "the"]
    vocabulary += ["fire", "rare", "##works"]
    kept = trim_vocabulary(vocabulary, ["fireworks"], most_frequent=3, max_tokens=16)
    pieces = [vocabulary[i] for i in kept]
    assert pieces == [*SPECIAL_TOKENS, "a", "##b", "the", "fire", "##works"]
