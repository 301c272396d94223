"""Ask on the terminal for values that no option gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from yours.errors import CopyError

T = TypeVar("T")


class Asker:
    """Asks for values on the terminal, if there is one.

    Args:
        terminal: Whether a user can answer on a terminal.
    """

    def __init__(self, *, terminal: bool) -> None:
        self.terminal = terminal

    def __call__(
        self,
        option: str,
        question: str,
        check: Callable[[str], T],
        given: str | None = None,
        *,
        suggested: str = "",
    ) -> T:
        """Return the value of an option, or else the answer of the user.

        Args:
            option: The name of the option, for messages.
            question: The question, without a colon.
            check: Converts the text to a value, or raises CopyError.
            given: The text of the option; None if the option was not given.
            suggested: The text that stands for an empty answer.

        Raises:
            CopyError: The option has an invalid value, or it is missing and there is no
                terminal.
        """
        if given is not None:
            try:
                return check(given)
            except CopyError as problem:
                raise CopyError(f"{option} {given!r}: {problem}") from None
        if not self.terminal:
            raise CopyError(f"{option} is missing: {question[:1].lower()}{question[1:]}")
        shown = f"{question} [{suggested}]: " if suggested else f"{question}: "
        while True:
            try:
                answer = input(shown).strip() or suggested
            except EOFError:
                raise CopyError(f"{option} is missing: the input ended") from None
            try:
                return check(answer)
            except CopyError as problem:
                print(f"  {problem}")
