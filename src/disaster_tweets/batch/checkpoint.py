"""Save and load the state of an unfinished run, in a file beside its output."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from disaster_tweets.batch import ContinueError
from disaster_tweets.tables.parts import writing
from disaster_tweets.tables.rows import Position

# The parts of a run's identity, and the words for a difference in each.
_DIFFERENCES = {
    "inputs": "other input files",
    "options": "other options",
    "model": "another model",
}


@dataclass(frozen=True)
class Checkpoint:
    """The progress of a run.

    Attributes:
        position: The place in the inputs.
        output: Length of the unfinished output: bytes, or files for Parquet and Arrow.
        rejects: Length of the unfinished file of rejected rows.
        scored: Number of scored rows.
        missing: Number of rows without a text.
        rejected: Number of unreadable rows.
        cut: Number of scored rows whose text is longer than the model reads.
        foreign: Number of scored rows whose text looks like another language than the model's.
    """

    position: Position = field(default_factory=Position)
    output: int = 0
    rejects: int = 0
    scored: int = 0
    missing: int = 0
    rejected: int = 0
    cut: int = 0
    foreign: int = 0

    @property
    def rows(self) -> int:
        """The number of rows so far."""
        return self.scored + self.missing + self.rejected


class State:
    """The file with the last checkpoint and the identity of the run.

    Args:
        path: The path of the file.
        run: The identity of the run, which a resumed run must share: inputs, options, model.
        part: The path of the unfinished output.
    """

    def __init__(self, path: Path, run: dict[str, Any], part: Path) -> None:
        self.path = path
        self._run = run
        self._part = part

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace the file atomically."""
        new = self.path.with_name(self.path.name + ".new")
        content = json.dumps({**self._run, "checkpoint": asdict(checkpoint)}, indent=1)
        try:
            with writing(self._part):
                with new.open("w", encoding="utf-8") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self.path)
        except BaseException:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise

    def read(self) -> Checkpoint:
        """Return the last checkpoint.

        Raises:
            ContinueError: The file is unreadable, or belongs to a different run.
        """
        try:
            found = json.loads(self.path.read_text("utf-8"))
            run = {key: found[key] for key in self._run}
            saved = found["checkpoint"]
            checkpoint = Checkpoint(**{**saved, "position": Position(**saved["position"])})
            if not all(isinstance(n, int) for n in _numbers(checkpoint)):
                raise TypeError
        except (OSError, ValueError, KeyError, TypeError):
            raise ContinueError(
                f"{self.path}: missing or damaged, so the run cannot be continued; "
                f"delete {self._part} to start anew"
            ) from None
        for key, now in self._run.items():
            if run[key] != now:
                raise ContinueError(
                    f"{self._part} was made from {_difference(key, run[key], now)}", other=True
                )
        return checkpoint

    def remove(self) -> None:
        """Remove the file, if it exists."""
        with writing(self.path):
            self.path.unlink(missing_ok=True)


def _numbers(checkpoint: Checkpoint) -> list[Any]:
    found = asdict(checkpoint)
    return [*found.pop("position").values(), *found.values()]


def _difference(key: str, before: Any, now: Any) -> str:
    """Describe the difference as exactly as possible."""
    if key == "options" and isinstance(before, dict):
        names = [name for name, value in now.items() if before.get(name) != value]
        return f"{_DIFFERENCES[key]} ({', '.join(names).replace('_', ' ')})"
    if key == "inputs" and isinstance(before, list) and len(before) == len(now):
        names = [new["name"] for old, new in zip(before, now, strict=True) if old != new]
        return f"{_DIFFERENCES[key]} (changed: {', '.join(names)})"
    return _DIFFERENCES[key]
