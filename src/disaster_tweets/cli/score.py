"""``score`` scores whole files, row by row."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import click

from disaster_tweets.batch import ContinueError, RunError, UnfinishedError
from disaster_tweets.classifier import Classifier
from disaster_tweets.cli.input import Utf8, threshold_option
from disaster_tweets.cli.output import on_one_line
from disaster_tweets.cli.tables import (
    FileName,
    FilesCommand,
    advised,
    counted,
    format_of,
    notify,
    reading_of,
    table_options,
)
from disaster_tweets.counting import plural
from disaster_tweets.processors import usable_processors
from disaster_tweets.tables.errors import (
    TableError,
    TakenError,
    TakenRowError,
    WriteError,
)
from disaster_tweets.topic import PROBABILITY

if TYPE_CHECKING:
    from disaster_tweets.batch.job import Job, Options

_LOG_SECONDS = 30
_STEADY_SECONDS = 5  # the speed in the first seconds is mostly that of the start

_HELP = f"""Score every row of files of any size.

OUTPUT gets the rows of INPUT with two more columns: the {PROBABILITY}, and the label. Both are
empty where the text is missing or blank. OUTPUT is replaced if it exists.

The name of a file tells its format: csv, tsv, jsonl (or ndjson), json, txt (one text per line),
parquet, arrow (or feather) or xlsx. Text formats may be compressed, with .gz, .bz2, .xz or .zst
at the end of the name. INPUT may also be a .zip with one file. OUTPUT may have another
format than INPUT, but not txt. In the same format, rows keep every byte, and the file keeps its
delimiter, encoding and line ends. Several INPUTs become one OUTPUT. As INPUT, - is standard
input and needs --format. As OUTPUT, - is standard output, in the format of INPUT.

--text-column names the column of the texts. Without it, the column is text, else one with a
name like message, post or content, else the only column of text. Standard error shows each
guess.

\b
Examples:
  disaster-tweets score texts.csv -o scored.csv
  disaster-tweets score --text-column message jan.jsonl.gz feb.jsonl.gz -o scored.jsonl.gz
  disaster-tweets score texts.xlsx -o scored.parquet
  zcat texts.txt.gz | disaster-tweets score - --format txt -o scored.csv

OUTPUT appears when all rows are scored. Until then, the rows are in OUTPUT.part, and
OUTPUT.part.json records the progress. After an interruption, repeat the command with --resume.
It continues after the last row that is safe, and the result is the same as without the
interruption. It has to read json and xlsx up to that row again. A run that uses - cannot be
resumed.
"""


@click.command(cls=FilesCommand, help=_HELP)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", type=FileName())
@click.option(
    "-o", "--output", required=True, metavar="OUTPUT", type=FileName(),
    help="File to write, or -. Its name tells the format.",
)  # fmt: skip
@table_options
@click.option(
    "--probability-column", default="probability", show_default=True, metavar="NAME",
    type=Utf8(),
    help="Name of the new column for the probability.",
)  # fmt: skip
@click.option(
    "--label-column", default="label", show_default=True, metavar="NAME", type=Utf8(),
    help="Name of the new column for the label.",
)  # fmt: skip
@click.option(
    "--overwrite-columns",
    is_flag=True,
    help="Replace columns of INPUT that have the names of the new columns.",
)
@threshold_option
@click.option(
    "--on-error",
    type=click.Choice(["fail", "skip"]),
    default="fail",
    show_default=True,
    help="For a row that cannot be read: fail ends the run, skip moves the row to "
    "OUTPUT.rejected.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N",
    help="Number of processes for a long file (default: one per processor, up to 8).",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print neither progress nor summary.")
def score(
    inputs: tuple[str, ...],
    output: str,
    table: dict[str, Any],
    threshold: float | None,
    on_error: str,
    resume: bool,
    jobs: int | None,
    quiet: bool,
    **columns: Any,
) -> None:
    """Score every row of files."""
    job: Job | None = None
    options: Options | None = None
    try:
        with _terminable():
            from disaster_tweets.batch.job import Job

            options = _options(inputs, output, table, columns)
            _check_standard_streams(inputs, output, on_error, resume)
            job = Job(inputs, output, options, skip=on_error == "skip", notify=notify)
            if resume and not quiet and not job.paths.part.exists():
                click.echo(
                    f"There is no {job.paths.part} to resume; starting from the beginning",
                    err=True,
                )
            _run(job, Classifier.load(threshold=threshold), jobs, resume, quiet)
    except (TableError, RunError) as error:
        raise click.ClickException(
            on_one_line(f"{error}{_advice(error, job, options)}")
        ) from error
    except (KeyboardInterrupt, _Terminated) as stop:
        click.echo(_interruption(job), err=True)
        sys.exit(143 if isinstance(stop, _Terminated) else 130)


def _options(
    inputs: tuple[str, ...], output: str, table: dict[str, Any], columns: dict[str, Any]
) -> Options:
    from disaster_tweets.batch.job import Options
    from disaster_tweets.batch.paths import Paths
    from disaster_tweets.tables.rows import NewColumns

    if columns["probability_column"] == columns["label_column"]:
        raise click.UsageError("--probability-column and --label-column are the same")
    overwritten = Paths.of(output).overwritten(inputs)
    if output != "-" and overwritten is not None:
        raise click.UsageError(
            f"writing {output} would destroy the input {overwritten}; name another output"
        )
    reading = reading_of(_input_format(inputs, table["format_"]), table)
    return Options(
        reading,
        _output_format(output, reading.format),
        NewColumns(
            columns["probability_column"],
            columns["label_column"],
            columns["overwrite_columns"],
        ),
    )


def _input_format(inputs: tuple[str, ...], given: str | None) -> str:
    formats = [given or format_of(name) for name in inputs]
    for name, format_ in zip(inputs, formats, strict=True):
        if format_ != formats[0]:
            raise click.UsageError(
                f"{name} is {format_}, and {inputs[0]} is {formats[0]}; "
                "score each format on its own, or give --format"
            )
    return formats[0]


def _output_format(output: str, input_format: str) -> str:
    from disaster_tweets.tables.formats import BINARY, CSV, TXT, of_name, unknown

    named = of_name(output)
    if output == "-":
        return CSV if input_format == TXT else input_format
    if named.format is None:
        raise click.UsageError(str(unknown(output, written=True)))
    if named.format == TXT:
        raise click.UsageError(f"{output}: plain text has no columns; name it .csv or .jsonl")
    if named.format in BINARY and named.compression is not None:
        raise click.UsageError(
            f"{output}: {named.format} is compressed by itself; leave out the last suffix"
        )
    if named.compression == "zip":
        raise click.UsageError(f"{output}: zip files are only read; name it .gz")
    return named.format


def _check_standard_streams(
    inputs: tuple[str, ...], output: str, on_error: str, resume: bool
) -> None:
    if inputs.count("-") > 1:
        raise click.UsageError("standard input can be read only once; give - once")
    if resume and "-" in (*inputs, output):
        raise click.UsageError("--resume needs files; a run that uses - cannot be resumed")
    if output == "-" and on_error == "skip":
        raise click.UsageError("--on-error skip needs a file as output, to put rows beside it")
    if output == "-" and sys.stdout is None:
        raise click.UsageError("standard output is closed; name a file")


def _naming(error: TakenError, options: Options | None) -> str:
    """Return the option that names the new column whose name is taken."""
    first = options is not None and error.column == options.new.probability
    return "--probability-column" if first else "--label-column"


def _advice(error: TableError | RunError, job: Job | None, options: Options | None) -> str:
    """Return advice on an error, in terms of the options of this command."""
    if isinstance(error, UnfinishedError):
        return "; continue it with --resume or delete it"
    if isinstance(error, ContinueError):
        return (
            "; repeat that command with --resume, or delete it to start anew"
            if error.other
            else ""
        )
    if isinstance(error, WriteError) and error.full:
        safe = job is not None and job.done.rows and job.resumable
        return "; make room, then " + (
            "continue with the same command and --resume" if safe else "start anew"
        )
    if isinstance(error, TakenError):
        new = f"; give the new one another name with {_naming(error, options)}"
        return new + ", or drop the old one with --overwrite-columns" * bool(error.candidates)
    if isinstance(error, TakenRowError):
        return (
            "; drop such keys with --overwrite-columns, name the new ones with "
            "--probability-column and --label-column, or give --on-error skip"
        )
    advice = advised(error) if isinstance(error, TableError) else ""
    if job is not None and error is job.refused:
        resume = "--resume " if job.done.rows and job.resumable else ""
        first = advice or "; repair it"
        return f"{first}, or set such rows aside with {resume}--on-error skip"
    return advice


def _run(job: Job, classifier: Classifier, jobs: int | None, resume: bool, quiet: bool) -> None:
    from disaster_tweets.batch.workers import MOST_USEFUL

    progress = _Progress(job)
    with progress.bar if progress.on_terminal and not quiet else nullcontext():
        job.run(
            classifier,
            jobs or min(usable_processors(), MOST_USEFUL),
            resume=resume,
            progress=(lambda rows, size: None) if quiet else progress,
        )
    if not quiet:
        click.echo(f"{_summary(job)}{progress.speed(job.done.rows)}", err=True)
        for line in counted(job.done.cut, job.done.foreign, classifier.manifest):
            click.echo(line, err=True)


class _Progress:
    """The progress of a job: a bar on a terminal, otherwise a line every 30 seconds."""

    def __init__(self, job: Job) -> None:
        self.on_terminal = job.size is not None and sys.stderr is not None
        self.on_terminal = self.on_terminal and sys.stderr.isatty()
        self.bar = click.progressbar(
            length=job.size or 0, file=sys.stderr, item_show_func=lambda rate: rate
        )
        self._size = job.size
        self._start = self._logged = time.monotonic()
        self._job = job

    def __call__(self, rows: int, size: int) -> None:
        shown = f"{plural(rows, 'row')}{self.speed(rows)}"
        if self.on_terminal:
            self.bar.update(size - self.bar.pos, shown)
        elif time.monotonic() - self._logged >= _LOG_SECONDS:
            share = f" ({size / self._size:.0%})" if self._size else ""
            click.echo(f"{shown}{share}", err=True)
            self._logged = time.monotonic()

    def speed(self, rows: int) -> str:
        """Return the speed of this run for the end of a line; empty in the first seconds."""
        seconds = time.monotonic() - self._start
        if seconds < _STEADY_SECONDS:
            return ""
        return f"; {(rows - self._job.resumed) / seconds:,.0f} rows/s"


def _summary(job: Job) -> str:
    done = job.done
    where = f" ({job.paths.rejected})" if done.rejected else ""
    return (
        f"{plural(done.rows, 'row')}: {done.scored:,} scored, {done.missing:,} missing, "
        f"{done.rejected:,} rejected{where}"
    )


def _interruption(job: Job | None) -> str:
    rows = 0 if job is None else job.done.rows
    after = f"Interrupted after {plural(rows, 'row')}"
    if job is None or job.resumable:
        return f"{after}; continue with the same command and --resume"
    pronoun = "it is" if rows == 1 else "they are"
    return after + (f"; {pronoun} in {job.paths.part}" if job.to_file and rows else "")


class _Terminated(BaseException):
    """The process received SIGTERM."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the run as cleanly as Ctrl-C does."""
    import signal

    def stop(number: int, frame: object) -> None:
        raise _Terminated

    before = None
    with suppress(ValueError):  # only the main thread may set handlers
        before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
