"""Fine-tunes the whole MiniLM encoder on the labels alone, for peers.py.

    python benchmarks/minilm.py

This is the usual recipe for a classifier: all layers and word pieces of the backbone, texts
with their punctuation, and no teacher. One fold of the labelled texts is held out. Writes
models/minilm, a BERT checkpoint for transformers. Needs the data and the backbone, and the
training environment with tokenizers.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from environments import ROOT
from folds import train_and_held_out
from safetensors.numpy import load_file, save_file
from tokenizers import BertWordPieceTokenizer

from pipeline import encoder, training
from pipeline.prepare import mask
from pipeline.project import BACKBONE, MODELS, params, write_text

FOLDER = MODELS / "minilm"
RECIPE = {
    "max_tokens": 128,
    "perturbed": 0.0,
    "dropout": 0.1,
    "batch_size": 32,
    "epochs": 2,
    "learning_rate": 4e-5,
}


class MaskedBatches(training.Batches):
    """Batches of texts with their punctuation, and placeholders for URLs and handles."""

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(mask(text)).ids
        return ids


def write_checkpoint(
    folder: Path, weights: encoder.Tensors, shape: encoder.Shape, pieces: list[str]
) -> None:
    """Write weights, dimensions and word pieces with the names of transformers."""
    config = {
        "model_type": "bert",
        "vocab_size": shape.pieces,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": 1,
        "layer_norm_eps": encoder.LAYER_NORM_EPSILON,
        "id2label": {"0": "disaster"},  # one logit: a pipeline takes its sigmoid
    }
    named = {
        name if name.startswith("classifier.") else f"bert.{name}": value
        for name, value in weights.items()
    }
    # The position embeddings include the only token type.
    zeros = np.zeros((1, shape.width), np.float32)
    named["bert.embeddings.token_type_embeddings.weight"] = zeros
    save_file(named, folder / "model.safetensors", {"format": "pt"})
    write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")
    write_text(folder / "vocab.txt", "".join(f"{piece}\n" for piece in pieces))


def main() -> None:
    os.chdir(ROOT)
    settings = params("model", "training") | RECIPE
    training.set_up_tensorflow(settings)
    (split, _), pieces = train_and_held_out(), training.backbone_vocabulary()
    weights = encoder.from_checkpoint(
        load_file(BACKBONE / "model.safetensors"),
        list(range(len(pieces))),
        settings["max_tokens"],
    )
    shape = encoder.Shape.of(weights, settings["attention_heads"])
    model = encoder.build(shape, settings["dropout"])
    encoder.load(model, weights, shape)
    tokenizer = BertWordPieceTokenizer(dict(zip(pieces, range(len(pieces)), strict=True)))
    tokenizer.enable_truncation(settings["max_tokens"])
    texts, labels = list(split["text"]), split[["label"]].to_numpy(float)
    training.fit(model, MaskedBatches(texts, labels, tokenizer, settings), settings)
    with tempfile.TemporaryDirectory(dir=MODELS) as temporary:
        written = Path(temporary) / FOLDER.name
        written.mkdir()
        write_checkpoint(written, encoder.tensors(model, shape), shape, pieces)
        shutil.rmtree(FOLDER, ignore_errors=True)
        written.rename(FOLDER)


if __name__ == "__main__":
    main()
