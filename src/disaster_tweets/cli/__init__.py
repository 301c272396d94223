"""The command line. A command reads its input, calls the package and prints the result."""

from __future__ import annotations

import atexit
import gc
import sys

import click

from disaster_tweets.cli.group import Commands
from disaster_tweets.cli.output import as_argument
from disaster_tweets.errors import DISTRIBUTION
from disaster_tweets.topic import EXAMPLES, QUESTION, TEXTS

# The module of each command, in the order of use.
_MODULES = {
    "predict": "disaster_tweets.cli.predict",
    "score": "disaster_tweets.cli.score",
    "explain": "disaster_tweets.cli.explain",
    "evaluate": "disaster_tweets.cli.evaluate",
    "serve": "disaster_tweets.cli.serve",
    "info": "disaster_tweets.cli.installation",
    "verify": "disaster_tweets.cli.installation",
    "plugins": "disaster_tweets.cli.installation",
}


@click.group(
    cls=Commands,
    modules=_MODULES,
    help=f"{QUESTION}\n\n"
    f"Score {TEXTS} with a model that is part of this package. It needs no network. "
    "Each command explains itself with --help.\n\n"
    f"\b\nExample:\n  disaster-tweets predict {as_argument(EXAMPLES[0])}",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(None, "-V", "--version", package_name=DISTRIBUTION)
def commands() -> None:
    """Run the group of commands."""


def main() -> None:
    """Run the command line. The console scripts call this function."""
    if getattr(sys, "frozen", False):
        # An application made by PyInstaller starts itself for each worker process. The
        # arguments are then those of multiprocessing.
        import multiprocessing

        multiprocessing.freeze_support()
    atexit.register(gc.freeze)  # a last garbage collection only delays the exit
    commands(prog_name="disaster-tweets")
