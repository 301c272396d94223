"""The options of commands that read tables, and advice on errors in terms of these options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from disaster_tweets.cli.input import Utf8, advising
from disaster_tweets.cli.output import on_one_line
from disaster_tweets.counting import plural
from disaster_tweets.tables import errors
from disaster_tweets.tables.columns import listed
from disaster_tweets.tables.formats import (
    DELIMITED,
    FORMATS,
    JSON,
    JSONL,
    TXT,
    XLSX,
    of_name,
    unknown,
)
from disaster_tweets.tables.rows import NONE, STANDARD, Reading
from disaster_tweets.tables.source import STANDARD as STDIN
from disaster_tweets.tables.source import STANDARD_INPUT, format_inside

if TYPE_CHECKING:
    from disaster_tweets.tables.errors import TableError


class FilesCommand(click.Command):
    """A command with files as arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments. The error for an unknown option says how to name such a file."""
        with advising("put ./ before the name of a file that begins with -"):
            return super().parse_args(ctx, args)


class FileName(click.Path):
    """The name of a file, or ``-``. An empty name is an error."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the name."""
        if value == "":  # Path would take it for the current folder
            self.fail("the name is empty; name a file, or - for a pipe", param, ctx)
        return super().convert(value, param, ctx)


_OPTIONS = (
    click.option(
        "--format", "format_", type=click.Choice(FORMATS),
        help="Format of the input (default: what the name of the file says).",
    ),
    click.option(
        "--text-column", metavar="NAME", type=Utf8(),
        help="Column of the texts. In JSON, Parquet and Arrow it may be a path, such as "
        "post.full_text. With --no-header it is a number (default: text, else the obvious "
        "column).",
    ),
    click.option(
        "--delimiter", metavar="CHARACTER", type=Utf8(),
        help="Character between fields, or the word tab (default: detected).",
    ),
    click.option(
        "--quoting", type=click.Choice([STANDARD, NONE]),
        help="standard: quotes may enclose a field. none: quotes are ordinary characters "
        "(default: standard, but quoted lines that look like rows are an error).",
    ),
    click.option(
        "--encoding", metavar="NAME", type=Utf8(),
        help="Encoding of a text format (default: utf-8, or that of the byte order mark).",
    ),
    click.option(
        "--no-header", is_flag=True,
        help="The first line is a row. Columns are called by their numbers, from 1.",
    ),
    click.option(
        "--sheet", metavar="NAME", type=Utf8(),
        help="Sheet of an xlsx file (default: the only sheet with content).",
    ),
)  # fmt: skip
_NAMES = ("format_", "text_column", "delimiter", "quoting", "encoding", "no_header", "sheet")


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for reading a table. The command gets their values as ``table``."""

    @wraps(command)
    def with_table(**arguments: Any) -> Any:
        table = {name: arguments.pop(name) for name in _NAMES}
        return command(table=table, **arguments)

    for option in reversed(_OPTIONS):
        with_table = option(with_table)
    return with_table


def format_of(name: str) -> str:
    """Return the format of a file according to its name; for a zip, that of the file inside.

    Raises:
        click.UsageError: The name tells no format.
        FileError: The name is that of a folder, or of a zip that cannot be opened.
        DamagedError, ContentError: The zip is damaged, or does not hold one file.
    """
    try:
        found = of_name(name).format or format_inside(name)
        if found is not None:
            return found
        if name == STDIN:
            raise errors.FormatError(
                "its format is not known", file=STANDARD_INPUT, candidates=FORMATS
            )
        if Path(name).is_dir():
            raise errors.FileError("a folder; name the files in it", file=name)
        raise unknown(name)
    except errors.FormatError as error:
        raise click.UsageError(f"{error}{advised(error)}") from None


def reading_of(format_: str, table: dict[str, Any], others: tuple[str, ...] = ()) -> Reading:
    """Return the settings for reading a table, from the values of the options.

    Raises:
        click.UsageError: An option has an invalid value, or does not apply to the format.
    """
    from disaster_tweets.tables.encoding import canonical

    if table["encoding"] is not None:
        try:
            canonical(table["encoding"])
        except errors.EncodingError as error:
            raise click.BadParameter(
                f"{error}; try {', '.join(error.candidates)}", param_hint="'--encoding'"
            ) from None
    _check_fit(format_, table)
    column = table["text_column"]
    if table["no_header"] and column is not None and not column.isdecimal():
        raise click.BadParameter(
            f"{column!r} is no number; without header, columns are numbered from 1",
            param_hint="'--text-column'",
        )
    return Reading(
        format_,
        text_column=column,
        other_columns=others,
        encoding=table["encoding"],
        delimiter=_delimiter(table["delimiter"]),
        quoting=table["quoting"],
        header=not table["no_header"],
        sheet=table["sheet"],
        sure=table["format_"] is not None,
    )


_FITTING = {
    "delimiter": DELIMITED,
    "quoting": DELIMITED,
    "encoding": (*DELIMITED, JSON, JSONL, TXT),
    "no_header": (*DELIMITED, XLSX),
    "sheet": (XLSX,),
}


def _check_fit(format_: str, table: dict[str, Any]) -> None:
    """Raise UsageError for an option that does not apply to a format."""
    for name, formats in _FITTING.items():
        if table[name] not in (None, False) and format_ not in formats:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is for {', '.join(formats)}, not for {format_}")


_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def _delimiter(given: str | None) -> str | None:
    if given is None:
        return None
    delimiter = _DELIMITERS.get(given.lower(), given)
    # A space cannot separate fields, because it may stand before a quote.
    if len(delimiter) != 1 or delimiter in '" \r\n' or delimiter.isalnum():
        raise click.BadParameter(
            f"{given!r} is not one character that could separate fields; "
            "give one, such as ';', or the word tab",
            param_hint="'--delimiter'",
        )
    return delimiter


def notify(line: str) -> None:
    """Print a note about a file, such as a guess, to standard error."""
    click.echo(on_one_line(line), err=True)


def counted(cut: int, foreign: int, manifest: dict[str, Any]) -> Iterator[str]:
    """Yield a line on texts that are too long, and a line on texts in another language.

    Args:
        cut: The number of texts that are longer than the model reads; 0 gives no line.
        foreign: The number of texts that look like another language; 0 gives no line.
        manifest: The manifest of the model.
    """
    if cut:
        verb = "is" if cut == 1 else "are"
        pieces = plural(manifest["max_tokens"] - 2, "word piece")
        yield (
            f"{plural(cut, 'text')} {verb} longer than the {pieces} that the model reads, and "
            "cut off"
        )
    if foreign:
        verb = "looks" if foreign == 1 else "look"
        yield (
            f"{plural(foreign, 'text')} {verb} like another language than the model's; do not "
            "trust these scores"
        )


def advised(error: TableError) -> str:
    """Return advice on an error, in terms of the options; empty if there is none."""
    candidates = error.candidates
    if isinstance(error, errors.MissingLibraryError):
        from disaster_tweets.errors import DISTRIBUTION

        return f'; install the library with pip install "{DISTRIBUTION}[{error.extra}]"'
    if isinstance(error, errors.QuoteError):
        return (
            "; if quotes are ordinary characters, give --quoting none; if this is one text of "
            "several lines, give --quoting standard"
            if "look like" in error.problem
            else "; if quotes are ordinary characters, give --quoting none; else repair it"
        )
    if isinstance(error, errors.FormatError):
        return f"; give --format {', '.join(FORMATS)}" if candidates else ""
    if isinstance(error, errors.DelimiterError):
        return "; name it with --delimiter"
    if isinstance(error, errors.HeaderRowError):
        return "; delete this row"
    if isinstance(error, errors.EncodingError) or (
        isinstance(error, errors.RowError) and candidates
    ):
        return (
            f"; if it is another encoding, try --encoding {candidates[0]}" if candidates else ""
        )
    if isinstance(error, errors.SizeError) and "quote" in error.problem:
        return "; if quotes are ordinary characters, give --quoting none"
    if isinstance(error, errors.ColumnError) and error.problem.startswith(
        "several columns are"
    ):
        return "; rename one in the file, or choose another with --text-column"
    if isinstance(error, errors.ColumnError):
        if error.column is None or not error.maybe_no_header:
            named = "; name the column of the texts with --text-column"
        else:
            named = "; name another with --text-column"
        first = ", or give --no-header if the first line is a row already"
        alone = ", or --delimiter if another character stands between fields"
        above = ", or delete the rows above the header if it is not the first"
        return (
            named
            + first * error.maybe_no_header
            + alone * (error.maybe_no_header and len(candidates) == 1)
            + above * error.maybe_header_below
        )
    if isinstance(error, errors.SheetError):
        return f"; choose one with --sheet: {listed(candidates)}"
    if isinstance(error, errors.DifferenceError):
        return "; read it on its own"
    if isinstance(error, errors.ContentError) and candidates and candidates[0] in FORMATS:
        rename = "" if error.file == STANDARD_INPUT else "rename it, or "
        return f"; {rename}give --format {candidates[0]}"
    if isinstance(error, errors.DamagedError):
        return "; get the file again"
    return ""
