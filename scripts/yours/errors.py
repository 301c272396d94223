"""The error of this command."""

from __future__ import annotations


class CopyError(Exception):
    """Something that the user has to change: one line that names it and the next step."""
