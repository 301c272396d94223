"""Fail unless artifacts/ matches the sources, the parameters and the data in dvc.lock."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def problem() -> str | None:
    """Return the reason why the artifacts may not be committed or released, or None."""
    if importlib.util.find_spec("dvc") is None:
        return f'DVC is missing here: {sys.executable} -m pip install -e ".[dev]"'
    sys.path.insert(0, str(ROOT))  # no environment installs the pipeline
    from pipeline.package import up_to_date

    if up_to_date():
        return None
    return (
        "artifacts/ is older than its sources: run dvc repro --all-pipelines, and commit "
        "artifacts/, reports/ and the lock files together (dvc status lists the changes)"
    )


if __name__ == "__main__":
    sys.exit(problem())
