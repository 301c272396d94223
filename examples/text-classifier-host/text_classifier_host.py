"""Score texts with every text classifier that is installed beside this host."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

GROUP = "text_classifiers"
CONTRACT = 1

T = TypeVar("T")


def main() -> int:
    """Print every classifier's card and scores; 0 if at least one answered, else 1."""
    parser = argparse.ArgumentParser(prog="text-classifier-host", description=__doc__)
    parser.add_argument("texts", metavar="TEXT", nargs="+", help="a text to score")
    texts = parser.parse_args().texts

    cards = {origin(card): card for card in entry_points(group=f"{GROUP}.info")}
    answered = False
    for plugin in sorted(entry_points(group=GROUP), key=origin):
        info = survive(plugin, read_info, cards.get(origin(plugin)))
        if info is None:
            continue
        print(" ".join(origin(plugin)))
        for key, value in info.items():
            print(f"  {key}: {json.dumps(value)}")
        answers = survive(plugin, score, plugin, texts, info.get("positive_label"))
        if answers is None:
            continue
        answered = True
        for text, answer in zip(texts, answers, strict=True):
            print(f"{plugin.name}\t{answer}\t{text!r}")
    if not answered:
        print("no text classifier answered", file=sys.stderr)
    return 0 if answered else 1


def origin(entry_point: EntryPoint) -> tuple[str, str, str]:
    """Return the identity of a plugin; its name is not enough, as two plugins may share it."""
    distribution = entry_point.dist
    assert distribution is not None, "entry_points() sets it"
    return entry_point.name, distribution.name, distribution.version


def survive(plugin: EntryPoint, step: Callable[..., T], *arguments: Any) -> T | None:
    """Return the result of a step. If it fails, print one line and return None."""
    try:
        return step(*arguments)
    except KeyboardInterrupt:
        raise
    # BaseException, because a plugin may call sys.exit().
    except BaseException as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"{' '.join(origin(plugin))}: skipped: {reason}", file=sys.stderr)
        return None


def read_info(card: EntryPoint | None) -> dict[str, Any]:
    """Return a plugin's card without loading its model; empty if it has no card."""
    if card is None:
        return {}
    info: dict[str, Any] = card.load()()
    if info.get("contract") != CONTRACT:
        raise ValueError(f"contract {info.get('contract')} is not known, only {CONTRACT}")
    json.dumps(info)  # an error here is reported as the plugin's
    return info


def score(plugin: EntryPoint, texts: list[str], positive: str | None) -> list[str]:
    """Return the label and the probabilities of each text, separated by tabs.

    With two labels, there is one probability: that of the positive label, or of the predicted
    label if the card names no positive one. With more, there is one for each label.
    """
    classifier = plugin.load()()
    classes = list(classifier.classes_)
    labels = classifier.predict(texts)
    probabilities = classifier.predict_proba(texts)
    expected = (len(texts),), (len(texts), len(classes))
    if (labels.shape, probabilities.shape) != expected:
        raise ValueError(f"shapes {labels.shape}, {probabilities.shape}, not {expected}")
    answers = []
    for label, row in zip(labels, probabilities, strict=True):
        shown = classes if len(classes) > 2 else [positive or label]
        cells = (f"P({name})={row[classes.index(name)]:.4f}" for name in shown)
        answers.append("\t".join([str(label), *cells]))
    return answers


if __name__ == "__main__":
    sys.exit(main())
