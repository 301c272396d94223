"""A text classifier and the model that it loads: text in, probability and label out."""

from typing import TYPE_CHECKING, Any

from disaster_tweets.classifier import Classifier, predict
from disaster_tweets.errors import ArtifactError, DisasterTweetsError, InputError
from disaster_tweets.prediction import Prediction

if TYPE_CHECKING:
    from disaster_tweets.explanation import Explanation, WordWeight

__all__ = [
    "ArtifactError",
    "Classifier",
    "DisasterTweetsError",
    "Explanation",
    "InputError",
    "Prediction",
    "WordWeight",
    "predict",
]


def __getattr__(name: str) -> Any:
    if name in ("Explanation", "WordWeight"):  # who only predicts need not wait for these
        from disaster_tweets import explanation

        return getattr(explanation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
