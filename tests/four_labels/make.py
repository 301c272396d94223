"""Make the model in this folder: random weights, for tests with more than two labels.

``python tests/four_labels/make.py`` writes it anew. The labels of a text are decided by the
words that they are said to have below, and by a little noise.
"""

from __future__ import annotations

import hashlib
import io
import json
import string
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from disaster_tweets.calibration import tabulate
from disaster_tweets.classifier import Classifier
from disaster_tweets.manifest import SCHEMA_VERSION
from disaster_tweets.runtime.integers import LEVELS, WINDOW, layout

FOLDER = Path(__file__).parent

WORDS = {
    "complaint": "broken damaged late lost never refund rude slow waited wrong 😡",
    "order": "buy deliver need order pair please send six size two",
    "praise": "best fast friendly glad good great kind love thank thanks wonderful 👍",
    "question": "? can do how is what when where which who why",
}
OTHER_WORDS = "[UNK] [CLS] [SEP] and for in it my of on parcel shop that the this to was you"
TEXTS = (
    "The parcel was late and the box was damaged",
    "Please send two of the blue ones, size 42",
    "Thanks, the best shop in town 👍",
    "When do you open on Sunday?",
    "I waited for a week 😡 and you never answered",
    "Great! Can you send six more?",
    "@shop where is my order https://example.com/orders/7",
    "It was as it was",
    "été",
    "",
)

MAX_TOKENS = 64
CALIBRATION = {"temperature": 1.25, "biases": [0.1, -0.2, 0.3, -0.2]}


def main() -> None:
    vocabulary, vectors = pieces()
    written = {
        "vocab.txt": "".join(f"{piece}\n" for piece in vocabulary).encode(),
        "model.bin": in_numpys_format(model(vectors)),
        "calibration.npy": in_numpys_format(tabulate(CALIBRATION)),
        "golden.json": b"[]",
    }
    scored = as_json(golden(written))
    written["golden.json"] = scored
    for name, content in written.items():
        (FOLDER / name).write_bytes(content)
    (FOLDER / "manifest.json").write_bytes(as_json(manifest(written)))


def pieces() -> tuple[list[str], np.ndarray]:
    """Return the vocabulary, and for each piece a vector with a number for each label."""
    characters = string.ascii_lowercase + string.digits + string.punctuation
    noise = np.random.default_rng(20200101)
    vocabulary, vectors = ["[PAD]"], [np.zeros(len(WORDS))]
    for piece in [*OTHER_WORDS.split(), *characters.replace("?", "")]:
        vocabulary.append(piece)
        vectors.append(noise.normal(0, 0.05, len(WORDS)))
    for index, words in enumerate(WORDS.values()):
        for piece in words.split():
            vocabulary.append(piece)
            vectors.append(np.eye(len(WORDS))[index] + noise.normal(0, 0.05, len(WORDS)))
    assert len(set(vocabulary)) == len(vocabulary)
    return vocabulary, np.array(vectors, np.float32)


def model(vectors: np.ndarray) -> np.ndarray:
    """Return the record of the model: ids -> the mean of their vectors, times a matrix.

    A filter responds to each piece alone, with its number for a label, shifted to be positive,
    so that no response is cut off at 0. The outputs read the means of the responses.
    """
    size, labels = vectors.shape
    step = np.abs(vectors).max() / 127
    embeddings = np.rint(vectors / step)
    shift = -embeddings.min()
    scale = LEVELS // (embeddings.max() + shift)  # so that LEVELS cuts off no mean
    mixing = 9 * np.eye(labels) - 1
    middle, means = slice(labels, 2 * labels), slice(labels, 2 * labels)

    record = np.zeros(1, layout(size, labels, labels, hidden=1, outputs=labels))
    record["embeddings"] = embeddings
    record["filters"][0][:, middle] = np.eye(labels)
    record["factors"] = np.ones(WINDOW * labels)
    record["offsets"][0][middle] = shift
    record["pooling"] = scale
    record["output"][0][means] = mixing
    record["output_bias"] = -shift * scale * mixing.sum(axis=0)
    record["unit"] = step / scale
    return record


def in_numpys_format(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def golden(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the texts with their labels and probabilities by the model."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        Path(folder, "manifest.json").write_bytes(as_json(manifest(files)))
        predictions = Classifier.load(folder).predict(TEXTS)
    return [
        {"text": text, "label": given.label, "probability": given.probability}
        for text, given in zip(TEXTS, predictions, strict=True)
    ]


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the manifest, with made-up metrics."""
    interval = {"value": 0.8, "low": 0.75, "high": 0.85}
    return {
        "schema_version": SCHEMA_VERSION,
        "model_version": "0.4",
        "task": "text-classification",
        "kind": "student",
        "labels": list(WORDS),
        "positive_label": None,
        "languages": ["en"],
        "licence": "Apache-2.0",
        "reads": {"urls": True, "handles": True, "emoji": True, "marks": "all"},
        "max_tokens": MAX_TOKENS,
        "threshold": None,
        "calibration": CALIBRATION,
        "golden_tolerance": 0,
        "metrics": {
            "texts": 40,
            "accuracy": interval,
            "macro_f1": interval,
            "auc": interval,
            "expected_calibration_error": {"value": 0.04, "low": 0.02, "high": 0.06},
            "confusion_matrix": [[8, 1, 0, 1], [0, 8, 1, 1], [1, 0, 8, 1], [1, 1, 0, 8]],
        },
        "parity": {
            "texts": 40,
            "mean_difference": 0.0,
            "max_difference": 0.0,
            "decisions_changed": 0.0,
            "auc_drop": 0.0,
        },
        "data": {},
        "backbone": {
            "repository": "none",
            "revision": "none",
            "licence": "none",
            "checksums": {},
        },
        "training": {
            "precision": "float32",
            "processor_features": [],
            "threads": 1,
            "tools": {"numpy": version("numpy")},
        },
        "artifacts": {
            name: {
                "size": len(content),
                "crc32": zlib.crc32(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in files.items()
        },
    }


def as_json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    main()
