"""The same weights in PyTorch, behind the text-classification pipeline of transformers.

transformers has no BERT classifier that takes the mean over the tokens; `mean_pooling` adds it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from peer import ROOT, Peer, Score, attention_heads, temperature

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "critical"}


def mean_pooling() -> type:
    """Return the class of a BERT classifier with one logit of the mean over the tokens."""
    from torch import nn
    from transformers import BertModel, BertPreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    class MeanPoolingBert(BertPreTrainedModel):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.bert = BertModel(config, add_pooling_layer=False)
            self.classifier = nn.Linear(config.hidden_size, 1)
            self.post_init()

        def forward(
            self, input_ids: Any, attention_mask: Any, **_: Any
        ) -> SequenceClassifierOutput:
            hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
            real = attention_mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * real).sum(1) / real.sum(1)
            return SequenceClassifierOutput(logits=self.classifier(pooled))

    return MeanPoolingBert


def train(data: Path, folder: Path) -> None:
    """Turn the fine-tuned weights into a checkpoint; the temperature goes into the head."""
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertTokenizer

    weights = load_file(ROOT / "models" / "classifier.safetensors")
    head = {name: weights.pop(f"classifier.{name}") for name in ("weight", "bias")}
    pieces, width = weights["embeddings.word_embeddings.weight"].shape
    config = BertConfig(
        vocab_size=pieces,
        hidden_size=width,
        num_hidden_layers=sum(name.endswith("intermediate.dense.bias") for name in weights),
        num_attention_heads=attention_heads(),
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["embeddings.position_embeddings.weight"]),
        type_vocab_size=1,
        id2label={0: "disaster"},  # one logit: the pipeline takes its sigmoid
    )
    # The one token type is folded into the positions.
    weights["embeddings.token_type_embeddings.weight"] = torch.zeros(1, width)
    model = mean_pooling()(config)
    named = {f"bert.{name}": value for name, value in weights.items()}
    named |= {f"classifier.{name}": value / temperature() for name, value in head.items()}
    model.load_state_dict(named)
    model.save_pretrained(folder)
    BertTokenizer(
        vocab=str(ROOT / "models" / "vocab.txt"),
        model_max_length=config.max_position_embeddings,
    ).save_pretrained(folder)


def load(folder: Path) -> Score:
    from transformers import BertTokenizer, TextClassificationPipeline

    model = mean_pooling().from_pretrained(folder).eval()
    tokenizer = BertTokenizer.from_pretrained(folder)
    classify = TextClassificationPipeline(model=model, tokenizer=tokenizer, device="cpu")

    def score(texts: list[str]) -> list[float]:
        answers = classify(texts, batch_size=len(texts), truncation=True)
        return [answer["score"] for answer in answers]

    return score


REQUIREMENTS = ("torch==2.13.0", "transformers==5.23.0")
PEER = Peer(
    title="same model, transformers and PyTorch",
    label="PyTorch",
    distribution="torch",
    requirements=REQUIREMENTS,
    train=train,
    load=load,
)

if __name__ == "__main__":
    PEER.main()
