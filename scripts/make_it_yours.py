"""Make a repository for another text classifier out of this one.

    python3 scripts/make_it_yours.py reviews.csv ../reviews

Asks for what it cannot detect; each question is also an option. Writes a new folder, and does
not change this one. A copy keeps every file that does not depend on the topic, with other
names. scripts/templates has the replacements of the other files. docs/make-it-yours.md is the
guide.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - any Python may start this script
    sys.exit("error: Python 3.10 or newer is needed")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from yours import topic as topics
from yours.ask import Asker
from yours.errors import CopyError
from yours.repository import ROOT, Data, Row, write
from yours.texts import (
    MOST_LABELS,
    TABULAR,
    Labelled,
    Options,
    guess_columns,
    read_labelled,
    read_unlabelled,
)
from yours.topic import Topic

FEWEST, MOST = 200, 200_000  # different texts
FEWEST_OF_A_LABEL = 10
PARTS = {"test": "held_out", "validation": "calibration"}  # options and their splits


@dataclass(frozen=True)
class Inputs:
    """The input texts.

    Attributes:
        parts: The labelled texts by split; texts without a fixed split are in train.
        unlabelled: The texts without labels.
        columns: The columns of the texts and of the labels.
    """

    parts: dict[str, Labelled]
    unlabelled: list[str]
    columns: tuple[str, str]


def main() -> int:
    """Read the texts, ask questions, write the new folder, and say or do the next step."""
    arguments = parsed()
    ask = Asker(terminal=sys.stdin is not None and sys.stdin.isatty())
    try:
        told = make(arguments, ask)
    except CopyError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was written", file=sys.stderr)
        return 130
    print("\n".join(told))
    return finish(arguments)


def make(arguments: argparse.Namespace, ask: Asker) -> list[str]:
    """Write the new folder; return lines about the texts."""
    folder = arguments.folder
    if folder.exists():
        raise CopyError(f"{folder}: is there already; name a new folder, or remove it")
    if ROOT in folder.resolve().parents:
        raise CopyError(f"{folder}: name a folder outside of this repository")
    inputs = read(arguments, ask)
    check_size(inputs)
    words = ask(
        "--name",
        "What is the classifier called",
        topics.checked_name,
        arguments.name,
        suggested=suggested_name(folder),
    )
    names = labels(arguments, ask, inputs.parts["train"], words)
    positive = the_positive(arguments, ask, names)
    data = gathered(arguments, inputs, names)
    classes = topics.class_order(names, positive)
    check_labels(data, classes)
    question = ask(
        "--question",
        "Which question does it answer",
        topics.checked_line,
        arguments.question,
        suggested=suggested_question(positive),
    )
    topic = Topic(words, classes, question, examples(arguments, ask, positive))
    write(topic, data, training(len({row.text for row in data.rows})), folder.resolve())
    return [
        f"texts from column {inputs.columns[0]!r}, labels from column {inputs.columns[1]!r}: "
        + ", ".join(f"{spelling!r} is {name}" for spelling, name in names.items()),
        *described(arguments, inputs, names, len(data.unlabelled)),
        *repeats(data.rows),
    ]


def finish(arguments: argparse.Namespace) -> int:
    """Build the copy, or print the command that builds it."""
    if not arguments.run:
        print(
            f"\n{arguments.folder} is ready. One command trains, tests and packs it:\n\n"
            f"  cd {shlex.quote(str(arguments.folder))} && python3 scripts/workspace.py build"
        )
        return 0
    print(f"\n{arguments.folder} is ready, and is being built", flush=True)
    command = [sys.executable, "scripts/workspace.py", "build"]
    try:
        return subprocess.run(command, cwd=arguments.folder).returncode
    except KeyboardInterrupt:
        return 130


def parsed() -> argparse.Namespace:
    """Return the arguments of the command line."""
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(
        description=f"{summary} What no option says is asked for on a terminal."
    )
    add = parser.add_argument
    add(
        "table",
        type=Path,
        metavar="TABLE",
        help="labelled texts: CSV, JSON, Parquet, Excel, ...",
    )
    add("folder", type=Path, metavar="FOLDER", help="new folder to write")
    asked = parser.add_argument_group("asked for")
    add = asked.add_argument
    add("--name", help='what the classifier is called: "shop complaints"')
    add("--positive", metavar="LABEL", help="of two labels, the one that is looked for")
    add("--question", help="what the classifier answers")
    add(
        "--example",
        action="append",
        metavar="TEXT",
        help="text written by you, not by one of your users; twice or more often; of two "
        "labels first one with the positive label, then one without",
    )
    add("--text-column", metavar="NAME", help="column of the texts (default: the obvious one)")
    add(
        "--label-column", metavar="NAME", help="column of the labels (default: the obvious one)"
    )
    add(
        "--labels",
        nargs="+",
        metavar="NAME=SPELLING",
        help="what each label is called, or the names alone in the order of the spellings "
        "(default: as the table spells them; several spellings may have one name)",
    )
    more = parser.add_argument_group("more texts")
    add = more.add_argument
    add(
        "--test", type=Path, metavar="TABLE", help="labelled texts that are for measuring alone"
    )
    add("--validation", type=Path, metavar="TABLE", help="labelled texts that are for choosing")
    add("--unlabelled", type=Path, metavar="FILE", help="texts of the same kind without labels")
    form = parser.add_argument_group("how the tables are written")
    add = form.add_argument
    add("--format", choices=TABULAR, help="format of labelled texts (default: by the name)")
    add("--encoding", metavar="NAME", help="encoding of text formats (default: utf-8)")
    add("--delimiter", metavar="CHARACTER", help="between fields, or tab (default: detected)")
    add(
        "--quoting",
        choices=("standard", "none"),
        help="none: quotes are ordinary characters",
    )
    add(
        "--no-header",
        action="store_true",
        help="the first line is a row; columns are 1, 2, ...",
    )
    add("--sheet", metavar="NAME", help="sheet of a workbook (default: the only one)")
    parser.add_argument("--run", action="store_true", help="build the copy at once")
    return parser.parse_args()


def read(arguments: argparse.Namespace, ask: Asker) -> Inputs:
    """Read all tables."""
    options = Options(
        format=arguments.format,
        encoding=arguments.encoding,
        delimiter="\t" if arguments.delimiter in ("tab", "\\t") else arguments.delimiter,
        quoting=arguments.quoting,
        header=not arguments.no_header,
        sheet=arguments.sheet,
    )
    text, label, held = guess_columns(
        arguments.table, options, arguments.text_column, arguments.label_column
    )
    if (text is None or label is None) and ask.terminal:
        print(*(f"{name}: {values}" for name, values in held.items()), sep="\n")

    def a_column(name: str) -> str:
        if name not in held:
            raise CopyError(f"choose one of {', '.join(held)}")
        return name

    columns = ", ".join(held)
    text = text or ask("--text-column", f"Which column holds the texts ({columns})", a_column)
    label = label or ask(
        "--label-column", f"Which column holds the labels ({columns})", a_column
    )
    if text == label:
        raise CopyError(f"{arguments.table}: column {text!r} cannot hold both texts and labels")
    parts = {"train": read_labelled(arguments.table, options, text, label)}
    for option, split in PARTS.items():
        if path := getattr(arguments, option):
            parts[split] = read_labelled(path, options, text, label)
    unlabelled = []
    if arguments.unlabelled:
        unlabelled = read_unlabelled(arguments.unlabelled, options, text)
    return Inputs(parts, unlabelled, (text, label))


def suggested_name(folder: Path) -> str:
    """Return the name of the new folder, if it can name a classifier."""
    try:
        return " ".join(topics.checked_name(folder.name))
    except CopyError:
        return ""


def suggested_question(positive: str | None) -> str:
    """Return a default question."""
    if positive is None:
        return "Which label does this text have?"
    return f"Is this text {positive.replace('_', ' ')}?"


def labels(
    arguments: argparse.Namespace, ask: Asker, train: Labelled, words: tuple[str, ...]
) -> dict[str, str]:
    """Return the name of each label, by its spelling."""
    counts = Counter(train.spellings)
    if not 2 <= len(counts) <= MOST_LABELS:
        raise CopyError(
            f"{arguments.table}: {len(counts):,} different labels, and 2 to {MOST_LABELS} are "
            "possible; name the column of the labels with --label-column"
        )
    spellings = topics.in_order(list(counts))
    if arguments.labels:
        try:
            return topics.parsed_labels(arguments.labels, spellings)
        except CopyError as problem:
            raise CopyError(f"--labels: {problem}") from None
    names = {spelling: topics.slug(spelling) for spelling in spellings}
    unnamed = [spelling for spelling, name in names.items() if not name]
    suggested = topics.suggested_labels(spellings, words)
    if unnamed and not ask.terminal:
        example = " ".join(f"{name}={spelling}" for spelling, name in suggested.items())
        raise CopyError(
            f"--labels is missing: {unnamed[0]!r} cannot be the name of a label; for example "
            f"--labels {example}"
        )
    for spelling in unnamed:
        names[spelling] = ask(
            "--labels",
            f"What is the label {spelling!r} called ({counts[spelling]:,} texts)",
            topics.checked_label,
            suggested=suggested[spelling],
        )
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        alike = [spelling for spelling, name in names.items() if name == twice[0]]
        raise CopyError(
            f"--labels is missing: {' and '.join(map(repr, alike))} would all be {twice[0]!r}; "
            "give each a name, or the same one if they are the same label"
        )
    return names


def the_positive(
    arguments: argparse.Namespace, ask: Asker, names: Mapping[str, str]
) -> str | None:
    """Return the name of the positive label; None with more than two labels."""
    choices = list(dict.fromkeys(names.values()))
    if len(choices) > 2:
        if arguments.positive is not None:
            raise CopyError(f"--positive is for two labels, and there are {len(choices)}")
        return None

    def one_of_both(label: str) -> str:
        name = names.get(label, label)
        if name not in choices:
            raise CopyError(f"choose {' or '.join(choices)}")
        return name

    likely = topics.likely_positive(list(names)) if len(names) == 2 else ""
    likely = likely or topics.likely_positive(choices)
    if arguments.positive is None and likely and not ask.terminal:
        return one_of_both(likely)
    return ask(
        "--positive",
        f"Which label is looked for, {choices[0]} or {choices[1]}",
        one_of_both,
        arguments.positive,
        suggested=names.get(likely, likely),
    )


def examples(
    arguments: argparse.Namespace, ask: Asker, positive: str | None
) -> tuple[str, ...]:
    """Return the example texts."""
    given = arguments.example or []
    wanted = (
        ["An example text, written by you", "Another one, with another label"]
        if positive is None
        else [
            f"An example text, written by you, that clearly is {positive!r}",
            "One that clearly is not",
        ]
    )
    asked = zip_longest(wanted, given)
    texts = tuple(
        dict.fromkeys(
            ask("--example", question or "One more", topics.checked_example, text)
            for question, text in asked
        )
    )
    if len(texts) < 2:
        raise CopyError("--example: give two different texts")
    return texts


def gathered(arguments: argparse.Namespace, inputs: Inputs, names: Mapping[str, str]) -> Data:
    """Return the texts of the copy."""
    rows = []
    for split, part in inputs.parts.items():
        for text, spelling in zip(part.texts, part.spellings, strict=True):
            if spelling not in names:
                raise CopyError(
                    f"{named_file(arguments, split)}: the label {spelling!r} does not occur in "
                    f"{arguments.table}, which has {', '.join(map(repr, names))}"
                )
            rows.append(Row(text, names[spelling], "" if split == "train" else split))
    known = {row.text for row in rows}
    unlabelled = [text for text in dict.fromkeys(inputs.unlabelled) if text not in known]
    return Data(rows, unlabelled, splits=len(inputs.parts) > 1)


def named_file(arguments: argparse.Namespace, split: str) -> Path:
    """Return the file with the texts of a split."""
    options = {split: option for option, split in PARTS.items()} | {"train": "table"}
    path: Path = getattr(arguments, options[split])
    return path


def described(
    arguments: argparse.Namespace, inputs: Inputs, names: Mapping[str, str], unlabelled: int
) -> list[str]:
    """Return lines about each file.

    Args:
        arguments: The arguments of the command line.
        inputs: The input texts.
        names: The name of each label, by its spelling.
        unlabelled: The number of unlabelled texts in the copy.
    """
    told = []
    for split, part in inputs.parts.items():
        counts = Counter(names[spelling] for spelling in part.spellings)
        each = ", ".join(f"{counts[name]:,} {name}" for name in dict.fromkeys(names.values()))
        path = named_file(arguments, split)
        told.append(f"{path}: {counted(len(part.texts), 'text')}: {each}")
        if part.left_out:
            told.append(
                f"{path}: {counted(part.left_out, 'row')} without text or label left out"
            )
    if arguments.unlabelled:
        told.append(f"{arguments.unlabelled}: {counted(unlabelled, 'text')} without a label")
        if left_out := len(inputs.unlabelled) - unlabelled:
            repeated = counted(left_out, "text")
            told.append(f"{arguments.unlabelled}: {repeated} repeated or labelled left out")
    return told


def repeats(rows: Sequence[Row]) -> list[str]:
    """Return a line about repeated texts, if there are any."""
    of_text: dict[str, set[str]] = {}
    in_splits: dict[str, set[str]] = {}
    for row in rows:
        of_text.setdefault(row.text, set()).add(row.label)
        in_splits.setdefault(row.text, set()).add(row.split)
    told = []
    if again := len(rows) - len(of_text):
        told.append(f"{counted(again, 'repeated text')}; the pipeline merges them")
    if contradictory := sum(len(found) > 1 for found in of_text.values()):
        told.append(f"{counted(contradictory, 'text')} with contradictory labels")
    if in_both := sum(len(found) > 1 for found in in_splits.values()):
        told.append(f"{counted(in_both, 'text')} in several files, so not trained on")
    return told


def counted(number: int, noun: str) -> str:
    """Return a number with a noun in the right form."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def check_size(inputs: Inputs) -> None:
    """Raise CopyError if there are too few or too many texts."""
    different = len({text for part in inputs.parts.values() for text in part.texts})
    if different < FEWEST:
        raise CopyError(
            f"{counted(different, 'different text')} with a label; at least {FEWEST} are "
            "needed to train and to measure"
        )
    for number, what in (
        (different, "different texts with a label"),
        (len(set(inputs.unlabelled)), "different texts without a label"),
    ):
        if number > MOST:
            raise CopyError(f"{number:,} {what}; at most {MOST:,} are possible: take a sample")


def check_labels(data: Data, classes: Sequence[str]) -> None:
    """Raise CopyError if a label has too few texts, in total or in a fixed split."""
    counts = Counter(label for _, label in {(row.text, row.label) for row in data.rows})
    for label in classes:
        if counts[label] < FEWEST_OF_A_LABEL:
            raise CopyError(
                f"{counted(counts[label], 'different text')} with the label {label!r}; at "
                f"least {FEWEST_OF_A_LABEL} are needed: add some, or join the label with "
                "another one by giving both the same name with --labels"
            )
    for option, split in PARTS.items():
        there = {row.label for row in data.rows if row.split == split}
        missing = [label for label in classes if label not in there]
        if there and missing:
            raise CopyError(f"--{option}: no text has the label {missing[0]!r}; add some")


def training(texts: int) -> dict[str, object]:
    """Return the length of the training for a number of different texts.

    Few texts must be seen more often. The student learns from augmented copies that the
    assistant labels, so it has about the same number of texts in any case.
    """
    sizes = ((1_000, 8, 30), (5_000, 4, 8), (20_000, 3, 4), (60_000, 2, 2), (MOST, 1, 1))
    epochs, copies = next(plan for limit, *plan in sizes if texts <= limit)
    return {
        "epochs": epochs,
        "copies_of_labelled": copies,
        "copies_of_others": max(copies // 4, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
