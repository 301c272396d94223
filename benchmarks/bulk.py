"""Measures `disaster-tweets score` on large files: rows per second, threads, memory.

    python benchmarks/bulk.py

Prints a Markdown table. Linux only. Run it on a quiet machine, in an environment that has the
package. This process itself stays small, as a child's peak memory counts that of its parent
before it starts.
"""

from __future__ import annotations

import csv
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from tweets import tweets

DISTINCT, REPEATED, LONG, PAIRS = 100_000, 40_000, 1_000_000, 3
JOBS = (1, 2)


class Measured(NamedTuple):
    """What scoring one file took."""

    rows_per_second: float
    peak_bytes: int


def write(path: Path, texts: list[str], rows: int) -> None:
    """Write a CSV of numbered tweets, repeated as often as it takes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "text"))
        table.writerows(enumerate(islice(cycle(texts), rows)))


def score(source: Path, rows: int, *options: str) -> Measured:
    """Score a file in a process of its own, start-up included, and check the rows."""
    target = source.with_name("scored.csv")
    command = [sys.executable, "-m", "disaster_tweets", "score", str(source), "-o", str(target)]
    start = perf_counter()
    process = subprocess.Popen([*command, "--quiet", *options])
    # Not wait(): only this call tells of this child alone what memory it took.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: disaster-tweets score ended with status {process.returncode}")
    with target.open("rb") as file:
        scored = sum(1 for _ in file) - 1  # no tweet here has a line break
    if scored != rows:
        sys.exit(f"error: {rows:,} rows went in, {scored:,} came out")
    return Measured(rows / seconds, usage.ru_maxrss * 1024)  # Linux counts in KiB


def threads(folder: Path, texts: list[str]) -> None:
    """Score distinct tweets with one thread and with two in turn."""
    source = folder / "distinct.csv"
    write(source, texts, len(texts))
    runs: dict[int, list[Measured]] = {jobs: [] for jobs in JOBS}
    for _ in range(PAIRS):
        for jobs, measured in runs.items():
            measured.append(score(source, len(texts), "--jobs", str(jobs)))
    for jobs, measured in runs.items():
        rates = [run.rows_per_second for run in measured]
        spread = f"{median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
        peak = max(run.peak_bytes for run in measured)
        print(row(f"{len(texts):,} distinct tweets, `--jobs {jobs}`", spread, peak), flush=True)
    ratios = [
        many.rows_per_second / one.rows_per_second
        for one, many in zip(*runs.values(), strict=True)
    ]
    spread = f"{median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
    print(row("`--jobs 2` to `--jobs 1`, runs in turn", spread), flush=True)


def bulk(folder: Path, texts: list[str], rows: int) -> None:
    """Score a long file, in which each tweet stands often."""
    source = folder / "long.csv"
    write(source, texts, rows)
    measured = score(source, rows)
    name = (
        f"{rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB, {len(texts):,} distinct tweets"
    )
    print(row(name, f"{measured.rows_per_second:,.0f}", measured.peak_bytes))


def row(name: str, rate: str, peak: int | None = None) -> str:
    return f"| {name} | {rate} | {f'{peak / 1e6:,.0f} MB' if peak else ''} |"


def machine() -> str:
    processor = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((x.split(": ")[1] for x in processor if x.startswith("model name")), "?")
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores; {platform.system()}, Python "
        f"{platform.python_version()}, LiteRT {version('ai-edge-litert')}, NumPy "
        f"{version('numpy')}; load {os.getloadavg()[0]:.1f} at the start"
    )


def main() -> None:
    texts = tweets(DISTINCT, seed=3)
    print(machine())
    print("\n| file | rows/s | peak memory |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        threads(Path(folder), texts)
        bulk(Path(folder), texts[:REPEATED], LONG)


if __name__ == "__main__":
    main()
