"""Compares models of different size on texts outside their training sets.

    python benchmarks/frontier.py [--before FOLDER] [--write]

Prints Markdown. With --write it also renews the measured part of docs/model/frontier.md, and
docs/model/frontier.svg. Linux only: it pins a core. Run it on a quiet machine after
`dvc repro --all-pipelines`, in the environment that trains the model, with Matplotlib.

FOLDER holds the artifacts of an earlier model. That model is measured on other data sets only,
because most of the competition's texts were in its training set.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
from chart import OTHER_COLOUR, OUR_COLOUR, draw
from environments import ROOT
from pages import renew, spread
from tweets import tweets

from disaster_tweets import Classifier
from disaster_tweets.metrics import auc, expected_calibration_error
from disaster_tweets.runtime import ENCODER, STUDENT
from pipeline.cleaning import clean
from pipeline.evaluate import measure_sources, probabilities_of
from pipeline.exported import FILES, Exported
from pipeline.project import params
from pipeline.targets import linear_model
from pipeline.unseen import Unseen, cross_fitted, of_log_odds, read_measured, to_calibrate
from topic.project import OUT_OF_FOLD
from topic.project import params as topic_params
from topic.sources import LABELLED, measured, read_soft_labels

PAGE = ROOT / "docs" / "model" / "frontier.md"
TITLES = {
    ENCODER: "six layers (assistant)",
    STUDENT: "convolution (ships)",
    "linear": "linear, n-grams",
    "teacher": "teacher, twelve layers",
    "both": "mean of teacher and six layers",
}
LINEAR_LOGIT = 4.0  # target of the linear model for a certain label
RESAMPLES, SEED = 2000, 20200101
TEXTS, CHUNK, ROUNDS = 2048, 32, 5
NEED = ("danger", "request")  # kinds of written sentences about people in need
EYEWITNESS, UNRELATED = "informative, by eyewitness", "unrelated"  # kinds of tweets of T26


def logits_of_competition() -> pd.DataFrame:
    """Return the texts of the folds with ``label``, and the out-of-fold logit of each model.

    Only texts with a logit of every model are returned; the teachers scored some of the texts.
    """
    labelled = measured(topic_params("sources")).query("source == ''")
    table = labelled.set_index("id")[["text", "target", "fold"]]
    scored = pd.read_csv(OUT_OF_FOLD, dtype={"id": str}, keep_default_na=False)
    scored = scored[scored["source"] == ""].set_index("id")[[STUDENT, ENCODER]]
    soft = read_soft_labels()
    soft = soft[soft["source"] == LABELLED].set_index("id")
    own = [soft[f"teacher_{fold:.0f}"][i] for i, fold in soft["fold"].items()]
    table = table.join(scored, how="inner").join(pd.Series(own, soft.index, name="teacher"))
    table["linear"] = np.nan
    for fold in table["fold"].unique():
        seen = labelled[labelled["fold"] != fold]
        model = linear_model()
        targets = LINEAR_LOGIT * (2 * seen["target"].to_numpy(float) - 1)
        model.fit(_read(seen["text"]), targets)
        these = table["fold"] == fold
        table.loc[these, "linear"] = model.predict(_read(table.loc[these, "text"]))
    table["both"] = (table["teacher"] + table[ENCODER]) / 2
    table["label"] = (table["target"] > 0.5).astype(int)
    return table.dropna()


def _read(texts: pd.Series) -> list[str]:
    return [clean(text).lower() for text in texts]


def probabilities(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return the cross-fitted probabilities (texts,) of a model on the competition."""
    logits = of_log_odds(table[name].to_numpy(float))
    unseen = Unseen(list(table["text"]), table[["target"]].to_numpy(float), logits)
    return cross_fitted(unseen)[:, 1]


def competition(table: pd.DataFrame) -> Iterator[str]:
    """Yield the metrics on the competition, and the differences to six layers."""
    labels = table["label"].to_numpy()
    generator = np.random.default_rng(SEED)
    counts = generator.multinomial(len(table), np.full(len(table), 1 / len(table)), RESAMPLES)
    found = {name: probabilities(table, name) for name in TITLES}
    right = {name: ((each >= 0.5) == labels) * 1.0 for name, each in found.items()}
    ranked = {name: auc(each, labels, counts) for name, each in found.items()}
    folds = ", ".join(f"{fold:.0f}" for fold in sorted(table["fold"].unique()))
    yield (
        f"{len(table):,} labelled texts of the competition, out of fold (folds {folds}). "
        "Differences to six layers are 95 % bootstrap intervals."
    )
    yield ""
    yield "| | accuracy | AUC | calibration error | accuracy, difference | AUC, difference |"
    yield "|---|---|---|---|---|---|"
    for name, title in TITLES.items():
        cells = [
            f"{right[name].mean():.4f}",
            f"{float(auc(found[name], labels)):.4f}",
            f"{float(expected_calibration_error(found[name], labels)):.3f}",
        ]
        for difference in (
            counts @ (right[name] - right[ENCODER]) / len(table),
            ranked[name] - ranked[ENCODER],
        ):
            low, high = np.percentile(difference, [2.5, 97.5])
            cells.append("" if name == ENCODER else f"{low:+.4f} to {high:+.4f}")
        yield f"| {title} | {' | '.join(cells)} |"
    yield ""


def elsewhere(before: Path | None) -> Iterator[str]:
    """Yield the metrics on held-out events and on written sentences."""
    table = read_measured()
    table = table[(table["source"] != "") & table["target"].notna()]
    scored: dict[str, np.ndarray] = {}
    for kind in (ENCODER, STUDENT):
        exported = Exported(kind, params("model")["max_tokens"])
        calibration = to_calibrate(exported)
        exported.fit(calibration.logits, calibration.targets)
        scored[TITLES[kind]] = probabilities_of(exported, table)[:, 1]
    if before:
        classifier = Classifier.load(before)
        scored["before"] = classifier.predict_proba(list(table["text"]))[:, 1]
    yield "Events that were left out, and written sentences that are held out:"
    yield ""
    yield (
        "| | AUC, T6 | AUC, T26 | eyewitnesses of T26 flagged | unrelated flagged "
        "| written, accuracy | written, AUC | people in need flagged |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    need = ((table["source"] == "written") & table["kind"].isin(NEED)).to_numpy()
    for title, of_texts in scored.items():
        of = measure_sources(table, of_texts, 0.5, {})
        kinds = of["CrisisLexT26"]["kinds"]
        cells = [
            *(f"{of[source]['auc']:.3f}" for source in ("CrisisLexT6", "CrisisLexT26")),
            *(f"{kinds[kind]['flagged']:.1%}" for kind in (EYEWITNESS, UNRELATED)),
            *(f"{of['written'][key]:.3f}" for key in ("accuracy", "auc")),
            f"{(of_texts[need] >= 0.5).mean():.1%}",
        ]
        yield f"| {title} | {' | '.join(cells)} |"
    yield ""


def rates(table: pd.DataFrame) -> dict[str, list[float]]:
    """Return the tweets per second of each model by round, all in turn, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    linear = linear_model()
    linear.fit(_read(table["text"]), LINEAR_LOGIT * (2 * table["target"].to_numpy(float) - 1))
    scorers: dict[str, Callable[[list[str]], object]] = {
        ENCODER: Exported(ENCODER, params("model")["max_tokens"]).logits,
        STUDENT: Exported(STUDENT, params("model")["max_tokens"]).logits,
        "linear": lambda texts: linear.predict(_read(pd.Series(texts))),
    }
    found: dict[str, list[float]] = {name: [] for name in scorers}
    for number in range(ROUNDS):
        for name, score in scorers.items():
            score(tweets(CHUNK, seed=1000 + number))
            texts = tweets(TEXTS, seed=number)
            start = perf_counter()
            for at in range(0, TEXTS, CHUNK):
                score(texts[at : at + CHUNK])
            found[name].append(TEXTS / (perf_counter() - start))
    return found


def speed(found: dict[str, list[float]]) -> Iterator[str]:
    """Yield the speed and the size of the models that could ship."""
    yield "Medians of the rounds, and the lowest and the highest:"
    yield ""
    yield "| | tweets/s | file |"
    yield "|---|---|---|"
    for name, each in found.items():
        size = f"{FILES[name].stat().st_size / 1e6:.1f} MB" if name in FILES else ""
        yield f"| {TITLES[name]} | {spread(each)} | {size} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--before", type=Path, help="the artifacts of an earlier model")
    parser.add_argument(
        "--write", action="store_true", help="renew frontier.md and frontier.svg in docs/model"
    )
    arguments = parser.parse_args()
    table = logits_of_competition()
    found = rates(table)
    lines = [*competition(table), *elsewhere(arguments.before), *speed(found)]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.write:
        renew(PAGE, "frontier.py", text)
        labels = table["label"].to_numpy()
        draw(
            [
                (median(each), float(((probabilities(table, name) >= 0.5) == labels).mean()))
                for name, each in found.items()
            ],
            [TITLES[name] for name in found],
            [OUR_COLOUR if name == STUDENT else OTHER_COLOUR for name in found],
            "accuracy on texts not seen, out of fold",
            PAGE.with_suffix(".svg"),
        )


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
