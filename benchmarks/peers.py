"""Measures this wheel beside what a user would pick instead: speed, memory, size and quality.

    python benchmarks/peers.py [--wheel dist/X.whl] [--environments DIR] [--write]

Prints Markdown: what was measured of each peer, the same as multiples of this wheel's, and
where the time of one tweet goes. With --write it also replaces the measured part of
docs/model/benchmark.md, and docs/model/benchmark.svg. Linux only: it pins a core. Run it on a
quiet machine, after `dvc repro --all-pipelines`, in the environment that trains the model, with
Matplotlib.

Each peer is a file in benchmarks/peers/, installed in a virtual environment of its own and run
as a process of its own. All that learn here learn from the labels of the same folds. The wheel
and its model in Keras read texts as people write them, and clean them; the others get them with
placeholders for URLs and handles, which takes none of the time that is measured. MiniLM, whose
word embeddings the wheel's model begins with, is fine-tuned by minilm.py if models/minilm is
not there.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from chart import OTHER_COLOUR, OUR_COLOUR, draw
from environments import (
    ENVIRONMENT,
    ROOT,
    Environment,
    NotMeasuredError,
    parse_wheel,
    processor,
)
from folds import out_of_fold, train_and_held_out
from tweets import tweets

from disaster_tweets.metrics import measure
from disaster_tweets.runtime import STUDENT
from pipeline.prepare import mask

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
DATA, BACKBONE, MODELS = ROOT / "data" / "prepared", ROOT / "data" / "backbone", ROOT / "models"
MINILM = MODELS / "minilm"
NEEDED = (
    DATA / "train.csv",
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

ONE_THREAD = dict.fromkeys(
    (
        *("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"),
        *("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
    ),
    "1",
)

PAGES = ROOT / "docs" / "model"
PAGE, PICTURE = PAGES / "benchmark.md", PAGES / "benchmark.svg"
MEASURED = re.compile(
    r"(<!-- measured: python benchmarks/peers\.py -->\n).*?(<!-- /measured -->)", re.DOTALL
)


@dataclass
class Round:
    """What one process measured, that scored tweets one by one, then many, then real ones."""

    seconds: list[float]
    tweets_per_second: float
    real_per_second: float
    peak_bytes: int


@dataclass
class Entry:
    """A peer with all that was measured of it, or the reason why not."""

    name: str
    peer: Peer
    folder: Path  # of what it trained
    python: str = ""
    version: str = ""
    installed_bytes: int = 0
    batch: int = 1
    quality: dict[str, Any] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def title(self) -> str:
        """Return what the table calls it."""
        return f"{self.peer.title} {self.version}".strip()

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs the peer's file in its environment."""
        return [self.python, str(HERE / "peers" / f"{self.name}.py"), *arguments]

    def one_tweet(self) -> list[float]:
        """Return the median seconds of one tweet in each round."""
        return [median(each.seconds) for each in self.rounds]

    def rates(self) -> list[float]:
        """Return the tweets a second of each round."""
        return [each.tweets_per_second for each in self.rounds]

    def real_rates(self) -> list[float]:
        """Return the held-out texts a second of each round."""
        return [each.real_per_second for each in self.rounds]

    def peak(self) -> int:
        """Return the peak of the resident memory in bytes, over all rounds."""
        return max(each.peak_bytes for each in self.rounds)


class Scorer:
    """A running peer that scores, in one thread."""

    def __init__(self, entry: Entry) -> None:
        self._cleans = entry.peer.cleans
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed on exit)
        self._process = subprocess.Popen(
            entry.command("score", str(entry.folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=ENVIRONMENT | ONE_THREAD,
        )

    def __call__(self, texts: list[str], batch: int) -> dict[str, Any]:
        """Return what benchmarks/peers/peer.py answers to texts, scored so many at a time."""
        if not self._cleans:
            texts = [mask(text) for text in texts]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            request = {"texts": texts, "batch": batch}
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # the missing answer says it as well
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise NotMeasuredError(f"scoring failed: {last_line(self._errors.read())}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def last_line(errors: str) -> str:
    return next(reversed(errors.strip().splitlines()), "it gives no reason")


def output(command: list[str], **variables: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT | variables)
    if done.returncode:
        raise NotMeasuredError(f"{Path(command[1]).name} failed: {last_line(done.stderr)}")
    return done.stdout


class Environments:
    """Virtual environments by what is in them; peers that need the same share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, ...], Environment] = {}

    def get(self, name: str, requirements: tuple[str, ...]) -> Environment:
        """Return the environment of these requirements, by this name if it is new."""
        if requirements not in self._made:
            self._made[requirements] = Environment(self._folder / name, *requirements)
        return self._made[requirements]


def write_masked(folder: Path) -> None:
    """Write what is learned as those peers read it that do not clean texts."""
    train, _ = train_and_held_out()
    folder.mkdir()
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "target"))
        table.writerows(zip(train["text"].map(mask), train["label"], strict=True))


def prepare(entry: Entry, data: Path, ours: Environment, environments: Environments) -> None:
    """Install a peer and train it."""
    peer, trainer = entry.peer, ours
    if entry.name == OURS:
        environment = ours
    else:
        trainer = environment = environments.get(entry.name, peer.requirements)
    if peer.to_train:
        wanted = (*peer.requirements, *peer.to_train)
        trainer = environments.get(f"{entry.name}-training", wanted)
    code = f"from importlib.metadata import version; print(version({peer.distribution!r}))"
    entry.version = output([environment.python, "-c", code]).strip()
    entry.folder.mkdir()
    entry.python = trainer.python
    output(entry.command("train", str(data), str(entry.folder)))
    entry.python = environment.python
    entry.installed_bytes = environment.size() + sum(
        path.stat().st_size for path in entry.folder.rglob("*") if path.is_file()
    )


def try_batches(entry: Entry, held_out: pd.DataFrame) -> None:
    """Find the batch size at which a peer is fastest, and score the held-out texts at that.

    The wheel's model has learned these too. Its quality is that of the model of the same recipe
    that has not.
    """
    warm, trial = tweets(WARM_UP, seed=10), tweets(TRIAL, seed=11)
    with Scorer(entry) as score:
        score(warm, 1)
        seconds = {}
        for size in BATCHES:
            score(trial[:size], size)
            seconds[size] = sum(score(trial, size)["seconds"])
        entry.batch = min(seconds, key=seconds.__getitem__)
        probabilities = score(list(held_out["text"]), entry.batch)["probabilities"]
    second = np.array(probabilities)
    both = np.stack([1 - second, second], axis=1)
    if entry.peer.learned_all:
        both = out_of_fold(STUDENT, held_out)
    labels = held_out["label"].to_numpy()
    entry.quality = measure(both, labels, 0.5, resamples=RESAMPLES, seed=SEED)


def run_round(entry: Entry, number: int, real: list[str]) -> None:
    """Score distinct tweets one by one, then many, then real ones, in a new process."""
    single, many = tweets(SINGLE, seed=100 + number), tweets(MANY, seed=200 + number)
    warm = tweets(max(WARM_UP, entry.batch), seed=300 + number)
    with Scorer(entry) as score:
        score(warm[:WARM_UP], 1)
        seconds = score(single, 1)["seconds"]
        score(warm[: entry.batch], entry.batch)
        rate = len(many) / sum(score(many, entry.batch)["seconds"])
        answer = score(real, entry.batch)
    real_rate = len(real) / sum(answer["seconds"])
    entry.rounds.append(Round(seconds, rate, real_rate, answer["peak_bytes"]))


def run_starts(entries: list[Entry], ours: Environment) -> list[float]:
    """Start every peer in turn; return the seconds of as many processes that import NumPy."""
    numpy: list[float] = []
    for turn in range(STARTS + 1):  # the first fills the system's file cache
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
    """Write down why a peer cannot be measured, and go on with the next."""
    try:
        yield
    except NotMeasuredError as reason:
        entry.problem = " ".join(str(reason).split())


def measure_peers(wheel: Path, kept: Path | None, folder: Path) -> tuple[str, list[Entry]]:
    """Return the measured part of the page, and what it tells of."""
    core = max(os.sched_getaffinity(0))  # the first one serves most interrupts
    ours = Environment(folder / OURS, str(wheel.resolve()))
    head = machine(ours)
    environments = Environments(kept or folder / "environments")
    entries = [
        Entry(name, importlib.import_module(name).PEER, folder / f"trained-{name}")
        for name in PEERS
    ]
    if not MINILM.is_dir():
        say("minilm: training")
        output([sys.executable, str(HERE / "minilm.py")])
    write_masked(folder / "data")
    for entry in entries:
        say(f"{entry.name}: installing and training")
        with noting(entry):
            prepare(entry, folder / "data", ours, environments)
    os.sched_setaffinity(0, {core})  # from here on, and so in every process begun here
    _, held_out = train_and_held_out()
    for entry in measurable(entries):
        with noting(entry):
            try_batches(entry, held_out)
        say(f"{entry.name}: {entry.problem or f'fastest at {entry.batch} a batch'}")
    for number in range(ROUNDS):
        for entry in measurable(entries):
            with noting(entry):
                run_round(entry, number, list(held_out["text"]))
            say(f"{entry.name}, round {number + 1}: {entry.problem or entry.rates()[-1]}")
    numpy = run_starts(measurable(entries), ours)
    if entries[0].problem:  # nothing to compare the others with
        raise NotMeasuredError(entries[0].problem)
    head += f", {os.getloadavg()[0]:.1f} at the end"
    inside = json.loads(output([ours.python, str(HERE / "parts.py"), str(core)]))
    return "\n".join(report(head, entries, numpy, inside)) + "\n", measurable(entries)


def measurable(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if not entry.problem]


def say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def machine(ours: Environment) -> str:
    code = "from importlib.metadata import version; print(version('numpy'))"
    numpy = output([ours.python, "-c", code]).strip()
    return (
        f"One core of {processor()}; {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {numpy}; load {os.getloadavg()[0]:.1f} at the start"
    )


def report(
    head: str, entries: list[Entry], numpy: list[float], inside: dict[str, Any]
) -> Iterator[str]:
    """Yield the lines of the page's measured part."""
    yield f"{head}."
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
    yield f"`import numpy` took {spread(milliseconds(numpy))} ms."
    yield ""
    yield from ratios(measurable(entries))
    yield ""
    yield from inside_a_tweet(inside)


def row(entry: Entry, cells: list[str], columns: int) -> str:
    if entry.problem:
        cells = [f"not measured: {entry.problem}", *(columns - 1) * [""]]
    return f"| {' | '.join([entry.title, *cells])} |"


def quality_and_size(entry: Entry) -> list[str]:
    return [
        *(interval(entry.quality[name]) for name in ("accuracy", "auc")),
        f"{entry.installed_bytes / 1e6:,.0f} MB",
        f"{entry.peak() / 1e6:,.0f} MB",
    ]


def speed(entry: Entry, numpy: list[float]) -> list[str]:
    every = [one for each in entry.rounds for one in each.seconds]
    return [
        f"{spread(milliseconds(entry.one_tweet()))} ms",
        f"{figures(quantiles(every, n=100)[98] * 1e3)} ms",
        spread(entry.rates()),
        spread(entry.real_rates()),
        f"{entry.batch}",
        spread(quotients(entry.starts, numpy)),
    ]


def ratios(entries: list[Entry]) -> Iterator[str]:
    """Yield the table of what the others measure, to what this wheel does."""
    ours, *others = entries
    yield "The same as multiples of this wheel's, round by round:"
    yield ""
    yield "| | seconds for one tweet | tweets/s | cold start | peak memory | installed |"
    yield "|---|---|---|---|---|---|"
    for entry in others:
        cells = [
            entry.peer.title,
            spread(quotients(entry.one_tweet(), ours.one_tweet())),
            spread(quotients(entry.rates(), ours.rates())),
            spread(quotients(entry.starts, ours.starts)),
            figures(entry.peak() / ours.peak()),
            figures(entry.installed_bytes / ours.installed_bytes),
        ]
        yield f"| {' | '.join(cells)} |"


def inside_a_tweet(inside: dict[str, Any]) -> Iterator[str]:
    """Yield where the time of a tweet goes: what benchmarks/parts.py printed."""
    alone, batch = inside["one_tweet"], inside["batch"]
    yield f"Inside this wheel: a tweet of {inside['tokens']} tokens that is scored alone, and"
    yield f"one of a batch of {inside['batch_size']:,}. Medians, and in brackets the quartiles:"
    yield ""
    yield "| part | µs, alone | share | µs, in a batch | share |"
    yield "|---|---|---|---|---|"
    for name in alone:
        cells = [name]
        for measured in (alone, batch):
            low, middle, high = (seconds * 1e6 for seconds in measured[name])
            share = measured[name][1] / measured["whole"][1]
            cells += [f"{middle:.1f} ({low:.1f} to {high:.1f})", f"{share:.0%}"]
        yield f"| {' | '.join(cells)} |"


def quotients(values: list[float], by: list[float]) -> list[float]:
    return [value / divisor for value, divisor in zip(values, by, strict=True)]


def milliseconds(values: list[float]) -> list[float]:
    return [value * 1e3 for value in values]


def spread(values: list[float]) -> str:
    return f"{figures(median(values))} ({figures(min(values))} to {figures(max(values))})"


def figures(value: float) -> str:
    """Return a number with three significant figures, or all that stand before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def interval(measured: dict[str, float]) -> str:
    return f"{measured['value']:.3f} ({measured['low']:.3f} to {measured['high']:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--environments", type=Path, help="where the peers' environments are kept between runs"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="renew benchmark.md and benchmark.svg in docs/model",
    )
    wheel = parse_wheel(parser)
    arguments = parser.parse_args()
    for path in NEEDED:
        if not path.is_file():
            sys.exit(f"error: no {path.relative_to(ROOT)}; run dvc repro")
    with tempfile.TemporaryDirectory() as folder:
        text, entries = measure_peers(wheel, arguments.environments, Path(folder))
    print(text)
    if arguments.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(
            MEASURED.sub(lambda found: found[1] + text + found[2], page), "utf-8", newline="\n"
        )
        draw(
            [(median(each.rates()), each.quality["accuracy"]["value"]) for each in entries],
            [each.peer.label for each in entries],
            [OUR_COLOUR if each.name == OURS else OTHER_COLOUR for each in entries],
            "accuracy on held-out tweets",
            PICTURE,
        )


if __name__ == "__main__":
    try:
        main()
    except NotMeasuredError as reason:  # the wheel itself cannot be installed or measured
        sys.exit(f"error: {reason}")
