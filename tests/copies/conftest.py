"""What the tests of copies share: made-up texts, the command, and copies that are built."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from ..conftest import ROOT, Completed

SCRIPT = ROOT / "scripts" / "make_it_yours.py"
WORDS = {
    "complaint": "refund broken late rude useless faulty cracked awful damaged leaking".split(),
    "praise": "lovely perfect quick gift friendly sturdy bright soft charming cheap".split(),
    "question": "where when which how who size stock deliver possible available".split(),
    "order": "please send two more another pair same again address invoice".split(),
}
FILLERS = "the my it and so parcel box shop colour shoes really was arrived 👟".split()
# The options that a copy with the labels "complaint" and "praise" needs.
OPTIONS = {
    "--name": "shop complaints",
    "--positive": "complaint",
    "--question": "Is this review a complaint?",
}
EXAMPLES = ("The parcel was late and the box broken", "Lovely colour and so quick")


@pytest.fixture(scope="session", autouse=True)
def _git() -> None:
    """Git lists what is copied."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout")


def made_up(labels: Sequence[str], rows: int, seed: int = 20200101) -> list[tuple[str, str]]:
    """Return made-up texts with their labels, of which a tenth is wrong."""
    generator = random.Random(seed)
    table = []
    for i in range(rows):
        label = labels[i % len(labels)]
        words = generator.choices(WORDS[label], k=3) + generator.choices(FILLERS, k=4)
        generator.shuffle(words)
        wrong = generator.random() < 0.1
        text = f"{' '.join(words)} #{seed % 97}{i}"
        table.append((text, generator.choice(labels) if wrong else label))
    return table


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def make(
    table: Path,
    folder: Path,
    *more: str | Path,
    examples: Sequence[str] = EXAMPLES,
    python: str = sys.executable,
    **changed: str | None,
) -> Completed:
    """Run the command with the options above; a keyword changes one, or takes it away."""
    options = OPTIONS | {f"--{name.replace('_', '-')}": text for name, text in changed.items()}
    arguments = [f"{option}={text}" for option, text in options.items() if text is not None]
    arguments += [f"--example={text}" for text in examples]
    done = subprocess.run(
        [python, SCRIPT, table, folder, *arguments, *more],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def texts_of(folder: Path, name: str = "train.csv") -> list[dict[str, str]]:
    """Return the rows of a table of a copy."""
    with (folder / "data" / "raw" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
