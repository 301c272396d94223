"""Fail unless artifacts/ is what the sources, the parameters and the data in dvc.lock make."""

from __future__ import annotations

import importlib.util
import sys


def problem() -> str | None:
    """Return why the artifacts may not be committed or released, or None."""
    if importlib.util.find_spec("dvc") is None:
        return f'DVC is missing here: {sys.executable} -m pip install -e ".[dev]"'
    from pipeline.package import up_to_date

    if up_to_date():
        return None
    return (
        "artifacts/ is older than what it is made of: run dvc repro, and commit artifacts/, "
        "reports/ and dvc.lock together (dvc status says what changed)"
    )


if __name__ == "__main__":
    sys.exit(problem())
