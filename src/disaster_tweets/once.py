"""Create an object once per process, even if several threads ask for it at the same time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

_Made = TypeVar("_Made")


def once(make: Callable[[], _Made]) -> Callable[[], _Made]:
    """Let the first call of ``make`` run alone; later calls return its result.

    `functools.cache` would let threads that call during the first call make one object each.
    An exception of ``make`` is not kept: the next call tries again.

    Args:
        make: A function without arguments.

    Returns:
        The same function, with the ``cache_info`` and ``cache_clear`` of `functools.cache`.
    """
    kept = cache(make)
    lock = threading.RLock()  # a signal handler may call while its thread holds the lock

    def renew_lock() -> None:
        nonlocal lock
        lock = threading.RLock()

    if hasattr(os, "register_at_fork"):
        # A process forked during the first call would wait for ever, because the thread that
        # holds the lock does not exist in it.
        os.register_at_fork(after_in_child=renew_lock)

    @wraps(make)
    def call() -> _Made:
        with lock:
            return kept()

    found: Any = call
    found.cache_info, found.cache_clear = kept.cache_info, kept.cache_clear
    return call
