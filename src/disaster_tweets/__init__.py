"""A text classifier and the model that it loads: text in, probability and label out."""

from disaster_tweets.classifier import Classifier, predict
from disaster_tweets.errors import ArtifactError, DisasterTweetsError, InputError
from disaster_tweets.explanation import Explanation, WordWeight
from disaster_tweets.prediction import Prediction

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
