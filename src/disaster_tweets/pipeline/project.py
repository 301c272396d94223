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
PREPARED = Path("data/prepared")
MODELS = Path("models")
ARTIFACTS = Path("artifacts")
REPORTS = Path("reports")
PLOTS = REPORTS / "plots"

_KERNEL_FEATURES = frozenset(
    "amx_bf16 amx_int8 amx_tile avx2 avx512f avx512_bf16 avx512_vnni avx_vnni fma".split()
)


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


def processor_features() -> list[str]:
    """Return the instruction sets, of those that numeric libraries choose kernels by.

    Empty where the system does not tell (only Linux on x86-64 does).
    """
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return sorted(_KERNEL_FEATURES.intersection(flags))


def run_stage(stage: Callable[[], None]) -> None:
    """Run a stage; what it cannot do becomes one line on standard error and status 1."""
    try:
        stage()
    except DisasterTweetsError as error:
        sys.exit(f"error: {error}")
