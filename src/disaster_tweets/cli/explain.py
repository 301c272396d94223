"""``explain`` shows the words that carried a decision: in colour, as rows or as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from disaster_tweets.classifier import Classifier
from disaster_tweets.cli.input import TextsCommand, texts_argument, texts_or_lines
from disaster_tweets.cli.output import (
    as_argument,
    in_its_color,
    on_one_line,
    prepare_standard_output,
)
from disaster_tweets.explanation import pieces, strength, strongest
from disaster_tweets.topic import EXAMPLES, LABELS, NOUNS, PROBABILITY

if TYPE_CHECKING:
    from disaster_tweets.explanation import Explanation, WordWeight


_FOR = NOUNS[LABELS[1]] if len(LABELS) == 2 else "the label"

_HELP = f"""Show which words of each TEXT carried the decision.

Each word is left out in turn. The weight of a word is the {PROBABILITY}, less the probability
without the word. A positive weight speaks for {_FOR}, a negative weight against it.

On a terminal, the words for {_FOR} are red, the words against it are green, and a list shows
the strongest words. Otherwise, the first line has the probability and the label, and each
following line has the weight of a word and the word. Tabs separate them. Without TEXT, or with
-, the command reads standard input, one text per line.

\b
Examples:
  disaster-tweets explain {as_argument(EXAMPLES[0])}
  disaster-tweets explain --json < texts.txt > explained.jsonl
"""


@click.command(cls=TextsCommand, help=_HELP)
@texts_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per text.")
def explain(texts: tuple[str, ...], as_json: bool) -> None:
    """Show which words of each text carried the decision."""
    prepare_standard_output()
    given = texts_or_lines(texts)
    classifier = Classifier.load()
    show = _as_json if as_json else _in_color if _on_a_terminal() else _as_rows
    for number, text in enumerate(given):
        if number and not as_json:
            click.echo()
        click.echo(show(classifier.explain(text)))


def _on_a_terminal() -> bool:
    return sys.stdout.isatty()


def _as_json(explanation: Explanation) -> str:
    return json.dumps(explanation.to_dict())


def _as_rows(explanation: Explanation) -> str:
    decision = explanation.prediction
    rows = [f"{decision.probability:.4f}\t{decision.label}"]
    rows += [f"{_signed(word)}\t{on_one_line(word.word)}" for word in explanation.words]
    return "\n".join(rows)


def _in_color(explanation: Explanation) -> str:
    decision = explanation.prediction
    return "\n".join(
        [
            f"{decision.probability:.4f}  {in_its_color(decision)}",
            "".join(
                on_one_line(text) if word is None else _styled(word)
                for text, word in pieces(explanation)
            ),
            *(f"  {_signed(word)}  {_styled(word)}" for word in strongest(explanation)),
        ]
    )


def _styled(word: WordWeight) -> str:
    shown = on_one_line(word.word)
    marked = strength(word)
    if not marked:
        return shown
    return click.style(
        shown,
        fg="red" if word.weight > 0 else "green",
        bold=marked >= 2 or None,  # False would also print an escape code
        reverse=marked >= 3 or None,
    )


def _signed(word: WordWeight) -> str:
    return f"{round(word.weight, 4) + 0.0:+.4f}"  # + 0.0 turns -0.0 into 0.0
