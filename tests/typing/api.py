"""The types of the public API, fixed by assertions: mypy checks this file, nothing runs it.

A line with ``type: ignore`` must be an error: mypy reports those that are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import disaster_tweets
from disaster_tweets import (
    ArtifactError,
    Classifier,
    DisasterTweetsError,
    Explanation,
    InputError,
    Prediction,
    WordWeight,
    predict,
)
from disaster_tweets.topic import Label

if TYPE_CHECKING:
    from typing_extensions import assert_type  # Python 3.10 has none in typing


def texts() -> Iterator[str]:
    """Yield texts."""
    yield "cake"


def top_level(column: npt.NDArray[np.str_]) -> None:
    """Pin `predict`, and the version."""
    assert_type(disaster_tweets.__version__, str)
    assert_type(predict("cake"), Prediction)
    assert_type(predict(["cake", "tea"]), list[Prediction])
    assert_type(predict(("cake", "tea")), list[Prediction])
    assert_type(predict(texts()), list[Prediction])
    assert_type(predict(text for text in texts()), list[Prediction])
    assert_type(predict(column), list[Prediction])
    assert_type(predict("cake", threshold=0.4, missing="none"), Prediction)
    assert_type(predict(["cake"], threshold=0.4), list[Prediction])
    assert_type(predict(["cake"], missing="error"), list[Prediction])
    assert_type(predict(["cake", None], missing="none"), list[Prediction | None])
    assert_type(predict(texts(), missing="none"), list[Prediction | None])
    predict(["cake", None], missing="error")  # type: ignore
    predict(["cake"], missing="drop")  # type: ignore
    predict(["cake"], 0.4)  # type: ignore
    predict([b"cake"], missing="none")  # type: ignore
    predict(None)  # type: ignore
    predict(b"cake")  # type: ignore
    predict([b"cake"])  # type: ignore
    predict([None])  # type: ignore


def prediction(one: Prediction) -> None:
    """Pin `Prediction`."""
    assert_type(one.label, Label)
    assert_type(one.probabilities, Mapping[Label, float])
    assert_type(one.probability, float)
    assert_type(float(one), float)
    assert_type(one.to_dict(), dict[str, Any])
    assert_type(sorted([one, one]), list[Prediction])
    assert_type(max(one, one), Prediction)
    one.probability = 1.0  # type: ignore
    assert one.label != "no label"  # type: ignore
    Prediction("no label", 0.5)  # type: ignore


def classifier(path: Path) -> None:
    """Pin `Classifier`."""
    assert_type(Classifier.load(), Classifier)
    assert_type(Classifier.load(path, threshold=0.4), Classifier)
    assert_type(Classifier.load(str(path), threshold=None), Classifier)
    Classifier.load(path, 0.4)  # type: ignore

    model = Classifier.load()
    assert_type(model.predict("cake"), Prediction)
    assert_type(model.predict(["cake"]), list[Prediction])
    assert_type(model.predict(texts()), list[Prediction])
    assert_type(model.predict_proba(texts()), npt.NDArray[np.float32])
    assert_type(model.predict("cake", threshold=0.4), Prediction)
    assert_type(model.predict([None, "cake"], missing="none"), list[Prediction | None])
    assert_type(model.predict_proba([None], missing="none"), npt.NDArray[np.float32])
    model.predict_proba([None])  # type: ignore
    assert_type(model.predict("cake", progress=print), Prediction)
    assert_type(model.predict(texts(), progress=update), list[Prediction])
    assert_type(model.predict_proba(texts(), progress=update), npt.NDArray[np.float32])
    model.predict(texts(), update)  # type: ignore
    model.predict(texts(), progress=lambda: None)  # type: ignore
    assert_type(model.threshold, float)
    assert_type(model.classes_, tuple[Label, ...])
    assert_type(model.manifest, dict[str, Any])


def update(n: float | None = 1) -> bool | None:
    """Take a number of texts, as the method of a tqdm bar does."""
    return n is None


def explanation(model: Classifier) -> None:
    """Pin `Explanation`."""
    explained = model.explain("cake")
    assert_type(explained, Explanation)
    assert_type(explained.text, str)
    assert_type(explained.label, Label)
    assert_type(explained.prediction, Prediction)
    assert_type(explained.words, tuple[WordWeight, ...])
    word = explained.words[0]
    assert_type(word.word, str)
    assert_type((word.start, word.end), tuple[int, int])
    assert_type(word.weight, float)
    assert_type(explained.to_dict(), dict[str, Any])
    word.weight = 1.0  # type: ignore
    explained.words = ()  # type: ignore
    model.explain(["cake"])  # type: ignore


def errors(
    artifact: ArtifactError, argument: InputError
) -> tuple[DisasterTweetsError, DisasterTweetsError, TypeError]:
    """Pin the tree of exceptions."""
    return artifact, argument, argument
