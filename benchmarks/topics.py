"""Compares copies of this repository for other topics with TF-IDF and logistic regression.

    python benchmarks/topics.py RESULTS --tweeteval DIR
    python benchmarks/topics.py RESULTS --sets reviews --seeds 1 --mirror DIR
    python benchmarks/topics.py RESULTS --table

Writes public sets of labelled texts into the folder RESULTS, fits the baseline on each, makes a
copy of the repository for each, and runs its pipeline once with each seed. An interrupted run
continues with what RESULTS lacks. With --table it measures nothing and prints a Markdown table
of RESULTS. Linux only: everything runs on one core. Run it in the environment that trains the
model.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any

import numpy as np
from environments import ONE_THREAD, ROOT, NotMeasuredError, output, pinned
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from topic_sets import SPLIT_SEED, SPLITS, TOPICS, Row, Tables, Topic, replaced, written

from disaster_tweets.metrics import accuracy, confusion_matrix, macro_f1, one_vs_rest_auc

REGULARIZATION = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # the C of logistic regression
RESAMPLES, LEVEL = 1000, 0.95
TIMED_TEXTS, ROUNDS = 2000, 3


@dataclass
class Scores:
    """The results of one classifier on the test texts.

    Attributes:
        labels: The predicted label of each text.
        probabilities: The probabilities of each text, in the order of the topic's labels.
        texts_per_second: Texts per second of processor time.
        minutes: Processor time of the training; None if it was not measured separately.
    """

    labels: list[str]
    probabilities: list[list[float]]
    texts_per_second: float
    minutes: float | None = None


def baseline(topic: Topic, tables: Tables) -> dict[str, Any]:
    """Fit TF-IDF and logistic regression, with the best C on the validation texts."""
    started = process_time()
    (texts, labels), (unseen, answers) = (columns(tables[s]) for s in ("train", "validation"))
    features = tf_idf()
    seen, tried = features.fit_transform(texts), features.transform(unseen)
    validation = {}
    for c in REGULARIZATION:
        model = logistic_regression(c).fit(seen, labels)
        matrix = confusions(topic, answers, model.predict(tried))
        validation[c] = float(macro_f1(matrix))
    best = max(validation, key=lambda c: validation[c])  # the smallest of equals
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


# Runs in a copy with the test texts as JSON on standard input. {module} is the copy's package.
SCORE = """
import json, sys
from time import process_time
from {module}.bundle import bundled_manifest, read_vocabulary
from {module}.encoding import Encoding
from {module}.prediction import decide
from pipeline.exported import Exported, threshold_of
from pipeline.project import MODELS
from pipeline.unseen import to_calibrate

texts = json.load(sys.stdin)
many = (texts * ({timed} // len(texts) + 1))[:{timed}]
manifest = bundled_manifest()
labels, longest = manifest["labels"], manifest["max_tokens"]
answer = {{"ships": manifest["kind"]}}
for kind in ("student", "encoder"):
    exported = Exported(kind, longest)
    calibration = to_calibrate(exported)
    exported.fit(calibration.logits, calibration.targets)
    # The same token ids in less time, as in the package.
    vocabulary = read_vocabulary(MODELS / f"{{kind}}.vocab.txt")
    exported.encode = Encoding(manifest["reads"], vocabulary, longest).encode
    seconds = []
    for _ in range({rounds}):
        started = process_time()
        exported.score(many)
        seconds.append(process_time() - started)
    probabilities = exported.score(texts)
    decided = decide(probabilities, threshold_of(len(labels)))
    order = [labels.index(label) for label in {labels}]
    answer[kind] = {{
        "labels": [labels[index] for index in decided.tolist()],
        "probabilities": probabilities[:, order].tolist(),
        "texts_per_second": len(many) / min(seconds),
    }}
print(json.dumps(answer))
"""


def make_copy(name: str, topic: Topic, folder: Path) -> Path:
    """Return the copy for a topic, made first unless it exists."""
    copy = folder / "copy"
    if not copy.exists():
        two = len(topic.labels) == 2
        examples = reversed(topic.examples) if two else topic.examples
        output(
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
            lines=8,
        )
    return copy


def measured_copy(
    name: str, topic: Topic, tables: Tables, folder: Path, seed: int, mirror: Path | None
) -> dict[str, Any]:
    """Train a copy with a seed; return the results of both kinds of its model."""
    copy = make_copy(name, topic, folder)
    path = copy / "params.yaml"
    text, found = re.subn(
        r"(?m)(^training:\n(?:  .*\n)*?  seed: )\d+", rf"\g<1>{seed}", path.read_text("utf-8")
    )
    if found != 1:
        raise NotMeasuredError(f"{path}: no seed of the training")
    path.write_text(text, encoding="utf-8")
    variables = ONE_THREAD | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "src",
    }
    if mirror is not None:
        variables[f"{name.upper()}_MIRROR"] = str(mirror)
    started = processor_seconds_of_children()
    repro = [sys.executable, "-m", "dvc", "repro", "--all-pipelines"]
    output(repro, copy, lines=8, **variables)
    minutes = (processor_seconds_of_children() - started) / 60
    script = SCORE.format(module=name, labels=topic.labels, timed=TIMED_TEXTS, rounds=ROUNDS)
    texts = json.dumps(columns(tables["test"])[0])
    printed = output([sys.executable, "-c", script], copy, texts, lines=8, **variables)
    answer: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return answer | {"minutes": minutes}


def processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def confusions(topic: Topic, labels: Sequence[str], predicted: Any, counts: Any = None) -> Any:
    """Return confusion matrices (..., k, k); arguments as for `qualities`."""
    decided = np.array(predicted)[:, None] == np.array(topic.labels)
    return confusion_matrix(decided.astype(float), indices(topic, labels), None, counts)


def indices(topic: Topic, labels: Sequence[str]) -> Any:
    return np.array([topic.labels.index(label) for label in labels])


def qualities(
    topic: Topic, labels: Sequence[str], scores: Sequence[Scores], counts: Any = None
) -> Any:
    """Return accuracy, macro F1 and AUC (..., 3), averaged over several classifiers.

    Args:
        topic: The topic.
        labels: The true label of each test text.
        scores: The results of the classifiers.
        counts: (..., texts), the number of times that each text counts; None for once each.
    """
    found = []
    for each in scores:
        matrix = confusions(topic, labels, each.labels, counts)
        auc = one_vs_rest_auc(np.array(each.probabilities), indices(topic, labels), counts)
        found.append(np.stack([accuracy(matrix), macro_f1(matrix), auc], axis=-1))
    return np.mean(found, axis=0)


def gains(topic: Topic, labels: Sequence[str], ours: Sequence[Scores], theirs: Scores) -> Any:
    """Return the ends (2, 3) of the bootstrap intervals of the mean gains over a baseline.

    The intervals reflect the choice of the test texts; the seeds of ``ours`` are averaged.
    """
    texts = len(labels)
    generator = np.random.default_rng(SPLIT_SEED)
    counts = generator.multinomial(texts, np.full(texts, 1 / texts), RESAMPLES)
    gained = qualities(topic, labels, ours, counts) - qualities(topic, labels, [theirs], counts)
    return np.nanquantile(gained, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)


def table(results: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table of all results."""
    yield "| set | classifier | accuracy | macro F1 | AUC | texts a second | minutes |"
    yield "|---|---|---|---|---|---|---|"
    for name in names:
        if (results / name / "baseline.json").exists():
            yield from rows_of(name, TOPICS[name], results / name)


def rows_of(name: str, topic: Topic, folder: Path) -> Iterator[str]:
    tables = written(topic, folder, None)
    labels = columns(tables["test"])[1]

    def row(first: str, classifier: str, *scores: Scores) -> str:
        values = " | ".join(f"{value:.3f}" for value in qualities(topic, labels, scores))
        rate = fmean(each.texts_per_second for each in scores)
        took = [each.minutes for each in scores if each.minutes is not None]
        minutes = f"{fmean(took):.1f}" if took else ""
        return f"| {first} | {classifier} | {values} | {rate:,.0f} | {minutes} |"

    sizes = " + ".join(f"{len(tables[split]):,}" for split in SPLITS)
    fitted = json.loads((folder / "baseline.json").read_text("utf-8"))
    theirs = Scores(**fitted["train"])
    title = f"{name}: {len(topic.labels)} labels, {sizes} texts ({topic.origin})"
    yield row(title, "TF-IDF", theirs)
    yield row("", "TF-IDF, fitted on validation too", Scores(**fitted["train_and_validation"]))
    runs = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("seed-*.json"))]
    if not runs:
        return
    for kind in ("student", "encoder"):
        yield row("", kind, *(Scores(**each[kind]) for each in runs))
    ours = [Scores(**each[each["ships"]], minutes=each["minutes"]) for each in runs]
    yield row("", f"what ships: {', '.join(each['ships'] for each in runs)}", *ours)
    gain = qualities(topic, labels, ours) - qualities(topic, labels, [theirs])
    intervals = [
        f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
        for value, low, high in zip(gain, *gains(topic, labels, ours, theirs), strict=True)
    ]
    yield f"| | what ships, less TF-IDF | {' | '.join(intervals)} | | |"


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> bool:
    """Write the result of ``make`` as JSON unless the file exists; say whether it was new."""
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
    try:
        with pinned(max(os.sched_getaffinity(0))):
            for name in arguments.sets:
                measure(name, arguments)
    except (NotMeasuredError, OSError) as problem:
        sys.exit(f"error: {problem}")


def measure(name: str, arguments: argparse.Namespace) -> None:
    """Measure the baseline of a set and, unless --baselines-only is given, its copies."""
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
    add("--table", action="store_true", help="print the results, and measure nothing")
    add("--tweeteval", type=Path, metavar="DIR", help="datasets/ of cardiffnlp/tweeteval")
    add(
        "--mirror",
        type=lambda name: Path(name).resolve(),
        metavar="DIR",
        help="folder with the backbone, instead of a download",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
