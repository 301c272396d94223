"""The exceptions of this package.

Each message is one line that names the file, row or argument, and the next step. A caller can
print it as it is.
"""

DISTRIBUTION = "disaster-tweets-model"  # its name for pip


class DisasterTweetsError(Exception):
    """Base class of all errors of this package."""


class InputError(DisasterTweetsError, TypeError):
    """An argument is not text, or has a value that it cannot have. The message names it."""


class ArtifactError(DisasterTweetsError):
    """A file of the model is missing, truncated or altered. The message names it."""
