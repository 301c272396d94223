"""The group of all commands: each imported when it is asked for, errors as one line."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from disaster_tweets.errors import DisasterTweetsError


class Commands(click.Group):
    """A group that imports a command where it runs, and shows errors as one line.

    Args:
        modules: Of each command, in the order of their use, the module that defines it.
        settings: What `click.Group` takes.
    """

    def __init__(self, modules: Mapping[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self._modules = modules

    def list_commands(self, ctx: click.Context | None = None) -> list[str]:
        """Return the names in the order of their use."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where there is none of that name."""
        if cmd_name not in self._modules:
            return None
        command: click.Command = getattr(import_module(self._modules[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an expected error into exit status 1."""
        if os.environ.get("NO_COLOR"):  # as no-color.org has it: set, and not empty
            ctx.color = False
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
