"""How many processors this process may use."""

from __future__ import annotations

import os


def usable_processors() -> int:
    """Return their number, which is smaller than the machine's where a limit is set."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
