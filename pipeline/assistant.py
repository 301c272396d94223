"""Stage: train the assistant, which is the whole backbone, and label texts for the student.

The assistant learns the labels of the training split and the targets that the topic's sources
add. Then this stage writes the training set of the student: the assistant's own training texts
with their targets, and unlabelled texts and augmented copies with soft labels.

The texts and targets are in data/assistant/train.csv. The assistant's features of these texts
are in data/assistant/features.npy, in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd

from disaster_tweets.tokenizer import Tokenizer
from pipeline import encoder, training
from pipeline.augmentation import SimilarWords, augmented, similar_words
from pipeline.cleaning import clean
from pipeline.feature_distillation import with_features
from pipeline.project import LABELLED_BY_ASSISTANT, SOURCES, Settings, params, run_stage
from pipeline.related import loss_with_related, with_heads, with_related
from pipeline.splits import read_split
from pipeline.targets import (
    blend_with_linear,
    probabilities,
    read_related,
    read_table,
    with_sources,
    write_targets,
)

_AT_ONCE = 128  # texts in a batch
_SMALLEST_SPREAD = 1e-6  # avoids a division by 0 where a feature is the same for all texts


def texts_to_label(
    texts: Sequence[str],
    labelled: int,
    repeats: np.ndarray,
    unlabelled: Sequence[str],
    similar: SimilarWords,
    settings: Settings,
) -> list[str]:
    """Return the texts that the assistant labels, besides its own training texts.

    Args:
        texts: The training texts of the assistant.
        labelled: The number of ``texts`` with a label; these come first.
        repeats: The number of times that an epoch of the student has each of the ``texts``. A
            text has so many times more copies.
        unlabelled: Texts without a label. Those that are among ``texts`` are left out.
        similar: As for `augmentation.augmented`.
        settings: ``copies_of_labelled``, ``copies_of_others`` and ``seed``.
    """
    learned = set(texts)
    new = [text for text in unlabelled if text not in learned]
    copies = repeats * settings["copies_of_others"]
    copies[:labelled] = repeats[:labelled] * settings["copies_of_labelled"]
    return [*new, *augmented(texts, copies.tolist(), similar, settings["seed"])]


def words_alike(texts: Sequence[str], settings: Settings) -> dict[str, list[str]]:
    """Return the `similar_words` of the texts' vocabulary, from the backbone's embeddings."""
    weights, pieces = training.initial_encoder(map(clean, texts), settings)
    return similar_words(pieces, weights[encoder.WORDS])


def label(
    model: keras.Model, tokenizer: Tokenizer, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a model's logits (texts, outputs) and features (texts, width) of texts.

    The features, float16, are the input of the layer that computes the logits. Each feature is
    standardized: over the texts, its mean is 0 and its standard deviation is 1.
    """
    encoded = [tokenizer.encode(clean(text)) for text in texts]
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    batches = training.padded([encoded[i] for i in order], _AT_ONCE)
    logits, features = with_features(model).predict(batches, verbose=0)
    place = np.argsort(order)
    spread = np.maximum(features.std(axis=0), _SMALLEST_SPREAD)
    features = (features - features.mean(axis=0)) / spread
    return logits[place], features[place].astype(np.float16)


def with_soft_labels(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return the targets of all texts: known targets first, then soft labels.

    Args:
        targets: The known targets, (first texts, outputs).
        logits: The assistant's logits, (all texts, outputs).
    """
    return np.concatenate([targets, probabilities(logits[len(targets) :].astype(float))])


def main() -> None:
    settings = params("model", "training", "assistant")
    training.set_up_tensorflow(settings)
    labelled = read_split("train")
    texts, targets, repeats = with_sources(labelled, read_table(SOURCES / "targets.csv"))
    targets = blend_with_linear(texts, targets, settings["linear"])
    model, shape, pieces = training.new_model(list(labelled["text"]), settings)
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    related = read_related()
    if related.empty:
        training.fit(model, training.Batches(texts, targets, tokenizer, settings), settings)
    else:
        of_all, of_each = with_related(texts, targets, related)
        training.fit(
            with_heads(model, of_each.shape[1] - 1),
            training.Batches(of_all, of_each, tokenizer, settings),
            settings,
            loss=loss_with_related(settings["related"]),
        )
    training.save("encoder", model, shape, pieces)

    similar = words_alike(labelled["text"], settings)
    unlabelled: pd.Series = read_table(SOURCES / "unlabelled.csv")["text"]
    unlabelled = pd.concat([related["text"], unlabelled]).drop_duplicates()
    more = texts_to_label(texts, len(labelled), repeats, list(unlabelled), similar, settings)
    logits, features = label(model, tokenizer, [*texts, *more])
    targets = with_soft_labels(targets, logits)
    repeats = np.concatenate([repeats, np.ones(len(more), int)])
    write_targets([*texts, *more], targets, LABELLED_BY_ASSISTANT / "train.csv", repeats)
    np.save(LABELLED_BY_ASSISTANT / "features.npy", features)
    print(f"{len(targets)} texts, mean targets {targets.mean(axis=0).round(3)}")


if __name__ == "__main__":
    run_stage(main)
