"""What the commands share to print texts that may hold anything."""

from __future__ import annotations

import re
import sys

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def on_one_line(text: str) -> str:
    """Return ``text`` with its control characters, line ends among them, as escapes."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def escape_what_the_terminal_cannot_show() -> None:
    """Let standard output print what its encoding lacks as escapes, and not fail."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
