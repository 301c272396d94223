"""What the peers share: the commands by which benchmarks/peers.py trains, starts and times one.

    python benchmarks/peers/NAME.py train DATA FOLDER     put into FOLDER what scoring needs
    python benchmarks/peers/NAME.py predict FOLDER TEXT   score one text from a cold start
    python benchmarks/peers/NAME.py score FOLDER          answer each line of standard input

A line to `score` is JSON, {"texts": [...], "batch": 32}; its answer has the seconds of each
batch, the probabilities, and the peak of the resident memory so far.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[2]

Score = Callable[[list[str]], list[float]]  # texts -> probabilities of a disaster


@dataclass(frozen=True)
class Peer:
    """Another way to the same answer.

    Attributes:
        title: What the tables call it.
        label: What the picture calls it.
        distribution: The distribution whose version the table shows.
        requirements: What scoring needs, as pip takes it.
        train: Given the folder of the train split, puts into a folder what `load` reads.
        load: Given that folder, returns the function that scores.
        to_train: What training needs besides the requirements.
        learned_all: Whether it has the weights of the wheel, which learned every label: its
            quality is that of the same recipe without a fold.
        cleans: Whether it takes texts as people write them, and cleans them itself. The others
            get them repaired, with placeholders for URLs and handles.
    """

    title: str
    label: str
    distribution: str
    requirements: tuple[str, ...]
    train: Callable[[Path, Path], None]
    load: Callable[[Path], Score]
    to_train: tuple[str, ...] = ()
    cleans: bool = False
    learned_all: bool = False

    def main(self) -> None:
        """Run the command that the arguments name."""
        command, folder, *rest = sys.argv[1:]
        if command == "train":
            self.train(Path(folder), Path(rest[0]))
        elif command == "predict":
            print(*self.load(Path(folder))(rest))
        else:
            answer_lines(self.load(Path(folder)))


def answer_lines(score: Score) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        texts, size = request["texts"], request["batch"]
        seconds, probabilities = [], []
        for start in range(0, len(texts), size):
            batch = texts[start : start + size]
            started = perf_counter()
            scores = score(batch)
            seconds.append(perf_counter() - started)
            probabilities += scores
        answer = {
            "seconds": seconds,
            "probabilities": probabilities,
            "peak_bytes": peak_of_this_process(),
        }
        print(json.dumps(answer), flush=True)


def peak_of_this_process() -> int:
    """Return the peak of the resident memory in bytes."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def read_split(data: Path, name: str) -> tuple[list[str], list[int]]:
    """Return the texts of a split, and for each the label that most of its rows carry."""
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [int(float(row["target"]) > 0.5) for row in rows]
