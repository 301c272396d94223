"""The command line. Thin: each command reads its input, calls the package, and prints."""

from __future__ import annotations

import atexit
import gc
import sys

import click

from disaster_tweets.cli.group import Commands
from disaster_tweets.errors import DISTRIBUTION
from disaster_tweets.topic import QUESTION, TEXTS

# In the order of their use.
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
    f"Scores {TEXTS} with the model inside this package; no network is used.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name=DISTRIBUTION)
def commands() -> None:
    """Gather the commands."""


def main() -> None:
    """Run the command line; the entry point of the console scripts."""
    if getattr(sys, "frozen", False):
        # An application that PyInstaller made starts itself for each worker process, with
        # arguments that are none of ours.
        import multiprocessing

        multiprocessing.freeze_support()
    atexit.register(gc.freeze)  # a last collection would only delay the exit
    commands(prog_name="disaster-tweets")
