"""Measures `disaster-tweets score` on large files: rows per second, processes, memory.

    python benchmarks/bulk.py

Prints a Markdown table. Linux only. Run it on a quiet machine, in an environment that has the
package and psutil.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import psutil
from environments import machine
from pages import spread
from tweets import tweets

DISTINCT, REPEATED, LONG, PAIRS = 100_000, 40_000, 1_000_000, 3
JOBS = (1, 2)
SAMPLE_SECONDS = 0.2


class Measured(NamedTuple):
    """The measurements of scoring one file."""

    rows_per_second: float
    peak_bytes: int


def write(path: Path, texts: list[str], rows: int) -> None:
    """Write a CSV file of numbered tweets, repeated up to a number of rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "text"))
        table.writerows(enumerate(islice(cycle(texts), rows)))


def run_score(*arguments: str | Path) -> tuple[float, int]:
    """Return the seconds and the peak bytes of a run of `disaster-tweets score`.

    The memory is the resident memory of all its processes; shared memory counts for each.
    """
    start, peak = time.perf_counter(), 0
    command = [sys.executable, "-m", "disaster_tweets", "score", *map(str, arguments)]
    process = psutil.Popen([*command, "--quiet"])
    while True:
        try:
            status = process.wait(SAMPLE_SECONDS)
        except psutil.TimeoutExpired:
            peak = max(peak, resident(process))
            continue
        seconds = time.perf_counter() - start
        if status:
            sys.exit(f"error: disaster-tweets score ended with status {status}")
        return seconds, peak


def resident(process: psutil.Process) -> int:
    """Return the resident bytes of a process and its descendants."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:  # the process just ended
            continue
    return total


def score(source: Path, rows: int, *options: str) -> Measured:
    """Score a file, start-up included, and check the rows."""
    target = source.with_name("scored.csv")
    seconds, peak = run_score(source, "-o", target, *options)
    with target.open("rb") as file:
        scored = sum(1 for _ in file) - 1  # no tweet here has a line break
    if scored != rows:
        sys.exit(f"error: {rows:,} rows went in, {scored:,} came out")
    return Measured(rows / seconds, peak)


def processes(folder: Path, texts: list[str]) -> None:
    """Score distinct tweets with one process and with two in turn."""
    source = folder / "distinct.csv"
    write(source, texts, len(texts))
    runs: dict[int, list[Measured]] = {jobs: [] for jobs in JOBS}
    for _ in range(PAIRS):
        for jobs, measured in runs.items():
            measured.append(score(source, len(texts), "--jobs", str(jobs)))
    for jobs, measured in runs.items():
        rate = spread([run.rows_per_second for run in measured])
        peak = max(run.peak_bytes for run in measured)
        print(row(f"{len(texts):,} distinct tweets, `--jobs {jobs}`", rate, peak), flush=True)
    ratios = [
        many.rows_per_second / one.rows_per_second
        for one, many in zip(*runs.values(), strict=True)
    ]
    print(row("`--jobs 2` to `--jobs 1`, runs in turn", spread(ratios)), flush=True)


def bulk(folder: Path, texts: list[str], rows: int) -> None:
    """Score a long file with many repeated tweets."""
    source = folder / "long.csv"
    write(source, texts, rows)
    measured = score(source, rows)
    name = (
        f"{rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB, {len(texts):,} distinct tweets"
    )
    print(row(name, f"{measured.rows_per_second:,.0f}", measured.peak_bytes))


def row(name: str, rate: str, peak: int | None = None) -> str:
    return f"| {name} | {rate} | {f'{peak / 1e6:,.0f} MB' if peak else ''} |"


def main() -> None:
    texts = tweets(DISTINCT, seed=3)
    print(machine(f"NumPy {version('numpy')}"))
    print("\n| file | rows/s | peak memory, all processes |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        processes(Path(folder), texts)
        bulk(Path(folder), texts[:REPEATED], LONG)


if __name__ == "__main__":
    main()
