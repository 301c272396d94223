"""The classifier as an estimator of scikit-learn, fitted from the start.

`disaster_tweets.plugins.contract.TextClassifier` predicts likewise and needs no scikit-learn,
but cannot be cloned, configured or fitted, and does not sort its classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from disaster_tweets.errors import InputError
from disaster_tweets.topic import LABELS
from disaster_tweets.plugins.column import missing

try:
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import Tags, check_consistent_length, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
except ImportError as error:
    raise missing("scikit-learn", "sklearn") from error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class DisasterTweetsClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The model in this package, as a classifier that needs no fit and learns nothing in one.

    Wherever ``X`` stands, it is one column of n texts: any sequence of ``str`` or, as
    selectors of columns give it, a frame or an array of shape (n, 1).

    Args:
        classes: What ``y`` calls the two classes, that of no disaster first: ``(0, 1)``, for
            example.
        threshold: `predict` says disaster from this probability on, in [0, 1]; None stands for
            the model's own.
        threads: How many threads score at once; the scores are the same.
    """

    def __init__(
        self,
        *,
        classes: tuple[Any, Any] = LABELS,
        threshold: float | None = None,
        threads: int = 1,
    ) -> None:
        self.classes = classes
        self.threshold = threshold
        self.threads = threads

    @property
    def classes_(self) -> NDArray[Any]:
        """The two classes, shape (2,), sorted as scikit-learn has them: disaster may be first.

        Raises:
            InputError: ``classes`` are not two.
        """
        classes: NDArray[Any] = np.unique(self.classes)
        if classes.shape != (2,):
            raise InputError(f"classes must be two, not {self.classes!r}")
        return classes

    def fit(self, X: ArrayLike, y: ArrayLike) -> DisasterTweetsClassifier:  # noqa: N803
        """Check the shape of the data, and change nothing.

        Raises:
            InputError: ``X`` is not one column, or ``y`` holds what is not in ``classes``.
            ValueError: ``X`` and ``y`` differ in length.
        """
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        check_consistent_length(_column(X), labels)
        if unknown := set(labels.tolist()).difference(self.classes_.tolist()):
            raise InputError(
                f"y holds {', '.join(sorted(map(repr, unknown)))}, not among the classes "
                f"{self.classes!r}; pass classes=(that of no disaster, that of a disaster)"
            )
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Return the probability of each class for each of n texts.

        Returns:
            float32, shape (n, 2), columns in the order of ``classes_``; each row sums to 1.

        Raises:
            InputError: ``X`` is not one column, or holds what is not a ``str``, such as a
                missing value; the message names its index.
            ArtifactError: A file of the model is missing or damaged.
        """
        probabilities = self._probabilities(X)
        disaster_is_last = self.classes_[1] == self.classes[1]
        return probabilities if disaster_is_last else probabilities[:, ::-1]

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the class of each of n texts, as decided by the threshold.

        Returns:
            Values out of ``classes``, shape (n,).

        Raises:
            InputError: As in `predict_proba`, or the threshold is not in [0, 1].
            ArtifactError: As in `predict_proba`.
        """
        from disaster_tweets.classifier import bundled_classifier, check_threshold

        threshold = bundled_classifier().threshold if self.threshold is None else self.threshold
        check_threshold(threshold)
        # In float64, as everywhere: 0.7 is not the same number in float32.
        disaster = self._probabilities(X)[:, 1].astype(np.float64) >= threshold
        decisions: NDArray[Any] = np.where(disaster, self.classes[1], self.classes[0])
        return decisions

    def _probabilities(self, texts: ArrayLike) -> NDArray[np.float32]:
        """Return the probabilities of n texts, shape (n, 2), that of a disaster last."""
        from disaster_tweets.classifier import bundled_classifier

        return bundled_classifier().predict_proba(_column(texts), threads=self.threads)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # on anything but tweets
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags


def _column(texts: ArrayLike) -> NDArray[np.object_]:
    """Return a column of n texts, given with shape (n,) or (n, 1), with shape (n,)."""
    column = np.asarray(texts, dtype=object)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        kind = f"an array of shape {column.shape}" if column.ndim else type(texts).__name__
        raise InputError(f"X must be one column of texts, not {kind}")
    return column
