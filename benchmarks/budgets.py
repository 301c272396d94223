"""Measures every budget of the package in one run and prints them as a Markdown table.

    python benchmarks/budgets.py [--wheel dist/X.whl]

Exit status 1: a budget is not met or cannot be measured. Linux only: it pins cores. Run it on a
quiet machine from the environment that trains the model. This process imports nothing heavy,
because the peak memory of a child includes that of its parent before the child starts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from zipfile import ZipFile

from environments import (
    Environment,
    NotMeasuredError,
    Worker,
    machine,
    output,
    parse_wheel,
    pinned,
)
from tweets import tweets

HERE = Path(__file__).parent
PEERS = HERE / "peers"
TWEET = "Forest fire near La Ronge Sask. Canada"
BLOCKS, BLOCK, PAIRS, KERAS_PAIRS = 10, 30, 25, 5


@dataclass(frozen=True)
class Budget:
    """A row of the table; a budget without a limit is for information."""

    name: str
    measured: str
    limit: str = ""
    met: bool | None = None


def at_most(name: str, value: float, limit: float, unit: str, detail: str = "") -> Budget:
    measured = f"{value:,.4g}{unit}{detail and f' ({detail})'}"
    return Budget(name, measured, f"at most {limit:g}{unit}", value <= limit)


def at_least(name: str, value: float, limit: float, detail: str) -> Budget:
    return Budget(name, f"{value:,.4g}x ({detail})", f"at least {limit:g}x", value >= limit)


def sizes(wheel: Path) -> Iterator[Budget]:
    prefix = "disaster_tweets/artifacts/"
    files = [f for f in ZipFile(wheel).infolist() if f.filename.startswith(prefix)]
    artifacts = sum(f.file_size for f in files if not f.filename.endswith(".py"))
    yield at_most("artifacts", artifacts / 1e6, 10, " MB")
    yield at_most("wheel", wheel.stat().st_size / 1e6, 7, " MB")


def installed(ours: Environment, temporary: Path) -> Iterator[Budget]:
    size = ours.size()
    yield at_most("installed, with dependencies", size / 1e6, 90, " MB")
    framework = [f"tensorflow-cpu=={training('tensorflow')}", f"keras=={training('keras')}"]
    theirs = Environment(temporary / "tensorflow", *framework).size()
    yield at_least(
        "tensorflow-cpu and Keras, installed, to that",
        theirs / size,
        10,
        f"{theirs / 1e6:,.0f} MB to {size / 1e6:,.0f} MB",
    )


def warm(ours: Environment, core: int) -> Iterator[Budget]:
    """Yield the budgets of one tweet at a time on one core, in turn with Keras."""
    command = [ours.python, str(PEERS / "package.py"), "score", str(PEERS)]
    reference = [sys.executable, str(PEERS / "keras_encoder.py"), "score", str(PEERS)]
    texts = tweets((BLOCKS + 1) * BLOCK, seed=2)
    blocks = [texts[start : start + BLOCK] for start in range(0, len(texts), BLOCK)]
    seconds: list[float] = []
    ratios, keras, moved = [], [], []
    with pinned(core), Worker(command) as package, Worker(reference) as model:
        for number, block in enumerate(blocks):
            answer, expected = (ask({"texts": block, "batch": 1}) for ask in (package, model))
            if number == 0:  # warm-up
                continue
            seconds += answer["seconds"]
            keras += expected["seconds"]
            ratios.append(median(expected["seconds"]) / median(answer["seconds"]))
            both = zip(answer["probabilities"], expected["probabilities"], strict=True)
            moved += [abs(a - b) for a, b in both]
    percentile = quantiles(seconds, n=100)
    yield Budget(
        "one warm tweet, one core",
        f"median {milliseconds(median(seconds))}, 99th percentile "
        f"{milliseconds(percentile[98])}, {len(seconds)} tweets",
    )
    yield at_least(
        "the same in Keras `predict`, to that",
        median(ratios),
        200,
        f"{min(ratios):.1f} to {max(ratios):.1f} over {BLOCKS} blocks; Keras "
        f"{milliseconds(median(keras))}; scores differ by {sum(moved) / len(moved):.3f} "
        "on average",
    )


def batch(ours: Environment, core: int) -> Iterator[Budget]:
    with pinned(core):
        measured = json.loads(output([ours.python, str(HERE / "batch.py")]))
    rates = measured["tweets_per_second"]
    yield Budget(
        f"{measured['tweets']:,} distinct tweets, one core",
        f"{median(rates):,.0f} tweets/s ({min(rates):,.0f} to {max(rates):,.0f}), "
        f"{measured['mean_tokens']:.1f} tokens on average",
    )
    yield at_most("peak memory while scoring them", measured["peak_bytes"] / 1e6, 60, " MB")
    yield at_most("scores that depend on neighbours", measured["dependent_scores"], 0, "")


def cold(ours: Environment) -> Iterator[Budget]:
    command = [ours.command, "predict", TWEET]
    ratio, detail = starts(command, [ours.python, "-c", "import numpy"], PAIRS)
    yield at_most("cold `predict` to `import numpy`", ratio, 1.2, "x", detail)
    keras = [sys.executable, str(HERE / "keras_classifier.py"), TWEET]
    ratio, detail = starts(keras, command, KERAS_PAIRS)
    yield at_least("cold TensorFlow and Keras to cold `predict`", ratio, 30, detail)


def starts(first: list[str], second: list[str], pairs: int) -> tuple[float, str]:
    """Run two commands in turn; return the ratio of their median times, and both times."""
    times: tuple[list[float], list[float]] = [], []
    for _ in range(pairs + 2):
        for command, measured in zip((first, second), times, strict=True):
            start = perf_counter()
            output(command)
            measured.append(perf_counter() - start)
    warmed = [measured[2:] for measured in times]
    spreads = []
    for measured in warmed:
        low, middle, high = quantiles(measured, n=4)
        spreads.append(
            f"{milliseconds(middle)}, quartiles {milliseconds(low)} and {milliseconds(high)}"
        )
    return median(warmed[0]) / median(warmed[1]), f"{'; '.join(spreads)}; {pairs} pairs"


def training(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        raise NotMeasuredError(f"no {package}; run this in the training environment") from None


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds * 1e3:,.0f} ms"


def measure(name: str, budgets: Callable[[], Iterator[Budget]]) -> Iterator[Budget]:
    """Yield the budgets of one group, or a row with the reason why they are not measured."""
    try:
        yield from budgets()
    except NotMeasuredError as reason:
        yield Budget(name, f"not measured: {reason}", met=False)


def row(budget: Budget) -> str:
    met = {True: "yes", False: "**no**", None: ""}[budget.met]
    return f"| {budget.name} | {budget.measured} | {budget.limit} | {met} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wheel = parse_wheel(parser)
    core = max(os.sched_getaffinity(0))  # the first core serves most interrupts
    all_met = True
    with tempfile.TemporaryDirectory() as folder:
        ours = Environment(Path(folder, "package"), str(wheel.resolve()))
        frameworks = [f"{name} {training(name)}" for name in ("tensorflow", "keras")]
        print(machine(f"NumPy {ours.version('numpy')}", *frameworks))
        print("\n| budget | measured | limit | met |\n|---|---|---|---|", flush=True)
        groups: list[tuple[str, Callable[[], Iterator[Budget]]]] = [
            ("sizes", lambda: sizes(wheel)),
            ("cold start", lambda: cold(ours)),
            ("one warm tweet", lambda: warm(ours, core)),
            ("many tweets", lambda: batch(ours, core)),
            ("installed size", lambda: installed(ours, Path(folder))),
        ]
        for name, group in groups:
            for budget in measure(name, group):
                print(row(budget), flush=True)
                all_met &= budget.met is not False
    sys.exit(0 if all_met else 1)


if __name__ == "__main__":
    try:
        main()
    except NotMeasuredError as reason:  # the wheel itself cannot be installed
        sys.exit(f"error: {reason}")
