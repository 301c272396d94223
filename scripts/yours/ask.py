"""Questions on a terminal, for what no option says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from yours.errors import CopyError

T = TypeVar("T")


class Asker:
    """Asks where there is somebody to answer.

    Args:
        terminal: Somebody sits at a terminal.
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
        """Return what an option says, or else what somebody answers.

        Args:
            option: The option, for messages.
            question: What is asked, without a colon.
            check: Makes a value of the text, or raises CopyError.
            given: The text that the option has, if it was given.
            suggested: The text that an empty answer stands for.

        Raises:
            CopyError: The option has a wrong value, or is missing and there is no terminal.
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
