"""Stage: train a teacher for each fold, and write the teachers' logits of each text, by id.

This stage is frozen in topic/dvc.yaml, because it takes about an hour and a half on two cores
and needs more packages. Its result is in Git. DVC never runs a frozen stage, not even with
--force. To run it:

    pip install -e ".[train]" -r topic/requirements-teacher.txt
    dvc repro prepare topic/dvc.yaml:download_tweets
    python -m topic.download_teacher
    python -m topic.teacher
    dvc commit --force topic/dvc.yaml:soft_labels

Each teacher is the large pretrained encoder, fine-tuned on all folds of topic/folds.csv but
one. No teacher sees the labels of the tweets of other events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import AutoModel, AutoTokenizer

from pipeline.prepare import mask
from pipeline.project import run_stage, write_text
from pipeline.splits import read_split
from topic.project import SOFT_LABELS, TEACHER, params
from topic.sources import LABELLED, read_folds
from topic.texts import read_on_topic

Settings = dict[str, Any]


class Teacher(torch.nn.Module):
    """A pretrained encoder, mean pooling and one logit."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._tokenizer = AutoTokenizer.from_pretrained(TEACHER)
        self._max_tokens = settings["max_tokens"]
        self.encoder = AutoModel.from_pretrained(TEACHER)
        self.dropout = torch.nn.Dropout(settings["dropout"])
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, 1)

    def forward(self, texts: list[str]) -> torch.Tensor:
        """Return the logits (texts,) float32 of masked texts."""
        with torch.autocast("cpu", torch.bfloat16):
            encoded = self._tokenizer(
                texts,
                padding=True,
                truncation=True,
                max_length=self._max_tokens,
                return_tensors="pt",
            )
            real = encoded["attention_mask"]
            hidden = self.encoder(encoded["input_ids"], real).last_hidden_state
            pooled = (hidden * real[..., None]).sum(1) / real.sum(1, keepdim=True)
            logits: torch.Tensor = self.head(self.dropout(pooled))[:, 0]
        return logits.float()

    def predict(self, texts: list[str], batch_size: int = 64) -> np.ndarray:
        """Return the logits (texts,) float32. A batch has texts of similar length."""
        self.eval()
        order = np.argsort([len(text) for text in texts])
        logits = np.zeros(len(texts), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                logits[batch] = self([texts[i] for i in batch]).numpy()
        return logits


def fit(
    teacher: Teacher, texts: list[str], targets: np.ndarray, seed: int, settings: Settings
) -> None:
    """Fine-tune with AdamW, a warm-up and a linear decay."""
    size, peak = settings["batch_size"], settings["learning_rate"]
    per_epoch = len(texts) // size
    steps = settings["epochs"] * per_epoch
    warm_up = settings["warm_up"] * steps
    parameters = list(teacher.parameters())
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [p for p in parameters if p.ndim > 1],
                "weight_decay": settings["weight_decay"],
            },
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=peak,
    )
    teacher.train()
    for step, batch in enumerate(_batches(len(texts), size, settings["epochs"], seed)):
        rate = peak * min(1, (step + 1) / warm_up)
        if step >= warm_up:
            rate = peak * (steps - step) / (steps - warm_up)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            teacher([texts[i] for i in batch]),
            torch.tensor(targets[batch], dtype=torch.float32),
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.3f}", flush=True)


def _batches(texts: int, size: int, epochs: int, seed: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(texts)
        for start in range(0, texts - size + 1, size):
            yield order[start : start + size]


def main() -> None:
    settings = params("teacher")
    torch.set_num_threads(settings["threads"])
    labelled, events = read_split("train"), read_on_topic()
    seeds = settings["seeds"]
    sample = np.random.default_rng(seeds["events"]).permutation(len(events))
    events = events.iloc[sample[: settings["event_texts"]]]
    folds = labelled["id"].map(read_folds()).to_numpy(int)

    texts = [mask(text) for text in [*labelled["text"], *events["text"]]]
    soft = pd.DataFrame(
        {
            "source": [LABELLED] * len(labelled) + list(events["event"]),
            "id": [*labelled["id"].astype(str), *events["id"]],
            "fold": pd.array([*folds, *[None] * len(events)], "Int64"),
        }
    )
    for fold in sorted(set(folds)):
        torch.manual_seed(seeds["weights"] + fold)
        teacher = Teacher(settings)
        seen = np.flatnonzero(folds != fold)
        targets = labelled["target"].to_numpy()
        fit(teacher, [texts[i] for i in seen], targets[seen], seeds["batches"] + fold, settings)
        logits = teacher.predict(texts)
        soft[f"teacher_{fold}"] = logits.round(2)
        unseen = np.flatnonzero(folds == fold)
        right = (logits[unseen] > 0) == (targets[unseen] > 0.5)
        print(f"teacher {fold}: accuracy {right.mean():.4f} on the fold that it has not seen")
    soft["number"] = soft["id"].astype(int)
    soft = soft.sort_values(["source", "number"]).drop(columns="number")
    SOFT_LABELS.parent.mkdir(exist_ok=True)
    write_text(SOFT_LABELS, soft.to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    run_stage(main)
