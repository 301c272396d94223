"""Accuracy against speed: students of several shapes, all distilled from the same teachers.

    python benchmarks/frontier.py            # trains what is not trained yet, prints the tables
    python benchmarks/frontier.py --write    # and puts them into docs/frontier.md

Five-fold cross-validation on the texts of the train and the calibration split. The teacher of
a fold has not seen that fold. From what it says, and from the labels of the other four folds,
an assistant learns, which labels more texts for the other students, as in the pipeline. Of the
three events they read tweets of two. All are measured on the fold, and on the third event, of
which none has seen a text.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import unquote

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import joblib
import keras
import numpy as np
import pandas as pd
from chart import OTHER_COLOUR, OUR_COLOUR, draw
from environments import ROOT
from sklearn.linear_model import LogisticRegression
from tweets import tweets

from disaster_tweets.classifier import calibrate
from disaster_tweets.metrics import auc, expected_calibration_error
from disaster_tweets.pipeline import distill, encoder, train
from disaster_tweets.pipeline.distillation import (
    LABELLED,
    linear_model,
    read_distilled,
    read_events,
    read_features,
    read_soft_labels,
)
from disaster_tweets.pipeline.flat import FlatClassifier, to_tflite
from disaster_tweets.pipeline.imitation import imitating, loss_of_both
from disaster_tweets.pipeline.metrics import fit_calibration
from disaster_tweets.pipeline.prepare import LABELLED as LABELLED_FILE
from disaster_tweets.pipeline.project import RAW, params
from disaster_tweets.pipeline.splits import read_split
from disaster_tweets.runtime import Runtime
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

WORK = ROOT / "models" / "frontier"
PAGE, PICTURE = ROOT / "docs" / "frontier.md", ROOT / "docs" / "frontier.svg"
MEASURED = re.compile(
    r"(<!-- measured: python benchmarks/frontier\.py -->\n).*?(<!-- /measured -->)", re.DOTALL
)
TOLERANCE = 0.003  # of accuracy and of both AUCs, that speed may cost
RESAMPLES, ROUNDS, TIMED, CHUNK = 2000, 5, 2000, 128
ASSISTANT = "six"
TEACHER, TOGETHER = "the teachers", "teacher, 6 layers and linear model together"
SURE, FEWEST = 0.9, 20  # of mistakes; of texts that have a keyword
CERTAIN = (0.001, 0.999)  # probabilities beyond have no logits worth fitting
WORKERS = os.cpu_count() or 1  # trainings at a time, each on one thread

Texts = Sequence[str]
Fitted = tuple[np.ndarray, np.ndarray]  # logits in floating point, and of what would ship


@dataclass(frozen=True)
class Lesson:
    """What a student learns.

    Attributes:
        texts: As people write them.
        targets: (texts,) in [0, 1].
        features: (texts, width), those of the assistant, if it learns them, too.
    """

    texts: Texts
    targets: np.ndarray
    features: np.ndarray | None = None


@dataclass(frozen=True)
class Student:
    """A shape, and how it is trained.

    Attributes:
        title: What the tables call it.
        settings: What differs from the section ``train`` of params.yaml.
        fit: Trains; returns its logits of other texts, and keeps what would ship in the given
            file.
        load: Reads that file; returns a function from texts to logits.
        assisted: Whether it learns from the assistant, too.
        suffix: Of the file.
    """

    title: str
    settings: dict[str, Any]
    fit: Callable[[Lesson, Texts, dict[str, Any], Path], Fitted]
    load: Callable[[Path], Callable[[Texts], np.ndarray]]
    assisted: bool = True
    suffix: str = ".tflite"


@dataclass(frozen=True)
class Trained:
    """A model in Keras, its dimensions, and its word pieces."""

    model: keras.Model
    shape: encoder.Shape
    pieces: list[str]

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of its word pieces."""
        return Tokenizer(self.pieces, self.shape.positions or params("train")["max_tokens"])

    def export(self, others: Texts, kept: Path) -> Fitted:
        """Keep what would ship, and return the logits of both."""
        tensors = encoder.tensors(self.model, self.shape)
        kept.write_bytes(to_tflite(FlatClassifier(tensors, self.shape)))
        kept.with_suffix(".txt").write_text("\n".join(self.pieces), encoding="utf-8")
        return distill.ask(self.model, self.tokenizer, others)[0], load_exported(kept)(others)


def train_encoder(lesson: Lesson, settings: dict[str, Any]) -> Trained:
    """Train a few layers of the backbone, as the pipeline does."""
    trained = Trained(*train.new_model(settings["vocabulary_from"], settings))
    learner, targets, loss = trained.model, lesson.targets, None
    if lesson.features is not None:
        learner = imitating(trained.model, lesson.features.shape[1])
        targets = np.column_stack([targets, lesson.features])
        loss = loss_of_both(settings["features"])
    batches = train.Batches(lesson.texts, targets, trained.tokenizer, settings)
    train.fit(learner, batches, settings, loss=loss)
    return trained


def fit_encoder(lesson: Lesson, others: Texts, settings: dict[str, Any], kept: Path) -> Fitted:
    """Train and export."""
    return train_encoder(lesson, settings).export(others, kept)


def load_exported(kept: Path) -> Callable[[Texts], np.ndarray]:
    """Return what the wheel does: clean, cut into word pieces, run, a text at a time."""
    runtime = Runtime(kept)
    pieces = kept.with_suffix(".txt").read_text("utf-8").split("\n")
    tokenizer = Tokenizer(pieces, params("train")["max_tokens"])
    return lambda texts: runtime.logits([tokenizer.encode(clean(text)) for text in texts])


def fit_linear(lesson: Lesson, others: Texts, settings: dict[str, Any], kept: Path) -> Fitted:
    """Fit a linear model of words, pairs of words and characters to the targets' logits."""
    odds = np.clip(lesson.targets, *CERTAIN)
    model = linear_model().fit(_lower(lesson.texts), np.log(odds / (1 - odds)))
    joblib.dump(model, kept, compress=3)
    logits = model.predict(_lower(others)).astype(np.float32)
    return logits, logits


def _lower(texts: Texts) -> list[str]:
    return [clean(text).lower() for text in texts]


def load_linear(kept: Path) -> Callable[[Texts], np.ndarray]:
    """Return the fitted model's function from texts to logits."""
    model = joblib.load(kept)
    return lambda texts: model.predict(_lower(texts))


def cut(
    title: str, kept: list[int], units: int, filters: int, assisted: bool = True, **more: float
) -> Student:
    """Return a student that is cut out of the backbone."""
    settings = {"layers": kept, "feed_forward": units, "filters": filters, **more}
    return Student(title, settings, fit_encoder, load_exported, assisted)


ALL_LAYERS = {"epochs": 3, "learning_rate": 8e-5}  # as the section distill of params.yaml
STUDENTS = {
    ASSISTANT: cut("6 layers (the assistant)", [*range(6)], 1536, 0, False, **ALL_LAYERS),
    "two": cut("2 layers, 768 units", [0, 2], 768, 0, learning_rate=2e-4),
    "one": cut("1 layer, 384 units, 256 filters", [0], 384, 256),
    "convolution": cut("256 filters", [], 0, 256),
    "narrow": cut("64 filters", [], 0, 64),
    "mean": cut("mean of the embeddings", [], 0, 0, learning_rate=1e-3),
    "linear": Student("linear, n-grams", {}, fit_linear, load_linear, suffix=".joblib"),
}


@dataclass(frozen=True)
class Part:
    """The recipe up to a certain part.

    Attributes:
        title: What the tables call it.
        without: What differs from the section ``distill`` of params.yaml, or as ``features``
            from what they count.
        assisted: Whether the student learns from the assistant.
    """

    title: str
    without: dict[str, Any]
    assisted: bool = False


# Fewer texts are read more often, so that the student sees about as much of them.
UNASSISTED_EPOCHS = 6
SHIPPED, WHOLE = "one", "whole"
PARTS = {
    "labels": Part("the labels alone", {"weight": 0.0, "linear": 0.0, "events": False}),
    "teachers": Part("and the teachers' opinion", {"linear": 0.0, "events": False}),
    "events": Part("and the teachers' opinion of two events", {"linear": 0.0}),
    "linear": Part("and the linear model's", {}),
    "assistant": Part("and the assistant's", {"features": 0.0}, assisted=True),
    WHOLE: Part("and the assistant's features: the recipe", {}, assisted=True),
}

# What is trained: a student, a fold, a seed and a part of the recipe.
Training = tuple[str, int, int, str]


class CrossValidation:
    """The texts, the teachers' opinions, and what each student made of them.

    Attributes:
        labelled: ``id``, ``text``, ``target`` (mean label), ``fold`` and ``label`` (bool), the
            texts of the train and the calibration split whose labels do not tie.
        events: As `read_events` returns them, with the teachers' logits; only those that have
            them.
    """

    def __init__(self) -> None:
        """Read the data; raise PipelineError where some are missing."""
        self.settings = params("train")
        self.recipe = {"features": self.settings["features"]} | params("distill")
        self.soft = read_soft_labels()
        splits = pd.concat([read_split("train"), read_split("calibration")])
        soft = self.soft.astype({"fold": "Int64"}).set_index(["source", "id"])
        table = splits.join(soft.loc[LABELLED], on="id")
        self._all = table.assign(label=table["target"] > 0.5).reset_index(drop=True)
        events = read_events()
        self._all_events = events
        events = events.drop_duplicates(["source", "id"], keep=False)
        known = pd.MultiIndex.from_frame(events[["source", "id"]]).isin(soft.index)
        self.events = events[known].join(soft.drop(columns="fold"), on=["source", "id"])
        self.folds = int(self._all["fold"].max()) + 1
        self.names = sorted(self.events["source"].unique())

    def unseen_event(self, fold: int) -> str:
        """Return the event that the students of a fold see no text of."""
        return self.names[fold % len(self.names)]

    def measured_on(self, fold: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the labelled texts, and the tweets of an event, that a fold is measured on."""
        labelled = self._all[(self._all["fold"] == fold) & (self._all["target"] != 0.5)]
        return labelled, self.events[self.events["source"] == self.unseen_event(fold)]

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """Return all labelled texts in the order of the folds."""
        return pd.concat([self.measured_on(fold)[0] for fold in range(self.folds)])

    def of_teachers(self) -> list[Logits]:
        """Return what the teachers say of the texts and the event that students are asked."""
        result = []
        for fold in range(self.folds):
            labelled, event = self.measured_on(fold)
            column = f"teacher_{fold}"
            both = (labelled[column].to_numpy(), event[column].to_numpy())
            result.append(Logits(both, both))
        return result

    def of_student(self, name: str, seed: int = 0, part: str = WHOLE) -> list[Logits]:
        """Return the same of a student, of each fold, that was trained."""
        return [self._fold((name, fold, seed, part)) for fold in range(self.folds)]

    def _fold(self, training: Training) -> Logits:
        with np.load(kept(training, ".npz")) as saved:
            at = len(self.measured_on(training[1])[0])
            floating, exported = saved["floating"], saved["exported"]
        return Logits((floating[:at], floating[at:]), (exported[:at], exported[at:]))

    def train(self, training: Training) -> str:
        """Train a student on a fold, keep its logits, and return a line about it."""
        name, fold, seed, part = training
        student, recipe = STUDENTS[name], self.recipe | PARTS[part].without
        settings = self.settings | student.settings | {"seed": seed * 100 + fold}
        labelled, event = self.measured_on(fold)
        seen = self._all[self._all["fold"] != fold]
        events = self._all_events[self._all_events["source"] != self.unseen_event(fold)]
        began = perf_counter()
        if student.assisted and PARTS[part].assisted:
            learned = read_distilled(learned_by_others(fold))
            lesson = Lesson(list(learned["text"]), learned["target"].to_numpy())
            if recipe["features"]:
                lesson = replace(lesson, features=read_features(features_of(fold)))
        else:
            read = events if recipe.get("events", True) else events[:0]
            columns = [f"teacher_{fold}"]
            lesson = Lesson(*distill.taught(seen, read, self.soft, columns, recipe))
            if student.assisted:
                settings["epochs"] = UNASSISTED_EPOCHS
        keras.utils.set_random_seed(settings["seed"])
        settings["vocabulary_from"] = seen["text"]
        shipped = kept(training, student.suffix)
        others = [*labelled["text"], *event["text"]]
        if name == ASSISTANT:
            assistant = train_encoder(lesson, settings)
            floating, exported = assistant.export(others, shipped)
            similar = distill.words_alike(seen["text"], settings)
            asked = recipe | {"seed": self.settings["seed"]}
            more = distill.unlabelled(lesson.texts, len(seen), events, similar, asked)
            texts = [*lesson.texts, *more]
            logits, features = distill.ask(assistant.model, assistant.tokenizer, texts)
            targets = distill.with_opinion(lesson.targets, logits)
            distill.write(texts, targets, features, learned_by_others(fold), features_of(fold))
        else:
            floating, exported = student.fit(lesson, others, settings, shipped)
        np.savez(kept(training, ".npz"), floating=floating, exported=exported)
        at, label = len(labelled), labelled["label"].to_numpy(int)
        right = ((exported[:at] > 0) == label).mean()
        inside = auc(exported[:at], label)
        outside = auc(exported[at:], event["on_topic"].to_numpy(int))
        return (
            f"{name}, {part}, fold {fold}, seed {seed}: {len(lesson.texts):,} texts, accuracy "
            f"{right:.4f}, AUC {inside:.4f} and {outside:.4f}, {perf_counter() - began:.0f} s"
        )


def kept(training: Training, suffix: str) -> Path:
    """Return the file in which something of a training is kept."""
    name, fold, seed, part = training
    return WORK / f"{name}-{part}-{fold}-{seed}{suffix}"


def learned_by_others(fold: int) -> Path:
    """Return the file of what the assistant of a fold labelled, and of what it learned."""
    return WORK / f"learned-{fold}.csv"


def features_of(fold: int) -> Path:
    """Return the file of the assistant's features of the same texts."""
    return WORK / f"features-{fold}.npy"


def train_all(trainings: Iterable[Training]) -> None:
    """Train what is not trained yet, the assistants first; each in a process of its own."""
    missing = [each for each in dict.fromkeys(trainings) if not kept(each, ".npz").exists()]
    spawn = multiprocessing.get_context("spawn")
    for first in (True, False):
        with ProcessPoolExecutor(WORKERS, spawn, max_tasks_per_child=1) as pool:
            some = [each for each in missing if (each[0] == ASSISTANT) == first]
            for done in as_completed([pool.submit(train_one, each) for each in some]):
                print(done.result(), flush=True)


def train_one(training: Training) -> str:
    """Train in this process, on one thread."""
    os.chdir(ROOT)
    train.set_up_tensorflow(params("train") | {"threads": 1})
    return CrossValidation().train(training)


@dataclass(frozen=True)
class Logits:
    """Logits of the labelled texts of a fold, and of the tweets of its event.

    Attributes:
        floating: As trained.
        exported: Of what would ship.
    """

    floating: tuple[np.ndarray, np.ndarray]
    exported: tuple[np.ndarray, np.ndarray]


class Quality:
    """How good one student is, over all folds; each measure with its resamples.

    A measure is (1 + resamples,): its value, then that on texts drawn with replacement. The
    draws are those of every other student, so that a difference of two has an interval, too.
    """

    def __init__(self, data: CrossValidation, folds: list[Logits]) -> None:
        """Measure what was predicted."""
        generator = np.random.default_rng(params("evaluate")["seed"])
        labels = [
            data.measured_on(fold)[0]["label"].to_numpy(int) for fold in range(data.folds)
        ]
        exported = calibrated([each.exported[0] for each in folds], labels)
        floating = calibrated([each.floating[0] for each in folds], labels)
        right, exact, inside, outside = [], [], [], {name: [] for name in data.names}
        for fold, label in enumerate(labels):
            on_topic = data.measured_on(fold)[1]["on_topic"].to_numpy(int)
            counts, event_counts = (
                np.vstack([np.ones(n), generator.multinomial(n, np.full(n, 1 / n), RESAMPLES)])
                for n in (len(label), len(on_topic))
            )
            right.append(counts @ ((exported[fold] >= 0.5) == label))
            exact.append(counts @ ((floating[fold] >= 0.5) == label))
            inside.append(auc(folds[fold].exported[0], label, counts))
            outside[data.unseen_event(fold)].append(
                auc(folds[fold].exported[1], on_topic, event_counts)
            )
        self.accuracy = np.sum(right, axis=0) / len(data.labelled)
        self.floating_accuracy = np.sum(exact, axis=0) / len(data.labelled)
        self.auc = np.mean(inside, axis=0)
        self.events = {name: np.mean(each, axis=0) for name, each in outside.items()}
        self.event_auc = np.mean([*self.events.values()], axis=0)
        self.probabilities = np.concatenate(exported)
        self.floating_probabilities = np.concatenate(floating)
        self.calibration_error = float(
            expected_calibration_error(self.probabilities, np.concatenate(labels))
        )


Fit = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


def beta(logits: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fit what ships; return its function from logits to probabilities."""
    fitted = fit_calibration(logits, labels)
    return lambda others: calibrate(others.astype(float), fitted)[:, 1].astype(float)


def logistic(intercept: bool) -> Fit:
    """Return the fit of a factor, and of an intercept or none."""

    def fit(logits: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        model = LogisticRegression(C=np.inf, fit_intercept=intercept)
        model.fit(logits[:, None], labels)
        return lambda others: model.predict_proba(others[:, None])[:, 1]

    return fit


CALIBRATIONS: dict[str, Fit] = {
    "one number, a temperature": logistic(intercept=False),
    "two, Platt scaling": logistic(intercept=True),
    "three, beta calibration: what ships": beta,
}


def calibrated(
    logits: Sequence[np.ndarray], labels: Sequence[np.ndarray], fit: Fit = beta
) -> list[np.ndarray]:
    """Return the probabilities of each fold, calibrated on the others."""
    result = []
    for fold, asked in enumerate(logits):
        rest = [i for i in range(len(logits)) if i != fold]
        fitted = fit(
            np.concatenate([logits[i] for i in rest]), np.concatenate([labels[i] for i in rest])
        )
        result.append(fitted(asked))
    return result


def calibrations_table(data: CrossValidation, folds: list[Logits]) -> Iterator[str]:
    """Yield what each way to calibrate makes of the shipped shape."""
    labels = [data.measured_on(fold)[0]["label"].to_numpy(int) for fold in range(data.folds)]
    yield "| calibrated by | accuracy at 0.5 | calibration error |"
    yield "|---|---|---|"
    for title, fit in CALIBRATIONS.items():
        probabilities = calibrated([each.exported[0] for each in folds], labels, fit)
        joined, truth = np.concatenate(probabilities), np.concatenate(labels)
        error = expected_calibration_error(joined, truth)
        yield f"| {title} | {np.mean((joined >= 0.5) == truth):.4f} | {error:.3f} |"


def tweets_per_second() -> dict[str, list[float]]:
    """Time what would ship, in turns, on one core; return the rates of each round by name."""
    texts = tweets(TIMED, seed=7)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    scorers = {
        name: student.load(kept((name, 0, 0, WHOLE), student.suffix))
        for name, student in STUDENTS.items()
    }
    rates: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(ROUNDS):
        for name, logits in scorers.items():
            began = perf_counter()
            for start in range(0, len(texts), CHUNK):
                logits(texts[start : start + CHUNK])
            rates[name].append(len(texts) / (perf_counter() - began))
    return rates


def fastest_that_keeps(quality: dict[str, Quality], rates: dict[str, list[float]]) -> str:
    """Return the student that ships: the fastest within TOLERANCE of the best in all three."""
    keeping = set(STUDENTS)
    for measure in ("accuracy", "auc", "event_auc"):
        values = {name: getattr(quality[name], measure)[0] for name in STUDENTS}
        best = max(values.values())
        keeping &= {name for name, value in values.items() if value >= best - TOLERANCE}
    candidates = keeping or {max(STUDENTS, key=lambda name: quality[name].accuracy[0])}
    return max(candidates, key=lambda name: median(rates[name]))


def report(data: CrossValidation, seeds: int) -> tuple[str, dict[str, Any]]:
    """Return the measured part of the page, and the points of the picture."""
    logits = {name: data.of_student(name) for name in STUDENTS}
    quality = {name: Quality(data, folds) for name, folds in logits.items()}
    titled = {STUDENTS[name].title: each for name, each in quality.items()}
    teachers = Quality(data, data.of_teachers())
    together = Quality(data, mean([data.of_teachers(), logits[ASSISTANT], logits["linear"]]))
    rates = tweets_per_second()
    shipped = fastest_that_keeps(quality, rates)
    lines = [
        f"{len(data.labelled):,} texts in {data.folds} folds, {len(data.events):,} tweets of "
        f"{len(data.names)} events; in brackets 95 % bootstrap intervals, for tweets a second "
        f"the lowest and the highest of {ROUNDS} rounds in turn on one core.",
        "",
        *quality_table({TEACHER: teachers, TOGETHER: together} | titled, list(data.names)),
        "",
        *speed_table(quality, rates, shipped),
        "",
        f"The fastest within {TOLERANCE} of the best in accuracy, AUC and AUC on other events: "
        f"**{STUDENTS[shipped].title}**.",
        "",
        *exports_table(quality),
        "",
        *calibrations_table(data, logits[SHIPPED]),
        "",
        *parts_table(data),
        "",
        *seeds_table(data, seeds),
        "",
        *mistakes(data, quality[SHIPPED], teachers),
    ]
    points = {
        name: (median(rates[name]), float(quality[name].accuracy[0])) for name in STUDENTS
    }
    return "\n".join(lines), {"points": points, "shipped": shipped}


def mean(students: list[list[Logits]]) -> list[Logits]:
    """Return the mean logits of several, for each fold."""

    def of(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        labelled, event = zip(*pairs, strict=True)
        return np.mean(labelled, axis=0), np.mean(event, axis=0)

    return [
        Logits(of(each.floating for each in fold), of(each.exported for each in fold))
        for fold in zip(*students, strict=True)
    ]


def quality_table(quality: dict[str, Quality], events: list[str]) -> Iterator[str]:
    """Yield how often each is right, and how well it ranks."""
    columns = [f"AUC, {name.replace('_', ' ')}" for name in events]
    yield f"| | accuracy | AUC | {' | '.join(columns)} | calibration error |"
    yield "|---" * (len(columns) + 4) + "|"
    for title, each in quality.items():
        cells = [interval(each.accuracy), interval(each.auc)]
        cells += [interval(event) for event in each.events.values()]
        yield f"| {title} | {' | '.join(cells)} | {each.calibration_error:.3f} |"


def speed_table(
    quality: dict[str, Quality], rates: dict[str, list[float]], shipped: str
) -> Iterator[str]:
    """Yield what speed costs: each student beside the first one."""
    first = next(iter(STUDENTS))
    yield f"| | tweets/s | to {STUDENTS[first].title} | MB | accuracy | AUC | AUC, events |"
    yield "|---|---|---|---|---|---|---|"
    for name, student in STUDENTS.items():
        ratio = median(a / b for a, b in zip(rates[name], rates[first], strict=True))
        size = kept((name, 0, 0, WHOLE), student.suffix).stat().st_size / 1e6
        low, high = min(rates[name]), max(rates[name])
        cells = [
            f"**{student.title}**" if name == shipped else student.title,
            f"{median(rates[name]):,.0f} ({low:,.0f} to {high:,.0f})",
            f"{ratio:.2f}",
            f"{size:.1f}",
        ]
        for measure in ("accuracy", "auc", "event_auc"):
            ours, theirs = (getattr(quality[each], measure) for each in (name, first))
            cells.append("" if name == first else interval(ours - theirs, "+"))
        yield f"| {' | '.join(cells)} |"


def exports_table(quality: dict[str, Quality]) -> Iterator[str]:
    """Yield what the export to int8 costs."""
    yield "| | accuracy before | int8 less that | decisions changed | probability moved |"
    yield "|---|---|---|---|---|"
    for name, each in quality.items():
        if STUDENTS[name].fit is fit_linear:
            continue
        exported, floating = each.probabilities, each.floating_probabilities
        yield (
            f"| {STUDENTS[name].title} | {each.floating_accuracy[0]:.4f} "
            f"| {interval(each.accuracy - each.floating_accuracy, '+')} "
            f"| {np.mean((exported >= 0.5) != (floating >= 0.5)):.2%} "
            f"| {np.abs(exported - floating).mean():.4f} |"
        )


def parts_table(data: CrossValidation) -> Iterator[str]:
    """Yield what each part of the recipe brings to the shipped shape."""
    yield f"| {STUDENTS[SHIPPED].title}, trained on | accuracy | AUC | AUC, events |"
    yield "|---|---|---|---|"
    for part, described in PARTS.items():
        each = Quality(data, data.of_student(SHIPPED, part=part))
        cells = [interval(each.accuracy), interval(each.auc), interval(each.event_auc)]
        yield f"| {described.title} | {' | '.join(cells)} |"


def seeds_table(data: CrossValidation, seeds: int) -> Iterator[str]:
    """Yield the same recipe with other seeds."""
    yield f"| {STUDENTS[SHIPPED].title}, seed | accuracy | AUC | AUC, events |"
    yield "|---|---|---|---|"
    for seed in range(seeds):
        each = Quality(data, data.of_student(SHIPPED, seed))
        cells = [each.accuracy[0], each.auc[0], each.event_auc[0]]
        yield f"| {seed} | {' | '.join(f'{value:.4f}' for value in cells)} |"


def mistakes(data: CrossValidation, ours: Quality, teachers: Quality) -> Iterator[str]:
    """Yield where the shipped shape is wrong, and how often it may be the label."""
    label = data.labelled["label"].to_numpy()
    wrong = (ours.probabilities >= 0.5) != label
    teacher = (teachers.probabilities >= 0.5) != label
    sure = np.abs(ours.probabilities - 0.5) > SURE - 0.5
    both_labels = ~data.labelled["target"].isin([0.0, 1.0]).to_numpy()
    agreed = wrong & teacher
    yield (
        f"Of its {wrong.sum():,} mistakes, the teacher that has not seen the text makes "
        f"{agreed.sum() / wrong.sum():.0%}, too. In {(wrong & sure).sum()} it is surer than "
        f"{SURE}, and in {(agreed & sure).sum()} of these the teacher agrees. Of "
        f"{both_labels.sum()} texts that stand in the data with both labels it gets "
        f"{wrong[both_labels].mean():.0%} wrong, by the label that most rows have."
    )
    yield ""
    table = pd.DataFrame({"wrong": wrong, "teacher": teacher})
    groups = table.groupby(keywords_of(data.labelled["id"]))
    rates = groups.mean().assign(texts=groups.size())
    ranked = rates[rates["texts"] >= FEWEST].sort_values(["wrong", "texts"], ascending=False)
    yield f"| keyword, of {len(ranked)} with {FEWEST} texts or more | texts | wrong | teacher |"
    yield "|---|---|---|---|"
    for keyword, row in [*ranked.head(12).iterrows(), *ranked.tail(6).iterrows()]:
        cells = f"{row['texts']:.0f} | {row['wrong']:.0%} | {row['teacher']:.0%}"
        yield f"| {keyword or 'none'} | {cells} |"


def keywords_of(ids: pd.Series) -> list[str]:
    """Return the keyword by which each labelled tweet was found; empty where none is known."""
    raw = pd.read_csv(RAW / LABELLED_FILE, dtype=str, keep_default_na=False).set_index("id")
    return [unquote(raw["keyword"][id_]) for id_ in ids.astype(str)]


def interval(values: np.ndarray, sign: str = "") -> str:
    """Return a measure with its interval."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return f"{values[0]:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.name}")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of the shipped shape")
    parser.add_argument("--train", nargs="+", choices=STUDENTS, help="train these, no tables")
    parser.add_argument("--part", choices=PARTS, default=WHOLE, help="with --train")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    WORK.mkdir(parents=True, exist_ok=True)
    data = CrossValidation()
    if arguments.train:
        train_all(
            (name, fold, 0, arguments.part)
            for name in arguments.train
            for fold in range(data.folds)
        )
        return
    shapes = [(name, 0, WHOLE) for name in STUDENTS]
    parts = [(SHIPPED, 0, part) for part in PARTS]
    seeds = [(SHIPPED, seed, WHOLE) for seed in range(arguments.seeds)]
    train_all(
        (name, fold, seed, part)
        for name, seed, part in shapes + parts + seeds
        for fold in range(data.folds)
    )
    text, picture = report(data, arguments.seeds)
    print(text)
    if arguments.write:
        page = PAGE.read_text("utf-8")
        page = MEASURED.sub(lambda match: f"{match[1]}{text}\n{match[2]}", page)
        PAGE.write_text(page, encoding="utf-8", newline="\n")
        points = picture["points"]
        draw(
            list(points.values()),
            [STUDENTS[name].title for name in points],
            [OUR_COLOUR if name == picture["shipped"] else OTHER_COLOUR for name in points],
            "accuracy, out of fold",
            PICTURE,
        )


if __name__ == "__main__":
    main()
