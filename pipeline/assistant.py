"""Stage: what the student learns: many texts with soft targets and features.

The targets of the texts that the teachers know train an assistant, which is the whole backbone.
It labels more texts than anybody could ask the teachers about: the rest of the events' tweets,
and altered copies of those that it learned. Of each text its features are kept, too.

data/distilled/train.csv has the texts and targets, features.npy the features in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from pipeline import encoder, train
from pipeline.alter import SimilarWords, altered, similar_words
from pipeline.distillation import (
    blend_with_linear,
    examples,
    read_events,
    read_soft_labels,
    teachers,
)
from pipeline.imitation import reading
from pipeline.project import DISTILLED, FEATURES, params, run_stage
from pipeline.splits import read_split
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

_ASKED_AT_ONCE = 128  # texts


def not_among(events: pd.DataFrame, texts: Sequence[str]) -> list[str]:
    """Return the tweets of events that are none of these texts."""
    known = set(texts)
    return [text for text in events["text"] if text not in known]


def taught(
    labelled: pd.DataFrame,
    events: pd.DataFrame,
    soft: pd.DataFrame,
    columns: Sequence[str],
    settings: train.Settings,
) -> tuple[list[str], np.ndarray]:
    """Return what the assistant learns: texts, and targets (texts,) in [0, 1].

    Args:
        labelled: As for `distillation.examples`.
        events: Likewise.
        soft: Likewise.
        columns: Likewise.
        settings: The section ``distill`` of params.yaml.
    """
    texts, targets = examples(labelled, events, soft, columns, settings["weight"])
    return texts, blend_with_linear(texts, targets, settings["linear"])


def unlabelled(
    texts: Sequence[str],
    labelled: int,
    events: pd.DataFrame,
    similar: SimilarWords,
    settings: train.Settings,
) -> list[str]:
    """Return what the assistant labels: the events' other tweets, and altered texts.

    Args:
        texts: What the assistant learned.
        labelled: How many of them, from the first on, have a label.
        events: As `distillation.read_events` returns them.
        similar: As for `alter.altered`.
        settings: ``copies_of_labelled``, ``copies_of_others`` and ``seed``.
    """
    copies = [settings["copies_of_labelled"]] * labelled
    copies += [settings["copies_of_others"]] * (len(texts) - labelled)
    return [*not_among(events, texts), *altered(texts, copies, similar, settings["seed"])]


def words_alike(texts: Sequence[str], settings: train.Settings) -> dict[str, list[str]]:
    """Return `alter.similar_words` of the vocabulary of texts, by the backbone."""
    weights, pieces = train.initial_encoder(map(clean, texts), settings)
    return similar_words(pieces, weights[encoder.WORDS])


def train_assistant(
    texts: Sequence[str],
    targets: np.ndarray,
    vocabulary_from: Sequence[str],
    settings: train.Settings,
) -> tuple[keras.Model, Tokenizer]:
    """Train the assistant; return it with its tokenizer.

    Args:
        texts: As people write them.
        targets: (texts,) in [0, 1].
        vocabulary_from: The texts whose word pieces it has.
        settings: As the section ``train`` of params.yaml, with the assistant's shape.
    """
    model, _, pieces = train.new_model(vocabulary_from, settings)
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    train.fit(model, train.Batches(texts, targets, tokenizer, settings), settings)
    return model, tokenizer


def ask(
    model: keras.Model, tokenizer: Tokenizer, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a model says of texts: logits (texts,) and features (texts, width).

    Features are what the logit is read from, float16; over the texts, each has the mean 0 and
    the standard deviation 1.
    """
    encoded = [tokenizer.encode(clean(text)) for text in texts]
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    batches = train.padded([encoded[i] for i in order], _ASKED_AT_ONCE)
    logits, features = reading(model).predict(batches, verbose=0)
    place = np.argsort(order)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return logits[place, 0], features[place].astype(np.float16)


def with_opinion(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return the targets of the first texts, and what the logits say of the others."""
    opinion = 1 / (1 + np.exp(-logits[len(targets) :].astype(float)))
    return np.concatenate([targets, opinion])


def write(
    texts: Sequence[str],
    targets: np.ndarray,
    features: np.ndarray,
    table_path: Path = DISTILLED,
    features_path: Path = FEATURES,
) -> None:
    """Write what `distillation.read_distilled` and `distillation.read_features` read."""
    table_path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"text": texts, "target": np.round(targets, 6)})
    table.to_csv(table_path, index=False, lineterminator="\n")
    np.save(features_path, features)


def main() -> None:
    settings = params("train") | params("distill")
    train.set_up_tensorflow(settings)
    labelled, events, soft = read_split("train"), read_events(), read_soft_labels()
    texts, targets = taught(labelled, events, soft, teachers(soft), settings)
    assistant = train_assistant(texts, targets, list(labelled["text"]), settings)
    similar = words_alike(labelled["text"], settings)
    more = unlabelled(texts, len(labelled), events, similar, settings)
    logits, features = ask(*assistant, [*texts, *more])
    targets = with_opinion(targets, logits)
    write([*texts, *more], targets, features)
    print(f"{len(targets)} texts, mean target {targets.mean():.3f}")


if __name__ == "__main__":
    run_stage(main)
