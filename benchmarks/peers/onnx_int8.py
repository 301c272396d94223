"""MiniLM fine-tuned, in ONNX Runtime: its fused BERT graph, quantized dynamically to int8."""

from __future__ import annotations

from pathlib import Path

import pytorch
from peer import Peer, Score


def train(data: Path, folder: Path) -> None:
    """Export the PyTorch model, fuse its operators and quantize it."""
    import torch
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model
    from tokenizers import Tokenizer

    pytorch.train(data, folder)
    model = pytorch.mean_pooling().from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    names = ["input_ids", "attention_mask"]
    example = torch.tensor([tokenizer.encode("two texts of one length").ids] * 2)
    torch.onnx.export(
        model,
        (example, torch.ones_like(example)),
        folder / "float.onnx",
        input_names=names,
        output_names=["logits"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names},
        dynamo=False,
    )
    config = model.config
    fused = optimize_model(
        str(folder / "float.onnx"),
        "bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
    )
    print(fused.get_fused_operator_statistics())
    fused.save_model_to_file(str(folder / "fused.onnx"))
    quantize_dynamic(
        folder / "fused.onnx",
        folder / "model.onnx",
        per_channel=True,
        weight_type=QuantType.QInt8,
        # The type of the outputs of fused operators, which ONNX does not know.
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    for path in set(folder.iterdir()) - {folder / "model.onnx", folder / "tokenizer.json"}:
        path.unlink()


def load(folder: Path) -> Score:
    import numpy as np
    from onnxruntime import InferenceSession, SessionOptions
    from tokenizers import Tokenizer

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding()

    def score(texts: list[str]) -> list[float]:
        encoded = tokenizer.encode_batch(texts)
        inputs = {
            "input_ids": np.array([each.ids for each in encoded]),
            "attention_mask": np.array([each.attention_mask for each in encoded]),
        }
        (logits,) = session.run(None, inputs)
        return (1 / (1 + np.exp(-logits[:, 0].astype(np.float64)))).tolist()

    return score


PEER = Peer(
    title="the same, int8, ONNX Runtime",
    label="MiniLM in ONNX Runtime",
    distribution="onnxruntime",
    requirements=("onnxruntime==1.32.0", "tokenizers==0.23.3"),
    train=train,
    load=load,
    to_train=(*pytorch.REQUIREMENTS, "onnx==1.23.2"),
)

if __name__ == "__main__":
    PEER.main()
