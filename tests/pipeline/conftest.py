"""A small project of its own: the pipeline over made-up tweets and a tiny random backbone."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from ..conftest import ROOT, load_script

WORDS = {
    1: "wildfire flood quake evacuated casualties rescue derailed collapsed sirens".split(),
    0: "mixtape coffee puppy album traffic homework movie birthday goal donuts".split(),
}
FILLERS = "the near town today my is so again with every at on really just".split()

# What a tiny backbone is trained with.
TINY: dict[str, dict[str, object]] = {
    "train": {
        "epochs": 8,
        "learning_rate": 0.01,
        "attention_heads": 2,
        "max_tokens": 24,
        "layers": [0, 1],
        "feed_forward": 24,
        "filters": 0,
        "hidden": 0,
    },
    "export": {"parity": {"mean_difference": 0.1, "auc_drop": 0.1}},
    "evaluate": {"resamples": 50},
}


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The script that made the reference outputs; its tiny checkpoint is the backbone."""
    return load_script(Path(__file__).parent / "reference" / "make.py")


def made_up_tweets(rows: int) -> list[tuple[str, int]]:
    """Return texts of a clear label, some repeated, some repeated with both labels."""
    generator = random.Random(20200101)
    tweets = []
    for i in range(rows):
        label = i % 2
        words = generator.choices(WORDS[label], k=3) + generator.choices(FILLERS, k=4)
        generator.shuffle(words)
        tweets.append((f"{' '.join(words)} #{i} http://example.com/{i}", label))
    repeats = [(f"@someone {text}", label) for text, label in tweets[:6]]
    contradictions = [(text, 1 - label) for text, label in tweets[6:8]]
    return tweets + repeats + contradictions


def write_csv(path: Path, header: list[str], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


# begin: left out of a copy
# dvc.yaml names their files.
EVENTS = tuple(
    yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))["download_events"]["checksums"]
)


def make_event(path: Path, texts: list[tuple[str, int]], first_id: int) -> None:
    """Write a file of the form that the events have."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("tweet id, tweet, label\n")
        for i, (text, label) in enumerate(texts):
            topic = "on-topic" if label else "off-topic"
            file.write(f"'{first_id + i}',\"{text}\",{topic}\n")


def write_soft_labels(folder: Path) -> None:
    """Stand in for the teachers: write what two would say of a project's texts."""
    rows: list[tuple[object, ...]] = []
    for split in ("train", "calibration"):
        with (folder / f"data/prepared/{split}.csv").open(encoding="utf-8") as file:
            rows += [
                ("labelled", row["id"], len(rows) % 2, *opinions(row["text"]))
                for row in csv.DictReader(file)
            ]
    for path in sorted((folder / "data/events").glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            events = csv.DictReader(file, ["id", "text", "topic"])
            next(events)
            rows += [
                (path.stem, row["id"].strip("'"), "", *opinions(row["text"])) for row in events
            ]
    (folder / "teacher").mkdir()
    header = ["source", "id", "fold", "teacher_0", "teacher_1"]
    write_csv(folder / "teacher/soft_labels.csv", header, rows)


def opinions(text: str) -> tuple[float, float]:
    """Return two logits that the words of a text decide."""
    sign = 1 if set(text.split()) & set(WORDS[1]) else -1
    return 2.0 * sign, 3.0 * sign


# end: left out of a copy


def make_mirror(mirror: Path, reference: ModuleType) -> None:
    """Fill a mirror with made-up data."""
    pieces = [*"0123456789#@:/.", *(f"##{digit}" for digit in range(10))]
    pieces += [*WORDS[0], *WORDS[1], *FILLERS]
    make_backbone(mirror / "all-MiniLM-L6-v2", reference, pieces)
    tweets = made_up_tweets(240)
    columns = ["id", "keyword", "location", "text"]
    rows = [(i, "", "", text, label) for i, (text, label) in enumerate(tweets)]
    write_csv(mirror / "train.csv", [*columns, "target"], rows)
    test = [(i, "", "", f"{text} again") for i, (text, _) in enumerate(tweets[:10])]
    write_csv(mirror / "test.csv", columns, test)
    write_csv(mirror / "sample_submission.csv", ["id", "target"], [(i, 0) for i in range(10)])
    # begin: left out of a copy
    more = made_up_tweets(360)[240:]
    for i, event in enumerate(EVENTS):
        texts = more[i * 42 : (i + 1) * 42]
        make_event(mirror / f"crisislex/{event}.csv", texts, first_id=10**17 + i * 100)
    # end: left out of a copy


def make_backbone(folder: Path, reference: ModuleType, pieces: list[str]) -> None:
    """Write a tiny random encoder and its tokenizer, which knows these word pieces."""
    folder.mkdir(parents=True)
    pieces = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    tensors = reference.tiny_checkpoint()
    rows_needed = np.resize(tensors["embeddings.word_embeddings.weight"], (len(pieces), 16))
    tensors["embeddings.word_embeddings.weight"] = rows_needed
    save_file(tensors, folder / "model.safetensors")
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}})
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of each file in a folder, by its name."""
    return {
        path.name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in folder.iterdir()
        if path.is_file()
    }


class Project:
    """A checkout in which the pipeline runs."""

    def __init__(self, folder: Path, mirror: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "DISASTER_TWEETS_MIRROR": str(mirror),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            # The sources of this folder, not those that are installed for development.
            "PYTHONPATH": str(folder / "src"),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Somebody",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "somebody@example.com",
        }

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command; return what it printed; fail if its exit status is another."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def dvc(self, *arguments: str, status: int = 0) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments, status=status)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def params(self) -> dict[str, dict[str, object]]:
        return yaml.safe_load((self.folder / "params.yaml").read_text("utf-8"))

    def change_params(self, **sections: dict[str, object]) -> None:
        params = self.params()
        for name, values in sections.items():
            params[name] |= values
        path = self.folder / "params.yaml"
        path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, reference: ModuleType) -> Project:
    """A project in which ``dvc repro`` has run once; tests copy it before changing it."""
    folder = tmp_path_factory.mktemp("project")
    mirror = tmp_path_factory.mktemp("mirror") / "files"
    make_mirror(mirror, reference)
    for name in ("src", "docs", ".dvc/config", ".dvc/.gitignore", "artifacts/__init__.py"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    for path in ROOT.iterdir():
        if path.is_file() and path.name not in ("dvc.lock",):
            shutil.copyfile(path, folder / path.name)
    project = Project(folder, mirror)
    project.change_params(
        # begin: left out of a copy
        download_dataset={"checksums": checksums(mirror)},
        download_events={
            "checksums": {
                Path(name).stem: checksum
                for name, checksum in checksums(mirror / "crisislex").items()
            }
        },
        # end: left out of a copy
        download_backbone={"checksums": checksums(mirror / "all-MiniLM-L6-v2")},
        prepare={
            "columns": {"id": "id", "text": "text", "label": "target"},
            "labels": {"negative": "0", "positive": "1"},
        },
        **TINY,
    )
    # begin: left out of a copy
    project.change_params(
        train={"layers": [0], "feed_forward": 16, "filters": 16, "hidden": 8},
        distill={"layers": [0, 1], "feed_forward": 24, "epochs": 4, "learning_rate": 0.01},
    )
    # end: left out of a copy
    project.git("init", "--quiet", "--initial-branch=main")
    if "download_dataset" not in project.params():
        (folder / "data/raw").mkdir(parents=True)
        shutil.copy(mirror / "train.csv", folder / "data/raw")
        project.dvc("add", "data/raw/train.csv")
    # begin: left out of a copy
    project.dvc("repro", "prepare", "download_events")
    write_soft_labels(folder)
    project.dvc("commit", "--force", "soft_labels")
    # end: left out of a copy
    project.dvc("repro")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=Made-up model")
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built project, to be changed at will."""
    folder = tmp_path / "project"
    shutil.copytree(built.folder, folder, symlinks=True)
    copy = Project(folder, Path(built.environment["DISASTER_TWEETS_MIRROR"]))
    return copy
