"""Measures copies of this repository for other topics beside TF-IDF and logistic regression.

    python benchmarks/topics.py RESULTS --tweeteval DIR
    python benchmarks/topics.py RESULTS --sets reviews --seeds 1 --mirror DIR
    python benchmarks/topics.py RESULTS --table

Writes public sets of labelled texts into the folder RESULTS, fits the baseline on each, makes a
copy of the repository for each, and runs its pipeline once with each seed. What RESULTS has
already is not measured again, so an interrupted run goes on where it stopped. With --table it
measures nothing: it prints a Markdown table of what RESULTS has. Linux only: all runs on one
core. Run it in the environment that trains the model.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from environments import ENVIRONMENT, ROOT
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline, make_union

SPLITS = ("train", "validation", "test")
SPLIT_SEED, VALIDATION, TEST = 20200101, 0.1, 0.1  # where a set has no splits of its own
REGULARIZATION = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # the C of logistic regression
RESAMPLES, LEVEL = 1000, 0.95
TIMED_TEXTS, ROUNDS = 2000, 3
ONE_THREAD = dict.fromkeys(
    (
        *("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        *("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
    ),
    "1",
)


class TopicError(Exception):
    """A set or a copy cannot be measured; the message says why."""


class Row(NamedTuple):
    """A labelled text, and what may not be spread over two splits."""

    text: str
    label: str
    group: str = ""


Tables = dict[str, list[Row]]  # by split


# --------------------------------------------------------------------------------------- sets


@dataclass(frozen=True)
class Topic:
    """A set of labelled texts, and what a copy for it is told.

    Attributes:
        labels: The labels, in alphabetical order; of two, the second is the positive one.
        question: What the classifier answers.
        examples: A text that is clearly of each label, written for this purpose, in the order
            of the labels.
        read: From the folder of downloads and the one of TweetEval to the rows of each split.
        origin: Where the texts are from, and their licence, as the table names them.
    """

    labels: tuple[str, ...]
    question: str
    examples: tuple[str, ...]
    read: Callable[[Path, Path | None], Tables]
    origin: str


def tweeteval(
    name: str, labels: Sequence[str], sha256: str
) -> Callable[[Path, Path | None], Tables]:
    """Return a reader of a set of TweetEval, which has its own splits."""

    def read(_: Path, folder: Path | None) -> Tables:
        if folder is None:
            raise TopicError(
                f"{name}: --tweeteval must name the folder datasets/ of the repository "
                "cardiffnlp/tweeteval, at commit 4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66"
            )
        tables = {}
        content = b""
        for split, stem in zip(SPLITS, ("train", "val", "test"), strict=True):
            parts = [
                (folder / name / f"{stem}_{part}.txt").read_bytes()
                for part in ("text", "labels")
            ]
            content += b"".join(parts)
            texts, indices = (part.decode("utf-8").splitlines() for part in parts)
            tables[split] = [
                Row(text.strip(), labels[int(index)])
                for text, index in zip(texts, indices, strict=True)
            ]
        verify(content, sha256, folder / name)
        return tables

    return read


def reviews(downloads: Path, _: Path | None) -> Tables:
    """Read the sentences of reviews that npm's sentiment is validated with."""
    package = downloads / "sentiment-5.0.2.tgz"
    download(
        package,
        "89302eb03d2005d03b214fe65814bb48adb7d3c42c8ca80bdee6a3ecb7e4480f",
        ["npm", "pack", "sentiment@5.0.2", "--silent", "--pack-destination"],
    )
    rows = []
    with tarfile.open(package) as archive:
        for source in ("amazon", "imdb", "yelp"):
            for each in json.loads(member(archive, f"package/test/fixtures/{source}.json")):
                if each["text"]:
                    text = each["text"].strip()
                    rows.append(Row(text, ("negative", "positive")[each["class"]], text))
    return split_by_group(unrepeated(rows))


def editorials(downloads: Path, _: Path | None) -> Tables:
    """Read the sentences of editorials that VADER was validated with.

    The label of a sentence is what most of its raters say; ties are left out. All sentences of
    an article are in one split.
    """
    package = downloads / "vaderSentiment-3.3.2.tar.gz"
    download(
        package,
        "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
            *("--no-deps", "--no-binary", "vaderSentiment", "vaderSentiment==3.3.2", "-d"),
        ],
    )
    inner = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
    with tarfile.open(package) as outer:
        data = outer.extractfile(inner)
        with tarfile.open(fileobj=data) as archive:
            texts, ratings = (
                member(
                    archive, f"hutto_ICWSM_2014/nytEditorialSnippets_{part}.txt"
                ).splitlines()
                for part in ("GroundTruth", "anonDataRatings")
            )
    rows = []
    for line, rated in zip(texts, ratings, strict=True):
        identity, _mean, text = line.split("\t")
        of_rating, *_statistics, raw = rated.split("\t")
        if identity != of_rating:
            raise TopicError(f"{package}: texts and ratings are not in the same order")
        votes = Counter(np.sign([int(each) for each in re.findall(r"-?\d+", raw)]).tolist())
        (sign, most), *others = votes.most_common()
        if not others or others[0][1] < most:
            label = {-1: "negative", 0: "neutral", 1: "positive"}[sign]
            rows.append(Row(text.strip(), label, identity.split("_")[0]))
    return split_by_group(unrepeated(rows))


def member(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    if file is None:
        raise TopicError(f"{name}: not a file in its archive")
    return file.read().decode("utf-8")


def download(path: Path, sha256: str, command: Sequence[str]) -> None:
    """Let a package manager bring a package into the folder of ``path``, unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            run([*command, folder], path.parent)
            (Path(folder) / path.name).rename(path)
    verify(path.read_bytes(), sha256, path)


def verify(content: bytes, sha256: str, path: Path) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TopicError(f"{path}: not what was measured before (its sha256 differs)")


def unrepeated(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without repeated texts, and none of a text with two labels."""
    labels: dict[str, set[str]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        key = " ".join(row.text.casefold().split())
        labels.setdefault(key, set()).add(row.label)
        first.setdefault(key, row)
    return [row for key, row in first.items() if len(labels[key]) == 1]


def split_by_group(rows: Sequence[Row]) -> Tables:
    groups = list(dict.fromkeys(row.group for row in rows))
    random.Random(SPLIT_SEED).shuffle(groups)
    test, validation = round(len(groups) * TEST), round(len(groups) * VALIDATION)
    split_of = dict.fromkeys(groups[:test], "test")
    split_of |= dict.fromkeys(groups[test : test + validation], "validation")
    return {
        split: [row for row in rows if split_of.get(row.group, "train") == split]
        for split in SPLITS
    }


TOPICS = {
    "irony": Topic(
        labels=("literal", "ironic"),
        question="Is this post ironic?",
        examples=(
            "The library opens at nine on Saturdays.",
            "Oh great, another three-hour meeting. Just what I needed on a Friday evening.",
        ),
        read=tweeteval(
            "irony",
            ("literal", "ironic"),
            "52bbe4fdf5ac8851802490d4849872a352932d6bd2ca0c3551b67e8ca12b2eeb",
        ),
        origin="TweetEval, irony; the terms of the platform apply",
    ),
    "emotion": Topic(
        labels=("anger", "joy", "optimism", "sadness"),
        question="Which emotion does this post show?",
        examples=(
            "They lied to us again and I am furious.",
            "We won the final and I can't stop smiling!",
            "Hard days pass; tomorrow is a new chance.",
            "I miss her so much, and the house feels empty.",
        ),
        read=tweeteval(
            "emotion",
            ("anger", "joy", "optimism", "sadness"),
            "4c590122134437dc95b2e9878c4544887a86852d16fba5606493a995fdbd673d",
        ),
        origin="TweetEval, emotion; the terms of the platform apply",
    ),
    "reviews": Topic(
        labels=("negative", "positive"),
        question="Does this sentence of a review praise?",
        examples=(
            "It broke after two days and nobody answered my calls.",
            "The pasta was wonderful and the staff could not have been kinder.",
        ),
        read=reviews,
        origin="UCI, Sentiment Labelled Sentences, in npm's sentiment 5.0.2; CC BY 4.0",
    ),
    "editorials": Topic(
        labels=("negative", "neutral", "positive"),
        question="What is the tone of this sentence of an editorial?",
        examples=(
            "The new law punishes the poor and helps nobody.",
            "The committee meets again in March.",
            "Her courage gave a whole city new hope.",
        ),
        read=editorials,
        origin="Hutto and Gilbert 2014, in PyPI's vaderSentiment 3.3.2; MIT",
    ),
}


def written(topic: Topic, folder: Path, tweets: Path | None) -> Tables:
    """Return the splits of a set out of ``folder``, written there first if they are not."""
    paths = {split: folder / f"{split}.csv" for split in SPLITS}
    if not all(path.exists() for path in paths.values()):
        for split, rows in topic.read(folder.parent / "downloads", tweets).items():
            with replaced(paths[split]) as path, path.open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(("text", "label"))
                table.writerows((row.text, row.label) for row in rows)
    tables = {}
    for split, path in paths.items():
        with path.open(newline="") as file:
            tables[split] = [Row(each["text"], each["label"]) for each in csv.DictReader(file)]
    return tables


# ----------------------------------------------------------------------------------- baseline


@dataclass
class Scores:
    """What one classifier says of the test texts.

    Attributes:
        labels: The label that it gives each text.
        probabilities: Of each label, in the order of the topic's labels.
        texts_per_second: How many texts it scores in a second of processor time.
        minutes: Processor time that building it took; None where it was built with others.
    """

    labels: list[str]
    probabilities: list[list[float]]
    texts_per_second: float
    minutes: float | None = None


def baseline(topic: Topic, tables: Tables) -> dict[str, Any]:
    """Fit TF-IDF and logistic regression, with the C that is best on the validation texts."""
    started = process_time()
    (texts, labels), (unseen, answers) = (columns(tables[s]) for s in ("train", "validation"))
    features = tf_idf()
    seen, tried = features.fit_transform(texts), features.transform(unseen)
    validation = {}
    for c in REGULARIZATION:
        model = logistic_regression(c).fit(seen, labels)
        validation[c] = macro_f1(answers, model.predict(tried))
    best = max(validation, key=lambda c: validation[c])  # of equals the smallest
    model = make_pipeline(features, logistic_regression(best).fit(seen, labels))
    minutes = (process_time() - started) / 60
    both = make_pipeline(tf_idf(), logistic_regression(best)).fit(
        [*texts, *unseen], [*labels, *answers]
    )
    test = columns(tables["test"])[0]
    return {
        "c": best,
        "validation": {str(c): round(score, 4) for c, score in validation.items()},
        "train": vars(fitted_scores(topic, model, test, minutes)),
        "train_and_validation": vars(fitted_scores(topic, both, test, None)),
    }


def columns(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    return [row.text for row in rows], [row.label for row in rows]


def tf_idf() -> Any:
    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )


def logistic_regression(c: float) -> Any:
    return LogisticRegression(C=c, max_iter=1000)


def fitted_scores(topic: Topic, model: Any, texts: list[str], minutes: float | None) -> Scores:
    order = [list(model.classes_).index(label) for label in topic.labels]
    many = (texts * (TIMED_TEXTS // len(texts) + 1))[:TIMED_TEXTS]
    seconds = []
    for _ in range(ROUNDS):
        started = process_time()
        model.predict_proba(many)
        seconds.append(process_time() - started)
    return Scores(
        labels=model.predict(texts).tolist(),
        probabilities=np.round(model.predict_proba(texts)[:, order], 7).tolist(),
        texts_per_second=TIMED_TEXTS / min(seconds),
        minutes=minutes,
    )


# --------------------------------------------------------------------------------------- copy

# Runs in a copy, given JSON: the test texts. Each kind of model gets a folder of its own, like
# the one of the kind that ships, and is loaded from it as a user would load it.
SCORE = """
import json, shutil, sys, tempfile
from pathlib import Path
from time import process_time
import numpy as np
from {module} import Classifier
from {module}.bundle import CALIBRATION, GOLDEN, MODEL, VOCABULARY
from pipeline.evaluate import fingerprint
from pipeline.exported import FILES, Exported
from pipeline.project import ARTIFACTS, MODELS
from pipeline.splits import read_split

texts = json.load(sys.stdin)
many = (texts * ({timed} // len(texts) + 1))[:{timed}]
manifest = json.loads((ARTIFACTS / "manifest.json").read_text("utf-8"))
answer = {{"ships": manifest["kind"]}}
for kind in ("student", "encoder"):
    exported = Exported(kind, manifest["max_tokens"])
    exported.fit(read_split("calibration"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(FILES[kind], folder / MODEL)
        shutil.copy(MODELS / f"{{kind}}.vocab.txt", folder / VOCABULARY)
        shutil.copy(ARTIFACTS / GOLDEN, folder)
        np.save(folder / CALIBRATION, exported.table, allow_pickle=False)
        files = {{path.name: fingerprint(path) for path in folder.iterdir()}}
        described = {{"kind": kind, "calibration": exported.calibration, "artifacts": files}}
        (folder / "manifest.json").write_text(json.dumps(manifest | described), "utf-8")
        classifier = Classifier.load(folder)
        seconds = []
        for _ in range({rounds}):
            started = process_time()
            classifier.predict_proba(many)
            seconds.append(process_time() - started)
        order = [classifier.classes_.index(label) for label in {labels}]
        answer[kind] = {{
            "labels": [prediction.label for prediction in classifier.predict(texts)],
            "probabilities": classifier.predict_proba(texts)[:, order].tolist(),
            "texts_per_second": len(many) / min(seconds),
        }}
print(json.dumps(answer))
"""


def make_copy(name: str, topic: Topic, folder: Path) -> Path:
    """Return the copy for a topic, made first if it is not there."""
    copy = folder / "copy"
    if not copy.exists():
        two = len(topic.labels) == 2
        examples = reversed(topic.examples) if two else topic.examples
        run(
            [
                *(sys.executable, "scripts/make_it_yours.py"),
                *(str(folder / "train.csv"), str(copy), "--name", name),
                *("--test", str(folder / "test.csv")),
                *("--validation", str(folder / "validation.csv")),
                *("--text-column", "text", "--label-column", "label"),
                *("--question", topic.question),
                *(("--positive", topic.labels[1]) if two else ()),
                *(part for example in examples for part in ("--example", example)),
            ],
            ROOT,
        )
    return copy


def measured_copy(
    name: str, topic: Topic, tables: Tables, folder: Path, seed: int, mirror: Path | None
) -> dict[str, Any]:
    """Train a copy with a seed; return what both kinds of its model say of the test texts."""
    copy = make_copy(name, topic, folder)
    path = copy / "params.yaml"
    text, found = re.subn(
        r"(?m)(^training:\n(?:  .*\n)*?  seed: )\d+", rf"\g<1>{seed}", path.read_text("utf-8")
    )
    if found != 1:
        raise TopicError(f"{path}: no seed of the training")
    path.write_text(text, encoding="utf-8")
    variables = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "src",
    }
    if mirror is not None:
        variables[f"{name.upper()}_MIRROR"] = str(mirror)
    started = processor_seconds_of_children()
    run([sys.executable, "-m", "dvc", "repro", "--all-pipelines"], copy, **variables)
    minutes = (processor_seconds_of_children() - started) / 60
    script = SCORE.format(module=name, labels=topic.labels, timed=TIMED_TEXTS, rounds=ROUNDS)
    texts = json.dumps(columns(tables["test"])[0])
    printed = run([sys.executable, "-c", script], copy, texts, **variables)
    answer: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return answer | {"minutes": minutes}


def processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Sequence[str], folder: Path, given: str = "", **variables: str) -> str:
    """Run a command and return what it prints; raise TopicError with the end of its errors."""
    done = subprocess.run(
        command,
        cwd=folder,
        input=given,
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT | ONE_THREAD | variables,
    )
    if done.returncode:
        end = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        name = " ".join(command[1:4]).partition("\n")[0]
        raise TopicError(f"{name} failed in {folder}:\n{end}")
    return done.stdout


# ------------------------------------------------------------------------------------ quality


def macro_f1(labels: Any, predicted: Any) -> float:
    return float(f1_score(labels, predicted, average="macro", zero_division=0.0))


def auc(labels: Any, probabilities: Any, topic: Topic) -> float:
    """Return the area under the ROC curve; of more than two labels, each against the rest."""
    if len(topic.labels) == 2:
        return float(roc_auc_score(labels == topic.labels[1], probabilities[:, 1]))
    return fmean(
        float(roc_auc_score(labels == label, probabilities[:, i]))
        for i, label in enumerate(topic.labels)
    )


def qualities(labels: Any, predicted: Any, probabilities: Any, topic: Topic) -> list[float]:
    """Return accuracy, macro F1 and AUC, of arrays over the same texts."""
    return [
        float(accuracy_score(labels, predicted)),
        macro_f1(labels, predicted),
        auc(labels, probabilities, topic),
    ]


def mean_qualities(answers: Any, scores: Sequence[Scores], topic: Topic) -> Any:
    """Return the means of accuracy, macro F1 and AUC over several classifiers."""
    return np.mean([qualities(answers, *arrays(each), topic) for each in scores], axis=0)


def arrays(scores: Scores) -> tuple[Any, Any]:
    return np.array(scores.labels), np.array(scores.probabilities)


def gains(answers: Any, ours: Sequence[Scores], theirs: Scores, topic: Topic) -> Any:
    """Return the ends (2, 3) of the intervals of the mean gains over another classifier.

    All classifiers get the same test texts, drawn with replacement. The intervals tell how far
    the choice of the test texts matters; the seeds of ``ours`` are averaged, not drawn.
    """
    draw = np.random.default_rng(SPLIT_SEED)
    base, *others = [arrays(each) for each in (theirs, *ours)]
    drawn = []
    for _ in range(RESAMPLES):
        rows = draw.integers(0, len(answers), len(answers))
        before, *after = [
            qualities(answers[rows], predicted[rows], probabilities[rows], topic)
            for predicted, probabilities in (base, *others)
        ]
        drawn.append(np.mean(after, axis=0) - before)
    return np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)


# -------------------------------------------------------------------------------------- table


def table(results: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table of all that was measured."""
    yield "| set | classifier | accuracy | macro F1 | AUC | texts a second | minutes |"
    yield "|---|---|---|---|---|---|---|"
    for name in names:
        if (results / name / "baseline.json").exists():
            yield from rows_of(name, TOPICS[name], results / name)


def rows_of(name: str, topic: Topic, folder: Path) -> Iterator[str]:
    tables = written(topic, folder, None)
    answers = np.array(columns(tables["test"])[1])
    sizes = " + ".join(f"{len(tables[split]):,}" for split in SPLITS)
    fitted = json.loads((folder / "baseline.json").read_text("utf-8"))
    theirs = Scores(**fitted["train"])
    title = f"{name}: {len(topic.labels)} labels, {sizes} texts ({topic.origin})"
    yield row(title, "TF-IDF", answers, [theirs], topic)
    both = [Scores(**fitted["train_and_validation"])]
    yield row("", "TF-IDF, fitted on validation too", answers, both, topic)
    seeds = sorted(folder.glob("seed-*.json"))
    runs = [json.loads(path.read_text("utf-8")) for path in seeds]
    if not runs:
        return
    for kind in ("student", "encoder"):
        yield row("", kind, answers, [Scores(**each[kind]) for each in runs], topic)
    ours = [Scores(**each[each["ships"]], minutes=each["minutes"]) for each in runs]
    shipped = ", ".join(each["ships"] for each in runs)
    yield row("", f"what ships: {shipped}", answers, ours, topic)
    gain = mean_qualities(answers, ours, topic) - mean_qualities(answers, [theirs], topic)
    intervals = [
        f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
        for value, low, high in zip(gain, *gains(answers, ours, theirs, topic), strict=True)
    ]
    yield f"| | what ships, less TF-IDF | {' | '.join(intervals)} | | |"


def row(
    name: str, classifier: str, answers: Any, scores: Sequence[Scores], topic: Topic
) -> str:
    values = " | ".join(f"{value:.3f}" for value in mean_qualities(answers, scores, topic))
    rate = fmean(each.texts_per_second for each in scores)
    took = [each.minutes for each in scores if each.minutes is not None]
    minutes = f"{fmean(took):.1f}" if took else ""
    return f"| {name} | {classifier} | {values} | {rate:,.0f} | {minutes} |"


# --------------------------------------------------------------------------------------- main


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a path to write to; it takes the place of ``path`` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    yield partial
    partial.replace(path)


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> bool:
    """Write what ``make`` returns as JSON, unless the file is there; say whether it was not."""
    if path.exists():
        return False
    content = make()
    with replaced(path) as partial:
        partial.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return True


def main() -> None:
    arguments = parsed()
    if arguments.table:
        print(*table(arguments.results, arguments.sets), sep="\n")
        return
    # What this process starts is bound to the core as well.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        for name in arguments.sets:
            measure(name, arguments)
    except (TopicError, OSError) as problem:
        sys.exit(f"error: {problem}")


def measure(name: str, arguments: argparse.Namespace) -> None:
    """Measure the baseline and, unless only that is wanted, the copies of a set."""
    topic, folder = TOPICS[name], arguments.results / name
    tables = written(topic, folder, arguments.tweeteval)
    if kept(folder / "baseline.json", lambda: baseline(topic, tables)):
        print(f"{name}: baseline measured", flush=True)
    for seed in () if arguments.baselines_only else arguments.seeds:
        path = folder / f"seed-{seed}.json"

        def make(seed: int = seed) -> dict[str, Any]:
            return measured_copy(name, topic, tables, folder, seed, arguments.mirror)

        if kept(path, make):
            print(f"{name}: copy measured with seed {seed}", flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("results", type=lambda name: Path(name).resolve(), metavar="RESULTS")
    add("--sets", nargs="+", choices=TOPICS, default=list(TOPICS), metavar="SET")
    add("--seeds", nargs="+", type=int, default=[1, 2, 3], metavar="SEED")
    add("--baselines-only", action="store_true", help="make no copies")
    add("--table", action="store_true", help="print what was measured, and measure nothing")
    add("--tweeteval", type=Path, metavar="DIR", help="datasets/ of cardiffnlp/tweeteval")
    add(
        "--mirror",
        type=lambda name: Path(name).resolve(),
        metavar="DIR",
        help="where the copies find the backbone, instead of downloading it",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
