"""The paths and parameters of the pipeline, and the function that runs a stage.

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
PREPARED = Path("data/prepared")
SOURCES = Path("data/sources")
LABELLED_BY_ASSISTANT = Path("data/assistant")
MODELS = Path("models")
ARTIFACTS = Path("artifacts")
REPORTS = Path("reports")
PLOTS = REPORTS / "plots"

Settings = dict[str, Any]


class PipelineError(DisasterTweetsError):
    """A stage cannot go on. The message names the file or parameter, and the next step."""


def params(*sections: str, path: str | Path = "params.yaml") -> Settings:
    """Return sections of a parameter file as one; if names are equal, the last one counts."""
    values: dict[str, Settings] = yaml.safe_load(Path(path).read_text("utf-8"))
    joined: Settings = {}
    for section in sections:
        joined |= values[section]
    return joined


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with the same line endings on every system, so that hashes are equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as indented JSON, with its keys in the given order."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def run_stage(stage: Callable[[], None]) -> None:
    """Run a stage. An expected error becomes one line on standard error, and status 1."""
    try:
        stage()
    except DisasterTweetsError as error:
        sys.exit(f"error: {error}")
