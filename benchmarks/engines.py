"""Measures Spark, Dask, Ray and `disaster-tweets score` with one worker and with two.

    python benchmarks/engines.py [--write]

Prints Markdown: rows per second, start-up, memory per worker, and the estimate for a billion
tweets. With --write it also renews the measured part of docs/model/engines.md. Linux only, with
two processor cores and Java. Run it on a quiet machine, in an environment that has the package
with the extras dask, ray and spark.

Each engine reads distinct tweets from Parquet files (Ray gets them as Arrow tables) and writes
their scores to Parquet files. Each run is a process of its own. When all workers are running,
it scores a few tweets, then many. The rate is the difference in tweets by the difference in
seconds, so that the fixed cost of a job does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, time
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from bulk import run_score
from environments import ROOT, machine, peak_of_this_process
from pages import renew, spread
from tweets import tweets

ROWS, ROUNDS = 96_000, 3
FILES = 12  # Dask's scheduler of processes assigns six at a time
WORKERS = (1, 2)
FEW, MOST_WARM_UPS = 480, 20
BILLION = 1_000_000_000
CLUSTERS = (1, 4, 16, 64, 256)

PAGE = ROOT / "docs" / "model" / "engines.md"

Score = Callable[[Path, Path], Any]  # from a folder of Parquet files to a folder


class Measured(NamedTuple):
    """The measurements of one run; the peak is that of the largest worker."""

    startup_seconds: float
    rows_per_second: float
    peak_bytes: int


@contextmanager
def spark(workers: int) -> Iterator[Score]:
    """Start Spark; its workers are processes of Python beside one Java machine."""
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import arrow_udf

    from disaster_tweets.plugins import spark as adapter

    def memory(texts: pa.Array) -> pa.Array:
        return pa.array([f"{os.getpid()} {peak_of_this_process()}"] * len(texts))

    session = (
        SparkSession.builder.master(f"local[{workers}]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )

    def score(source: Path, target: Path) -> None:
        table = session.read.parquet(str(source)).repartition(FILES)
        scores = adapter.score("text")
        worker = arrow_udf(memory, "string")("text").alias("worker")
        table.select("id", scores, worker).select("id", "score.*", "worker").write.parquet(
            str(target)
        )

    yield score
    session.stop()


@contextmanager
def dask(workers: int) -> Iterator[Score]:
    """Start Dask's scheduler of processes; its distributed scheduler works likewise."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    import dask
    import dask.dataframe as dd

    from disaster_tweets.plugins.column import score as score_column

    def with_scores(part: Any) -> Any:
        scores = score_column(part["text"])
        return part.assign(
            probability=scores.probabilities,
            label=scores.labels,
            worker=f"{os.getpid()} {peak_of_this_process()}",
        )

    meta = {"id": "int64", "text": "string", "probability": "float64"}
    meta |= {"label": "string", "worker": "string"}

    def score(source: Path, target: Path) -> None:
        table = dd.read_parquet(source)
        table.map_partitions(with_scores, meta=meta).to_parquet(target)

    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        dask.config.set(scheduler="processes", pool=pool)
        yield score


@contextmanager
def ray(workers: int) -> Iterator[Score]:
    """Start Ray; the workers are its processes."""
    # Without a cluster Ray listens on 127.0.0.1 alone.
    os.environ.update(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_USAGE_STATS_ENABLED="0")
    import ray

    from disaster_tweets.plugins.column import score as score_column

    def with_scores(part: pa.Table) -> pa.Table:
        scores = score_column(part["text"].to_pylist())
        worker = f"{os.getpid()} {peak_of_this_process()}"
        columns = {
            "probability": pa.array(scores.probabilities, pa.float64()),
            "label": pa.array(scores.labels, pa.string()),
            "worker": pa.array([worker] * len(part), pa.string()),
        }
        for name, column in columns.items():
            part = part.append_column(name, column)
        return part

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)

    def score(source: Path, target: Path) -> None:
        # Not read_parquet: its start-up in Ray 2.60 varies by many seconds.
        table = ray.data.from_arrow([pq.read_table(file) for file in source.iterdir()])
        table.map_batches(with_scores, batch_format="pyarrow").write_parquet(str(target))

    yield score
    ray.shutdown()


ENGINES: dict[str, Callable[[int], AbstractContextManager[Score]]] = {
    "spark": spark,
    "dask": dask,
    "ray": ray,
}
COMMAND = "disaster-tweets"
DISTRIBUTIONS = {"spark": "pyspark"}


def measure_engine(name: str, workers: int, folder: Path, started: float) -> Measured:
    """Run an engine in this process, which began at the time ``started``."""
    with ENGINES[name](workers) as score:
        warm: set[int] = set()
        for warm_up in range(MOST_WARM_UPS):
            target = folder / f"warm-up-{warm_up}"
            score(folder / "few", target)
            warm |= peaks(target, FEW).keys()
            if len(warm) == workers:
                break
        else:
            sys.exit(f"error: {name} scored with {len(warm)} workers, not {workers}")
        small = timed(score, folder / "few", folder / "few-scored")
        startup = time() - started
        large = timed(score, folder / "many", folder / "scored")
    peak_by_worker = peaks(folder / "scored", ROWS)
    if len(peak_by_worker) != workers:
        sys.exit(f"error: {name} scored with {len(peak_by_worker)} workers, not {workers}")
    return Measured(startup, rows_per_second(small, large), max(peak_by_worker.values()))


def timed(score: Score, source: Path, target: Path) -> float:
    start = perf_counter()
    score(source, target)
    return perf_counter() - start


def rows_per_second(small: float, large: float) -> float:
    """Return the rows per second, from the seconds that a few and that many took."""
    if large <= small:
        sys.exit("error: many rows took no longer than a few: the machine is too busy")
    return (ROWS - FEW) / (large - small)


def peaks(folder: Path, rows: int) -> dict[int, int]:
    """Return the peak in bytes by the process of the worker; check that no score is missing."""
    table = pq.read_table(folder, columns=["id", "probability", "label", "worker"])
    complete = table.drop_null()
    if len(set(complete["id"].to_pylist())) != rows:
        sys.exit(f"error: {rows} rows went in, {len(complete)} came out with a score")
    peak: dict[int, int] = {}
    for worker in complete["worker"].unique().to_pylist():
        process, peak_bytes = map(int, worker.split())
        peak[process] = max(peak_bytes, peak.get(process, 0))
    return peak


def measure_command(jobs: int, folder: Path) -> Measured:
    """Run `disaster-tweets score` on one file; its peak is that of all its processes."""
    few, many, scored = (folder / f"{name}.parquet" for name in ("few", "many", "scored"))
    startup, _ = run_score(few, "-o", scored, "--jobs", str(jobs))
    seconds, peak = run_score(many, "-o", scored, "--jobs", str(jobs))
    complete = pq.read_table(scored).drop_null()
    if len(complete) != ROWS:
        sys.exit(f"error: {ROWS} rows went in, {len(complete)} came out with a score")
    return Measured(startup, rows_per_second(startup, seconds), peak)


def measure(name: str, workers: int, inputs: Path) -> Measured:
    """Run an engine in a new process, and return the measurements that it printed."""
    with tempfile.TemporaryDirectory() as folder:
        for source in inputs.iterdir():
            (Path(folder) / source.name).symlink_to(source)
        if name == COMMAND:
            return measure_command(workers, Path(folder))
        run = [sys.executable, __file__, "--run", name, str(workers), folder, str(time())]
        done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {name} with {workers} workers failed:\n{done.stderr[-3000:]}")
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def write_inputs(folder: Path) -> None:
    """Write a few and many tweets, all distinct: in one file each, and in several."""
    texts = tweets(FEW + ROWS, seed=7)
    table = pa.table({"id": range(len(texts)), "text": texts})
    for name, rows in (("few", table[:FEW]), ("many", table[FEW:])):
        pq.write_table(rows, folder / f"{name}.parquet")
        (folder / name).mkdir()
        size = len(rows) // FILES
        for file in range(FILES):
            part = rows[file * size : (file + 1) * size]
            pq.write_table(part, folder / name / f"{file}.parquet")


def report(runs: dict[str, dict[int, list[Measured]]], machine_line: str) -> str:
    """Return the Markdown: the machine, the engines, and a billion tweets."""
    lines = [
        f"{machine_line}.",
        f"{ROWS:,} distinct tweets a run, {ROUNDS} runs with one worker and {ROUNDS} with two,",
        "in turn; medians, and in brackets the lowest and the highest.",
        "",
        "| engine | rows/s, 1 worker | rows/s, 2 workers | ratio | start-up | peak memory |",
        "|---|---|---|---|---|---|",
        *(engine_row(name, by_workers) for name, by_workers in runs.items()),
        "",
        *billion(min((runs[name][WORKERS[-1]] for name in ENGINES), key=per_worker)),
    ]
    return "\n".join(lines) + "\n"


def per_worker(runs: list[Measured]) -> float:
    """Return the rows per second of each worker, where all of them run."""
    return median(run.rows_per_second for run in runs) / WORKERS[-1]


def billion(runs: list[Measured]) -> Iterator[str]:
    """Yield the lines on a billion tweets, from the runs of one engine with all workers."""
    rate = round(per_worker(runs))
    hours = round(BILLION / rate / 3600)
    peak = round(max(run.peak_bytes for run in runs) / 1e6)
    yield f"With two workers, each of the slowest engine scored {rate:,} rows/s. A billion"
    yield f"tweets take {BILLION:,} / {rate:,} / 3,600 = {hours:,} core-hours:"
    yield ""
    yield f"| cores = workers | hours = {hours:,} / cores | their memory = cores x {peak} MB |"
    yield "|---|---|---|"
    for cores in CLUSTERS:
        yield f"| {cores:,} | {hours / cores:,.1f} | {cores * peak / 1e3:,.1f} GB |"


def engine_row(name: str, by_workers: dict[int, list[Measured]]) -> str:
    one, two = by_workers.values()
    ratios = [b.rows_per_second / a.rows_per_second for a, b in zip(one, two, strict=True)]
    startup = median(run.startup_seconds for run in [*one, *two])
    if name == COMMAND:
        title, unit = "`disaster-tweets score --jobs`", "in all, with two"
        peak = max(run.peak_bytes for run in two)
    else:
        title = f"{name.title()} {version(DISTRIBUTIONS.get(name, name))}"
        unit, peak = "per worker", max(run.peak_bytes for run in [*one, *two])
    cells = [
        title,
        spread([run.rows_per_second for run in one]),
        spread([run.rows_per_second for run in two]),
        spread(ratios),
        f"{startup:.1f} s",
        f"{peak / 1e6:,.0f} MB {unit}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="renew docs/model/engines.md")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        name, workers, folder, started = arguments.run
        measured = measure_engine(name, int(workers), Path(folder), float(started))
        print(f"\n{json.dumps(measured)}")
        return
    machine_line = machine(f"NumPy {version('numpy')}")
    runs: dict[str, dict[int, list[Measured]]] = {}
    with tempfile.TemporaryDirectory() as inputs:
        write_inputs(Path(inputs))
        for name in (COMMAND, *ENGINES):
            runs[name] = {workers: [] for workers in WORKERS}
            for _ in range(ROUNDS):
                for workers, measured in runs[name].items():
                    measured.append(measure(name, workers, Path(inputs)))
                    print(f"{name}, {workers}: {measured[-1]}", file=sys.stderr)
    text = report(runs, machine_line)
    print(text)
    if arguments.write:
        renew(PAGE, "engines.py", text)


if __name__ == "__main__":
    main()
