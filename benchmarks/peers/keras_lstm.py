"""An LSTM in Keras over whole words, through `predict`."""

from __future__ import annotations

import os
import pickle
import re
from collections import Counter
from pathlib import Path

import keras_encoder
from peer import Peer, Score, read_split

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}

WORDS, LENGTH, WIDTH, EPOCHS, BATCH, SEED = 10_000, 40, 64, 3, 32, 20200101


class Tokenizer:
    """Maps a word to its rank by frequency, and an unknown word to 1."""

    def __init__(self, texts: list[str]) -> None:
        counts = Counter(word for text in texts for word in self._words(text))
        self._index = {
            word: rank for rank, (word, _) in enumerate(counts.most_common(WORDS - 2), 2)
        }

    def encode(self, text: str) -> list[int]:
        """Return ``LENGTH`` ids: those of the first words, padded with zeros on the left."""
        ids = [self._index.get(word, 1) for word in self._words(text)[:LENGTH]]
        return [0] * (LENGTH - len(ids)) + ids

    @staticmethod
    def _words(text: str) -> list[str]:
        return re.findall(r"[\w']+", text.lower())


def train(data: Path, folder: Path) -> None:
    import keras
    import numpy as np

    keras.utils.set_random_seed(SEED)
    texts, labels = read_split(data, "train")
    tokenizer = Tokenizer(texts)
    model = keras.Sequential(
        [
            keras.layers.Embedding(WORDS, WIDTH),
            keras.layers.SpatialDropout1D(0.2),
            keras.layers.LSTM(WIDTH, dropout=0.2),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    encoded = np.array([tokenizer.encode(text) for text in texts])
    model.fit(encoded, np.array(labels), batch_size=BATCH, epochs=EPOCHS, verbose=0)
    model.save(folder / "model.keras")
    (folder / "tokenizer.pickle").write_bytes(pickle.dumps(tokenizer))


def load(folder: Path) -> Score:
    import keras
    import numpy as np

    model = keras.models.load_model(folder / "model.keras", compile=False)
    tokenizer = pickle.loads((folder / "tokenizer.pickle").read_bytes())

    def score(texts: list[str]) -> list[float]:
        encoded = np.array([tokenizer.encode(text) for text in texts])
        return model.predict(encoded, batch_size=len(texts), verbose=0)[:, 0].tolist()

    return score


PEER = Peer(
    title="LSTM, Keras",
    label="LSTM in Keras",
    distribution="keras",
    requirements=keras_encoder.REQUIREMENTS,
    train=train,
    load=load,
)

if __name__ == "__main__":
    PEER.main()
