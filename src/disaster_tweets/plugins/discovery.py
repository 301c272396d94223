"""List the installed text classifiers, and check whether each is usable.

This imports every plugin and reads its card, but loads no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from disaster_tweets.plugins.contract import CONTRACT

GROUP = "text_classifiers"
INFO_GROUP = "text_classifiers.info"


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group ``text_classifiers``.

    Attributes:
        name: The name of the entry point; two distributions may offer the same name.
        distribution: The name of the distribution.
        version: The version of the distribution.
        info: The card, or None if there is none or ``error`` is set.
        error: One line that says why the plugin is unusable, or None.
    """

    name: str
    distribution: str
    version: str
    info: dict[str, Any] | None = None
    error: str | None = None


def discover() -> list[Plugin]:
    """Return the installed text classifiers, sorted by name, then by distribution.

    Any exception of a plugin except ``KeyboardInterrupt`` becomes its ``error``.
    """
    cards = {_origin(card): card for card in entry_points(group=INFO_GROUP)}
    plugins = []
    for entry_point in sorted(entry_points(group=GROUP), key=_origin):
        origin = _origin(entry_point)
        try:
            plugin = Plugin(*origin, info=_examine(entry_point, cards.get(origin)))
        except KeyboardInterrupt:
            raise
        # BaseException, because a module may call sys.exit(), and a panic of a Rust extension
        # is a BaseException.
        except BaseException as error:
            plugin = Plugin(*origin, error=_in_one_line(error))
        plugins.append(plugin)
    return plugins


class _UnusableError(Exception):
    """A plugin violates the contract; the message says how."""


def _origin(entry_point: EntryPoint) -> tuple[str, str, str]:
    """Return the name of the entry point, and the name and version of its distribution."""
    distribution = entry_point.dist
    assert distribution is not None, "entry_points() sets it"
    return entry_point.name, distribution.name, distribution.version


def _examine(entry_point: EntryPoint, card: EntryPoint | None) -> dict[str, Any] | None:
    # The card first: a plugin of an unknown contract may not even import here.
    info = _read(card) if card else None
    if not callable(entry_point.load()):
        raise _UnusableError(f"{entry_point.value} is not callable")
    return info


def _read(card: EntryPoint) -> dict[str, Any]:
    info = card.load()()
    if not isinstance(info, dict):
        raise _UnusableError(f"{card.value} returned {type(info).__name__}, not a dict")
    if "contract" not in info:
        raise _UnusableError(f"{card.value} returned no 'contract'")
    if info["contract"] != CONTRACT:
        raise _UnusableError(
            f"contract {info['contract']} is not known to this version; "
            "upgrade disaster-tweets-model, or install an older version of the plugin"
        )
    json.dumps(info)
    return info


def _in_one_line(error: BaseException) -> str:
    message = " ".join(str(error).split())
    if isinstance(error, _UnusableError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
