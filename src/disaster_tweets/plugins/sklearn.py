"""The classifier as an estimator of scikit-learn, fitted from the start.

The estimator sorts its classes, as scikit-learn does. So the columns of its ``predict_proba``
may have another order than those of `disaster_tweets.Classifier.predict_proba`. Its ``predict``
returns labels instead of `disaster_tweets.Prediction` objects.
`disaster_tweets.plugins.contract` is a similar classifier that needs no scikit-learn. That one
keeps the model's order, and cannot be cloned, configured or fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from disaster_tweets.errors import InputError
from disaster_tweets.plugins.column import missing
from disaster_tweets.prediction import decide

try:
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import Tags, check_consistent_length, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
except ImportError as error:
    raise missing("scikit-learn", "sklearn") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


class DisasterTweetsClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The model in this package as a classifier whose ``fit`` only checks its arguments.

    ``X`` is always one column of n texts: any sequence of ``str``, or a data frame or an array
    of shape (n, 1), as column selectors return it.

    Args:
        classes: The names of the labels in ``y``, in the order of the model's own labels, such
            as ``(0, 1)``. None stands for the model's own labels.
        threshold: The smallest probability, in [0, 1], at which `predict` returns the second
            of two labels; or "recall", for a lower one. None stands for the model's own
            threshold. For two labels only.
    """

    def __init__(
        self,
        *,
        classes: Sequence[Any] | None = None,
        threshold: float | str | None = None,
    ) -> None:
        self.classes = classes
        self.threshold = threshold

    @property
    def classes_(self) -> NDArray[Any]:
        """The k classes, shape (k,), sorted as in scikit-learn.

        The columns of `predict_proba` have this order. `disaster_tweets.Classifier.classes_`
        has the model's own order.

        Raises:
            InputError: ``classes`` has not one distinct name for each label.
        """
        return np.sort(self._names())

    def fit(self, X: ArrayLike, y: ArrayLike) -> DisasterTweetsClassifier:  # noqa: N803
        """Check the data, and change nothing.

        Raises:
            InputError: ``X`` is not one column, or ``y`` has a value that is not in
                ``classes``.
            ValueError: ``X`` and ``y`` differ in length.
        """
        target = column_or_1d(y, warn=True)
        check_classification_targets(target)
        check_consistent_length(_column(X), target)
        names = self._names().tolist()
        if unknown := set(target.tolist()).difference(names):
            raise InputError(
                f"y holds {', '.join(sorted(map(repr, unknown)))}, not among the classes "
                f"{', '.join(map(repr, names))}; pass classes= with what y calls "
                f"{', '.join(_labels())}, in this order"
            )
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Return the probability of each class for each of n texts.

        Returns:
            float32, shape (n, k). The columns have the order of ``classes_``, which is sorted.
            `disaster_tweets.Classifier.predict_proba` has the model's own order. Each row sums
            to 1.

        Raises:
            InputError: ``X`` is not one column, or has an element that is not a ``str``, such
                as a missing value. The message names its index.
            ArtifactError: A file of the model is missing or damaged.
        """
        return self._probabilities(X)[:, np.argsort(self._names())]

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the class of each of n texts, decided as in `disaster_tweets.predict`.

        With two classes, the threshold decides. With more, the largest probability decides.

        Returns:
            Values of ``classes_``, shape (n,). `disaster_tweets.predict` returns
            `disaster_tweets.Prediction` objects instead.

        Raises:
            InputError: As in `predict_proba`; or the threshold is not in [0, 1], or there are
                more than two labels.
            ArtifactError: As in `predict_proba`.
        """
        from disaster_tweets.classifier import bundled_classifier

        classifier = bundled_classifier()
        threshold = classifier._threshold
        if self.threshold is not None:
            threshold = classifier._checked(self.threshold)
        decided: NDArray[Any] = self._names()[decide(self._probabilities(X), threshold)]
        return decided

    def _names(self) -> NDArray[Any]:
        """Return the names of the labels in ``y``, shape (k,), in the model's own order."""
        labels = _labels()
        names = np.array(labels if self.classes is None else self.classes)
        if names.shape != (len(labels),) or len(np.unique(names)) < len(labels):
            raise InputError(
                f"classes must be {len(labels)} different ones, what y calls "
                f"{', '.join(labels)}, not {self.classes!r}"
            )
        return names

    def _probabilities(self, texts: ArrayLike) -> NDArray[np.float32]:
        """Return the probabilities of n texts, shape (n, k), in the model's own order."""
        from disaster_tweets.classifier import bundled_classifier

        return bundled_classifier().predict_proba(_column(texts))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.classifier_tags.multi_class = len(_labels()) > 2
        tags.classifier_tags.poor_score = True  # on texts of any other topic
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags


def _labels() -> list[str]:
    from disaster_tweets.bundle import bundled_manifest

    labels: list[str] = bundled_manifest()["labels"]
    return labels


def _column(texts: ArrayLike) -> NDArray[np.object_]:
    """Return n texts, given in shape (n,) or (n, 1), as an array of shape (n,)."""
    column = np.asarray(texts, dtype=object)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        kind = f"an array of shape {column.shape}" if column.ndim else type(texts).__name__
        raise InputError(f"X must be one column of texts, not {kind}")
    return column
