"""Trains teachers on what the assistants learn, for frontier.py to tell what they reach.

    python benchmarks/second_teacher.py FOLD [FOLD ...]

The teacher of a fold learned labels alone. This one, as large, learns what the assistant of
that fold learns, the opinion of teacher, linear model and label, and of the events' tweets also
what the assistant says itself. It has not seen the fold either.

Writes models/frontier/FOLD/second-teacher.csv: source, id and logit of the labelled texts of
the fold. What is there is not made again. Takes twenty minutes a fold on two cores. Needs
what shapes.py has made, the extra ``train``, the packages of topic/requirements-teacher.txt,
and the teacher's weights (`python -m topic.download_teacher`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import torch
from environments import ROOT

from pipeline.prepare import mask
from pipeline.project import params, run_stage
from topic.project import params as topic_params
from topic.sources import LABELLED
from topic.teacher import Teacher

OF_EVENTS = 4000  # tweets, beside all labelled texts
POOL = 20  # batches, from which texts of one length are gathered


def taught(number: int) -> tuple[list[str], np.ndarray, pd.DataFrame, Path] | None:
    """Return what the teacher of a fold learns, what it is asked, and where that is kept.

    Texts, targets (texts,) in [0, 1]; the labelled texts of the fold, as `Fold.asked` has them.
    None where what they are asked for is there already.
    To be called in a process of its own: with TensorFlow in it, PyTorch crashes.
    """
    from shapes import ASSISTANT, SECOND_TEACHER, Fold, scorer

    fold = Fold(number)
    path = fold.path(SECOND_TEACHER)
    if path.is_file():
        return None
    settings = params("training", "assistant")
    texts, targets = fold.taught(settings["linear"])
    targets = targets[:, 0]
    labelled = len(fold.labelled)
    drawn = np.random.default_rng(settings["seed"]).permutation(len(texts) - labelled)
    drawn = labelled + drawn[:OF_EVENTS]
    said = scorer(number, ASSISTANT)([texts[i] for i in drawn])
    known = np.log(targets[drawn] / (1 - targets[drawn]))
    of_events = 1 / (1 + np.exp(-(said + known) / 2))
    chosen = [*texts[:labelled], *(texts[i] for i in drawn)]
    asked = fold.asked[fold.asked["source"] == LABELLED]
    return chosen, np.concatenate([targets[:labelled], of_events]), asked, path


def batches(texts: list[str], size: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the places of texts, all once, in batches of about one length."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(texts))[: len(texts) // size * size]
    for pool in np.array_split(order, max(1, len(order) // size // POOL)):
        pool[:] = pool[np.argsort([len(texts[i]) for i in pool], kind="stable")]
    yield from generator.permutation(order.reshape(-1, size))


def fit(teacher: Teacher, texts: list[str], targets: np.ndarray, seed: int) -> None:
    """Fine-tune all but the embeddings, each text once, with a warm-up and a linear decay."""
    settings = topic_params("teacher")
    for embeddings in teacher.encoder.embeddings.parameters():
        embeddings.requires_grad_(False)
    parameters = [each for each in teacher.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [each for each in parameters if each.ndim > 1],
                "weight_decay": settings["weight_decay"],
            },
            {"params": [each for each in parameters if each.ndim < 2], "weight_decay": 0.0},
        ],
        lr=settings["learning_rate"],
        fused=True,
    )
    steps = len(texts) // settings["batch_size"]
    warm_up = settings["warm_up"] * steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm_up, (steps - step) / (steps - warm_up)),
    )
    teacher.train()
    for step, batch in enumerate(batches(texts, settings["batch_size"], seed)):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            teacher([texts[i] for i in batch]),
            torch.tensor(targets[batch], dtype=torch.float32),
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    settings = topic_params("teacher")
    folds = range(settings["folds"])
    parser.add_argument("folds", nargs="+", type=int, choices=folds)
    seeds = settings["seeds"]
    torch.set_num_threads(settings["threads"])
    for number in parser.parse_args().folds:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            task = process.submit(taught, number).result()
        if task is None:
            continue
        texts, targets, asked, path = task
        print(f"fold {number}", flush=True)
        torch.manual_seed(seeds["weights"] + number)
        teacher = Teacher(settings)
        fit(teacher, list(map(mask, texts)), targets, seeds["batches"] + number)
        logits = teacher.predict(list(map(mask, asked["text"])))
        kept = asked[["source", "id"]].assign(exported=np.round(logits, 4))
        kept.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    os.chdir(ROOT)
    run_stage(main)
