"""The model of the wheel before its export: Keras in float32, through `predict`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from peer import ROOT, Peer, Score

FILES = ("student.safetensors", "student.vocab.txt")


def train(data: Path, folder: Path) -> None:
    """Copy the weights, so that they count in the installed size."""
    for name in FILES:
        shutil.copyfile(ROOT / "models" / name, folder / name)


def load(folder: Path) -> Score:
    # The Keras model is part of the pipeline, which is not in the wheel.
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]
    import keras_classifier

    return keras_classifier.load()


REQUIREMENTS = ("tensorflow-cpu==2.21.0", "keras==3.15.1", "safetensors", "importlib-resources")
PEER = Peer(
    title="same model, Keras",
    label="same model in Keras",
    distribution="keras",
    requirements=REQUIREMENTS,
    train=train,
    load=load,
    cleans=True,
    learned_all=True,
)

if __name__ == "__main__":
    PEER.main()
