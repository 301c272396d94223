"""The group of all commands: errors as one line, commands in the order of their use."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

from disaster_tweets.errors import DisasterTweetsError


class Commands(click.Group):
    """A group whose commands show this package's errors as one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which the commands were added."""
        return list(self.commands)

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
