"""Trains models of several shapes on the same teachers, for frontier.py to compare.

    python benchmarks/shapes.py FOLD [FOLD ...] [--shapes NAME [NAME ...]] [--trainings N]

A fold is what one of the teachers has not seen: a fifth of the labelled texts (the held-out
split is not among them), and here one event too, of which nobody reads a text. Teacher,
assistant and every shape learn from the rest, by the recipe of params.yaml.

models/frontier/FOLD/ then holds for each shape what it says of the texts that it has not seen
(NAME.csv: source, id, and the logits before and after the export) and the exported model
(NAME.tflite). With --trainings 3, each shape but the assistant is trained three times on the
same texts, with other seeds; the others are called NAME-2 and NAME-3. What is there is not made
again. Takes half an hour a fold on one core; two folds may run side by side. Needs what the
pipeline's stage `distill` needs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import joblib
import keras
import numpy as np
import pandas as pd
from environments import ROOT

from disaster_tweets.bundle import read_vocabulary
from pipeline import distill, encoder, train
from pipeline.distillation import (
    LABELLED,
    linear_model,
    read_distilled,
    read_events,
    read_features,
    read_soft_labels,
)
from pipeline.flat import FlatClassifier, to_tflite
from pipeline.imitation import imitating, loss_of_both
from pipeline.project import MODELS, params, run_stage, write_text
from pipeline.splits import read_split
from disaster_tweets.runtime import Runtime
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

FOLDER = MODELS / "frontier"
ASSISTANT, LINEAR, SECOND_TEACHER = "six-layers", "linear", "second-teacher"
STUDENTS = {
    "convolution-and-hidden": {"layers": [], "filters": 256, "hidden": 256},
    "convolution": {"layers": [], "filters": 256, "hidden": 0},
    "layer-and-convolution": {
        "layers": [0],
        "feed_forward": 384,
        "filters": 256,
        "hidden": 0,
    },
    "mean-of-words": {"layers": [], "filters": 0, "hidden": 0},
}


class Fold:
    """What may be learned and what is asked afterwards, in one fold."""

    def __init__(self, number: int) -> None:
        soft, events = read_soft_labels(), read_events()
        labelled = pd.concat([read_split("train"), read_split("calibration")])
        of_labelled = soft[soft["source"] == LABELLED].set_index("id")["fold"]
        unseen = (labelled["id"].map(of_labelled) == number).to_numpy()
        event = sorted(events["source"].unique())[number % events["source"].nunique()]
        asked = labelled[unseen & (labelled["target"] != 0.5).to_numpy()]
        self.number = number
        self.folder = FOLDER / str(number)
        self.labelled = labelled[~unseen]
        self.events = events[events["source"] != event]
        self.soft = soft
        self.asked = pd.concat(
            [
                pd.DataFrame({"source": LABELLED, "id": asked["id"], "text": asked["text"]}),
                events.loc[events["source"] == event, ["source", "id", "text"]],
            ]
        )

    def path(self, name: str) -> Path:
        """Return where what a shape says is kept."""
        return self.folder / f"{name}.csv"

    def keep(self, name: str, **logits: np.ndarray) -> None:
        """Write what a shape says of the texts that are asked."""
        kept = self.asked[["source", "id"]].assign(
            **{column: np.round(values, 4) for column, values in logits.items()}
        )
        kept.to_csv(self.path(name), index=False, lineterminator="\n")

    def keep_model(
        self, name: str, model: keras.Model, shape: encoder.Shape, tokenizer: Tokenizer
    ) -> None:
        """Export a model, and write what it says before and after."""
        encoded = [tokenizer.encode(clean(text)) for text in self.asked["text"]]
        tflite = to_tflite(FlatClassifier(encoder.tensors(model, shape), shape))
        self.folder.joinpath(f"{name}.tflite").write_bytes(tflite)
        before = model.predict(train.padded(encoded, 128), verbose=0)[:, 0]
        self.keep(name, keras=before, exported=Runtime(tflite).logits(encoded))

    @property
    def distilled(self) -> tuple[Path, Path]:
        """Where the texts of the students, and their features, are."""
        return self.folder / "distilled.csv", self.folder / "features.npy"


def teach(fold: Fold) -> None:
    """Train the linear model and the assistant; write what the students learn."""
    settings = params("train") | params("distill")
    train.set_up_tensorflow(settings)
    columns = [f"teacher_{fold.number}"]
    texts, targets = distill.taught(fold.labelled, fold.events, fold.soft, columns, settings)

    linear = linear_model().fit(lowered(texts), np.log(targets / (1 - targets)))
    joblib.dump(linear, fold.folder / f"{LINEAR}.joblib")
    fold.keep(LINEAR, exported=linear.predict(lowered(fold.asked["text"])))

    model, shape, pieces = train.new_model(fold.labelled["text"], settings)
    write_text(fold.folder / "vocab.txt", "".join(f"{piece}\n" for piece in pieces))
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    train.fit(model, train.Batches(texts, targets, tokenizer, settings), settings)
    fold.keep_model(ASSISTANT, model, shape, tokenizer)
    similar = distill.words_alike(fold.labelled["text"], settings)
    more = distill.unlabelled(texts, len(fold.labelled), fold.events, similar, settings)
    logits, features = distill.ask(model, tokenizer, [*texts, *more])
    targets = distill.with_opinion(targets, logits)
    distill.write([*texts, *more], targets, features, *fold.distilled)


def lowered(texts: Iterable[str]) -> list[str]:
    return [clean(text).lower() for text in texts]


def scorer(fold: int, name: str) -> Callable[[list[str]], object]:
    """Return what scores texts with the model of a fold, from the raw text on."""
    folder = FOLDER / str(fold)
    if name == LINEAR:
        linear = joblib.load(folder / f"{name}.joblib")
        return lambda texts: linear.predict(lowered(texts))
    runtime = Runtime(folder / f"{name}.tflite")
    pieces = read_vocabulary(folder / "vocab.txt")
    tokenizer = Tokenizer(pieces, params("train")["max_tokens"])
    return lambda texts: runtime.logits([tokenizer.encode(clean(text)) for text in texts])


def training(name: str, number: int) -> str:
    """Return what one training of a shape is called; the first is called as the shape."""
    return name if number == 1 else f"{name}-{number}"


def learn(fold: Fold, name: str, number: int) -> None:
    """Train a student of one shape; each number has a seed of its own."""
    settings = params("train") | STUDENTS[name]
    settings["seed"] += number - 1
    train.set_up_tensorflow(settings)
    table, features = fold.distilled
    learned, features = read_distilled(table), read_features(features)
    model, shape, pieces = train.new_model(fold.labelled["text"], settings)
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    targets = np.column_stack([learned["target"], features])
    batches = train.Batches(list(learned["text"]), targets, tokenizer, settings)
    learner, loss = imitating(model, features.shape[1]), loss_of_both(settings["features"])
    train.fit(learner, batches, settings, loss=loss)
    fold.keep_model(training(name, number), model, shape, tokenizer)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folds", nargs="+", type=int, choices=range(params("teacher")["folds"]))
    parser.add_argument("--shapes", nargs="+", choices=STUDENTS, default=list(STUDENTS))
    parser.add_argument(
        "--trainings", type=int, default=1, metavar="N", help="with so many seeds"
    )
    arguments = parser.parse_args()
    wanted = [
        (name, number)
        for number in range(1, arguments.trainings + 1)
        for name in arguments.shapes
    ]
    for fold in map(Fold, arguments.folds):
        fold.folder.mkdir(parents=True, exist_ok=True)
        for name, number in [(ASSISTANT, 1), *wanted]:
            called = training(name, number)
            if fold.path(called).is_file():
                continue
            print(f"fold {fold.number}, {called}", flush=True)
            keras.backend.clear_session()
            teach(fold) if name == ASSISTANT else learn(fold, name, number)


if __name__ == "__main__":
    os.chdir(ROOT)
    run_stage(main)
