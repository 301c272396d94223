"""``predict`` scores a few texts, or the lines of standard input."""

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
    in_its_color,
    on_one_line,
    prepare_standard_output,
)
from disaster_tweets.topic import EXAMPLES, PROBABILITY

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction


_HELP = f"""Print the probability and the label of each TEXT.

Each text gives one line: the {PROBABILITY}, the label and the text. Tabs separate them. Control
characters in the text appear as escapes. Without TEXT, or with -, the command reads standard
input, one text per line.

\b
Examples:
  disaster-tweets predict {as_argument(EXAMPLES[0])}
  disaster-tweets predict --json < texts.txt > scored.jsonl
"""


@click.command(cls=TextsCommand, help=_HELP)
@texts_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per text.")
@threshold_option
def predict(texts: tuple[str, ...], as_json: bool, threshold: float | None) -> None:
    """Print the probability and the label of each text."""
    prepare_standard_output()
    given = texts_or_lines(texts)
    classifier = Classifier.load(threshold=threshold)
    show = _as_json if as_json else _as_row
    for text in given:
        click.echo(show(text, classifier.predict(text)))


def _as_row(text: str, prediction: Prediction) -> str:
    return f"{prediction.probability:.4f}\t{in_its_color(prediction)}\t{on_one_line(text)}"


def _as_json(text: str, prediction: Prediction) -> str:
    return json.dumps({"text": text, **prediction.to_dict()})
