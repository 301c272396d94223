"""Write the reference outputs that the encoder is compared with.

This script needs torch and transformers, which the project does not require:
    python make.py                   -> tiny.json, from weights made by `tiny_checkpoint`
    python make.py FOLDER            -> backbone.json, from FOLDER/model.safetensors
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TINY = {"pieces": 60, "positions": 24, "width": 16, "layers": 2, "heads": 2, "feed_forward": 32}
TINY_IDS = [[2, 7, 31, 59, 3], [2, 3], [2, *range(5, 25), 3]]
# The token ids of two texts, from the tokenizer of the backbone.
BACKBONE_IDS = [
    [101, 3224, 2543, 2379, 2474, 6902, 3351, 21871, 2243, 1012, 2710, 102],
    [101, 2023, 18713, 2003, 2543, 102],
]


def tiny_checkpoint() -> dict[str, np.ndarray]:
    """Return random weights of a small BERT, the same on every machine."""
    generator = np.random.RandomState(20200101)
    width, feed_forward = TINY["width"], TINY["feed_forward"]

    def weights(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32) * 0.3

    tensors = {
        "embeddings.word_embeddings.weight": weights(TINY["pieces"], width),
        "embeddings.position_embeddings.weight": weights(TINY["positions"], width),
        "embeddings.token_type_embeddings.weight": weights(2, width),
        "embeddings.LayerNorm.weight": 1 + weights(width),
        "embeddings.LayerNorm.bias": weights(width),
    }
    for i in range(TINY["layers"]):
        for name, outputs, inputs in (
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", feed_forward, width),
            ("output.dense", width, feed_forward),
        ):
            tensors[f"encoder.layer.{i}.{name}.weight"] = weights(outputs, inputs)
            tensors[f"encoder.layer.{i}.{name}.bias"] = weights(outputs)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"encoder.layer.{i}.{name}.weight"] = 1 + weights(width)
            tensors[f"encoder.layer.{i}.{name}.bias"] = weights(width)
    return tensors


def mean_hidden_states(
    tensors: dict[str, np.ndarray], heads: int, encoded: list[list[int]]
) -> list[list[float]]:
    """Return the last hidden states of transformers' BERT, averaged over the tokens."""
    import torch
    from transformers import BertConfig, BertModel

    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    pieces, width = tensors["embeddings.word_embeddings.weight"].shape
    model = BertModel(
        BertConfig(
            vocab_size=pieces,
            hidden_size=width,
            num_hidden_layers=len(layers),
            num_attention_heads=heads,
            intermediate_size=len(tensors["encoder.layer.0.intermediate.dense.weight"]),
            max_position_embeddings=len(tensors["embeddings.position_embeddings.weight"]),
            hidden_act="gelu",
            layer_norm_eps=1e-12,
        ),
        add_pooling_layer=False,
    ).eval()
    state = {name: torch.tensor(value) for name, value in tensors.items()}
    missing, _ = model.load_state_dict(state, strict=False)
    assert all("position_ids" in name or "token_type_ids" in name for name in missing), missing
    with torch.no_grad():
        states = [model(torch.tensor([ids])).last_hidden_state[0].mean(0) for ids in encoded]
    return [[round(value, 6) for value in state.tolist()] for state in states]


def main() -> None:
    if len(sys.argv) > 1:
        from safetensors.numpy import load_file

        name, ids, heads = "backbone", BACKBONE_IDS, 12
        tensors = load_file(Path(sys.argv[1], "model.safetensors"))
    else:
        name, ids, heads, tensors = "tiny", TINY_IDS, TINY["heads"], tiny_checkpoint()
    means = mean_hidden_states(tensors, heads, ids)
    content = json.dumps({"ids": ids, "mean_hidden_states": means})
    (HERE / f"{name}.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
