"""Compares two runtimes of the small model: integers with NumPy, and LiteRT.

    python benchmarks/runtimes.py

Prints a Markdown table. Linux only: it pins a core. Run it on a quiet machine, after
`dvc repro`, in the environment that trains the model.

Both sides turn raw texts into log-odds, with the same trained weights. The package runs the
integers. LiteRT, which the package uses for encoders, runs a flatbuffer with weights in int8.
The last row is the gain from a second thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from environments import ROOT, machine, output, peak_of_this_process
from pages import spread
from tweets import tweets

# Imports of NumPy come later, because it counts the cores that it may use.
from disaster_tweets import bundle
from disaster_tweets.runtime import ENCODER, STUDENT

MODELS = ROOT / "models"
VOCABULARY, INTEGERS = MODELS / "student.vocab.txt", MODELS / "student.npy"
TWEETS, SINGLE, CHUNK = 10_000, 300, 1024
ROUNDS, STARTS = 7, 5  # and one warm-up of each

Score = Callable[[list[str]], list[float]]  # texts -> log-odds
Pairs = list[tuple[float, float]]  # of LiteRT and integers, by round


def scorer(kind: str, model: Path) -> Score:
    """Return a function that cleans, tokenizes and scores with a kind of runtime."""
    from disaster_tweets.encoding import Encoding
    from disaster_tweets.runtime import open_model

    manifest, pieces = bundle.bundled_manifest(), bundle.read_vocabulary(VOCABULARY)
    encoding = Encoding(manifest["reads"], pieces, manifest["max_tokens"])
    runtime = open_model(kind, model)
    return lambda texts: runtime.logits(list(map(encoding.encode, texts)))[:, 1].tolist()


def export(flatbuffer: Path) -> None:
    from safetensors.numpy import load_file

    from pipeline.encoder import Shape
    from pipeline.inference_graph import InferenceGraph, to_tflite

    weights = load_file(MODELS / "student.safetensors")
    shape = Shape.of(weights, heads=1)  # there are no layers, so no attention either
    flatbuffer.write_bytes(to_tflite(InferenceGraph(weights, shape)))


def rate(score: Score, seed: int, threads: int = 1) -> float:
    """Return the tweets a second."""
    made = tweets(TWEETS, seed)
    chunks = [made[at : at + CHUNK] for at in range(0, TWEETS, CHUNK)]
    start = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(score, chunks))
    return TWEETS / (perf_counter() - start)


def one_tweet(score: Score, seed: int) -> float:
    """Return the median seconds of a tweet that is scored alone."""
    seconds = []
    for text in tweets(SINGLE, seed):
        start = perf_counter()
        score([text])
        seconds.append(perf_counter() - start)
    return median(seconds)


def load(kind: str, model: Path) -> None:
    """Print the seconds to the first score, and the peak memory after many scores."""
    import numpy  # noqa: F401  (both kinds need it)

    start = perf_counter()
    score = scorer(kind, model)
    score(["Forest fire near La Ronge Sask. Canada"])
    seconds = perf_counter() - start
    rate(score, seed=1)
    print(json.dumps([seconds, peak_of_this_process()]))


def load_anew(kind: str, model: Path) -> list[float]:
    """Return the measurements of `load` in a new process."""
    command = [sys.executable, __file__, "--load", kind, str(model)]
    measured: list[float] = json.loads(output(command))
    return measured


def in_turn(measure: Callable[[Any, int], Any], sides: Iterable[Any], rounds: int) -> Any:
    """Measure all sides in each round, after a warm-up; return the results by round."""
    return [tuple(measure(side, n) for side in sides) for n in range(rounds + 1)][1:]


def row(name: str, pairs: Pairs, unit: float = 1, *, more: bool = False) -> str:
    """Return a row of the table; ``more`` means that higher is better."""
    both = (spread([value * unit for value in side]) for side in zip(*pairs, strict=True))
    better = [b / a if more else a / b for a, b in pairs]
    return f"| {' | '.join([name, *both, spread(better)])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        kind, model = arguments.load
        return load(kind, Path(model))
    for path in (MODELS / "student.safetensors", VOCABULARY, INTEGERS):
        if not path.is_file():
            sys.exit(f"error: no {path.relative_to(ROOT)}; run dvc repro")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # the first core serves most interrupts
    software = f"LiteRT {version('ai-edge-litert')}", f"NumPy {version('numpy')}"
    print(f"{machine(*software, cores='One core of')}.")
    print("Medians, the lowest and the highest.\n")
    with tempfile.TemporaryDirectory() as folder:
        flatbuffer = Path(folder, "student.tflite")
        export(flatbuffer)
        sides = ((ENCODER, flatbuffer), (STUDENT, INTEGERS))
        loads = in_turn(lambda side, _: load_anew(*side), sides, STARTS)
        scores = [scorer(*side) for side in sides]
        batches = in_turn(rate, scores, ROUNDS)
        alone = in_turn(lambda score, n: one_tweet(score, 100 + n), scores, ROUNDS)
        os.sched_setaffinity(0, cores)  # NumPy keeps using one
        gained = in_turn(
            lambda score, n: rate(score, 200 + n, threads=2) / rate(score, 300 + n),
            scores,
            ROUNDS,
        )
    seconds = [(litert[0], integers[0]) for litert, integers in loads]
    peaks = [(litert[1], integers[1]) for litert, integers in loads]
    print("| | LiteRT | integers | times better |\n|---|---|---|---|")
    print(row(f"tweets/s, {CHUNK:,} at a time", batches, more=True))
    print(row("one warm tweet, ms", alone, 1e3))
    print(row("from `import numpy` to the first score, ms", seconds, 1e3))
    print(row(f"peak memory of a process that scores {TWEETS:,}, MB", peaks, 1e-6))
    print(row(f"tweets/s of two threads to one, {len(cores)} cores", gained, more=True))


if __name__ == "__main__":
    main()
