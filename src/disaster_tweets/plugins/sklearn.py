"""The classifier as an estimator of scikit-learn, fitted from the start.

`disaster_tweets.plugins.contract.TextClassifier` predicts likewise and needs no scikit-learn,
but cannot be cloned, configured or fitted, and does not sort its classes.
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
    """The model in this package, as a classifier that needs no fit and learns nothing in one.

    Wherever ``X`` stands, it is one column of n texts: any sequence of ``str`` or, as
    selectors of columns give it, a frame or an array of shape (n, 1).

    Args:
        classes: What ``y`` calls the labels, in the order of the model's own: ``(0, 1)``, for
            example. None stands for the model's own.
        threshold: Of two labels, `predict` gives the second from this probability on, in
            [0, 1]; None stands for the model's own. With more labels there is none.
    """

    def __init__(
        self,
        *,
        classes: Sequence[Any] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.classes = classes
        self.threshold = threshold

    @property
    def classes_(self) -> NDArray[Any]:
        """The k classes, shape (k,), sorted as scikit-learn has them, not as the model does.

        Raises:
            InputError: ``classes`` are not as many as the labels, or not all different.
        """
        return np.sort(self._names())

    def fit(self, X: ArrayLike, y: ArrayLike) -> DisasterTweetsClassifier:  # noqa: N803
        """Check the shape of the data, and change nothing.

        Raises:
            InputError: ``X`` is not one column, or ``y`` holds what is not in ``classes``.
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
            float32, shape (n, k), columns in the order of ``classes_``; each row sums to 1.

        Raises:
            InputError: ``X`` is not one column, or holds what is not a ``str``, such as a
                missing value; the message names its index.
            ArtifactError: A file of the model is missing or damaged.
        """
        return self._probabilities(X)[:, np.argsort(self._names())]

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the class of each of n texts.

        Of two classes the threshold decides, of more the largest probability.

        Returns:
            Values out of ``classes``, shape (n,).

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
        """Return what ``y`` calls the labels, shape (k,), in the order of the model's own."""
        labels = _labels()
        names = np.array(labels if self.classes is None else self.classes)
        if names.shape != (len(labels),) or len(np.unique(names)) < len(labels):
            raise InputError(
                f"classes must be {len(labels)} different ones, what y calls "
                f"{', '.join(labels)}, not {self.classes!r}"
            )
        return names

    def _probabilities(self, texts: ArrayLike) -> NDArray[np.float32]:
        """Return the probabilities of n texts, shape (n, k), in the order of the labels."""
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
    """Return a column of n texts, given with shape (n,) or (n, 1), with shape (n,)."""
    column = np.asarray(texts, dtype=object)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        kind = f"an array of shape {column.shape}" if column.ndim else type(texts).__name__
        raise InputError(f"X must be one column of texts, not {kind}")
    return column
