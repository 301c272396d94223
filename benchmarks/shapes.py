"""Trains models of several shapes on the same teachers, for frontier.py to compare.

    python benchmarks/shapes.py FOLD [FOLD ...] [--shapes NAME [NAME ...]] [--trainings N]

A fold is what one of the teachers has not seen: a fifth of the labelled texts (the held-out
split is not among them), and here one event too, of which nobody reads a text. Teacher,
assistant and every shape learn from the rest, by the recipe of params.yaml.

models/frontier/FOLD/ then holds for each shape what it says of the texts that it has not seen
(NAME.csv: source, id, and the logits before and after the export) and the exported model: in
integers (NAME.npy) where the package can run that, else for LiteRT (NAME.tflite). With
--trainings 3, each shape but the assistant is trained three times on the same texts, with other
seeds; the others are called NAME-2 and NAME-3. What is there is not made again. Takes half an
hour a fold on one core; two folds may run side by side. Needs what the pipeline's stages
`sources` and `assistant` need.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import joblib
import keras
import numpy as np
import pandas as pd
from environments import ROOT

from disaster_tweets.bundle import read_vocabulary
from disaster_tweets.encoding import Encoding
from disaster_tweets.runtime import STUDENT, open_model
from disaster_tweets.runtime.litert import LiteRT
from disaster_tweets.tokenizer import Tokenizer
from pipeline import assistant, encoder, training
from pipeline.cleaning import clean
from pipeline.feature_distillation import loss_with_features, predicting_features
from pipeline.inference_graph import InferenceGraph, to_tflite
from pipeline.integers import quantize
from pipeline.project import MODELS, params, run_stage, write_text
from pipeline.splits import read_split
from pipeline.splits import targets as targets_of
from pipeline.targets import blend_with_linear, linear_model, read_table, write_targets
from topic.project import params as topic_params
from topic.sources import LABELLED, examples, read_events, read_soft_labels

FOLDER = MODELS / "frontier"
INTEGERS, FLATBUFFER = ".npy", ".tflite"
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
        asked, learned = (
            [tokenizer.encode(clean(text)) for text in texts["text"]]
            for texts in (self.asked, self.labelled)
        )
        tensors = encoder.tensors(model, shape)
        if shape.filters and shape.hidden and not shape.layers:
            content, file = quantize(tensors, learned), self.folder / f"{name}{INTEGERS}"
        else:
            content = to_tflite(InferenceGraph(tensors, shape))
            file = self.folder / f"{name}{FLATBUFFER}"
        file.write_bytes(content)
        before = model.predict(training.padded(asked, 128), verbose=0)[:, 0]
        self.keep(name, keras=before, exported=log_odds(file)(asked))

    @property
    def distilled(self) -> tuple[Path, Path]:
        """Where the texts of the students, and their features, are."""
        return self.folder / "distilled.csv", self.folder / "features.npy"

    def taught(self, linear: float) -> tuple[list[str], np.ndarray]:
        """Return what the assistant learns: texts, and targets (texts, 1) in [0, 1].

        Args:
            linear: The weight of a linear model in the targets.
        """
        teacher = [f"teacher_{self.number}"]
        weight = topic_params("sources")["weight"]
        texts, targets = examples(self.labelled, self.events, self.soft, teacher, weight)
        return texts, blend_with_linear(texts, targets[:, None], linear)


def exported(fold: int, name: str) -> Path | None:
    """Return the file of an exported model; None if there is none, as of the linear model."""
    files = [FOLDER / str(fold) / f"{name}{suffix}" for suffix in (INTEGERS, FLATBUFFER)]
    return next((file for file in files if file.is_file()), None)


def log_odds(file: Path) -> Callable[[Sequence[Sequence[int]]], np.ndarray]:
    """Return what turns the token ids of texts into log-odds (texts,), by an exported model."""
    runtime = open_model(STUDENT, file) if file.suffix == INTEGERS else LiteRT(file)

    def of_ids(encoded: Sequence[Sequence[int]]) -> np.ndarray:
        logits = runtime.logits(encoded)
        return logits[:, 1] - logits[:, 0]

    return of_ids


def teach(fold: Fold) -> None:
    """Train the linear model and the assistant; write what the students learn."""
    settings = params("model", "training", "assistant")
    training.set_up_tensorflow(settings)
    texts, targets = fold.taught(settings["linear"])

    logits = np.log(targets / (1 - targets))[:, 0]
    linear = linear_model().fit(lowered(texts), logits)
    joblib.dump(linear, fold.folder / f"{LINEAR}.joblib")
    fold.keep(LINEAR, exported=linear.predict(lowered(fold.asked["text"])))

    model, shape, pieces = training.new_model(fold.labelled["text"], settings)
    write_text(fold.folder / "vocab.txt", "".join(f"{piece}\n" for piece in pieces))
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    training.fit(model, training.Batches(texts, targets, tokenizer, settings), settings)
    fold.keep_model(ASSISTANT, model, shape, tokenizer)
    similar = assistant.words_alike(fold.labelled["text"], settings)
    more = assistant.texts_to_label(
        texts, len(fold.labelled), list(fold.events["text"]), similar, settings
    )
    logits, features = assistant.label(model, tokenizer, [*texts, *more])
    targets = assistant.with_soft_labels(targets, logits)
    table_path, features_path = fold.distilled
    write_targets([*texts, *more], np.round(targets, 6), table_path)
    np.save(features_path, features)


def lowered(texts: Iterable[str]) -> list[str]:
    return [clean(text).lower() for text in texts]


def scorer(fold: int, name: str) -> Callable[[list[str]], np.ndarray]:
    """Return what scores texts with the model of a fold: log-odds (texts,) of raw texts."""
    folder = FOLDER / str(fold)
    if name == LINEAR:
        linear = joblib.load(folder / f"{name}.joblib")
        return lambda texts: linear.predict(lowered(texts))
    file = exported(fold, name)
    assert file is not None
    of_ids = log_odds(file)
    pieces = read_vocabulary(folder / "vocab.txt")
    encoding = Encoding(params("reads"), pieces, params("model")["max_tokens"])
    return lambda texts: of_ids(list(map(encoding.encode, texts)))


def name_of_training(name: str, number: int) -> str:
    """Return what one training of a shape is called; the first is called as the shape."""
    return name if number == 1 else f"{name}-{number}"


def learn(fold: Fold, name: str, number: int) -> None:
    """Train a student of one shape; each number has a seed of its own."""
    settings = params("model", "training", "student") | STUDENTS[name]
    settings["seed"] += number - 1
    training.set_up_tensorflow(settings)
    table_path, features_path = fold.distilled
    learned, features = read_table(table_path), np.load(features_path)
    model, shape, pieces = training.new_model(fold.labelled["text"], settings)
    tokenizer = Tokenizer(pieces, settings["max_tokens"])
    targets = np.column_stack([targets_of(learned), features])
    batches = training.Batches(list(learned["text"]), targets, tokenizer, settings)
    learner = predicting_features(model, features.shape[1])
    loss = loss_with_features(shape.outputs, settings["features"])
    training.fit(learner, batches, settings, loss=loss)
    fold.keep_model(name_of_training(name, number), model, shape, tokenizer)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    folds = range(topic_params("teacher")["folds"])
    parser.add_argument("folds", nargs="+", type=int, choices=folds)
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
            called = name_of_training(name, number)
            if fold.path(called).is_file():
                continue
            print(f"fold {fold.number}, {called}", flush=True)
            keras.backend.clear_session()
            teach(fold) if name == ASSISTANT else learn(fold, name, number)


if __name__ == "__main__":
    os.chdir(ROOT)
    run_stage(main)
