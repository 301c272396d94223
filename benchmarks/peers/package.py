"""This package, from its wheel."""

from __future__ import annotations

from pathlib import Path

from peer import Peer, Score


def train(data: Path, folder: Path) -> None:
    """Do nothing: the model travels in the wheel."""


def load(folder: Path) -> Score:
    from disaster_tweets import Classifier

    classifier = Classifier.load()
    return lambda texts: classifier.predict_proba(texts)[:, 1].tolist()


PEER = Peer(
    title="this wheel",
    label="this wheel",
    distribution="disaster-tweets-model",
    requirements=(),
    train=train,
    load=load,
    cleans=True,
    learned_all=True,
)

if __name__ == "__main__":
    PEER.main()
