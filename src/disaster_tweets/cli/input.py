"""What the commands share of their input: texts or lines of them, and the threshold."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

from disaster_tweets.errors import InputError

threshold_option = click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Probability from which on a text is labelled a disaster (default: the model's).",
)


def texts_or_lines(texts: tuple[str, ...]) -> Iterable[str]:
    """Return the arguments, or for none of them or a single ``-`` the lines of standard input.

    Raises:
        click.UsageError: There is neither.
    """
    from_standard_input = texts in ((), ("-",))
    if (from_standard_input and sys.stdin is None) or (not texts and sys.stdin.isatty()):
        raise click.UsageError("no TEXT: give tweets in quotes, or pipe them in, one a line")
    return _lines_of_standard_input() if from_standard_input else texts


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
