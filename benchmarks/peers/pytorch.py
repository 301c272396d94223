"""MiniLM fine-tuned the usual way, in the text-classification pipeline of transformers.

benchmarks/minilm.py trains the model. transformers has no BERT classifier over the mean of the
tokens; `mean_pooling` adds one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from peer import ROOT, Peer, Score

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "critical"}

CHECKPOINT = ROOT / "models" / "minilm"


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
    """Copy the checkpoint, and write its tokenizer beside it."""
    from transformers import BertConfig, BertTokenizer

    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(CHECKPOINT / name, folder / name)
    longest = BertConfig.from_pretrained(folder).max_position_embeddings
    vocabulary = str(CHECKPOINT / "vocab.txt")
    BertTokenizer(vocab=vocabulary, model_max_length=longest).save_pretrained(folder)


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
    title="MiniLM fine-tuned, transformers and PyTorch",
    label="MiniLM in PyTorch",
    distribution="torch",
    requirements=REQUIREMENTS,
    train=train,
    load=load,
)

if __name__ == "__main__":
    PEER.main()
