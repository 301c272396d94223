"""``predict``: a few texts, or a stream of lines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from disaster_tweets.classifier import Classifier
from disaster_tweets.errors import InputError

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@click.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Probability from which on a text is labelled a disaster (default: the model's).",
)
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
    from_standard_input = texts in ((), ("-",))
    if (from_standard_input and sys.stdin is None) or (not texts and sys.stdin.isatty()):
        raise click.UsageError("no TEXT: give tweets in quotes, or pipe them in, one a line")
    _escape_what_the_terminal_cannot_show()
    classifier = Classifier.load(threshold=threshold)
    for text in _lines_of_standard_input() if from_standard_input else texts:
        prediction = classifier.predict(text)
        click.echo(_as_json(text, prediction) if as_json else _as_row(text, prediction))


def _lines_of_standard_input() -> Iterator[str]:
    """Yield the lines as they come; InputError names the first that is not UTF-8."""
    lines: Iterable[bytes] = sys.stdin.buffer
    for number, line in enumerate(lines, start=1):
        try:
            yield (
                line.removesuffix(b"\n")
                .removesuffix(b"\r")
                .decode("utf-8-sig" if number == 1 else "utf-8")
            )
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input, line {number}: byte {error.start + 1} is not valid UTF-8; "
                "convert the input first, for example with iconv -f latin1 -t utf-8"
            ) from None


def _escape_what_the_terminal_cannot_show() -> None:
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _as_row(text: str, prediction: Prediction) -> str:
    shown = _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)
    color = "red" if prediction.label == "disaster" else "green"
    label = click.style(prediction.label, fg=color)  # click drops it where no terminal is
    return f"{prediction.probability:.4f}\t{label}\t{shown}"


def _as_json(text: str, prediction: Prediction) -> str:
    return json.dumps(
        {
            "probability": round(prediction.probability, 7),
            "label": prediction.label,
            "text": text,
        }
    )
