"""spaCy: a blank English pipeline with its text categorizer, an ensemble by default."""

from __future__ import annotations

import random
from pathlib import Path

from peer import Peer, Score, read_split

EPOCHS, BATCH, DROPOUT, SEED = 5, 32, 0.2, 20200101


def train(data: Path, folder: Path) -> None:
    import spacy
    from spacy.training import Example
    from spacy.util import fix_random_seed, minibatch

    fix_random_seed(SEED)
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat")
    examples = [
        Example.from_dict(
            nlp.make_doc(text), {"cats": {"disaster": label, "not_disaster": 1 - label}}
        )
        for text, label in zip(*read_split(data, "train"), strict=True)
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(EPOCHS):
        random.shuffle(examples)
        for batch in minibatch(examples, BATCH):
            nlp.update(batch, sgd=optimizer, drop=DROPOUT)
    nlp.to_disk(folder)


def load(folder: Path) -> Score:
    import spacy

    nlp = spacy.load(folder)

    def score(texts: list[str]) -> list[float]:
        docs = nlp.pipe(texts, batch_size=len(texts))
        return [doc.cats["disaster"] for doc in docs]

    return score


PEER = Peer(
    title="text categorizer, spaCy",
    label="spaCy",
    distribution="spacy",
    requirements=("spacy==3.8.18",),
    train=train,
    load=load,
)

if __name__ == "__main__":
    PEER.main()
