"""Fixtures for the tests of copies: made-up texts, the command, and built copies."""

from __future__ import annotations

import configparser
import csv
import importlib.util
import os
import random
import shlex
import string
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ..conftest import ROOT, Completed, load_script

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
POSITIONS = 64  # the number of word pieces that a model reads
EXAMPLES = ("The parcel was late and the box broken", "Lovely colour and so quick")


@pytest.fixture(scope="session", autouse=True)
def _git() -> None:
    """Skip the tests outside a Git checkout: Git lists the files that are copied."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout")


def made_up(labels: Sequence[str], rows: int, seed: int = 20200101) -> list[tuple[str, str]]:
    """Return made-up texts and labels. A tenth of the labels is drawn at random."""
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


def arguments_of(
    table: Path,
    folder: Path,
    *more: str | Path,
    examples: Sequence[str] = EXAMPLES,
    **changed: str | None,
) -> list[str]:
    """Return arguments with `OPTIONS`. A keyword changes an option; None removes it."""
    options = OPTIONS | {f"--{name.replace('_', '-')}": text for name, text in changed.items()}
    given = [f"{option}={text}" for option, text in options.items() if text is not None]
    given += [f"--example={text}" for text in examples]
    return [*map(str, (table, folder)), *given, *map(str, more)]


@cache
def command() -> ModuleType:
    """The command, as a module."""
    return load_script(SCRIPT)


class Terminal(TextIOWrapper):
    """Standard input that a user types."""

    def isatty(self) -> bool:
        return True


def run_command(arguments: Sequence[str], lines: Sequence[str] | None = None) -> Completed:
    """Run the command in this process; on a terminal if a user types lines."""
    out, err = StringIO(), StringIO()
    typed = BytesIO("".join(f"{line}\n" for line in lines or ()).encode())
    stdin = TextIOWrapper(typed, "utf-8") if lines is None else Terminal(typed, "utf-8")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        patch.setattr(sys, "stdin", stdin)
        status = command().main()
    return Completed(status, out.getvalue(), err.getvalue())


def make(table: Path, folder: Path, *more: str | Path, **changed: Any) -> Completed:
    """Run the command in this process, with the arguments of `arguments_of`."""
    return run_command(arguments_of(table, folder, *more, **changed))


def texts_of(folder: Path, name: str = "train.csv") -> list[dict[str, str]]:
    """Return the rows of a table in data/raw of a copy."""
    with (folder / "data" / "raw" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Copy:
    """A copy that was built.

    Attributes:
        folder: The root of the copy.
        labels: The number of labels.
        ships: The kind of model that ships.
        wheel: The wheel of the copy.
        editable: A Python with the copy installed from its sources.
        installed: A Python with the wheel installed.
        variables: The environment variables of commands in the copy.
    """

    folder: Path
    labels: int
    ships: str
    wheel: Path
    editable: Path
    installed: Path
    variables: dict[str, str]

    def run(self, python: Path, *command: str | Path, **variables: str) -> Completed:
        """Run a program beside a Python, or a module, in the root of the copy."""
        return run_in(self.folder, python, *command, **self.variables, **variables)

    def tox(self, environment: str, python: Path, *more: str) -> Completed:
        """Run the commands of a tox environment; stop at the first command that fails.

        Args:
            environment: The section of tox.ini.
            python: The Python for the commands. tox itself would make a new environment.
            more: Arguments that are added to the last command.
        """
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(self.folder / "tox.ini", "utf-8")
        *first, last = tox[environment]["commands"].strip().splitlines()
        places = {
            "{[wheel]pytest}": tox["wheel"]["pytest"],
            **{"{posargs}": "", "{/}": "/", "{env_dir}": str(python.parents[1])},
        }
        out = ""
        for line in (*first, f"{last} {shlex.join(more)}"):
            for name, text in places.items():
                line = line.replace(name, text)
            words = shlex.split(line)
            done = self.run(python, *words, TOX_PACKAGE=str(self.wheel))
            out += done.out
            if done.status:
                break
        return Completed(done.status, out, "")


def run_in(folder: Path, python: Path, *command: str | Path, **variables: str) -> Completed:
    """Run a program beside a Python, or a module; standard error joins the output."""
    program, *arguments = command
    beside = python.with_name(str(program))
    start = [beside] if beside.exists() else [python, "-m", program]
    done = subprocess.run(
        [*start, *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]]),
            "PYTHONUTF8": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Somebody",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "somebody@example.com",
            **variables,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    return Completed(done.returncode, done.stdout, "")


def environment(folder: Path, *install: str | Path) -> Path:
    """Make an environment with all packages installed here but this project, and install more.

    Returns:
        The Python of the environment.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "disaster_tweets" not in path.name:
            (packages / path.name).symlink_to(path)
    # The programs are linked too: unlike `python -m pytest`, the program `pytest` does not put
    # the checkout on the path.
    for path in Path(sysconfig.get_path("scripts")).iterdir():
        here, content = python.with_name(path.name), path.read_bytes()
        if content.startswith(b"#!") and not here.exists() and "disaster" not in path.name:
            here.write_bytes(content.replace(sys.executable.encode(), str(python).encode(), 1))
            here.chmod(0o755)
        elif path.name == "ruff":
            here.symlink_to(path)
    pip = ["-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run(
        [sys.executable, *pip, "--no-index", "--no-build-isolation", *install], check=True
    )
    return python


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The script that makes the backbone, a tiny random encoder."""
    return load_script(ROOT / "tests" / "pipeline" / "reference" / "make.py")


@pytest.fixture(scope="session", params=["two labels", "four labels"])
def copy(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    reference: ModuleType,
) -> Copy:
    """Make a copy as a user does, and build it on a tiny backbone."""
    if os.name == "nt":
        pytest.skip("its environments are made of links")
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs the extra train")
    from ..tiny import TINY, checksums, make_backbone

    home = tmp_path_factory.mktemp("copies")
    folder = (two_labels if request.param == "two labels" else four_labels)(home)
    module = next((folder / "src").iterdir()).name

    backbone = home / "mirror" / "all-MiniLM-L6-v2"
    known = [*string.digits, *string.ascii_lowercase, *"#@:/.!?👟"]
    known += [*(f"##{sign}" for sign in known[:36]), *FILLERS]
    known += [word for words in WORDS.values() for word in words]
    make_backbone(backbone, reference, list(dict.fromkeys(known)), POSITIONS)
    params = yaml.safe_load((folder / "params.yaml").read_text("utf-8"))
    params["download_backbone"]["checksums"] = checksums(backbone)
    for section, values in TINY.items():
        params[section] |= values
    # The tests of the commands need longer texts, and models that have learned.
    params["model"]["max_tokens"] = POSITIONS
    params["assistant"]["epochs"] = params["student"]["epochs"] = 12
    # All tests must pass for both kinds of model, but here only one kind ships.
    ships = "student" if request.param == "two labels" else "encoder"
    params["export"]["ship"] = ships
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), "utf-8")

    variables = {f"{module.upper()}_MIRROR": str(home / "mirror")}
    editable = environment(home / "editable", "--editable", folder)
    build = ("scripts/workspace.py", "build", "--this-python", "--no-tests")
    done = run_in(folder, editable, "python", *build, **variables)
    assert done.status == 0, done.out
    (wheel,) = (folder / "dist").glob("*.whl")
    installed = environment(home / "installed", wheel)
    labels = 2 if request.param == "two labels" else len(WORDS)
    return Copy(folder, labels, ships, wheel, editable, installed, variables)


def two_labels(home: Path) -> Path:
    """Make a copy with two labels, awkward texts, and a fixed held-out split."""
    rows = made_up(["complaint", "praise"], 300)
    spelled = {"complaint": "A Complaint!", "praise": "Très gut"}
    tables = [
        write_csv(home / f"{name}.csv", ["no", "review", "verdict"],
                  [(i, text, spelled[label]) for i, (text, label) in enumerate(part)])
        for name, part in (("reviews", rows[:220]), ("test", rows[220:]))
    ]  # fmt: skip
    done = make(
        tables[0], home / "complaints", "--test", tables[1],
        positive="A Complaint!",
        question='Is this "review" a complaint\\, or <not>? It\'s $5 | `yes`',
        examples=("It\'s \"broken\", and the box was late 👟", "So **lovely** for $5"),
    )  # fmt: skip
    assert done.status == 0, done.err
    return home / "complaints"


def four_labels(home: Path) -> Path:
    """Make a copy with four labels, a name of one word, and texts without labels."""
    table = write_csv(home / "letters.tsv", ["text", "label"], made_up(list(WORDS), 360))
    table.write_text(table.read_text("utf-8").replace(",", "\t"), "utf-8")
    more = home / "more.txt"
    more.write_text("\n".join(text for text, _ in made_up(list(WORDS), 60, seed=7)), "utf-8")
    done = make(
        table, home / "letters", "--unlabelled", more,
        name="letters",
        positive=None,
        question="What does a customer write?",
        examples=("Where is my parcel", "Please send two more", "It was late and is broken"),
    )  # fmt: skip
    assert done.status == 0, done.err
    return home / "letters"
