"""The topic of a copy: the name of its classifier, the labels, and texts for people."""

from __future__ import annotations

import csv
import io
import json
import keyword
import re
import shlex
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from yours.errors import CopyError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "disaster_tweets"
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Pairs of spellings; the second one is positive. They do not describe the topic, so they are no
# names for labels.
_PAIRS = (("0", "1"), ("-1", "1"), ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))
_NO = re.compile(r"(?:no|not|non|un)_?(?=[a-z])")
_IMPORTED = re.compile(r"^ *(?:import|from) (\w+)", re.MULTILINE)
_OF_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")


@dataclass(frozen=True)
class Topic:
    """The topic of a copy.

    Attributes:
        words: The words of its name, in lower case.
        labels: The names of the labels, in the order of the classes. The second of two labels
            is the positive one.
        question: The question that the classifier answers.
        examples: Two texts or more. With two labels, the first text has the positive label.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    question: str
    examples: tuple[str, ...]

    @property
    def module(self) -> str:
        """The name of the package."""
        return "_".join(self.words)

    @property
    def command(self) -> str:
        """The name of the command."""
        return "-".join(self.words)

    @property
    def tokens(self) -> dict[str, str]:
        """The replacement for each form of this project's name."""
        classname = "".join(word.capitalize() for word in self.words)
        return {
            "disaster_tweets": self.module,
            "disaster-tweets": self.command,
            "DISASTER_TWEETS": self.module.upper(),
            "DisasterTweets": classname,
        }

    @property
    def title(self) -> str:
        """The name for people."""
        return " ".join(self.words).capitalize()

    @property
    def probability(self) -> str:
        """The description of `Prediction.probability`."""
        if len(self.labels) == 2:
            return f"probability of {self.labels[1]!r}"
        return "probability of the label"

    @property
    def prefix(self) -> str:
        """The beginning of the names of SQL functions."""
        return self.labels[1] if len(self.labels) == 2 else self.module

    @property
    def placeholders(self) -> dict[str, str]:
        """The texts that replace ``$name`` in the templates."""
        *first, last = [f"`{label}`" for label in self.labels]
        return {
            "module": self.module,
            "command": self.command,
            "distribution": f"{self.command}-model",
            "title_python": literal(self.title),
            "question": in_markdown(self.question),
            "question_python": literal(self.question),
            "example_shell": shlex.quote(self.examples[0]),
            "examples_lines": "\n".join(f"    {literal(text)}," for text in self.examples),
            "examples_csv": rows_of(self.examples),
            "examples_python": tuple_of(self.examples),
            "labels": f"{', '.join(first)} or {last}",
            "label_literals": ", ".join(map(literal, self.labels)),
            "label_tuple": tuple_of(self.labels),
            "nouns_python": json.dumps({label: repr(label) for label in self.labels}),
            "probability_python": literal(self.probability),
            "prefix": self.prefix,
            "spelled_labels": json.dumps({label: label for label in self.labels}),
            "abstract": literal(f"A text classifier in a Python wheel. {self.question}"),
            "keyword": " ".join(self.words),
            "prefix_python": literal(self.prefix),
        }


def literal(text: str) -> str:
    """Return a text as a literal that is valid in Python, JSON and YAML."""
    return json.dumps(text, ensure_ascii=False)


def tuple_of(texts: Sequence[str]) -> str:
    """Return texts as a Python tuple."""
    return f"({', '.join(map(literal, texts))})"


def rows_of(texts: Sequence[str]) -> str:
    """Return texts as the rows of a CSV file, each behind its number."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(enumerate(texts, start=1))
    return file.getvalue().rstrip("\n")


def in_markdown(text: str) -> str:
    """Return a text with the escapes that it needs in Markdown."""
    return _OF_MARKDOWN.sub(r"\\\1", text)


def checked_name(text: str) -> tuple[str, ...]:
    """Return the words of a name; raise CopyError if they cannot name a Python package."""
    words = tuple(re.findall(r"[a-z0-9]+", ascii_of(text)))
    name = "_".join(words)
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CopyError("choose words that make the name of a Python package")
    if name == PACKAGE:
        raise CopyError("that is the name of this project; choose another")
    if name in sys.stdlib_module_names or name in imported() or (ROOT / name).exists():
        raise CopyError(f"a package {name} is in use already; choose another name")
    return words


@lru_cache(maxsize=1)
def imported() -> set[str]:
    """Return the names of all packages that this project imports."""
    return {
        name
        for folder in ("src", "pipeline", "topic", "tests", "docs", "scripts", ".ci")
        for path in (ROOT / folder).rglob("*.py")
        for name in _IMPORTED.findall(path.read_text("utf-8"))
    }


def checked_line(text: str) -> str:
    """Return a text on one line; raise CopyError if it is blank."""
    line = " ".join(text.replace("\0", "").split())
    if not line:
        raise CopyError("write a text")
    if any("\ud800" <= sign <= "\udfff" for sign in line):
        raise CopyError("write it in the encoding of the terminal, which is usually UTF-8")
    return line


def checked_example(text: str) -> str:
    """Return an example text on one line; raise CopyError if no document can show it."""
    line = checked_line(text)
    if line.startswith("-"):
        raise CopyError(
            "a shell would take it for an option; begin it with another sign than -"
        )
    if "[[[" in line or "]]]" in line:
        raise CopyError("in the README, [[[ and ]]] mark what is generated; leave them out")
    return line


def checked_label(text: str) -> str:
    """Return a label's name; raise CopyError if it is invalid."""
    if not _LABEL.fullmatch(text) or keyword.iskeyword(text):
        raise CopyError("a label's name has small letters, digits and _, such as not_spam")
    return text


def ascii_of(text: str) -> str:
    """Return a text in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def slug(spelling: str) -> str:
    """Return a name for a label, made from its spelling; empty if the spelling makes none."""
    if any(spelling.casefold() in pair for pair in _PAIRS):
        return ""
    name = re.sub(r"[^a-z0-9]+", "_", ascii_of(spelling)).strip("_")
    return name if _LABEL.fullmatch(name) and not keyword.iskeyword(name) else ""


def in_order(spellings: Sequence[str]) -> list[str]:
    """Return spellings in order: numbers by value, then words by the alphabet."""

    def key(spelling: str) -> tuple[int, float, str]:
        try:
            return 0, float(spelling), spelling
        except ValueError:
            return 1, 0.0, spelling.casefold()

    return sorted(spellings, key=key)


def suggested_labels(spellings: Sequence[str], words: tuple[str, ...]) -> dict[str, str]:
    """Return a suggested name for each spelling."""
    named = {spelling: slug(spelling) for spelling in spellings}
    taken = set(named.values())
    name = "_".join(words)
    if len(spellings) == 2 and not any(named.values()) and likely_positive(spellings):
        positive = likely_positive(spellings)
        return {s: name if s == positive else f"not_{name}" for s in spellings}
    for number, spelling in enumerate(spellings):
        if not named[spelling]:
            ending = re.sub(r"[^a-z0-9]+", "_", ascii_of(spelling)).strip("_") or str(number)
            guess = f"label_{ending}"[:40]
            named[spelling] = guess if guess not in taken else f"label_{number}_of_{len(named)}"
            taken.add(named[spelling])
    return named


def likely_positive(spellings: Sequence[str]) -> str:
    """Return the positive one of two labels; empty if it is in doubt."""
    first, second = sorted(spellings, key=str.casefold)
    for pair in _PAIRS:
        if {first.casefold(), second.casefold()} == set(pair):
            return first if first.casefold() == pair[1] else second
    for positive, negative in ((first, second), (second, first)):
        denied = ascii_of(negative).replace(" ", "_").replace("-", "_")
        plain = ascii_of(positive).replace(" ", "_").replace("-", "_")
        if _NO.sub("", denied, count=1) == plain and denied != plain:
            return positive
    return ""


def parsed_labels(given: Sequence[str], spellings: Sequence[str]) -> dict[str, str]:
    """Return the name of each spelling, from the values of ``--labels``.

    Args:
        given: ``NAME=SPELLING`` for each label, or only the names, in the order of
            ``spellings``. Several spellings may have one name.
        spellings: The labels in the spelling of the table, in order.

    Raises:
        CopyError: A name is invalid, a spelling is unknown or has no name, or all labels have
            the same name.
    """
    listed = ", ".join(map(repr, spellings))
    if all("=" in part for part in given):
        pairs = [part.partition("=")[::2] for part in given]
        named = {spelling.strip(): checked_label(name.strip()) for name, spelling in pairs}
    elif any("=" in part for part in given) or len(given) != len(spellings):
        raise CopyError(f"give NAME=SPELLING of each label ({listed}), or a name of each")
    else:
        named = dict(zip(spellings, map(checked_label, given), strict=True))
    for spelling in named:
        if spelling not in spellings:
            raise CopyError(f"no text has the label {spelling!r}; there are {listed}")
    for spelling in spellings:
        if spelling not in named:
            raise CopyError(f"the label {spelling!r} has no name; give NAME=SPELLING")
    if len(set(named.values())) < 2:
        raise CopyError("all labels have the same name; two different ones are needed")
    return named


def class_order(names: Mapping[str, str], positive: str | None) -> tuple[str, ...]:
    """Return the labels in the order of the classes; the positive label comes last."""
    labels = tuple(dict.fromkeys(names.values()))
    return tuple(sorted(labels, key=lambda label: label == positive)) if positive else labels
