"""Every exception that this package raises on purpose.

Each message is one line that names the file, row or argument and the next step, so a
caller can print it as it is.
"""

DISTRIBUTION = "disaster-tweets-model"  # what a message tells to reinstall


class DisasterTweetsError(Exception):
    """Base class of all errors of this package."""


class InputError(DisasterTweetsError, TypeError):
    """What was passed is not text: the message names the argument or the index."""


class ArtifactError(DisasterTweetsError):
    """A file of the model is missing, truncated or altered: the message names it."""
