"""The command line. Thin: each command reads its input, calls the package, and prints."""

from __future__ import annotations

import atexit
import gc

import click

from disaster_tweets.cli.evaluate import evaluate
from disaster_tweets.cli.explain import explain
from disaster_tweets.cli.group import Commands
from disaster_tweets.cli.installation import info, plugins, verify
from disaster_tweets.cli.predict import predict
from disaster_tweets.cli.score import score
from disaster_tweets.cli.serve import serve
from disaster_tweets.errors import DISTRIBUTION


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION)
def commands() -> None:
    """Is this tweet about a real disaster, or not?

    Scores English tweets with the model inside this package; no network is used.
    """


for command in (predict, score, explain, evaluate, serve, info, verify, plugins):
    commands.add_command(command)


def main() -> None:
    """Run the command line; the entry point of the console scripts."""
    atexit.register(gc.freeze)  # a last collection would only delay the exit
    commands(prog_name="disaster-tweets")
