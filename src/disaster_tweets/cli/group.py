"""The group of all commands. It imports a command on demand and prints an error as one line."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from disaster_tweets.errors import DisasterTweetsError


class Commands(click.Group):
    """A group that imports a command when it runs, and prints an error as one line.

    Args:
        modules: The module of each command by the command's name, in the order of use.
        settings: Arguments of `click.Group`.
    """

    def __init__(self, modules: Mapping[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self._modules = modules

    def list_commands(self, ctx: click.Context | None = None) -> list[str]:
        """Return the names of the commands, in the order of use."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, or None if there is none."""
        if cmd_name not in self._modules:
            return None
        command: click.Command = getattr(import_module(self._modules[cmd_name]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the name of a command, the command, and its arguments.

        Raises:
            click.UsageError: There is no such command. The message suggests one.
        """
        name = args[0]
        if name not in self._modules and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            suggestion = "".join(
                f" Did you mean {close!r}?"
                for close in get_close_matches(name, self._modules, 1)
            )
            if any(map(str.isspace, name)):
                suggestion = " To score a text, write predict before it."
            raise click.UsageError(f"No such command {name!r}.{suggestion}", ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments. --help and --version print here already."""
        with _one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An expected error becomes one line and exit status 1."""
        if os.environ.get("NO_COLOR"):  # no-color.org: the variable is set and not empty
            ctx.color = False
        with _one_line():
            return super().invoke(ctx)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn an expected error into a ClickException, which is printed as one line."""
    try:
        yield
    except DisasterTweetsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has left: click exits quietly
            raise
        # The buffer still holds output. Python would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.ClickException(f"cannot print: {error.strerror}") from error
