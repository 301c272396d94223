"""What the commands share of their input: texts or lines of them, and the threshold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from disaster_tweets import bundle
from disaster_tweets.cli.header import format_by_first_line
from disaster_tweets.errors import InputError
from disaster_tweets.topic import LABELS, TEXTS

T = TypeVar("T")


def for_two_labels(what: str, advice: str) -> Callable[[click.Context, click.Parameter, T], T]:
    """Return the callback of an option that only a model of two labels may be given.

    Where the model has more, the value of such an option is a UsageError.

    Args:
        what: What needs two labels, for the message.
        advice: How the message goes on, from the mark behind the number of labels.
    """

    def check(ctx: click.Context, option: click.Parameter, value: T) -> T:
        if value is not None and (labels := len(bundle.bundled_manifest()["labels"])) > 2:
            raise click.UsageError(
                f"{what} needs two labels, and there are {labels}{advice}", ctx
            )
        return value

    return check


threshold_option = click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    callback=for_two_labels(
        "a threshold", ", of which the most probable one is predicted; leave --threshold out"
    ),
    hidden=len(LABELS) > 2,
    help=f"Probability from which on a text is labelled {LABELS[1]} (default: the model's).",
)


class TextsCommand(click.Command):
    """A command whose arguments are texts, of which some begin with a ``-``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take for a text what begins with a ``-`` and holds a space, as no option does."""
        end = args.index("--") if "--" in args else len(args)
        before = ["", *args]
        marked = [
            _MARK + arg if self._is_text(arg, before[place]) else arg
            for place, arg in enumerate(args[:end])
        ]
        try:
            return super().parse_args(ctx, [*marked, *args[end:]])
        except click.NoSuchOption as error:
            reason = error.format_message().rstrip(".")
            raise click.UsageError(
                f"{reason} (put -- before a text that begins with -)", ctx
            ) from None

    def _is_text(self, arg: str, before: str) -> bool:
        options = [option for option in self.params if isinstance(option, click.Option)]
        names = {name for option in options for name in option.opts}
        flags = {name for option in options for name in option.opts if option.is_flag}
        is_value = before in names - flags or arg.partition("=")[0] in names
        return arg.startswith("-") and any(map(str.isspace, arg)) and not is_value


_MARK = "\0"  # which no argument of a process can hold; keeps click from seeing an option


def _unmarked(text: str) -> str:
    return text.removeprefix(_MARK)


texts_argument = click.argument("texts", nargs=-1, metavar="[TEXT]...", type=_unmarked)


def texts_or_lines(texts: tuple[str, ...]) -> Iterable[str]:
    """Return the arguments, or for none of them or a single ``-`` the lines of standard input.

    Where a text is the name of a file, or the first line the header of a table, a hint on
    standard error says which command reads these.

    Raises:
        click.UsageError: There is neither.
    """
    from_standard_input = texts in ((), ("-",))
    if (from_standard_input and sys.stdin is None) or (not texts and sys.stdin.isatty()):
        raise click.UsageError(f"no TEXT: give {TEXTS} in quotes, or pipe them in, one a line")
    if from_standard_input:
        return _lines_of_standard_input()
    file = next(filter(_is_file, texts), None)
    if file is not None:
        from shlex import quote

        from disaster_tweets.tables.formats import TXT, of_name

        command = click.get_current_context().info_name
        format_ = of_name(file).format
        rows = f"; for its rows, disaster-tweets score {quote(file)} -o OUTPUT"
        lines = f"; for its lines, disaster-tweets {command} < {quote(file)}"
        advice = rows * (format_ is not None) + lines * (format_ in (None, TXT))
        _hint(f"{file} is a file, and only its name is scored{advice}")
    return texts


def _packed(beginning: bytes) -> str | None:
    """Return what standard input is where it is no text as it stands."""
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    from disaster_tweets.tables.compression import compression_of

    packed = compression_of(beginning)
    return None if packed is None else f"compressed ({packed})"


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a character that none has
        return False


def _hint(message: str) -> None:
    click.echo(f"Hint: {message}", err=True)


def _lines_of_standard_input() -> Iterator[str]:
    """Yield the lines as they come; InputError names the first that is not UTF-8."""
    lines: Iterable[bytes] = sys.stdin.buffer
    for number, line in enumerate(lines, start=1):
        packed = _packed(line) if number == 1 else None
        if packed is not None:
            raise InputError(
                f"standard input is {packed}, not lines of UTF-8; for its lines, "
                "disaster-tweets score - --format txt -o -"
            )
        try:
            text = (
                line.removesuffix(b"\n")
                .removesuffix(b"\r")
                .decode("utf-8-sig" if number == 1 else "utf-8")
            )
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input, line {number}: byte {error.start + 1} is not valid UTF-8; "
                "convert the input first, for example with iconv -f latin1 -t utf-8"
            ) from None
        format_ = format_by_first_line(text) if number == 1 else None
        if format_ is not None:
            _hint(
                f"standard input looks like {format_}, and each line is scored as a text; for "
                f"its rows, disaster-tweets score - --format {format_} -o -"
            )
        yield text
