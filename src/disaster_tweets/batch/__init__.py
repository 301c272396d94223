"""Bulk scoring: read tables, and write them with two more columns.

`job` runs it with checkpoints and workers; `tables` reads and writes the formats.
"""

from disaster_tweets.errors import DisasterTweetsError


class RunError(DisasterTweetsError):
    """A run cannot start or continue; the message says why."""


class UnfinishedError(RunError):
    """An earlier run left an unfinished output, and this run should not continue it."""


class ContinueError(RunError):
    """The unfinished output of an earlier run cannot be continued.

    Attributes:
        other: Another command made the output, and that command could continue it.
    """

    def __init__(self, message: str, *, other: bool = False) -> None:
        super().__init__(message)
        self.other = other
