"""Measures `disaster-tweets serve` under load, and a plain Keras-and-Flask service.

    python benchmarks/service.py [--wheel dist/X.whl]

Prints Markdown tables; exit status 1 if a request failed. Needs Linux, wrk, a quiet machine
and the training environment with Flask (`pip install flask`). All traffic stays on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import psutil
from bulk import resident
from environments import ENVIRONMENT, Environment, parse_wheel
from tweets import tweets

HERE = Path(__file__).parent
DISTINCT, BATCH = 20_000, 100
CLIENTS = (1, 8, 64)
ROUNDS, SECONDS = 3, 6
LONG, EVERY = 300, 5  # seconds


def bodies(folder: Path) -> dict[int, Path]:
    """Write the requests, a line each: single tweets and batches; return the files by size."""
    texts = tweets(DISTINCT, seed=5)
    files = {}
    for size in (1, BATCH):
        files[size] = folder / f"bodies-{size}.jsonl"
        with files[size].open("w", encoding="utf-8") as file:
            for start in range(0, DISTINCT, size):
                print(json.dumps({"data": texts[start : start + size]}), file=file)
    return files


@contextmanager
def serving(command: list[str], port: int, ready: str) -> Iterator[psutil.Process]:
    """Run a server until the context ends; yield its process once ``ready`` answers."""
    server = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            if server.poll() is not None:
                sys.exit(f"error: {command[0]} ended with status {server.returncode}")
            try:
                with urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5):
                    break
            except OSError as error:
                if getattr(error, "code", None) == 405:  # the plain service only takes POST
                    break
            time.sleep(0.1)
        else:
            sys.exit(f"error: {command[0]} does not answer")
        yield psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def load(port: int, clients: int, requests: Path, seconds: int) -> subprocess.Popen[str]:
    """Start wrk."""
    return subprocess.Popen(
        [
            *("wrk", "--threads", "1", "--connections", str(clients)),
            *("--duration", f"{seconds}s", "--timeout", "60s"),
            *("--script", str(HERE / "service.lua"), f"http://127.0.0.1:{port}"),
        ],
        env={**os.environ, "BODIES": str(requests)},
        stdout=subprocess.PIPE,
        text=True,
    )


def result(wrk: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for wrk and return what it measured; end the program where a request failed."""
    out, _ = wrk.communicate()
    if wrk.returncode:
        sys.exit(f"error: wrk ended with status {wrk.returncode}: {out}")
    measured: dict[str, float] = json.loads(out.splitlines()[-1])
    if measured["errors"]:
        sys.exit(f"error: {measured['errors']} of {measured['requests']} requests failed")
    measured["rate"] = measured["requests"] / measured["seconds"]
    return measured


def compare(ours: int, theirs: int, files: dict[int, Path]) -> None:
    """Load both services in turn, and print a row for each size and number of clients."""
    print(
        "| tweets a request | clients | requests/s | p50 | p99 "
        "| Keras and Flask: requests/s | p50 | p99 | requests/s, ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for size, file in files.items():
        for clients in CLIENTS:
            # The plain service works on all requests at once, and answers none before the end.
            seconds = SECONDS * max(1, size * clients // 1000)
            rounds = [
                [result(load(port, clients, file, seconds)) for port in (ours, theirs)]
                for _ in range(ROUNDS)
            ]
            cells = [cell for runs in zip(*rounds, strict=True) for cell in summary(runs)]
            ratio = median(one["rate"] / other["rate"] for one, other in rounds)
            print(f"| {size} | {clients} | {' | '.join(cells)} | {ratio:.1f}x |", flush=True)


def summary(runs: tuple[dict[str, float], ...]) -> list[str]:
    """Return the medians of some runs: requests/s, p50 and p99."""
    rate, p50, p99 = (median(run[key] for run in runs) for key in ("rate", "p50", "p99"))
    return [f"{rate:,.1f}", f"{p50 * 1e3:,.1f} ms", f"{p99 * 1e3:,.1f} ms"]


def endurance(server: psutil.Process, port: int, file: Path) -> None:
    """Load our service for minutes, and print its memory over time."""
    wrk = load(port, 8, file, LONG)
    memory = []
    while wrk.poll() is None:
        memory.append(resident(server) / 1e6)
        time.sleep(EVERY)
    measured = result(wrk)
    minute = 60 // EVERY
    print(
        f"\n{measured['requests']:,.0f} requests in {LONG // 60} minutes, 8 clients, no error."
    )
    print("| after | resident memory of all its processes |")
    print("|---|---|")
    for index in range(0, len(memory), minute):
        print(f"| {index // minute} min | {memory[index]:.1f} MB |")
    print(f"| the end | {memory[-1]:.1f} MB |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    wheel = parse_wheel(parser)
    if shutil.which("wrk") is None:
        parser.error("needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as temporary:
        environment = Environment(Path(temporary) / "wheel", f"{wheel.resolve()}[web]")
        files = bodies(Path(temporary))
        ports = free_port(), free_port()
        ours = [environment.command, "serve", "--port", str(ports[0]), "--workers", "2"]
        theirs = [sys.executable, str(HERE / "keras_service.py"), str(ports[1])]
        with (
            serving(ours, ports[0], "/readyz") as server,
            serving(theirs, ports[1], "/predict"),
        ):
            compare(*ports, files)
        with serving(ours, ports[0], "/readyz") as server:
            endurance(server, ports[0], files[1])


if __name__ == "__main__":
    main()
