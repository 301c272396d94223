"""Supervised fastText, in a maintained build; the original one no longer installs."""

from __future__ import annotations

from pathlib import Path

from peer import Peer, Score, read_split

POSITIVE = "__label__disaster"


def train(data: Path, folder: Path) -> None:
    import fasttext

    source = folder / "train.txt"
    with source.open("w", encoding="utf-8") as file:
        for text, label in zip(*read_split(data, "train"), strict=True):
            print(POSITIVE if label else "__label__not_disaster", words(text), file=file)
    model = fasttext.train_supervised(
        str(source),
        wordNgrams=2,
        minn=2,
        maxn=5,
        epoch=10,
        dim=50,
        bucket=100_000,  # the default of two million is too many for so few texts
        thread=1,  # more threads make the model differ between runs
        verbose=0,
    )
    model.save_model(str(folder / "model.bin"))
    source.unlink()


def load(folder: Path) -> Score:
    import fasttext

    model = fasttext.load_model(str(folder / "model.bin"))

    def score(texts: list[str]) -> list[float]:
        labels, probabilities = model.predict([words(text) for text in texts], k=2)
        return [
            float(dict(zip(*both, strict=True))[POSITIVE])
            for both in zip(labels, probabilities, strict=True)
        ]

    return score


def words(text: str) -> str:
    """Return a text on one line, as fastText takes it, in lower case."""
    return " ".join(text.lower().split())


PEER = Peer(
    title="fastText",
    label="fastText",
    distribution="fasttext-community",
    requirements=("fasttext-community==0.11.9",),
    train=train,
    load=load,
)

if __name__ == "__main__":
    PEER.main()
