"""Input that several commands share: texts, lines of standard input, and the threshold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from disaster_tweets import bundle
from disaster_tweets.cli.header import format_by_first_line
from disaster_tweets.errors import InputError
from disaster_tweets.manifest import number_of_threshold
from disaster_tweets.topic import LABELS, TEXTS

T = TypeVar("T")


class Utf8(click.ParamType):  # type: ignore[type-arg]
    """A text that any file can hold: an argument may have bytes that are not UTF-8."""

    name = "text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the text."""
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail(f"{value!r} is not valid UTF-8; give it in UTF-8", param, ctx)
        return str(value)


def for_two_labels(what: str, advice: str) -> Callable[[click.Context, click.Parameter, T], T]:
    """Return the callback of an option that needs a model with two labels.

    With more labels, a value of the option is a UsageError.

    Args:
        what: The subject of the message, such as "a threshold".
        advice: The end of the message, after the number of labels.
    """

    def check(ctx: click.Context, option: click.Parameter, value: T) -> T:
        if value is not None and (labels := len(bundle.bundled_manifest()["labels"])) > 2:
            raise click.UsageError(
                f"{what} needs two labels, and there are {labels}{advice}", ctx
            )
        return value

    return check


class _Threshold(click.ParamType):  # type: ignore[type-arg]
    """A number from 0 to 1, or the name of one of the model's thresholds."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        with suppress(ValueError):  # a name stays as it is
            value = float(value)
        try:
            return number_of_threshold(value, bundle.bundled_manifest())
        except InputError as error:
            self.fail(f"{error}".removeprefix("threshold "), param, ctx)


threshold_option = click.option(
    "--threshold",
    type=_Threshold(),
    callback=for_two_labels(
        "a threshold", "; the most probable label is predicted, so leave --threshold out"
    ),
    hidden=len(LABELS) > 2,
    metavar="NUMBER|recall",
    help=f"Texts get the label {LABELS[1]} from this probability on. The name recall stands "
    "for a lower one, which misses fewer texts (default: the model's own).",
)


@contextmanager
def advising(advice: str) -> Iterator[None]:
    """Add advice to the error for an unknown option, which may have been meant otherwise."""
    try:
        yield
    except click.NoSuchOption as error:
        reason = error.format_message().rstrip(".")
        raise click.UsageError(f"{reason} ({advice})", error.ctx) from None


class TextsCommand(click.Command):
    """A command with texts as arguments. A text may begin with ``-``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments. An argument with a space is a text, even if it begins with ``-``."""
        end = args.index("--") if "--" in args else len(args)
        before = ["", *args]
        marked = [
            _MARK + arg if self._is_text(arg, before[place]) else arg
            for place, arg in enumerate(args[:end])
        ]
        with advising("put -- before a text that begins with -"):
            return super().parse_args(ctx, [*marked, *args[end:]])

    def _is_text(self, arg: str, before: str) -> bool:
        options = [option for option in self.params if isinstance(option, click.Option)]
        names = {name for option in options for name in option.opts}
        flags = {name for option in options for name in option.opts if option.is_flag}
        is_value = before in names - flags or arg.partition("=")[0] in names
        return arg.startswith("-") and any(map(str.isspace, arg)) and not is_value


_MARK = "\0"  # cannot occur in an argument; before a text, it keeps click from seeing an option


def _unmarked(text: str) -> str:
    return text.removeprefix(_MARK)


texts_argument = click.argument("texts", nargs=-1, metavar="[TEXT]...", type=_unmarked)


def texts_or_lines(texts: tuple[str, ...]) -> Iterable[str]:
    """Return the arguments, or the lines of standard input.

    The function reads lines if there is no argument, or only ``-``. Standard error gets a hint
    if a text names a file, or if the first line is the header of a table.

    Raises:
        click.UsageError: There is no argument, and standard input is a terminal or closed. Or
            there is ``-`` beside other arguments.
    """
    from_standard_input = texts in ((), ("-",))
    if (from_standard_input and sys.stdin is None) or (not texts and sys.stdin.isatty()):
        raise click.UsageError(
            f"no TEXT: give {TEXTS} in quotes, or pipe them in, one per line"
        )
    if "-" in texts and not from_standard_input:
        raise click.UsageError(
            "- stands for standard input, and no TEXT can be beside it; leave out one of them"
        )
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
    """Return "UTF-16" or "compressed (FORMAT)" if content begins so, else None."""
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    from disaster_tweets.tables.compression import compression_of

    packed = compression_of(beginning)
    return None if packed is None else f"compressed ({packed})"


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a file name, or with an invalid character
        return False


def _hint(message: str) -> None:
    click.echo(f"Hint: {message}", err=True)


def _lines_of_standard_input() -> Iterator[str]:
    """Yield the lines as they arrive.

    Raises:
        InputError: A line is not UTF-8. The message names it.
    """
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
