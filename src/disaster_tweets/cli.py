"""The command line. Thin: each command reads its input, calls the package, and prints."""

from __future__ import annotations

import atexit
import errno
import gc
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from disaster_tweets import bundle
from disaster_tweets.classifier import Classifier
from disaster_tweets.errors import DISTRIBUTION, DisasterTweetsError, InputError

if TYPE_CHECKING:
    from disaster_tweets.manifest import Manifest
    from disaster_tweets.prediction import Prediction

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Commands(click.Group):
    """A group whose commands show this package's errors as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an expected error into exit status 1."""
        try:
            return super().invoke(ctx)
        except DisasterTweetsError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # click ends quietly where the reader has gone
                raise
            # What could not be printed is still in the buffer: do not try again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.ClickException(f"cannot print: {error.strerror}") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION)
def commands() -> None:
    """Is this tweet about a real disaster, or not?

    Scores English tweets with the model inside this package; no network is used.
    """


@commands.command()
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


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print all that is known, as JSON.")
def info(as_json: bool) -> None:
    """Describe the model: version, accuracy, size and origin."""
    manifest = bundle.bundled_manifest()
    if as_json:
        click.echo(json.dumps(manifest, indent=2))
        return
    rows = list(_card(manifest))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


@commands.command(name="verify")
def verify_command() -> None:
    """Check that the installation is intact.

    Compares every installed file with the record of the installation, the manifest with
    its form, the artifacts with the manifest, and the scores of the golden tweets with the
    recorded ones. Exit status 1, and the file's name, where something differs.
    """
    from disaster_tweets.verification import verify

    checked, problems = verify()
    for line in checked:
        click.echo(line)
    for line in problems:
        click.echo(f"Error: {line}", err=True)
    sys.exit(1 if problems else 0)


@commands.command()
def plugins() -> None:
    """List the installed text classifiers.

    All that announce themselves in the entry-point group text_classifiers, this one
    included: name, distribution and labels. Broken ones are reported and skipped.
    """
    from disaster_tweets.plugins.discovery import discover

    for plugin in discover():
        origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
        if plugin.error is not None:
            click.echo(f"Skipped: {plugin.name} ({origin}): {plugin.error}", err=True)
        else:
            labels = ", ".join((plugin.info or {}).get("labels", ["no card"]))
            click.echo(f"{plugin.name}\t{origin}\t{labels}")


def main() -> None:
    """Run the command line; the entry point of the console scripts."""
    atexit.register(gc.freeze)  # a last collection would only delay the exit
    commands(prog_name="disaster-tweets")


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


def _card(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the lines of `info`: what, and its value."""
    metrics, backbone = manifest["metrics"], manifest["backbone"]
    size = sum(entry["size"] for entry in manifest["artifacts"].values())
    yield "model version", manifest["model_version"]
    yield "labels", ", ".join(manifest["labels"])
    yield "languages", ", ".join(manifest["languages"])
    yield "threshold", str(manifest["threshold"])
    for name in ("accuracy", "f1", "auc", "expected_calibration_error"):
        measured = metrics[name]
        yield (
            name.replace("_", " "),
            f"{measured['value']:.3f} ({measured['low']:.3f} to {measured['high']:.3f}, "
            f"95 % interval on {metrics['texts']} unseen tweets)",
        )
    yield "size", f"{size / 1e6:.1f} MB"
    yield "backbone", f"{backbone['repository']} ({backbone['licence']})"
    yield "licence", manifest["licence"]
