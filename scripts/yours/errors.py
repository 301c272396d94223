"""The error class of this command."""

from __future__ import annotations


class CopyError(Exception):
    """A problem that the user has to solve; the message, one line, gives the next step."""
