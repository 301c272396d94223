"""A small project for tests: the pipeline with made-up texts and a tiny random backbone."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from disaster_tweets.text import Cleaner
from disaster_tweets.topic import LABELS

from ..conftest import ROOT, load_script
from ..tiny import TINY, checksums, make_backbone
from .downloads import checkout, server

__all__ = ["checkout", "server"]

ALL = "--all-pipelines"
UP_TO_DATE = "Data and pipelines are up to date."
ROWS_OF_A_LABEL = 60  # the smallest number of made-up texts with one label
# Changes to the settings of `tiny`: the models train long enough to tell several labels apart.
LEARNING: dict[str, dict[str, object]] = {
    "training": {"batch_size": 16},
    "assistant": {"epochs": 16},
    "student": {"epochs": 12},
}

# Words of no language, so they belong to no topic. Each label has ten.
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
MADE_UP = [one + other for one in SYLLABLES for other in SYLLABLES]
WORDS = [MADE_UP[10 * label : 10 * label + 10] for label in range(len(LABELS))]
FILLERS = "the near town today my is so again with every at on really just".split()

Texts = Sequence[tuple[str, int]]  # with their labels

# The models of these tests read words and two marks, whatever params.yaml says.
READS = {"urls": False, "handles": False, "emoji": False, "marks": "!?"}


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The script that made the reference outputs. Its tiny checkpoint is the backbone."""
    return load_script(Path(__file__).parent / "reference" / "make.py")


@pytest.fixture
def cleaner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pipeline clean texts as `READS` says."""
    from pipeline import cleaning

    of_tests = Cleaner(READS)
    monkeypatch.setattr(cleaning, "_cleaner", lambda: of_tests)


@pytest.fixture(params=[2, 4], ids=["two labels", "four labels"])
def labels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of labels, whatever params.yaml says."""
    from pipeline import training

    count: int = request.param
    monkeypatch.setattr(training, "label_names", lambda: ("label",) * count)
    return count


@pytest.fixture
def outputs(labels: int) -> int:
    """The number of outputs that a model has for the labels."""
    return 1 if labels == 2 else labels


def made_up_texts(rows: int) -> list[tuple[str, int]]:
    """Return texts with a clear label. Some are repeated, two of them with another label."""
    generator = random.Random(20200101)
    texts = []
    for i in range(rows):
        label = i % len(LABELS)
        words = generator.choices(WORDS[label], k=3) + generator.choices(FILLERS, k=4)
        generator.shuffle(words)
        # Only some texts have a hashtag and a URL: both are noise to a model that reads them.
        end = f"{i}" if i % 4 else f"#{i} http://example.com/{i}"
        texts.append((f"{' '.join(words)} {end}", label))
    repeats = [(f"@someone {text}", label) for text, label in texts[:6]]
    contradictions = [(text, (label + 1) % len(LABELS)) for text, label in texts[6:8]]
    return texts + repeats + contradictions


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def write_labelled(path: Path, texts: Texts) -> None:
    """Write labelled texts with the columns and spellings of a made-up project."""
    rows = [(i, text, label) for i, (text, label) in enumerate(texts)]
    write_csv(path, ["id", "text", "target"], rows)


class Project:
    """A checkout in which the pipeline runs.

    Attributes:
        folder: The root of the checkout.
        mirror: The folder that replaces the download sources.
        environment: The environment variables of commands in the checkout.
    """

    def __init__(self, folder: Path, mirror: Path) -> None:
        self.folder, self.mirror = folder, mirror
        self.environment = os.environ | {
            "DISASTER_TWEETS_MIRROR": str(mirror),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            # Python imports the sources of this folder, not the installed ones.
            "PYTHONPATH": str(folder / "src"),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Somebody",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "somebody@example.com",
        }

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command; return its output; fail if it has another exit status."""
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

    def params(self, file: str = "params.yaml") -> dict[str, dict[str, object]]:
        return yaml.safe_load((self.folder / file).read_text("utf-8"))

    def change_params(self, file: str = "params.yaml", **sections: dict[str, object]) -> None:
        params = self.params(file)
        for name, values in sections.items():
            params[name] |= values
        changed = yaml.safe_dump(params, sort_keys=False)
        (self.folder / file).write_text(changed, encoding="utf-8")

    def append(self, file: str, text: str = "# another version\n") -> None:
        """Append a text to a file."""
        with (self.folder / file).open("a", encoding="utf-8") as opened:
            opened.write(text)

    def stale(self) -> list[str]:
        """Return the stages that would run. A stage of the topic is topic/dvc.yaml:NAME."""
        return stages_run(self.dvc("repro", ALL, "--allow-missing", "--dry"))


def stages_run(printed: str) -> list[str]:
    """Return the stages that ran, according to the output of DVC."""
    return re.findall(r"Running stage '([\w./:]+)'", printed)


def stages(folder: Path, file: str = "dvc.yaml") -> dict[str, dict[str, object]]:
    """Return the stages of a file of a project."""
    return yaml.safe_load((folder / file).read_text("utf-8"))["stages"]


@cache  # shared by the tests here and those of the topic
def build(base: Path) -> Project:
    """Make a project in a new folder, and run its pipelines once."""
    from topic.tests.pipeline.made_up import fill

    folder, mirror = base / "built-project", base / "built-mirror"
    trees = ("src", "pipeline", "topic", "docs")
    for name in (*trees, ".dvc/config", ".dvc/.gitignore", "artifacts/__init__.py"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "dvc.lock")
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copyfile(source, target)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != "dvc.lock":
            shutil.copyfile(path, folder / path.name)

    project = Project(folder, mirror)
    repository = str(project.params()["download_backbone"]["repository"])
    backbone = mirror / repository.rpartition("/")[2]
    known = [*"0123456789#@:/.", *(f"##{digit}" for digit in range(10))]
    known += [word for words in WORDS for word in words]
    reference = load_script(Path(__file__).parent / "reference" / "make.py")
    make_backbone(backbone, reference, [*known, *FILLERS])
    project.change_params(
        download_backbone={"checksums": checksums(backbone)},
        prepare={
            "columns": {"id": "id", "text": "text", "label": "target"},
            "labels": {label: str(i) for i, label in enumerate(LABELS)},
            "fractions": {"calibration": 0.15, "held_out": 0.15},
        },
        **TINY,
    )
    # The kind of model that ships here must ship there too: setup.cfg requires its runtime.
    manifest = json.loads((ROOT / "artifacts" / "manifest.json").read_text("utf-8"))
    project.change_params(export={"ship": manifest["kind"]}, **LEARNING)
    project.git("init", "--quiet", "--initial-branch=main")
    fill(project, made_up_texts(max(240, ROWS_OF_A_LABEL * len(LABELS))))
    project.dvc("repro", ALL)
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=Made-up model")
    return project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose pipelines have run once. Tests must copy it before they change it."""
    return build(tmp_path_factory.getbasetemp())


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built project, which a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(built.folder, folder, symlinks=True)
    return Project(folder, built.mirror)
