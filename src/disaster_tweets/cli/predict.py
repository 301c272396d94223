"""``predict``: a few texts, or a stream of lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from disaster_tweets.classifier import Classifier
from disaster_tweets.cli.input import (
    TextsCommand,
    texts_argument,
    texts_or_lines,
    threshold_option,
)
from disaster_tweets.cli.output import (
    as_argument,
    escape_what_the_terminal_cannot_show,
    in_its_color,
    on_one_line,
)
from disaster_tweets.prediction import for_json
from disaster_tweets.topic import EXAMPLES, PROBABILITY

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction


_HELP = f"""Print the score of each TEXT.

A line for each: the {PROBABILITY}, the label and the text, separated by tabs; control
characters in the text are shown as escapes. Without TEXT, or with a single -, read standard
input, one text a line.

\b
Examples:
  disaster-tweets predict {as_argument(EXAMPLES[0])}
  disaster-tweets predict --json < texts.txt > scored.jsonl
"""


@click.command(cls=TextsCommand, help=_HELP)
@texts_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@threshold_option
def predict(texts: tuple[str, ...], as_json: bool, threshold: float | None) -> None:
    """Print the score of each text."""
    given = texts_or_lines(texts)
    escape_what_the_terminal_cannot_show()
    classifier = Classifier.load(threshold=threshold)
    show = _as_json if as_json else _as_row
    for text in given:
        click.echo(show(text, classifier.predict(text)))


def _as_row(text: str, prediction: Prediction) -> str:
    return f"{prediction.probability:.4f}\t{in_its_color(prediction)}\t{on_one_line(text)}"


def _as_json(text: str, prediction: Prediction) -> str:
    return json.dumps({**for_json(prediction), "text": text})
