"""This package as a plugin of the group ``text_classifiers``: see docs/plugin-contract.md."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from disaster_tweets.once import once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from disaster_tweets.classifier import Classifier

CONTRACT = 1


class TextClassifier:
    """The classifier in the shape that scikit-learn gave the field.

    Attributes:
        classes_: The labels in the order of the columns of ``predict_proba``: an array of
            ``str``, shape (k,) for k labels.
    """

    def __init__(self, classifier: Classifier) -> None:
        """Give ``classifier`` that shape."""
        import numpy as np

        self._classifier = classifier
        self.classes_: NDArray[np.str_] = np.array(classifier.classes_)

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return the probability of each label for each text.

        Args:
            texts: n texts.

        Returns:
            float32, shape (n, k); each row sums to 1.

        Raises:
            InputError: ``texts`` is a bare ``str``, or holds something that is not text; a
                ``TypeError``.
        """
        return self._classifier.predict_proba(texts)

    def predict(self, texts: Iterable[str]) -> NDArray[np.str_]:
        """Return the label of each text.

        Of two labels the classifier's threshold decides, of more the largest probability.

        Args:
            texts: n texts.

        Returns:
            Labels out of ``classes_``, shape (n,).

        Raises:
            InputError: As in ``predict_proba``.
        """
        decided = self._classifier._decide(self.predict_proba(texts))
        labels: NDArray[np.str_] = self.classes_[decided]
        return labels


@once
def load() -> TextClassifier:
    """Return the classifier: the same object at each call.

    Raises:
        ArtifactError: A file of the model is missing or damaged.
    """
    from disaster_tweets.classifier import bundled_classifier

    return TextClassifier(bundled_classifier())


def info() -> dict[str, Any]:
    """Return the classifier's card, JSON-able, without loading the model.

    ``positive_label`` and ``threshold`` are None with more than two labels.

    Raises:
        ArtifactError: The manifest is missing or damaged.
    """
    from disaster_tweets.bundle import bundled_manifest
    from disaster_tweets.errors import DISTRIBUTION

    manifest = bundled_manifest()
    return {
        "contract": CONTRACT,
        "name": "disaster_tweets",
        "version": version(DISTRIBUTION),
        "model_version": manifest["model_version"],
        "task": manifest["task"],
        "labels": manifest["labels"],
        "positive_label": manifest["positive_label"],
        "threshold": manifest["threshold"],
        "languages": manifest["languages"],
        "licence": manifest["licence"],
        "sha256": {name: file["sha256"] for name, file in manifest["artifacts"].items()},
    }
