"""A text classifier with its model: it gives texts a probability and a label."""

from typing import TYPE_CHECKING, Any

from disaster_tweets.classifier import Classifier, predict
from disaster_tweets.errors import ArtifactError, DisasterTweetsError, InputError
from disaster_tweets.prediction import Prediction

if TYPE_CHECKING:
    from disaster_tweets.explanation import Explanation, WordWeight

    __version__: str

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
    # Imported on demand: a program that only predicts needs neither of these.
    if name in ("Explanation", "WordWeight"):
        from disaster_tweets import explanation

        return getattr(explanation, name)
    if name == "__version__":
        from importlib.metadata import version

        from disaster_tweets.errors import DISTRIBUTION

        return version(DISTRIBUTION)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
