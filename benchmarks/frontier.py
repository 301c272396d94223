"""Compares the shapes that shapes.py has trained: how good, how fast, and which one to ship.

    python benchmarks/frontier.py [--write]

Prints Markdown. With --write it also replaces the measured part of docs/model/frontier.md,
and docs/model/frontier.svg. Linux only: it pins a core. Run it on a quiet machine, in the
environment that trains the model, with Matplotlib.

All measures are of texts that teacher, assistant and student have not seen, and of the exported
file. Each fold's probabilities are calibrated on the other folds.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
from chart import OTHER_COLOUR, OUR_COLOUR, draw
from environments import ROOT
from peers import figures, spread
from shapes import (
    ASSISTANT,
    FOLDER,
    LINEAR,
    SECOND_TEACHER,
    exported,
    name_of_training,
    scorer,
)
from tweets import tweets

from disaster_tweets.calibration import calibrate, fit, tabulate
from disaster_tweets.metrics import (
    accuracy,
    auc,
    confusion_matrix,
    expected_calibration_error,
)
from pipeline.prepare import read_raw
from pipeline.splits import read_split, shares
from topic.sources import LABELLED, read_events, read_soft_labels

SHIPPED, SHIPS = "convolution-and-hidden", " (ships)"
TITLES = {
    ASSISTANT: "six layers",
    "layer-and-convolution": "one layer, convolution",
    SHIPPED: f"convolution, hidden units{SHIPS}",
    "convolution": "convolution",
    "mean-of-words": "mean of words",
    LINEAR: "linear, n-grams",
}
# The first settles a text alone where its probability is outside of UNSURE.
CASCADES = [(SHIPPED, ASSISTANT), ("mean-of-words", SHIPPED), (LINEAR, ASSISTANT)]
UNSURE = (0.25, 0.75)
TOLERANCE = 0.003  # by how much a shape that is chosen may be worse than the best
ROUNDS, TEXTS, CHUNK = 5, 1000, 128
RESAMPLES, SEED = 2000, 20200101
THRESHOLD = 0.5
FEW = 15  # texts of a keyword, below which its share of mistakes says nothing

PAGES = ROOT / "docs" / "model"
PAGE, PICTURE = PAGES / "frontier.md", PAGES / "frontier.svg"
MEASURED = re.compile(
    r"(<!-- measured: python benchmarks/frontier\.py -->\n).*?(<!-- /measured -->)", re.DOTALL
)


@dataclass
class Model:
    """A shape, or two in a row: what it says of all texts, and how fast."""

    name: str
    title: str
    probabilities: np.ndarray
    rates: list[float]
    size: int = 0  # of its file, in bytes


class Texts:
    """The texts that were asked in all folds, with labels and groups."""

    def __init__(self, folds: Sequence[int]) -> None:
        table = pd.concat(
            [answers(fold, ASSISTANT)[["source", "id"]].assign(fold=fold) for fold in folds]
        )
        events = read_events().drop_duplicates(["source", "id"], keep=False)
        known = pd.concat(
            [
                pd.concat([read_split("train"), read_split("calibration")]).assign(
                    source=LABELLED
                ),
                events.assign(target=events["on_topic"].astype(float)),
            ]
        ).set_index(["source", "id"])["target"]
        index = pd.MultiIndex.from_frame(table[["source", "id"]])
        self.kept = index.isin(known.index)
        self.table = table[self.kept]
        self.targets = known.reindex(index[self.kept]).to_numpy()
        self.labels = (self.targets > THRESHOLD).astype(int)
        self.fold = self.table["fold"].to_numpy()
        self.labelled = (self.table["source"] == LABELLED).to_numpy()
        # Each by the models of one fold, which have not read of it.
        self.events = [~self.labelled & (self.fold == fold) for fold in folds]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrate the logits of each fold on the labelled texts of the others."""
        log_odds = logits[self.kept]
        of_both = np.stack([np.zeros(len(log_odds)), log_odds], axis=1)
        targets = shares(self.targets[:, None])
        probabilities = np.empty(len(of_both))
        for fold in np.unique(self.fold):
            here, others = self.fold == fold, self.labelled & (self.fold != fold)
            fitted = fit(of_both[others], targets[others])
            probabilities[here] = calibrate(of_both[here], fitted, tabulate(fitted))[:, 1]
        return probabilities


def answers(fold: int, name: str) -> pd.DataFrame:
    """Return what a shape says of the texts of a fold."""
    return pd.read_csv(FOLDER / str(fold) / f"{name}.csv", dtype={"id": str})


def logits(folds: Sequence[int], name: str, column: str = "exported") -> np.ndarray:
    return np.concatenate([answers(fold, name)[column].to_numpy(float) for fold in folds])


def teacher_logits(folds: Sequence[int]) -> np.ndarray:
    """Return the logits of each fold's teacher, which has not seen the labelled texts there.

    Of tweets of events, 0: the teachers were asked about some of them only.
    """
    soft = read_soft_labels().query("source == @LABELLED").set_index(["source", "id"])
    return np.concatenate([in_place(fold, soft[f"teacher_{fold}"]) for fold in folds])


def second_teacher_logits(folds: Sequence[int]) -> np.ndarray:
    """Return the same of the teachers of second_teacher.py."""
    return np.concatenate(
        [
            in_place(
                fold, answers(fold, SECOND_TEACHER).set_index(["source", "id"])["exported"]
            )
            for fold in folds
        ]
    )


def in_place(fold: int, said: pd.Series) -> np.ndarray:
    """Return logits by source and id in the order of the texts of a fold, 0 where none is."""
    asked = pd.MultiIndex.from_frame(answers(fold, ASSISTANT)[["source", "id"]])
    return said.reindex(asked, fill_value=0.0).to_numpy()


def measure_rates(fold: int, names: Sequence[str]) -> dict[str, list[float]]:
    """Return the tweets a second of each shape in each round, all in turn, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in range(ROUNDS):
        for name in names:
            score = scorer(fold, name)
            score(tweets(CHUNK, seed=1000 + number))
            texts = tweets(TEXTS, seed=number)
            start = perf_counter()
            for at in range(0, TEXTS, CHUNK):
                score(texts[at : at + CHUNK])
            rates[name].append(TEXTS / (perf_counter() - start))
    return rates


def cascade(first: Model, second: Model) -> Model:
    """Return what both do together: the second sees what the first is unsure of."""
    low, high = UNSURE
    unsure = (first.probabilities > low) & (first.probabilities < high)
    probabilities = np.where(unsure, second.probabilities, first.probabilities)
    share = unsure.mean()
    rates = [
        1 / (1 / quick + share / slow)
        for quick, slow in zip(first.rates, second.rates, strict=True)
    ]
    names = [model.title.removesuffix(SHIPS) for model in (first, second)]
    title = f"{names[0]}, then {names[1]} for {share:.0%}"
    return Model("", title, probabilities, rates, first.size + second.size)


def measures(
    texts: Texts, probabilities: np.ndarray, draws: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """Return accuracy, AUC, and the mean AUC on unseen events: (3,) or (3, resamples)."""
    groups = [texts.labelled, *texts.events]
    counts = draws or [None] * len(groups)
    values = [
        auc(probabilities[group], texts.labels[group], drawn)
        for group, drawn in zip(groups, counts, strict=True)
    ]
    right = accuracy_of(probabilities[texts.labelled], texts.labels[texts.labelled], counts[0])
    return np.array([right, values[0], np.mean(values[1:], axis=0)])


def accuracy_of(
    probabilities: np.ndarray, labels: np.ndarray, counts: np.ndarray | None
) -> np.ndarray:
    """Return the accuracy of probabilities (texts,) of the second label, or of resamples."""
    of_both = np.stack([1 - probabilities, probabilities], axis=1)
    return accuracy(confusion_matrix(of_both, labels, THRESHOLD, counts))


def draw_counts(texts: Texts) -> list[np.ndarray]:
    """Return how often each text counts in each resample, for each group."""
    generator = np.random.default_rng(SEED)
    return [
        generator.multinomial(group.sum(), np.full(group.sum(), 1 / group.sum()), RESAMPLES)
        for group in (texts.labelled, *texts.events)
    ]


def report(texts: Texts, models: Sequence[Model], folds: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the measured part."""
    draws = draw_counts(texts)
    values = [measures(texts, model.probabilities) for model in models]
    drawn = [measures(texts, model.probabilities, draws) for model in models]
    students = [i for i, model in enumerate(models) if model.name]
    best = max(students, key=lambda i: values[i][0])
    slowest = median(models[0].rates)
    of_events = texts.table[~texts.labelled].drop_duplicates(["source", "id"])
    events = sorted(of_events["source"].unique())
    yield (
        f"Folds {', '.join(map(str, folds))}: {texts.labelled.sum():,} labelled texts, and "
        f"{len(of_events):,} tweets of {len(events)} events ({', '.join(events)})."
    )
    yield "Medians of the rounds, and the lowest and the highest."
    yield ""
    yield (
        "| | tweets/s | times six layers | accuracy | AUC | AUC, unseen event "
        "| calibration error | file |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for model, value in zip(models, values, strict=True):
        error = expected_calibration_error(
            model.probabilities[texts.labelled], texts.labels[texts.labelled]
        )
        cells = [
            model.title,
            spread(model.rates),
            figures(median(model.rates) / slowest),
            *(f"{each:.4f}" for each in value),
            f"{error:.3f}",
            f"{model.size / 1e6:.1f} MB" if model.size else "",
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield (
        f"What each has more or less than {models[best].title}, the most accurate that is one "
        "model, with 95 % bootstrap intervals over the same texts:"
    )
    yield ""
    yield f"| | accuracy | AUC | AUC, unseen event | all within {TOLERANCE:g} |"
    yield "|---|---|---|---|---|"
    passed = []
    for i, model in enumerate(models):
        if i == best:
            continue
        within = bool((values[i] >= values[best] - TOLERANCE).all())
        passed += [model] if within else []
        cells = [
            interval(value, *np.percentile(differences, [2.5, 97.5]))
            for value, differences in zip(
                values[i] - values[best], drawn[i] - drawn[best], strict=True
            )
        ]
        yield f"| {' | '.join([model.title, *cells, 'yes' if within else 'no'])} |"
    fastest = max(
        [models[best], *passed], key=lambda model: median(model.rates) if model.name else 0
    )
    yield ""
    yield f"The fastest single model within {TOLERANCE:g} in all three: {fastest.title}."
    yield ""
    teacher = teacher_logits(folds)
    yield from ceiling(texts, folds, teacher, draws[0])
    yield ""
    networks = [model.name for model in models if model.name and model.size]
    yield from rounding(texts, folds, networks)
    yield ""
    yield from chance(texts, folds, networks)
    yield from mistakes(texts, teacher, next(m for m in models if m.name == SHIPPED))


def interval(value: float, low: float, high: float) -> str:
    return f"{value:+.4f} ({low:+.4f} to {high:+.4f})"


def ceiling(
    texts: Texts, folds: Sequence[int], teacher: np.ndarray, draws: np.ndarray
) -> Iterator[str]:
    """Yield what models reach that are too large for a wheel."""
    labels = texts.labels[texts.labelled]
    six = logits(folds, ASSISTANT)
    rows = {
        "teacher": teacher,
        f"teacher and {TITLES[ASSISTANT]}, the mean": (teacher + six) / 2,
    }
    if set(folds) <= set(complete(SECOND_TEACHER)):
        second = second_teacher_logits(folds)
        rows |= {
            "second teacher": second,
            f"second teacher and {TITLES[ASSISTANT]}, the mean": (second + six) / 2,
            "the mean of all three": (teacher + second + six) / 3,
        }
    yield (
        "What teachers say of the same labelled texts, which they have not seen either, with "
        "95 % bootstrap intervals:"
    )
    yield ""
    yield "| | accuracy | AUC |"
    yield "|---|---|---|"
    for title, said in rows.items():
        probabilities = texts.probabilities(said)[texts.labelled]
        right, drawn = [accuracy_of(probabilities, labels, d) for d in (None, draws)]
        ranked = [auc(probabilities, labels, d) for d in (None, draws)]
        cells = [
            f"{value:.4f} ({low:.4f} to {high:.4f})"
            for value, (low, high) in (
                (right, np.percentile(drawn, [2.5, 97.5])),
                (ranked[0], np.percentile(ranked[1], [2.5, 97.5])),
            )
        ]
        yield f"| {' | '.join([title, *cells])} |"


def rounding(texts: Texts, folds: Sequence[int], names: Sequence[str]) -> Iterator[str]:
    """Yield what rounding to integers changes."""
    yield (
        "What rounding to integers changes, on the labelled texts, before calibration at the "
        "logit 0:"
    )
    yield ""
    yield "| | decisions changed | accuracy | AUC |"
    yield "|---|---|---|---|"
    labels = texts.labels[texts.labelled]
    for name in names:
        before, after = (
            logits(folds, name, column)[texts.kept][texts.labelled]
            for column in ("keras", "exported")
        )
        right = [np.mean((each > 0) == labels) for each in (before, after)]
        ranked = [float(auc(each, labels)) for each in (before, after)]
        yield (
            f"| {TITLES[name]} | {np.mean((before > 0) != (after > 0)):.2%} "
            f"| {right[1] - right[0]:+.4f} | {ranked[1] - ranked[0]:+.4f} |"
        )


def chance(texts: Texts, folds: Sequence[int], names: Sequence[str]) -> Iterator[str]:
    """Yield what other seeds of the training change, where there are any."""
    rows = []
    for name in names:
        again = trainings(folds, name)
        if len(again) == 1:
            continue
        values = [
            measures(texts, texts.probabilities(logits(folds, called))) for called in again
        ]
        cells = [
            f"{np.mean(column):.4f} ({min(column):.4f} to {max(column):.4f})"
            for column in zip(*values, strict=True)
        ]
        rows.append(f"| {' | '.join([TITLES[name], str(len(again)), *cells])} |")
    if rows:
        yield "Trained with several seeds, the mean, and the lowest and the highest:"
        yield ""
        yield "| | trainings | accuracy | AUC | AUC, unseen event |"
        yield "|---|---|---|---|---|"
        yield from rows
        yield ""


def mistakes(texts: Texts, teacher: np.ndarray, model: Model) -> Iterator[str]:
    """Yield where a model is wrong, and whether its teacher is wrong there, too."""
    table = texts.table[texts.labelled].assign(
        p=model.probabilities[texts.labelled], label=texts.labels[texts.labelled]
    )
    opinion = teacher[texts.kept][texts.labelled]
    wrong = ((table["p"] >= THRESHOLD) != table["label"]).to_numpy()
    shared = wrong & ((opinion > 0) != table["label"]).to_numpy()
    sure = wrong & (np.abs(table["p"] - 0.5) > 0.4).to_numpy()
    yield (
        f"Of the {wrong.sum():,} mistakes of {model.title}, {shared.sum():,} are those of the "
        f"teacher, too, that has not seen the text either; of the {sure.sum():,} where it is "
        f"surer than 0.9, {(sure & shared).sum():,}."
    )
    keywords = read_raw("train.csv", "id", "keyword").set_index("id")["keyword"]
    by_keyword = (
        pd.DataFrame({"keyword": keywords.reindex(table["id"]).to_numpy(), "wrong": wrong})
        .query("keyword != ''")
        .groupby("keyword")["wrong"]
        .agg(["mean", "sum", "size"])
        .query("size >= @FEW")
        .sort_values(["mean", "size"], ascending=[False, False])
    )
    yield ""
    yield (
        f"By keyword, of the {len(by_keyword)} with at least {FEW} of these texts, it is most "
        "often wrong on:"
    )
    yield ""
    yield "| keyword | texts | wrong |"
    yield "|---|---|---|"
    for keyword, row in by_keyword.head(10).iterrows():
        name = str(keyword).replace("%20", " ")
        yield f"| {name} | {row['size']:.0f} | {row['mean']:.0%} |"
    never = by_keyword.index[by_keyword["sum"] == 0].str.replace("%20", " ")
    yield ""
    yield f"Never wrong on: {', '.join(sorted(never)) or 'none'}."


def complete(name: str) -> list[int]:
    """Return the folds in which a shape was trained."""
    return [int(path.parent.name) for path in sorted(FOLDER.glob(f"*/{name}.csv"))]


def trainings(folds: Sequence[int], name: str) -> list[str]:
    """Return what the trainings of a shape are called that these folds all have."""
    again: list[str] = []
    while set(folds) <= set(complete(called := name_of_training(name, len(again) + 1))):
        again.append(called)
    return again


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--write", action="store_true", help="renew frontier.md and frontier.svg in docs/model"
    )
    arguments = parser.parse_args()
    folds = complete(SHIPPED)
    if len(folds) < 2:
        sys.exit("error: models/frontier has no two folds; run python benchmarks/shapes.py 0 1")
    names = [name for name in TITLES if trainings(folds, name)]
    texts = Texts(folds)
    rates = measure_rates(folds[0], names)
    models = {}
    for name in names:
        file = exported(folds[0], name)
        models[name] = Model(
            name,
            TITLES[name],
            texts.probabilities(logits(folds, name)),
            rates[name],
            file.stat().st_size if file else 0,
        )
    cascades = [
        cascade(models[first], models[second])
        for first, second in CASCADES
        if {first, second} <= set(names)
    ]
    every = [*models.values(), *cascades]
    text = "\n".join(report(texts, every, folds)) + "\n"
    print(text)
    if arguments.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(
            MEASURED.sub(lambda found: found[1] + text + found[2], page), "utf-8", newline="\n"
        )
        draw(
            [
                (median(model.rates), float(measures(texts, model.probabilities)[0]))
                for model in models.values()
            ],
            [model.title for model in models.values()],
            [OUR_COLOUR if name == SHIPPED else OTHER_COLOUR for name in models],
            "accuracy on texts not seen, out of fold",
            PICTURE,
        )


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
