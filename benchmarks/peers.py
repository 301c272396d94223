"""Measures this wheel beside what a user would pick instead: speed, memory, size and quality.

    python benchmarks/peers.py [--wheel dist/X.whl] [--environments DIR] [--write]

Prints Markdown: what was measured of each peer, the same as multiples of this wheel's, and
where the time of one tweet goes. With --write it also replaces the measured part of
docs/benchmark.md, and docs/benchmark.svg. Linux only: it pins a core. Run it on a quiet
machine, after `dvc repro`, in the environment that trains the model, with Matplotlib.

Each peer is a file in benchmarks/peers/, installed in a virtual environment of its own and run
as a process of its own. All that learn here learn from the same split, and all read texts as
`disaster_tweets.text.clean` leaves them.
"""

from __future__ import annotations

import argparse
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
from environments import ENVIRONMENT, ROOT, Environment, NotMeasuredError, parse_wheel
from processor import flags
from tweets import tweets

from disaster_tweets.metrics import measure
from disaster_tweets.text import clean

HERE = Path(__file__).parent
sys.path.append(str(HERE / "peers"))
from peer import Peer, read_split  # noqa: E402  (in a folder of its own)

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
DATA, MODELS = ROOT / "data" / "prepared", ROOT / "models"
NEEDED = (
    DATA / "train.csv",
    DATA / "held_out.csv",
    MODELS / "classifier.safetensors",
    MODELS / "vocab.txt",
)
TWEET = "Forest fire near La Ronge Sask. Canada"
ROUNDS, STARTS = 4, 5
SINGLE, MANY, TRIAL, WARM_UP = 200, 1000, 256, 30  # tweets
BATCHES = (1, 8, 32, 128)
RESAMPLES, SEED = 2000, 20200101

ONE_THREAD = dict.fromkeys(
    (
        *("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"),
        *("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
    ),
    "1",
)

PAGE, PICTURE = ROOT / "docs" / "benchmark.md", ROOT / "docs" / "benchmark.svg"
MEASURED = re.compile(
    r"(<!-- measured: python benchmarks/peers\.py -->\n).*?(<!-- /measured -->)", re.DOTALL
)
# Where a label may stand: points to the right of its point and above it, the best place first.
PLACES = [
    *((9, 0), (-9, 0), (0, 12), (0, -12), (9, 12), (9, -12), (-9, 12), (-9, -12)),
    *((9, 24), (9, -24), (-9, 24), (-9, -24)),
]
PEER_COLOUR, OUR_COLOUR = "#808080", "#ea580c"  # each readable on white and on black


@dataclass
class Round:
    """What one process measured, that scored tweets one by one and then many."""

    seconds: list[float]
    tweets_per_second: float
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

    def peak(self) -> int:
        """Return the peak of the resident memory in bytes, over all rounds."""
        return max(each.peak_bytes for each in self.rounds)


class Scorer:
    """A running peer that scores, in one thread."""

    def __init__(self, entry: Entry) -> None:
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


def prepare(entry: Entry, ours: Environment, environments: Environments) -> None:
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
    output(entry.command("train", str(DATA), str(entry.folder)))
    entry.python = environment.python
    entry.installed_bytes = environment.size() + sum(
        path.stat().st_size for path in entry.folder.rglob("*") if path.is_file()
    )


def try_batches(entry: Entry, held_out: tuple[list[str], list[int]]) -> None:
    """Find the batch size at which a peer is fastest, and score the held-out texts at that."""
    warm, trial = cleaned(WARM_UP, seed=10), cleaned(TRIAL, seed=11)
    texts, labels = held_out
    with Scorer(entry) as score:
        score(warm, 1)
        seconds = {}
        for size in BATCHES:
            score(trial[:size], size)
            seconds[size] = sum(score(trial, size)["seconds"])
        entry.batch = min(seconds, key=seconds.__getitem__)
        probabilities = score(texts, entry.batch)["probabilities"]
    entry.quality = measure(
        np.array(probabilities), np.array(labels), 0.5, resamples=RESAMPLES, seed=SEED
    )


def run_round(entry: Entry, number: int) -> None:
    """Score distinct tweets one by one, then many, in a new process."""
    single, many = cleaned(SINGLE, seed=100 + number), cleaned(MANY, seed=200 + number)
    warm = cleaned(max(WARM_UP, entry.batch), seed=300 + number)
    with Scorer(entry) as score:
        score(warm[:WARM_UP], 1)
        seconds = score(single, 1)["seconds"]
        score(warm[: entry.batch], entry.batch)
        answer = score(many, entry.batch)
    rate = len(many) / sum(answer["seconds"])
    entry.rounds.append(Round(seconds, rate, answer["peak_bytes"]))


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


def cleaned(count: int, seed: int) -> list[str]:
    return [clean(text) for text in tweets(count, seed)]


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
    for entry in entries:
        say(f"{entry.name}: installing and training")
        with noting(entry):
            prepare(entry, ours, environments)
    os.sched_setaffinity(0, {core})  # from here on, and so in every process begun here
    held_out = read_split(DATA, "held_out")
    for entry in measurable(entries):
        with noting(entry):
            try_batches(entry, held_out)
        say(f"{entry.name}: {entry.problem or f'fastest at {entry.batch} a batch'}")
    for number in range(ROUNDS):
        for entry in measurable(entries):
            with noting(entry):
                run_round(entry, number)
            say(f"{entry.name}, round {number + 1}: {entry.problem or entry.rates()[-1]}")
    numpy = run_starts(measurable(entries), ours)
    if entries[0].problem:  # nothing to compare the others with
        raise NotMeasuredError(entries[0].problem)
    head += f", {os.getloadavg()[0]:.1f} at the end"
    inside = json.loads(output([ours.python, str(HERE / "operators.py"), str(core)]))
    return "\n".join(report(head, entries, numpy, inside)) + "\n", measurable(entries)


def measurable(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if not entry.problem]


def say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def machine(ours: Environment) -> str:
    processor = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((x.split(": ")[1] for x in processor if x.startswith("model name")), "?")
    known = [f for f in ("avx2", "avx512f", "avx512_vnni", "amx_int8") if f in flags()]
    code = "from importlib.metadata import version as v; print(v('ai-edge-litert'), v('numpy'))"
    litert, numpy = output([ours.python, "-c", code]).split()
    return (
        f"One core of {model} ({', '.join(known)}); {platform.system()}, Python "
        f"{platform.python_version()}, LiteRT {litert}, NumPy {numpy}; load "
        f"{os.getloadavg()[0]:.1f} at the start"
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
    yield "| | one tweet, p50 | p99 | tweets/s | a batch | cold start, to `import numpy` |"
    yield "|---|---|---|---|---|---|"
    for entry in entries:
        yield row(entry, [] if entry.problem else speed(entry, numpy), 5)
    yield ""
    yield f"`import numpy` took {spread(milliseconds(numpy))} ms."
    yield ""
    yield from ratios(measurable(entries))
    yield ""
    yield from inside_one_tweet(inside)


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


def inside_one_tweet(inside: dict[str, Any]) -> Iterator[str]:
    """Yield where the time of one tweet goes, and how much of it is arithmetic."""
    whole, parts = inside["one_tweet"], dict(inside["parts"])
    parts["Python between these, and what the cuts do not show"] = whole - sum(parts.values())
    yield f"Inside this wheel, one tweet of {inside['tokens']} tokens, {whole * 1e6:,.0f} µs:"
    yield ""
    yield "| part | µs | share |"
    yield "|---|---|---|"
    for name, took in parts.items():
        yield f"| {name} | {took * 1e6:,.0f} | {took / whole:.0%} |"
    yield ""
    products, attention = (
        inside["multiply_adds"][name] for name in ("FULLY_CONNECTED", "BATCH_MATMUL")
    )
    yield f"That is {products / 1e6:,.0f} million multiply-adds with the weights, in int8, and"
    yield f"{attention / 1e6:,.1f} million in attention, in float."
    peak = inside["peak"]
    if not peak:
        yield "This processor has no AVX-512 VNNI, so there is no peak to compare with."
        return
    cycles, fastest = peak["cycles_per_second"], peak["multiply_adds_per_second"]
    took = next(seconds for name, seconds in parts.items() if "int8" in name)
    yield f"The core does at most {fastest / 1e9:,.0f} thousand million int8 multiply-adds a"
    yield f"second: {fastest / cycles:.0f} a cycle at {cycles / 1e9:.2f} GHz, both measured. At"
    yield f"that rate the products with the weights take {products / fastest * 1e6:,.0f} µs:"
    yield f"{products / fastest / took:.0%} of what they take here, and"
    yield f"{products / fastest / whole:.0%} of what the whole tweet takes."


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


def draw(entries: list[Entry], path: Path) -> None:
    """Draw accuracy against tweets a second; equal measures give equal bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = path.name
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    axes.set_xscale("log")
    axes.set_xlabel("tweets a second on one core")
    axes.set_ylabel("accuracy on held-out tweets")
    points = [(median(each.rates()), each.quality["accuracy"]["value"]) for each in entries]
    colours = [OUR_COLOUR if each.name == OURS else PEER_COLOUR for each in entries]
    axes.scatter(*zip(*points, strict=True), c=colours, s=60)
    axes.margins(0.16)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(which="both", colors=PEER_COLOUR)
    for name in ("xaxis", "yaxis"):
        getattr(axes, name).label.set_color(PEER_COLOUR)
    for spine in axes.spines.values():
        spine.set_color(PEER_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)
    label(axes, points, [each.peer.label for each in entries], colours)
    figure.savefig(path, transparent=True, metadata={"Date": None})


def label(axes: Any, points: list[Any], titles: list[str], colours: list[str]) -> None:
    """Put each title beside its point: where it touches no other and no point, if it can."""
    from matplotlib.transforms import Bbox

    axes.figure.canvas.draw()
    free = axes.bbox
    taken = [
        Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axes.transData.transform(points)
    ]
    for point, title, colour in zip(points, titles, colours, strict=True):
        text = axes.annotate(
            title,
            point,
            PLACES[0],
            textcoords="offset points",
            color=colour,
            fontsize=10,
            va="center",
        )
        for right, up in PLACES:
            text.set_position((right, up))
            text.set_horizontalalignment(
                "left" if right > 0 else "right" if right else "center"
            )
            box = text.get_window_extent()
            inside = free.x0 < box.x0 and box.x1 < free.x1
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--environments", type=Path, help="where the peers' environments are kept between runs"
    )
    parser.add_argument(
        "--write", action="store_true", help="renew docs/benchmark.md and docs/benchmark.svg"
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
        draw(entries, PICTURE)


if __name__ == "__main__":
    try:
        main()
    except NotMeasuredError as reason:  # the wheel itself cannot be installed or measured
        sys.exit(f"error: {reason}")
