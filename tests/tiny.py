"""A tiny random backbone and its training settings, for tests of the whole pipeline."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
from safetensors.numpy import save_file

# Replacements for values in params.yaml, by section.
TINY: dict[str, dict[str, object]] = {
    "model": {"max_tokens": 24, "attention_heads": 2},
    "assistant": {
        **{"layers": [0, 1], "feed_forward": 24, "epochs": 4, "learning_rate": 0.01},
        **{"copies_of_labelled": 2, "copies_of_others": 1},
    },
    "student": {
        **{"layers": [], "feed_forward": 16, "filters": 16, "hidden": 8},
        **{"epochs": 8, "learning_rate": 0.01},
    },
    "export": {
        "parity": {
            kind: {"mean_difference": 0.1, "auc_drop": 0.1} for kind in ("student", "encoder")
        }
    },
    "evaluate": {"resamples": 50},
}


def make_backbone(
    folder: Path, reference: ModuleType, pieces: list[str], positions: int = 24
) -> None:
    """Write a tiny random encoder and its tokenizer, with these word pieces.

    Args:
        folder: Where they go.
        reference: The module tests/pipeline/reference/make.py.
        pieces: The word pieces, without those that have a meaning of their own.
        positions: How many pieces it reads at most.
    """
    folder.mkdir(parents=True)
    pieces = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    tensors = reference.tiny_checkpoint()
    for name, rows in (("word", len(pieces)), ("position", positions)):
        key = f"embeddings.{name}_embeddings.weight"
        tensors[key] = np.resize(tensors[key], (rows, 16))
    save_file(tensors, folder / "model.safetensors")
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}})
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of each file in a folder, by name."""
    return {
        path.name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in folder.iterdir()
        if path.is_file()
    }
