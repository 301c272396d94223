"""Bulk scoring: tables in, the same tables with two more columns out.

`job` runs it, with checkpoints and workers; `tables` reads and writes.
"""

from disaster_tweets.errors import DisasterTweetsError


class RunError(DisasterTweetsError):
    """A run cannot begin or go on; the message says why."""


class UnfinishedError(RunError):
    """An earlier run left its output unfinished, and this one is not to continue it."""


class ContinueError(RunError):
    """What an earlier run left cannot be continued.

    Attributes:
        other: It was made by another command, which could continue it.
    """

    def __init__(self, message: str, *, other: bool = False) -> None:
        super().__init__(message)
        self.other = other
