"""Measures this wheel beside its alternatives: speed, memory, size and quality.

    python benchmarks/peers.py [--wheel dist/X.whl] [--environments DIR] [--write]

Prints Markdown: the measurements of each peer, the same as multiples of this wheel's, and the
time of each part of scoring one tweet. With --write it also renews the measured part of
docs/model/benchmark.md, and docs/model/benchmark.svg. Linux only: it pins a core. Run it on a
quiet machine, after `dvc repro --all-pipelines`, in the environment that trains the model, with
Matplotlib.

Each peer is a file in benchmarks/peers/. It is installed in a virtual environment and run as a
process of its own. All peers that are trained here learn the labels of the same folds. The
wheel and its model in Keras clean raw texts themselves. The other peers get texts with
placeholders for URLs and handles, and the replacement is not part of the measured time. MiniLM,
the source of the wheel's word embeddings, is fine-tuned by minilm.py if models/minilm does not
exist.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from chart import OTHER_COLOUR, OUR_COLOUR, draw
from environments import (
    ONE_THREAD,
    ROOT,
    Environment,
    NotMeasuredError,
    Worker,
    machine,
    output,
    parse_wheel,
)
from folds import out_of_fold, train_and_held_out
from pages import figures, renew, spread
from tweets import tweets

from disaster_tweets.metrics import measure
from disaster_tweets.runtime import STUDENT
from pipeline.prepare import mask
from pipeline.project import BACKBONE, MODELS, PREPARED

HERE = Path(__file__).parent
sys.path.append(str(HERE / "peers"))
from peer import Peer  # noqa: E402  (in a folder of its own)

OURS = "package"
PEERS = (
    OURS,
    "keras_encoder",
    "pytorch",
    "onnx_int8",
    "scikit_learn",
    "fast_text",
    "spacy_textcat",
    "keras_lstm",
)
NEEDED = (
    PREPARED / "train.csv",
    BACKBONE / "model.safetensors",
    BACKBONE / "tokenizer.json",
    MODELS / "student.safetensors",
    MODELS / "student.vocab.txt",
)
TWEET = "Forest fire near La Ronge Sask. Canada"
ROUNDS, STARTS = 4, 5
SINGLE, MANY, TRIAL, WARM_UP = 200, 2000, 256, 30  # tweets
BATCHES = (1, 8, 32, 128)
RESAMPLES, SEED = 2000, 20200101
PAGE = ROOT / "docs" / "model" / "benchmark.md"


class Round(NamedTuple):
    """The measurements of one process."""

    seconds: list[float]  # of each tweet that was scored alone
    tweets_per_second: float
    real_per_second: float  # of held-out texts
    peak_bytes: int


@dataclass
class Entry:
    """A peer with its measurements, or with the reason why there are none."""

    name: str
    peer: Peer
    folder: Path  # of its trained model
    python: str = ""
    version: str = ""
    installed_bytes: int = 0
    batch: int = 1
    quality: dict[str, Any] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    problem: str = ""

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs the peer's file in its environment."""
        return [self.python, str(HERE / "peers" / f"{self.name}.py"), *arguments]

    @contextmanager
    def scorer(self) -> Iterator[Any]:
        """Start the peer in one thread; yield a function of texts and a batch size.

        The function returns the answer of benchmarks/peers/peer.py.
        """
        with Worker(self.command("score", str(self.folder)), **ONE_THREAD) as ask:

            def score(texts: list[str], batch: int) -> dict[str, Any]:
                if not self.peer.cleans:
                    texts = [mask(text) for text in texts]
                answer: dict[str, Any] = ask({"texts": texts, "batch": batch})
                return answer

            yield score

    @property
    def one_tweet(self) -> list[float]:
        """The median seconds of one tweet in each round."""
        return [median(each.seconds) for each in self.rounds]

    @property
    def rates(self) -> list[float]:
        """The tweets per second in each round."""
        return [each.tweets_per_second for each in self.rounds]

    @property
    def peak(self) -> int:
        """The peak of the resident memory in bytes, over all rounds."""
        return max(each.peak_bytes for each in self.rounds)


@cache
def environment(folder: Path, requirements: tuple[str, ...]) -> Environment:
    """Return the environment of some requirements; peers with the same ones share it."""
    name = "-".join(requirement.partition("==")[0] for requirement in requirements)
    return Environment(folder / name, *requirements)


def write_masked(folder: Path) -> None:
    """Write the training texts for peers that do not clean texts."""
    train, _ = train_and_held_out()
    folder.mkdir()
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "target"))
        table.writerows(zip(train["text"].map(mask), train["label"], strict=True))


def prepare(entry: Entry, data: Path, ours: Environment, environments: Path) -> None:
    """Install a peer and train it."""
    peer = entry.peer
    scoring = ours if entry.name == OURS else environment(environments, peer.requirements)
    training = scoring
    if peer.to_train:
        training = environment(environments, (*peer.requirements, *peer.to_train))
    entry.version = scoring.version(peer.distribution)
    entry.folder.mkdir()
    entry.python = training.python
    output(entry.command("train", str(data), str(entry.folder)))
    entry.python = scoring.python
    entry.installed_bytes = scoring.size() + sum(
        path.stat().st_size for path in entry.folder.rglob("*") if path.is_file()
    )


def try_batches(entry: Entry, held_out: pd.DataFrame) -> None:
    """Find the fastest batch size of a peer, and measure its quality on held-out texts.

    The wheel's model has learned these texts too. Its quality is that of a model of the same
    recipe which has not.
    """
    warm, trial = tweets(WARM_UP, seed=10), tweets(TRIAL, seed=11)
    with entry.scorer() as score:
        score(warm, 1)
        seconds = {}
        for size in BATCHES:
            score(trial[:size], size)
            seconds[size] = sum(score(trial, size)["seconds"])
        entry.batch = min(seconds, key=seconds.__getitem__)
        second = np.array(score(list(held_out["text"]), entry.batch)["probabilities"])
    both = np.stack([1 - second, second], axis=1)
    if entry.peer.learned_all:
        both = out_of_fold(STUDENT, held_out)
    labels = held_out["label"].to_numpy()
    entry.quality = measure(both, labels, 0.5, resamples=RESAMPLES, seed=SEED)


def run_round(entry: Entry, number: int, real: list[str]) -> None:
    """Score distinct tweets one by one, then in batches, then real ones, in a new process."""
    single, many = tweets(SINGLE, seed=100 + number), tweets(MANY, seed=200 + number)
    warm = tweets(max(WARM_UP, entry.batch), seed=300 + number)
    with entry.scorer() as score:
        score(warm[:WARM_UP], 1)
        seconds = score(single, 1)["seconds"]
        score(warm[: entry.batch], entry.batch)
        rate = len(many) / sum(score(many, entry.batch)["seconds"])
        answer = score(real, entry.batch)
    real_rate = len(real) / sum(answer["seconds"])
    entry.rounds.append(Round(seconds, rate, real_rate, answer["peak_bytes"]))


def run_starts(entries: list[Entry], ours: Environment) -> list[float]:
    """Start every peer in turn; return the seconds of processes that only import NumPy."""
    numpy: list[float] = []
    for turn in range(STARTS + 1):  # the first turn fills the file cache
        start = seconds_of([ours.python, "-c", "import numpy"])
        if turn:
            numpy.append(start)
        for entry in measurable(entries):
            with noting(entry):
                start = seconds_of(entry.command("predict", str(entry.folder), TWEET))
                if turn:
                    entry.starts.append(start)
    return numpy


def seconds_of(command: list[str]) -> float:
    start = perf_counter()
    output(command, **ONE_THREAD)
    return perf_counter() - start


@contextmanager
def noting(entry: Entry) -> Iterator[None]:
    """Note why a peer cannot be measured, and continue with the next peer."""
    try:
        yield
    except NotMeasuredError as reason:
        entry.problem = " ".join(str(reason).split())


def measurable(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if not entry.problem]


def measure_peers(wheel: Path, kept: Path | None, folder: Path) -> tuple[str, list[Entry]]:
    """Return the measured part of the page, and the peers that were measured."""
    core = max(os.sched_getaffinity(0))  # the first core serves most interrupts
    ours = Environment(folder / OURS, str(wheel))
    machine_line = machine(f"NumPy {ours.version('numpy')}", cores="One core of")
    entries = [
        Entry(name, importlib.import_module(name).PEER, folder / f"trained-{name}")
        for name in PEERS
    ]
    if not (MODELS / "minilm").is_dir():
        say("minilm: training")
        output([sys.executable, str(HERE / "minilm.py")])
    write_masked(folder / "data")
    for entry in entries:
        say(f"{entry.name}: installing and training")
        with noting(entry):
            prepare(entry, folder / "data", ours, kept or folder / "environments")
    os.sched_setaffinity(0, {core})  # also for all processes that start from here on
    _, held_out = train_and_held_out()
    for entry in measurable(entries):
        with noting(entry):
            try_batches(entry, held_out)
        say(f"{entry.name}: {entry.problem or f'fastest at {entry.batch} a batch'}")
    for number in range(ROUNDS):
        for entry in measurable(entries):
            with noting(entry):
                run_round(entry, number, list(held_out["text"]))
            say(f"{entry.name}, round {number + 1}: {entry.problem or entry.rates[-1]}")
    numpy = run_starts(measurable(entries), ours)
    if entries[0].problem:  # without the wheel there is nothing to compare
        raise NotMeasuredError(entries[0].problem)
    machine_line += f", {os.getloadavg()[0]:.1f} at the end"
    inside = json.loads(output([ours.python, str(HERE / "parts.py"), str(core)]))
    lines = [f"{machine_line}.", *report(entries, numpy, inside)]
    return "\n".join(lines) + "\n", measurable(entries)


def say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def report(entries: list[Entry], numpy: list[float], inside: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the measured part after the machine."""
    yield f"{ROUNDS} rounds and {STARTS} cold starts, all peers in turn; medians, and in"
    yield "brackets the lowest and the highest; for accuracy and AUC, 95 % bootstrap intervals."
    yield ""
    yield "| | accuracy | AUC | installed | peak memory |"
    yield "|---|---|---|---|---|"
    for entry in entries:
        yield row(entry, [] if entry.problem else quality_and_size(entry), 4)
    yield ""
    yield (
        "| | one tweet, p50 | p99 | tweets/s | real tweets/s | a batch "
        "| cold start, to `import numpy` |"
    )
    yield "|---|---|---|---|---|---|---|"
    for entry in entries:
        yield row(entry, [] if entry.problem else speed(entry, numpy), 6)
    yield ""
    yield f"`import numpy` took {milliseconds(numpy)}."
    yield ""
    yield from ratios(measurable(entries))
    yield ""
    yield from inside_a_tweet(inside)


def row(entry: Entry, cells: list[str], columns: int) -> str:
    if entry.problem:
        cells = [f"not measured: {entry.problem}", *(columns - 1) * [""]]
    return f"| {' | '.join([f'{entry.peer.title} {entry.version}'.strip(), *cells])} |"


def quality_and_size(entry: Entry) -> list[str]:
    intervals = [
        "{value:.3f} ({low:.3f} to {high:.3f})".format(**entry.quality[name])
        for name in ("accuracy", "auc")
    ]
    sizes = [f"{size / 1e6:,.0f} MB" for size in (entry.installed_bytes, entry.peak)]
    return [*intervals, *sizes]


def speed(entry: Entry, numpy: list[float]) -> list[str]:
    every = [one for each in entry.rounds for one in each.seconds]
    return [
        milliseconds(entry.one_tweet),
        f"{figures(quantiles(every, n=100)[98] * 1e3)} ms",
        spread(entry.rates),
        spread([each.real_per_second for each in entry.rounds]),
        f"{entry.batch}",
        quotients(entry.starts, numpy),
    ]


def milliseconds(seconds: list[float]) -> str:
    return f"{spread([each * 1e3 for each in seconds])} ms"


def quotients(values: list[float], by: list[float]) -> str:
    return spread([value / divisor for value, divisor in zip(values, by, strict=True)])


def ratios(entries: list[Entry]) -> Iterator[str]:
    """Yield the table of the other peers as multiples of this wheel."""
    ours, *others = entries
    yield "The same as multiples of this wheel's, round by round:"
    yield ""
    yield "| | seconds for one tweet | tweets/s | cold start | peak memory | installed |"
    yield "|---|---|---|---|---|---|"
    for entry in others:
        cells = [
            entry.peer.title,
            quotients(entry.one_tweet, ours.one_tweet),
            quotients(entry.rates, ours.rates),
            quotients(entry.starts, ours.starts),
            figures(entry.peak / ours.peak),
            figures(entry.installed_bytes / ours.installed_bytes),
        ]
        yield f"| {' | '.join(cells)} |"


def inside_a_tweet(inside: dict[str, Any]) -> Iterator[str]:
    """Yield the table of the parts that benchmarks/parts.py timed."""
    yield f"Inside this wheel: a tweet of {inside['tokens']} tokens that is scored alone, and"
    yield f"one of a batch of {inside['batch_size']:,}. Medians, and in brackets the quartiles:"
    yield ""
    yield "| part | µs, alone | share | µs, in a batch | share |"
    yield "|---|---|---|---|---|"
    for name in inside["one_tweet"]:
        cells = [name]
        for measured in (inside["one_tweet"], inside["batch"]):
            low, middle, high = (seconds * 1e6 for seconds in measured[name])
            share = measured[name][1] / measured["whole"][1]
            cells += [f"{middle:.1f} ({low:.1f} to {high:.1f})", f"{share:.0%}"]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--environments",
        type=lambda name: Path(name).resolve(),
        help="folder of the peers' environments, kept between runs",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="renew benchmark.md and benchmark.svg in docs/model",
    )
    wheel = parse_wheel(parser).resolve()
    arguments = parser.parse_args()
    os.chdir(ROOT)
    for path in NEEDED:
        if not path.is_file():
            sys.exit(f"error: no {path}; run dvc repro")
    with tempfile.TemporaryDirectory() as folder:
        text, entries = measure_peers(wheel, arguments.environments, Path(folder))
    print(text)
    if arguments.write:
        renew(PAGE, "peers.py", text)
        draw(
            [(median(each.rates), each.quality["accuracy"]["value"]) for each in entries],
            [each.peer.label for each in entries],
            [OUR_COLOUR if each.name == OURS else OTHER_COLOUR for each in entries],
            "accuracy on held-out tweets",
            PAGE.with_suffix(".svg"),
        )


if __name__ == "__main__":
    try:
        main()
    except NotMeasuredError as reason:  # the wheel itself cannot be installed or measured
        sys.exit(f"error: {reason}")
