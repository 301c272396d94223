"""The commands of a peer, by which benchmarks/peers.py trains, starts and times it.

    python benchmarks/peers/NAME.py train DATA FOLDER     train a model into FOLDER
    python benchmarks/peers/NAME.py predict FOLDER TEXT   score one text from a cold start
    python benchmarks/peers/NAME.py score FOLDER          answer each line of standard input

A line to `score` is JSON: {"texts": [...], "batch": 32}. The answer has the seconds of each
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
    """An alternative classifier.

    Attributes:
        title: The name in the tables.
        label: The name in the picture.
        distribution: The distribution whose version the table shows.
        requirements: The requirements of scoring, for pip.
        train: Trains a model, given the folder of the training set and the folder for the
            model.
        load: Returns the scoring function, given the folder of the model.
        to_train: Further requirements of training.
        learned_all: Whether it has the weights of the wheel, which learned every label. Its
            quality is then that of the same recipe without the held-out fold.
        cleans: Whether it cleans raw texts itself. Other peers get repaired texts with
            placeholders for URLs and handles.
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
    """Return the texts of a split, and the label of each text."""
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [int(float(row["target"]) > 0.5) for row in rows]
