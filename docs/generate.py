"""Renew the generated blocks of README.md and docs/hosts.md, and write MODEL_CARD.md.

cog runs the Python code between ``[[[cog`` and ``]]]`` in a page, and writes its output below.
With --check, the script writes nothing and fails if a document is out of date.
docs/transcripts.py renews the outputs of examples.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import card
from cogapp import Cog

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CARD = ROOT / "MODEL_CARD.md"
PAGES = (ROOT / "README.md", DOCS / "hosts.md")
MANIFEST = ROOT / "artifacts" / "manifest.json"
# Texts that were written to find mistakes. Only some topics have them.
WRITTEN = ROOT / "topic" / "regression.json"
# The interval of this measure needs an explanation, which the model card gives.
NOT_IN_README = "expected_calibration_error"


def metrics(manifest: dict[str, Any] | None = None) -> str:
    """Return the table of measures for the README, with a sentence on the measured texts.

    Args:
        manifest: The manifest of the model (default: the committed manifest).
    """
    if manifest is None:
        manifest = json.loads(MANIFEST.read_text("utf-8"))
    measures = {k: v for k, v in manifest["metrics"].items() if k != NOT_IN_README}
    size = sum(file["size"] for file in manifest["artifacts"].values()) / 1e6
    said = (
        f"{card.metrics_table({'metrics': measures})}\n\n"
        f"Measured on {card.measured_texts(manifest)}. "
        f"The model and its vocabulary are {size:.1f} MB.\n\n"
        f"{card.caution(manifest)}"
    )
    return said.rstrip("\n")


def model_card() -> str:
    """Return the model card."""
    template = (DOCS / "MODEL_CARD.template.md").read_text("utf-8")
    written = json.loads(WRITTEN.read_text("utf-8")) if WRITTEN.is_file() else []
    return card.model_card(template, json.loads(MANIFEST.read_text("utf-8")), written)


def main() -> None:
    """Write the documents, or check them."""
    check = "--check" in sys.argv
    content = model_card()
    if not check:
        CARD.write_text(content, encoding="utf-8", newline="\n")
    elif not CARD.is_file() or CARD.read_text("utf-8") != content:
        sys.exit(f"{CARD.name} is out of date: run python docs/generate.py")
    message = "a block is out of date: run python docs/generate.py"
    action = ["--check", f"--check-fail-msg={message}"] if check else ["-r"]
    # -P: blocks print; -U: Unix line ends on every system; -I: the import path of blocks.
    options = ["-P", "-U", "--verbosity=1", "-I", str(DOCS), "-I", str(DOCS / "model")]
    sys.exit(Cog().main(["cog", *action, *options, *map(str, PAGES)]))


if __name__ == "__main__":
    main()
