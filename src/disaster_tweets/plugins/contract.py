"""The classifier as a plugin of the group ``text_classifiers``: see docs/plugin-contract.md."""

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
    """The classifier with the methods of a scikit-learn classifier, and arrays as results.

    Attributes:
        classes_: The k labels, an array of ``str``, shape (k,). They have the model's own
            order, as in `disaster_tweets.Classifier`. The classifier in
            `disaster_tweets.plugins.sklearn` sorts them instead.
    """

    def __init__(self, classifier: Classifier) -> None:
        """Wrap ``classifier``."""
        import numpy as np

        self._classifier = classifier
        self.classes_: NDArray[np.str_] = np.array(classifier.classes_)

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return the probability of each label for each text.

        Args:
            texts: n texts.

        Returns:
            float32, shape (n, k). The columns have the order of ``classes_``. Each row sums to
            1.

        Raises:
            InputError: ``texts`` is a single ``str``, or an element is not a ``str``. The error
                is a ``TypeError``.
        """
        return self._classifier.predict_proba(texts)

    def predict(self, texts: Iterable[str]) -> NDArray[np.str_]:
        """Return the label of each text, decided as in `disaster_tweets.predict`.

        With two labels, the classifier's threshold decides. With more, the largest probability
        decides.

        Args:
            texts: n texts.

        Returns:
            Labels of ``classes_``, shape (n,). `disaster_tweets.predict` returns
            `disaster_tweets.Prediction` objects instead.

        Raises:
            InputError: As in ``predict_proba``.
        """
        decided = self._classifier._decide(self.predict_proba(texts))
        labels: NDArray[np.str_] = self.classes_[decided]
        return labels


@once
def load() -> TextClassifier:
    """Return the classifier, the same object at each call.

    Raises:
        ArtifactError: A file of the model is missing or damaged.
    """
    from disaster_tweets.classifier import bundled_classifier

    return TextClassifier(bundled_classifier())


def info() -> dict[str, Any]:
    """Return the classifier's card without loading the model. All values fit into JSON.

    ``positive_label`` and ``threshold`` are None with more than two labels, and ``thresholds``,
    which has further thresholds by name, is empty.

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
        "thresholds": manifest.get("thresholds", {}),
        "languages": manifest["languages"],
        "licence": manifest["licence"],
        "sha256": {name: file["sha256"] for name, file in manifest["artifacts"].items()},
    }
