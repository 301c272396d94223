"""``explain``: the words that carried a decision, coloured, as rows or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from disaster_tweets.classifier import Classifier
from disaster_tweets.cli.input import TextsCommand, texts_argument, texts_or_lines
from disaster_tweets.cli.output import (
    as_argument,
    escape_what_the_terminal_cannot_show,
    in_its_color,
    on_one_line,
)
from disaster_tweets.explanation import strength, strongest, words_for_json
from disaster_tweets.prediction import for_json
from disaster_tweets.topic import EXAMPLES, LABELS, NOUNS, PROBABILITY

if TYPE_CHECKING:
    from disaster_tweets.explanation import Explanation, WordWeight


_FOR = NOUNS[LABELS[1]] if len(LABELS) == 2 else "the label"

_HELP = f"""Show which words of each TEXT carried the decision.

The weight of a word is the {PROBABILITY}, less the probability without this word: positive
where the word speaks for {_FOR}. On a terminal, the words for {_FOR} are red, those against it
green, and the strongest are listed. Elsewhere, a line with the probability and the label, then
a line for each word: its weight and the word, separated by a tab. Without TEXT, or with a
single -, read standard input, one text a line.

\b
Examples:
  disaster-tweets explain {as_argument(EXAMPLES[0])}
  disaster-tweets explain --json < texts.txt > explained.jsonl
"""


@click.command(cls=TextsCommand, help=_HELP)
@texts_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
def explain(texts: tuple[str, ...], as_json: bool) -> None:
    """Show which words of each text carried the decision."""
    given = texts_or_lines(texts)
    escape_what_the_terminal_cannot_show()
    classifier = Classifier.load()
    show = _as_json if as_json else _in_color if _on_a_terminal() else _as_rows
    for number, text in enumerate(given):
        if number and not as_json:
            click.echo()
        click.echo(show(classifier.explain(text)))


def _on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _as_json(explanation: Explanation) -> str:
    return json.dumps(
        {
            "text": explanation.text,
            **for_json(explanation.prediction),
            "words": words_for_json(explanation),
        }
    )


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
            "".join(_pieces(explanation)),
            *(f"  {_signed(word)}  {_styled(word)}" for word in strongest(explanation)),
        ]
    )


def _pieces(explanation: Explanation) -> Iterator[str]:
    """Yield the text: its words, in their colours, and what lies between them."""
    position = 0
    for word in explanation.words:
        yield on_one_line(explanation.text[position : word.start])
        yield _styled(word)
        position = word.end
    yield on_one_line(explanation.text[position:])


def _styled(word: WordWeight) -> str:
    shown = on_one_line(word.word)
    marked = strength(word)
    if not marked:
        return shown
    return click.style(
        shown,
        fg="red" if word.weight > 0 else "green",
        bold=marked >= 2 or None,  # False would print a code as well
        reverse=marked >= 3 or None,
    )


def _signed(word: WordWeight) -> str:
    return f"{round(word.weight, 4) + 0.0:+.4f}"  # the sum turns -0.0 into 0.0
