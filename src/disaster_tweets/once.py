"""Something that a process makes once and keeps, even where threads ask for it all at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

_Made = TypeVar("_Made")


def once(make: Callable[[], _Made]) -> Callable[[], _Made]:
    """Let the first call of ``make`` run alone; later ones return what it returned.

    `functools.cache` lets threads that come before the first call has ended make one each.
    What ``make`` raises is not kept: the next call tries again.

    Args:
        make: A function without arguments.

    Returns:
        The same function, with the ``cache_info`` and ``cache_clear`` of `functools.cache`.
    """
    kept = cache(make)
    lock = threading.RLock()  # a signal handler may call, too, while its own thread is at it

    def renew_lock() -> None:
        nonlocal lock
        lock = threading.RLock()

    if hasattr(os, "register_at_fork"):
        # A process that is forked during the first call would wait for ever: the thread that
        # holds the lock is not in it.
        os.register_at_fork(after_in_child=renew_lock)

    @wraps(make)
    def call() -> _Made:
        with lock:
            return kept()

    found: Any = call
    found.cache_info, found.cache_clear = kept.cache_info, kept.cache_clear
    return call
