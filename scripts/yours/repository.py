"""Write the repository of a copy: the files that it takes over, renamed, and the new files."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yours.errors import CopyError
from yours.topic import PACKAGE, Topic

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs"))

import transcripts  # noqa: E402

TEMPLATES = ROOT / "scripts" / "templates"
RAW = Path("data/raw")
# Suffixes to remove from the names of templates. A template is for copies with two labels
# (True), for copies with more (False), or for all copies (None).
SUFFIXES = {".template": None, ".two_labels": True, ".more_labels": False}
# Files, and folders with their content, that a copy does not take over. A file that a template
# replaces is not taken over either.
LEFT_OUT = (
    *("artifacts/calibration.npy", "artifacts/golden.json", "artifacts/manifest.json"),
    *("artifacts/model.bin", "artifacts/vocab.txt", "MODEL_CARD.md", "dvc.lock"),
    *("benchmarks", "docs/model", "notebooks", "reports", "topic"),
    *("docs/make-it-yours.md", "docs/page.png", "scripts/make_it_yours.py"),
    *("scripts/templates", "scripts/yours", "tests/copies"),
)
# The beginnings of lines that name a tox environment that a copy does not have.
LINES_LEFT_OUT = {
    "tox.ini": "    copies\n",
    ".github/workflows/tests.yml": "          - {env: copies,",
    "CONTRIBUTING.md": "| `copies` |",
}
# Texts of every kind, to pin the scores of a classifier of any topic.
GOLDEN = (
    *("", " ", "Hello", "WHAT?!", "🔥🔥🔥", "12345", "http://example.com/photo", "@somebody"),
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "RT @somebody: Doors open at eight &amp; the first hour is free https://example.com/a1",
    "They\u0089Ûªre never on time, are they?",
    "I can't believe how good this is 😂😂😂 #happy",
    "It is not what I wanted, but it is not bad either.",
    "Esto no está en inglés, pero alguien lo escribirá.",
    "今日は天気がいいですね。",
    "The third paragraph of a longer text goes on about something else entirely, and then it "
    "comes back to where it began, which nobody expected of it after so many words.",
)


@dataclass(frozen=True)
class Row:
    """A labelled text.

    Attributes:
        text: The text.
        label: The name of its label.
        split: The split of the text: train, calibration or held_out. If it is empty, the
            pipeline draws the split.
    """

    text: str
    label: str
    split: str = ""


@dataclass(frozen=True)
class Data:
    """The texts of a copy.

    Attributes:
        rows: The texts with a label.
        unlabelled: The texts without a label.
        splits: Whether some rows have a fixed split.
    """

    rows: Sequence[Row]
    unlabelled: Sequence[str]
    splits: bool

    @property
    def columns(self) -> list[str]:
        """The columns of the table of labelled texts."""
        return ["text", "label", "split"] if self.splits else ["text", "label"]


def write(topic: Topic, data: Data, training: dict[str, object], folder: Path) -> None:
    """Write the complete repository into a new folder, or nothing at all.

    Args:
        topic: The topic of the copy.
        data: The texts of the copy.
        training: The values of the templates' placeholders that depend on the data.
        folder: The new folder. It must not exist yet.
    """
    if folder.exists():
        raise CopyError(f"{folder}: is there already; name a new folder, or remove it")
    paths = list(carried())
    made = first_missing(folder.parent)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside the new folder, so that a rename can move it there.
        with tempfile.TemporaryDirectory(
            dir=folder.parent, prefix=".make-it-yours-"
        ) as scratch:
            new = Path(scratch, folder.name)
            copy(paths, topic, new)
            edit(topic, new)
            columns = json.dumps({column: column for column in data.columns})
            fill(topic, training | {"columns": columns}, new)
            write_data(data, new)
            run(new, sys.executable, "scripts/stage_dependencies.py")
            run(new, "git", "init", "--quiet", "--initial-branch=main")
            new.rename(folder)
    except OSError as error:
        raise CopyError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        if made is not None and not folder.exists():
            shutil.rmtree(made, ignore_errors=True)


def first_missing(folder: Path) -> Path | None:
    """Return the outermost folder of a path that does not exist yet."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    return missing[-1] if missing else None


def carried() -> Iterator[Path]:
    """Yield the files that a copy takes over, relative to the root."""
    try:
        listed = run(ROOT, "git", "ls-files", "-z", "--cached")
    except CopyError as error:
        raise CopyError(
            "this is no Git clone, or there is no git: clone the repository with git"
        ) from error
    replaced = {
        string.Template(written_as(path)[0]).safe_substitute(module=PACKAGE)
        for path in TEMPLATES.rglob("*")
    }
    for name in sorted({name for name in listed.split("\0") if name}):
        outside = not any(name == left or name.startswith(f"{left}/") for left in LEFT_OUT)
        if outside and name not in replaced and (ROOT / name).is_file():
            yield Path(name)


def written_as(template: Path) -> tuple[str, bool | None]:
    """Return the name of the file that a template becomes, and its value in `SUFFIXES`."""
    name, two = template.relative_to(TEMPLATES).as_posix(), None
    for suffix, of_two in SUFFIXES.items():
        if name.endswith(suffix):
            name, two = name.removesuffix(suffix), of_two
    return name, two


def copy(paths: Sequence[Path], topic: Topic, new: Path) -> None:
    """Copy files, with this project's names replaced by those of the copy.

    The outputs of the examples in pages are removed, because they are those of this model.
    docs/transcripts.py later adds the outputs of the copy's model.
    """
    tokens = {old.encode(): name.encode() for old, name in topic.tokens.items()}
    pattern = re.compile(b"|".join(map(re.escape, tokens)))

    def renamed(content: bytes) -> bytes:
        return pattern.sub(lambda match: tokens[match[0]], content)

    for path in paths:
        target = new / renamed(path.as_posix().encode()).decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        content = (ROOT / path).read_bytes()
        if path.parts[0] == "docs" and path.suffix == ".md":
            content = transcripts.emptied(content.decode("utf-8")).encode()
        target.write_bytes(renamed(content))
        shutil.copymode(ROOT / path, target)


def edit(topic: Topic, new: Path) -> None:
    """Change the lines of the settings that need more than another name."""
    setup = {
        "description = ": f"{topic.question} A trained text classifier in a wheel.",
        "keywords = ": f"text classification, {' '.join(topic.words)}, machine learning",
        "version = ": "1.0.0",
    }
    path = new / "setup.cfg"
    lines = path.read_text("utf-8").split("\n")
    for key, value in setup.items():
        (place,) = [number for number, line in enumerate(lines) if line.startswith(key)]
        lines[place] = f"{key}{value}"
    # A name of one word gives the same command with dashes and with underscores. Keep it once.
    pairs = zip(lines, ["", *lines[:-1]], strict=True)
    write_text(path, "\n".join(line for line, before in pairs if not line or line != before))
    # A longer name makes lines longer, and the formatter cannot break all of them.
    replace(new / "pyproject.toml", "\nignore = [", '\nignore = ["E501", ')
    # A copy makes no further copies, so it needs no tox environment to test them.
    tox = (new / "tox.ini").read_text("utf-8")
    section = "\n[testenv:copies]" + tox.partition("[testenv:copies]")[2].partition("\n[")[0]
    replace(new / "tox.ini", section, "")
    for name, beginning in LINES_LEFT_OUT.items():
        text = (new / name).read_text("utf-8")
        (line,) = [
            line for line in text.splitlines(keepends=True) if line.startswith(beginning)
        ]
        replace(new / name, line, "")


def replace(path: Path, old: str, text: str) -> None:
    """Replace a text that occurs once in a file."""
    before, found, after = path.read_text("utf-8").partition(old)
    assert found, f"{path.name}: {old}"
    assert old not in after, f"{path.name}: {old}"
    write_text(path, before + text + after)


def fill(topic: Topic, training: dict[str, object], new: Path) -> None:
    """Write the templates with the copy's names and texts in place of their placeholders."""
    names = topic.placeholders | {name: str(value) for name, value in training.items()}
    for path in sorted(TEMPLATES.rglob("*")):
        name, two = written_as(path)
        fits = two in (None, len(topic.labels) == 2)
        if path.is_file() and fits and "__pycache__" not in path.parts:
            target = new / string.Template(name).substitute(names)
            filled = names
            if ".template." in target.name:  # docs/generate.py will fill it in again
                filled = {name: text.replace("$", "$$") for name, text in names.items()}
            write_text(target, string.Template(path.read_text("utf-8")).substitute(filled))
    golden = list(dict.fromkeys([*topic.examples, *GOLDEN]))
    write_text(
        new / "topic/golden.json", json.dumps(golden, ensure_ascii=False, indent=2) + "\n"
    )


def write_data(data: Data, new: Path) -> None:
    """Write the texts, and for each file DVC's record of its hash, which Git tracks."""
    rows = [[row.text, row.label, row.split][: len(data.columns)] for row in data.rows]
    write_table(new / RAW / "train.csv", [data.columns, *rows])
    write_table(new / RAW / "unlabelled.csv", [["text"], *([text] for text in data.unlabelled)])
    for name in ("train.csv", "unlabelled.csv"):
        content = (new / RAW / name).read_bytes()
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        write_text(
            new / RAW / f"{name}.dvc",
            f"outs:\n- md5: {digest}\n  size: {len(content)}\n  hash: md5\n  path: {name}\n",
        )


def write_table(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write a table with quotes around every field, because a text may have several lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 with the same line ends on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def run(folder: Path, *command: str) -> str:
    """Run a command and return what it prints; raise CopyError with its last line."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    except OSError as error:
        raise CopyError(f"{command[0]}: cannot be run ({error.strerror})") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise CopyError(f"{' '.join(command[:3])}: {last}")
    return done.stdout
