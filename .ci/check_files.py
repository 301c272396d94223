"""Refuse what must not enter Git: data, weights and large files.

A pre-commit hook gives the paths as arguments, relative to the root of the repository.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

LIMIT = 500_000  # bytes
ALLOWED = {
    "artifacts/model.bin",
    # Numbers by id, no text.
    *("topic/folds.csv", "topic/out_of_fold.csv", "topic/soft_labels.csv"),
    "topic/written.csv",  # sentences written for this project
}
FOLDERS = {"data", "models"}
MADE_UP, MADE_UP_LIMIT = Path("tests/odd"), 5_000  # bytes: too small for a data set
DATA = {
    *(".arrow", ".csv", ".db", ".feather", ".gz", ".jsonl", ".parquet", ".sqlite", ".tsv"),
    *(".xlsx", ".zip"),
}
WEIGHTS = {".h5", ".keras", ".npz", ".onnx", ".pkl", ".pt", ".safetensors"}


def problems(names: list[str]) -> Iterator[str]:
    """Yield a line for each file that is refused."""
    for name in names:
        path = Path(name)
        if path.suffix == ".dvc" or name in ALLOWED:
            continue  # the hash of data is what Git is to keep of it
        limit = MADE_UP_LIMIT if path.parent == MADE_UP else LIMIT
        # The measures in reports/ are tables too, without a text in them.
        tables = path.parts[0] == "reports" or path.parent == MADE_UP
        if path.parts[0] in FOLDERS or (path.suffix in DATA and not tables):
            yield f"{name}: data stays out of Git, as the texts may not be passed on"
        elif path.suffix in WEIGHTS:
            yield f"{name}: weights stay out of Git; dvc.yaml says which stage makes them"
        elif path.suffix == ".ipynb" and _has_outputs(path):
            yield f"{name}: its outputs may hold texts; clear all outputs and save"
        elif path.stat().st_size > limit:
            yield f"{name}: larger than {limit:,} bytes; keep it out of Git"


def _has_outputs(notebook: Path) -> bool:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return any(cell.get("outputs") for cell in cells)


if __name__ == "__main__":
    sys.exit("\n".join(problems(sys.argv[1:])) or 0)
