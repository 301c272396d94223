"""The paths of an output and the files beside it, and a check that they can be written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from disaster_tweets.tables.errors import WriteError
from disaster_tweets.tables.parts import writing
from disaster_tweets.tables.source import STANDARD


@dataclass(frozen=True)
class Paths:
    """The path of an output, and the paths of the files beside it."""

    output: Path

    @classmethod
    def of(cls, name: str) -> Paths:
        """Return the paths for an output name; a symbolic link is resolved and so kept."""
        path = Path(name)
        with writing(path):
            try:
                return cls(path.resolve() if path.is_symlink() else path)
            except RuntimeError:  # Python 3.13 raises an OSError instead
                raise WriteError("a link that leads to itself", file=name) from None

    @property
    def part(self) -> Path:
        """The unfinished output."""
        return self._beside(".part")

    @property
    def state(self) -> Path:
        """The last checkpoint."""
        return self._beside(".part.json")

    @property
    def rejected(self) -> Path:
        """The rows that could not be read."""
        return self._beside(".rejected")

    @property
    def rejected_part(self) -> Path:
        """The unfinished file of rejected rows."""
        return self._beside(".rejected.part")

    def overwritten(self, inputs: Iterable[str]) -> str | None:
        """Return the input that the output would overwrite, or None."""
        written = (self.output, self.part, self.state, self.rejected, self.rejected_part)
        for name in inputs:
            if name != STANDARD and any(_same(Path(name), path) for path in written):
                return name
        return None

    def check(self) -> None:
        """Raise WriteError if the output cannot be put in its place."""
        with writing(self.output):
            if not self.output.parent.is_dir():
                raise WriteError(
                    "its folder does not exist; make it first", file=str(self.output)
                )
            if self.output.exists() and not self.output.is_file():
                raise WriteError(
                    "not a regular file; name another, or - for standard output",
                    file=str(self.output),
                )
            for path in (self.state, self.rejected, self.rejected_part):
                if path.is_dir() and path != self.rejected_part:
                    raise WriteError("a folder, but a file is needed", file=str(path))

    def _beside(self, suffix: str) -> Path:
        return Path(f"{self.output}{suffix}")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one file does not exist or cannot be reached
        return False
