r"""Turn this repository into the one of another text classifier.

    python scripts/make_it_yours.py texts.csv ../complaints --name complaints \
        --positive complaint --question "Is this review a complaint?" \
        --example "..." --counter-example "..."

Writes a new folder and leaves this one as it is. What is special to the topic of this
repository is renamed, replaced by scripts/templates, or left out: whole files, and what stands
between two comments that say ``begin: left out of a copy`` and ``end: left out of a copy``.
docs/make-it-yours.md is the guide.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import keyword
import re
import shutil
import string
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "scripts" / "templates"
PACKAGE = "disaster_tweets"
DATA = Path("data/raw/train.csv")
SMALLEST = 100  # texts; fewer cannot be split three ways
SMALLEST_LABEL = 20  # texts

# Odd files of every encoding, which tell of no topic.
AS_THEY_ARE = Path("tests/odd")

# What is not carried over: the model and its measures, and the pages that tell of this topic.
LEFT_OUT = (
    *("artifacts/*.json", "artifacts/*.txt", "artifacts/*.tflite", "reports/*", "dvc.lock"),
    *("benchmarks/*", "notebooks/*", "docs/hosts/*", "docs/measurements.md", "docs/engines.md"),
    *("docs/tutorial.md", "docs/make-it-yours.md", "docs/predict.svg", "docs/picture.py"),
    *("docs/why.md", "docs/probability.md", "docs/score-a-file.md"),
    *("benchmarks/peers/*", "docs/benchmark.md", "docs/benchmark.svg"),
    *("docs/frontier.md", "docs/frontier.svg"),
    "docs/choose-a-threshold.md",
    *("scripts/make_it_yours.py", "scripts/templates/*"),
    *("src/*/pipeline/download_dataset.py", "src/*/pipeline/submission.py"),
    *("src/*/pipeline/download_events.py", "src/*/pipeline/distillation.py"),
    *("src/*/pipeline/alter.py", "src/*/pipeline/distill.py"),
    *("src/*/pipeline/imitation.py", "src/*/pipeline/teacher.py", "teacher/*"),
    *("tests/docs/test_notebook.py", "tests/hosts/test_transcripts.py", "tests/workspace/*"),
    *("tests/pipeline/test_tutorial.py", "tests/pipeline/test_make_it_yours.py"),
    *("tests/pipeline/test_distillation.py", "tests/pipeline/test_teacher.py"),
    *("tests/pipeline/test_alter.py", "tests/pipeline/test_distill.py"),
    "tests/pipeline/test_imitation.py",
    *("tests/regression.json", "tests/test_regression.py"),
)
# What else differs, by file: a pattern that must be found once, and what takes its place.
CHANGES = {
    "pyproject.toml": (r"^ignore = \[", 'ignore = ["E501", '),  # names may be longer
    "NOTICE": (r"^It was trained to agree with .*?\Z", ""),
    "src/$module/plugins/llm.py": (r"    A \w+ is an event such as.*?is none\. ", "    "),
}
# How a copy trains: all of the backbone, and on its labels alone; and what it calls the result.
TRAINING = {
    "model_version": '"1.0"',
    "layers": "[0, 1, 2, 3, 4, 5]",
    "feed_forward": "1536",
    "filters": "0",
    "hidden": "0",
    "dropout": "0.1",
    "epochs": "2",
    "learning_rate": "4.0e-5",
}
CUT = re.compile(
    r"^[^\n]*begin: left out of a copy.*?end: left out of a copy[^\n]*\n",
    re.DOTALL | re.MULTILINE,
)


class CopyError(Exception):
    """What the user has to change: one line that names it and the next step."""


@dataclass(frozen=True)
class Labelled:
    """What the table of labelled texts looks like.

    Attributes:
        text_column: The column of the texts.
        label_column: The column of the labels.
        negative: How the table spells the negative label.
        positive: How it spells the positive one.
    """

    text_column: str
    label_column: str
    negative: str
    positive: str


@dataclass(frozen=True)
class Topic:
    """What the new classifier is called, and what it says.

    Attributes:
        words: The words of its name, in lower case.
        labels: The names of its negative and its positive label.
        question: The question that it answers.
        examples: A text of the positive and one of the negative label.
        table: What the data look like.
    """

    words: list[str]
    labels: tuple[str, str]
    question: str
    examples: tuple[str, str]
    table: Labelled

    @property
    def names(self) -> dict[str, str]:
        """The names, by what templates call them."""
        module, command = "_".join(self.words), "-".join(self.words)
        return {
            "module": module,
            "command": command,
            "distribution": f"{command}-model",
            "title": " ".join(self.words).capitalize(),
            "variable": module.upper(),
            "negative": self.labels[0],
            "positive": self.labels[1],
            "question": self.question,
            "example": self.examples[0],
            "counterexample": self.examples[1],
        }


def main() -> None:
    """Check what was asked for, then write the new folder, whole or not at all."""
    arguments = parsed()
    try:
        topic = described(arguments)
        write(topic, arguments.csv, arguments.folder)
    except CopyError as problem:
        sys.exit(f"error: {problem}")
    print(
        f"{arguments.folder} is ready. Go on there:\n\n"
        f"  cd {arguments.folder}\n"
        "  python3 scripts/workspace.py setup\n"
        "  . .venv/bin/activate\n"
        "  dvc repro                   # trains and measures the model\n"
        "  python docs/generate.py     # writes its numbers into README and model card\n"
        "  python docs/transcripts.py docs/service.md    # and its answers into that page\n"
        "  git add --all && git commit -m 'First model'\n"
        "  tox\n"
        f"  python -m {topic.names['module']}.pipeline.package"
    )


def parsed() -> argparse.Namespace:
    """Return the arguments of the command line."""
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("csv", type=Path, metavar="CSV", help="labelled texts: two columns")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="new folder to write")
    parser.add_argument("--name", required=True, help='what the classifier is called: "spam"')
    parser.add_argument(
        "--positive", required=True, help="label that is looked for, as the file spells it"
    )
    parser.add_argument(
        "--labels",
        nargs=2,
        metavar=("NEGATIVE", "POSITIVE"),
        help="names of the labels (default: as the file spells them)",
    )
    parser.add_argument("--text-column", help="column of the texts (default: the other one)")
    parser.add_argument("--question", required=True, help="what the classifier answers")
    parser.add_argument(
        "--example", required=True, help="text, written by you, that has the positive label"
    )
    parser.add_argument("--counter-example", required=True, help="text that has not")
    return parser.parse_args()


def described(arguments: argparse.Namespace) -> Topic:
    """Return the topic; raise CopyError where a name, a text or the table will not do."""
    words = re.findall(r"[a-z0-9]+", arguments.name.lower())
    name = "_".join(words)
    if not name.isidentifier() or keyword.iskeyword(name) or name in sys.stdlib_module_names:
        raise CopyError(f"--name {arguments.name!r}: choose words that make a name of a module")
    if name == PACKAGE:
        raise CopyError(
            f"--name {arguments.name!r}: that is the name of this one; choose another"
        )
    for option in ("question", "example", "counter_example"):
        text = getattr(arguments, option)
        if not text.strip() or set(text) & set("'\"\\\n`$"):
            raise CopyError(
                f"--{option.replace('_', '-')}: give one line of text without quotes, "
                "backslashes, backticks and dollar signs, as it is shown in commands"
            )
    table = read(arguments.csv, arguments.positive, arguments.text_column)
    labels = arguments.labels or (slug(table.negative), slug(table.positive))
    for label, option in zip(labels, ("NEGATIVE", "POSITIVE"), strict=True):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", label) or keyword.iskeyword(label):
            raise CopyError(
                f"label {label!r}: name both with --labels NEGATIVE POSITIVE; {option} takes "
                "small letters, digits and underscores, such as not_spam"
            )
    if labels[0] == labels[1]:
        raise CopyError(f"both labels would be called {labels[0]!r}: name them with --labels")
    examples = (arguments.example, arguments.counter_example)
    return Topic(words, (labels[0], labels[1]), arguments.question, examples, table)


def slug(label: str) -> str:
    """Return a label as a name: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def read(path: Path, positive: str, text_column: str | None) -> Labelled:
    """Return what the table looks like; raise CopyError with file and row if it will not do."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file, strict=True)) or [[]]
    except OSError as error:
        raise CopyError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CopyError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    except csv.Error as error:
        raise CopyError(f"{path}: not a table in CSV ({error})") from error
    if len(header) != 2 or header[0] == header[1]:
        raise CopyError(f"{path}: the first line must name two columns, the text and the label")
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise CopyError(f"{path}: row {number} needs a text and a label; mend or remove it")
    if text_column not in (None, *header):
        raise CopyError(f"--text-column: {path} has no column {text_column!r}, only {header}")
    label = label_index(path, header, rows, text_column)
    counts = Counter(row[label] for row in rows)
    if positive not in counts:
        raise CopyError(f"--positive {positive!r}: {path} has the labels {sorted(counts)}")
    if len(rows) < SMALLEST or min(counts.values()) < SMALLEST_LABEL:
        raise CopyError(
            f"{path}: {len(rows)} texts ({dict(counts)}); at least {SMALLEST}, and "
            f"{SMALLEST_LABEL} of each label, are needed to train and to measure"
        )
    (negative,) = set(counts) - {positive}
    return Labelled(header[1 - label], header[label], negative, positive)


def label_index(
    path: Path, header: list[str], rows: list[list[str]], text_column: str | None
) -> int:
    """Return which of the two columns holds the labels: the one with two values."""
    choices = [i for i in (0, 1) if header[i] != text_column]
    found = [i for i in choices if len({row[i] for row in rows}) == 2]
    if len(found) != 1:
        values = {header[i]: len({row[i] for row in rows}) for i in choices}
        raise CopyError(
            f"{path}: one column must hold exactly two labels; different values: {values}"
        )
    return found[0]


def write(topic: Topic, table: Path, folder: Path) -> None:
    """Write the new repository into ``folder``, which must not exist."""
    if folder.exists():
        raise CopyError(f"{folder}: is there already; name a new folder, or remove it")
    for tool in ("dvc", "ruff"):
        if importlib.util.find_spec(tool) is None:
            raise CopyError(f'{tool} is missing: {sys.executable} -m pip install -e ".[dev]"')
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".make-it-yours-") as scratch:
        new = Path(scratch, folder.name)
        rename = renaming(topic)
        for path in carried():
            target = new / rename(path.as_posix())
            target.parent.mkdir(parents=True, exist_ok=True)
            content = (ROOT / path).read_bytes()
            if not path.is_relative_to(AS_THEY_ARE):
                content = rename(CUT.sub("", content.decode("utf-8"))).encode("utf-8")
            target.write_bytes(content)
            shutil.copymode(ROOT / path, target)
        fill(topic, new)
        # A user's own words may say it.
        if not any("disaster" in name.lower() for name in topic.names.values()):
            check(new)
        (new / DATA.parent).mkdir(parents=True)
        shutil.copyfile(table, new / DATA)
        run(new, "git", "init", "--quiet", "--initial-branch=main")
        run(new, sys.executable, "-m", "dvc", "add", "--quiet", str(DATA))
        # Names of another length move words into other lines and another order.
        ruff = [sys.executable, "-m", "ruff"]
        run(new, *ruff, "check", "--quiet", "--fix-only", ".")
        run(new, *ruff, "format", "--quiet", ".")
        new.rename(folder)


def carried() -> Iterator[Path]:
    """Yield the files that the new repository takes over, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CopyError(
            "this is no Git clone, or there is no git: clone the repository"
        ) from error
    replaced = {path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*")}
    for path in sorted({Path(name) for name in done.stdout.split("\0") if name}):
        left_out = path in replaced or any(path.match(pattern) for pattern in LEFT_OUT)
        if not left_out and (ROOT / path).is_file():
            yield path


def renaming(topic: Topic) -> Callable[[str], str]:
    """Return the function that puts the new names into a text or a path."""
    names = topic.names
    negative, positive = topic.labels
    classes = "".join(word.capitalize() for word in topic.words)
    rules = [
        (r"Is this tweet about a real disaster(?:, or not)?\?", topic.question),
        (r"is this (?:tweet|one) about a real disaster(?:, or not)?\?", topic.question),
        (r"Just happened a terrible car crash", topic.examples[0]),
        (r"Forest fire(?: near La Ronge Sask\. Canada)?", topic.examples[0]),
        (r"this mixtape is fire", topic.examples[1]),
        (
            r"Wildfire has crossed the highway, everyone north of the river has to leave now",
            topic.examples[0],
        ),
        (r"Brush fire jumped the road, homes are being evacuated", topic.examples[0]),
        (r"my phone is dying, brb", topic.examples[1]),
        (r"disaster_tweets", names["module"]),
        (r"disaster-tweets", names["command"]),
        (r"DISASTER_TWEETS", names["variable"]),
        (r"DisasterTweets", classes),
        (r"Disaster tweets", names["title"]),
        (r"not_disaster", negative),
        (r"Not_Disaster", negative.title()),
        (r"no_disaster", negative),
        (r"\bno (?:real )?disaster\b", f"'{negative}'"),
        # Prose names the label, which need not be a noun.
        (r"\breports?(?:\s+or\s+discusses)?\s+a\s+(?:real\s+)?disaster\b", f"is '{positive}'"),
        (r"\b(?:about\s+)?a\s+(?:real\s+)?disaster\b", f"'{positive}'"),
        (r"DISASTER", positive.upper()),
        (r"Disaster", positive.capitalize()),
        (r"disaster", positive),
        (r"\btweet(s?)\b", r"text\1"),
        (r"\bTweet(s?)\b", r"Text\1"),
    ]
    combined = re.compile("|".join(f"(?P<r{i}>{rule})" for i, (rule, _) in enumerate(rules)))
    return lambda text: combined.sub(lambda match: replaced(match, rules), text)


def replaced(match: re.Match[str], rules: list[tuple[str, str]]) -> str:
    """Return what the rule that matched puts in place of its match."""
    pattern, new = rules[int((match.lastgroup or "")[1:])]
    if "\\1" in new:
        return re.sub(pattern, new, match[0])
    line_break = re.search(r"\n\s*", match[0])  # prose keeps its lines
    return line_break[0] + new if line_break else new


def fill(topic: Topic, new: Path) -> None:
    """Write what is new: the templates with the names, and the parameters of the data."""
    for path in TEMPLATES.rglob("*.*"):
        relative = path.relative_to(TEMPLATES).as_posix()
        target = new / string.Template(relative).substitute(topic.names)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = string.Template(path.read_text("utf-8")).substitute(topic.names)
        target.write_text(text, encoding="utf-8", newline="\n")
    if topic.names["module"] == topic.names["command"]:
        # One word has no second spelling for the command to answer to.
        command = re.escape(topic.names["command"])
        replace(new / "setup.cfg", rf"^(    {command} = \w+\.cli:main\n)(?=\1)", "")
    for name, change in CHANGES.items():
        replace(new / string.Template(name).substitute(topic.names), *change)
    text, label, negative, positive = map(json.dumps, astuple(topic.table))
    params = new / "params.yaml"
    replace(params, r"^  columns: .*?$", f"  columns: {{text: {text}, label: {label}}}")
    labels = f"  labels: {{negative: {negative}, positive: {positive}}}"
    replace(params, r"^  labels: .*?$", labels)
    for name, value in TRAINING.items():
        replace(params, rf"^  {name}: .*?$", f"  {name}: {value}")


def replace(path: Path, pattern: str, new: str) -> None:
    """Replace the one place of a file that a pattern matches."""
    old = path.read_text("utf-8")
    text, found = re.subn(pattern, lambda _: new, old, flags=re.DOTALL | re.MULTILINE)
    assert found == 1, f"{path.name}: {found} times {pattern}"
    path.write_text(text, encoding="utf-8", newline="\n")


def check(new: Path) -> None:
    """Fail where something of the old topic is left: then a rule is missing above."""
    left = [
        f"{path.relative_to(new)}:{number}: {line.strip()}"
        for path in sorted(new.rglob("*"))
        if path.is_file()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if "disaster" in line.lower()
    ]
    assert not left, "\n".join(left)


def run(folder: Path, *command: str) -> None:
    """Run a command in the new folder; raise CopyError with its last line if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise CopyError(f"{' '.join(command[:4])}: {last}")


if __name__ == "__main__":
    main()
