"""Output that several commands share: texts with any characters, and coloured labels."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from disaster_tweets.prediction import Prediction

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def on_one_line(text: str) -> str:
    """Return ``text`` with control characters and line ends as escapes."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def in_its_color(prediction: Prediction) -> str:
    """Return the label of a prediction in colour. click removes colours outside a terminal.

    Of two labels, the second, positive label is red and the other label is green. Three or
    more labels share one colour.
    """
    import click

    _, second, *more = prediction.probabilities
    color = "cyan" if more else "red" if prediction.label == second else "green"
    return click.style(prediction.label, fg=color)


def as_argument(text: str) -> str:
    """Return ``text`` quoted for a shell, in double quotes if they suffice."""
    import shlex

    return shlex.quote(text) if set(text) & set('"\\$`!\n') else f'"{text}"'


def prepare_standard_output() -> None:
    """Let standard output print escapes for characters that its encoding lacks.

    Each command that prints results calls this function first.

    Raises:
        click.ClickException: Standard output is closed, so the results would be lost.
    """
    if sys.stdout is None:
        import click

        raise click.ClickException(
            "standard output is closed, and the results go there; open it, as with > FILE"
        )
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
