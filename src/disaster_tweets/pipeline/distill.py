"""Stage: what the student learns: data/distilled/train.csv, many texts with soft targets.

The targets of the texts that the teachers know train an assistant, which is the whole backbone.
It labels more texts than anybody could ask the teachers about: the rest of the events' tweets,
and altered copies of all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from disaster_tweets.pipeline import encoder, train
from disaster_tweets.pipeline.distillation import (
    blend_with_linear,
    examples,
    read_events,
    read_soft_labels,
    teachers,
)
from disaster_tweets.pipeline.flat import FlatClassifier, to_tflite
from disaster_tweets.pipeline.project import DISTILLED, params, run_stage
from disaster_tweets.pipeline.splits import read_split
from disaster_tweets.runtime import Runtime
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

# Of the alterations: the share of copies that lose words, and of those that are cut out; the
# others are joined of two texts.
_LOSING, _CUT = 0.4, 0.3
_LOST = 0.25  # share of the words
_SHORTEST, _LONGEST = 0.4, 0.8  # share of the words in what is cut out


def altered(texts: Sequence[str], copies: int, seed: int) -> Iterator[str]:
    """Yield copies of texts, each without some words, cut out, or joined with another's end.

    What they say may have changed: they are for somebody to judge anew.

    Args:
        texts: As people write them.
        copies: How many of each.
        seed: Of what is altered, and how.
    """
    generator = random.Random(seed)
    split = [clean(text).split() for text in texts]
    for _ in range(copies):
        for words in split:
            if words:
                yield " ".join(_alter(words, split, generator))


def _alter(words: list[str], others: list[list[str]], generator: random.Random) -> list[str]:
    kind = generator.random()
    if kind < _LOSING:
        return [word for word in words if generator.random() >= _LOST] or words
    if kind < _LOSING + _CUT:
        length = max(2, round(len(words) * generator.uniform(_SHORTEST, _LONGEST)))
        start = generator.randrange(max(1, len(words) - length + 1))
        return words[start : start + length]
    other = generator.choice(others)
    return words[: max(1, len(words) // 2)] + other[len(other) // 2 :]


def not_among(events: pd.DataFrame, texts: Sequence[str]) -> list[str]:
    """Return the tweets of events that are none of these texts."""
    known = set(texts)
    return [text for text in events["text"] if text not in known]


def labelled_by_assistant(
    texts: Sequence[str], targets: np.ndarray, more: Sequence[str], settings: train.Settings
) -> np.ndarray:
    """Train the assistant on texts and targets; return its probabilities of more texts.

    Args:
        texts: As people write them.
        targets: (texts,) in [0, 1].
        more: The texts to be labelled.
        settings: As the section ``train`` of params.yaml, with the assistant's shape.

    Returns:
        (more,) float64, from the assistant in int8, whose scores depend on each text alone.
    """
    model, shape, pieces = train.new_model(settings["vocabulary_from"], settings)
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    train.fit(model, train.Batches(texts, targets, tokenizer, settings), settings)
    runtime = Runtime(to_tflite(FlatClassifier(encoder.tensors(model, shape), shape)))

    def logits(part: Sequence[str]) -> np.ndarray:
        return runtime.logits([tokenizer.encode(clean(text)) for text in part])

    runtime.reserve(settings["threads"])
    parts = [more[start :: settings["threads"]] for start in range(settings["threads"])]
    result = np.empty(len(more), np.float64)
    with ThreadPoolExecutor(len(parts)) as pool:
        for start, part in enumerate(pool.map(logits, parts)):
            result[start :: len(parts)] = part
    return 1 / (1 + np.exp(-result))


def distilled(
    labelled: pd.DataFrame,
    events: pd.DataFrame,
    soft: pd.DataFrame,
    columns: Sequence[str],
    settings: train.Settings,
) -> pd.DataFrame:
    """Return ``text`` and ``target`` of all that a student learns.

    Args:
        labelled: As for `distillation.examples`.
        events: Likewise.
        soft: Likewise.
        columns: Likewise.
        settings: The section ``train`` of params.yaml, overridden by ``distill``.
    """
    texts, targets = examples(labelled, events, soft, columns, settings["weight"])
    targets = blend_with_linear(texts, targets, settings["linear"])
    more = not_among(events, texts)
    more += altered(texts, settings["copies"], settings["seed"])
    settings = settings | {"vocabulary_from": labelled["text"]}
    opinion = labelled_by_assistant(texts, targets, more, settings)
    return pd.DataFrame({"text": [*texts, *more], "target": [*targets, *opinion]})


def main() -> None:
    settings = params("train") | params("distill")
    train.set_up_tensorflow(settings)
    soft = read_soft_labels()
    table = distilled(read_split("train"), read_events(), soft, teachers(soft), settings)
    DISTILLED.parent.mkdir(parents=True, exist_ok=True)
    table.round({"target": 6}).to_csv(DISTILLED, index=False, lineterminator="\n")
    print(f"{len(table)} texts, mean target {table['target'].mean():.3f}")


if __name__ == "__main__":
    run_stage(main)
