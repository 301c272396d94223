"""Where the pipeline keeps its files, its parameters, and how a stage is run.

All paths are relative to the root of the repository, where DVC runs each stage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from disaster_tweets.errors import DisasterTweetsError

RAW = Path("data/raw")
BACKBONE = Path("data/backbone")
# begin: left out of a copy
EVENTS = Path("data/events")
TEACHER = Path("data/teacher")
DISTILLED = Path("data/distilled/train.csv")
FEATURES = Path("data/distilled/features.npy")
# end: left out of a copy
PREPARED = Path("data/prepared")
MODELS = Path("models")
ARTIFACTS = Path("artifacts")
REPORTS = Path("reports")
PLOTS = REPORTS / "plots"


class PipelineError(DisasterTweetsError):
    """A stage cannot go on: the message names the file or parameter and the next step."""


def params(section: str) -> dict[str, Any]:
    """Return one section of params.yaml."""
    values: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text("utf-8"))[section]
    return values


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with the same line endings on every system, as hashed files need."""
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: object) -> None:
    """Write ``content`` indented, keys in the order given."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def run_stage(stage: Callable[[], None]) -> None:
    """Run a stage; what it cannot do becomes one line on standard error and status 1."""
    try:
        stage()
    except DisasterTweetsError as error:
        sys.exit(f"error: {error}")
