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
from disaster_tweets.cli.output import escape_what_the_terminal_cannot_show, on_one_line

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction


@click.command(cls=TextsCommand)
@texts_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@threshold_option
def predict(texts: tuple[str, ...], as_json: bool, threshold: float | None) -> None:
    """Print the score of each TEXT.

    A line for each: the probability of a disaster, the label and the text, separated by
    tabs; control characters in the text are shown as escapes. Without TEXT, or with a
    single -, read standard input, one text a line.

    \b
    Examples:
      disaster-tweets predict "Forest fire near La Ronge Sask. Canada"
      disaster-tweets predict --json < tweets.txt > scored.jsonl
    """  # noqa: D301
    given = texts_or_lines(texts)
    escape_what_the_terminal_cannot_show()
    classifier = Classifier.load(threshold=threshold)
    for text in given:
        prediction = classifier.predict(text)
        click.echo(_as_json(text, prediction) if as_json else _as_row(text, prediction))


def _as_row(text: str, prediction: Prediction) -> str:
    color = "red" if prediction.label == "disaster" else "green"
    label = click.style(prediction.label, fg=color)  # click drops it where no terminal is
    return f"{prediction.probability:.4f}\t{label}\t{on_one_line(text)}"


def _as_json(text: str, prediction: Prediction) -> str:
    return json.dumps(
        {
            "probability": round(prediction.probability, 7),
            "label": prediction.label,
            "text": text,
        }
    )
