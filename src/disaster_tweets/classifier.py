"""The classifier: it gives texts a probability and a label."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, overload

from disaster_tweets import bundle
from disaster_tweets.calibration import calibrate
from disaster_tweets.encoding import Encoding
from disaster_tweets.errors import InputError
from disaster_tweets.manifest import number_of_threshold
from disaster_tweets.once import once
from disaster_tweets.prediction import Prediction, decide, shown_probabilities

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from disaster_tweets.explanation import Explanation
    from disaster_tweets.manifest import Manifest
    from disaster_tweets.topic import Label

Progress = Callable[[int], object]  # given the number of texts scored since the last call
Missing = Literal["error", "none"]

# NumPy and the runtime are imported where a model is loaded, not with this module.

# The number of texts scored at a time. Large chunks are faster, as more texts have one length.
# Small ones react sooner to an interrupt.
_CHUNK = 1024


class Classifier:
    """A trained model, ready to score texts.

    The score of a text depends on that text alone. Instances are safe to share between
    threads and survive a fork. They can be pickled: unpickling loads the model again.

    Attributes:
        classes_: The k labels, in the model's own order. The columns of `predict_proba` are in
            this order too. Of two labels, the second is the positive one.
        manifest: The content of manifest.json: the model's version, metrics, hashes and origin.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, threshold: float | str | None
    ) -> None:
        """Use `load`, which documents the arguments."""
        from disaster_tweets.runtime import open_model

        # The full path: a copy in another process may load when the current folder is another.
        self._path = bundle.full_path(path)
        files = bundle.read(bundle.open_folder(self._path))
        self.manifest: Manifest = files.manifest
        self.classes_: tuple[Label, ...] = tuple(files.manifest["labels"])
        self._threshold: float | None = files.manifest["threshold"]
        if threshold is not None:
            self.threshold = threshold
        self._encoding = Encoding(
            files.manifest["reads"], files.vocabulary, files.manifest["max_tokens"]
        )
        self._calibration: dict[str, Any] = files.manifest["calibration"]
        self._calibration_table = files.calibration
        self._runtime = open_model(files.manifest["kind"], files.model)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, *, threshold: float | str | None = None
    ) -> Classifier:
        """Load a model, and check that its files are intact.

        Args:
            path: A folder with manifest.json and the files that it names. None loads the model
                in this package.
            threshold: Replaces the model's own threshold: a number in [0, 1], or a name in
                ``manifest["thresholds"]``, such as "recall". For two labels only.

        Raises:
            ArtifactError: The folder or a file is missing, truncated or altered. The message
                names it.
            InputError: The path is empty or no path. Or the threshold is neither a number in
                [0, 1] nor a name, or there are more than two labels.
        """
        return cls(path, threshold)

    @property
    def threshold(self) -> float:
        """The probability in [0, 1] from which on a text gets the second of two labels.

        It can be set, to a number or a name. The argument ``threshold`` of `predict` changes
        one call only.

        Raises:
            InputError: There are more than two labels, of which the most probable one wins. Or
                the new value is neither a number in [0, 1] nor a name.
        """
        if self._threshold is None:
            raise InputError(self._no_threshold())
        return self._threshold

    @threshold.setter
    def threshold(self, value: float | str) -> None:
        self._threshold = self._checked(value)

    def _checked(self, threshold: float | str) -> float:
        """Return a threshold as a float.

        Raises:
            InputError: It is neither a number in [0, 1] nor a name, or there are more than two
                labels.
        """
        found = number_of_threshold(threshold, self.manifest)
        if self._threshold is None:
            raise InputError(self._no_threshold())
        return found

    def _no_threshold(self) -> str:
        return (
            f"a threshold needs two labels, and there are {len(self.classes_)}, of which the "
            "most probable one is predicted; leave the threshold out"
        )

    @overload
    def predict(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        threshold: float | str | None = None,
        missing: Missing = "error",
        progress: Progress | None = None,
    ) -> Prediction: ...
    @overload
    def predict(
        self,
        texts: Iterable[str],
        *,
        threshold: float | str | None = None,
        missing: Literal["error"] = "error",
        progress: Progress | None = None,
    ) -> list[Prediction]: ...
    @overload
    def predict(
        self,
        texts: Iterable[str | float | None],
        *,
        threshold: float | str | None = None,
        missing: Literal["none"],
        progress: Progress | None = None,
    ) -> list[Prediction | None]: ...
    def predict(
        self,
        texts: str | Iterable[str | float | None],
        *,
        threshold: float | str | None = None,
        missing: Missing = "error",
        progress: Progress | None = None,
    ) -> Prediction | list[Prediction] | list[Prediction | None]:
        """Classify one text or many.

        The answers are `Prediction` objects. The scikit-learn adapter and the plugin contract
        have a ``predict`` too, which returns an array of labels.

        Args:
            texts: A ``str``, or an iterable of them: a list, a generator, a NumPy array, a
                pandas, Polars or Arrow column.
            threshold: Replaces `threshold` in this call: a number in [0, 1], or a name in
                ``manifest["thresholds"]``, such as "recall". For two labels only.
            missing: What a missing text gives, that is None, NaN, NaT, pandas' NA, or a masked
                value of NumPy: ``"error"`` raises, ``"none"`` gives None in its place.
            progress: As for `predict_proba`.

        Returns:
            One `Prediction` for a ``str``, else a list in the order of ``texts``.

        Raises:
            InputError: An element is not a ``str``. The message names its index. Or an argument
                has a value that it cannot have.
        """
        at = self._threshold if threshold is None else self._checked(threshold)
        _check_missing(missing)
        if isinstance(texts, str):
            return self._predictions(self._proba([texts], progress), at)[0]
        given = _check(texts, missing)
        present = [text for text in given if text is not None]
        predictions = self._predictions(self._proba(present, progress), at)
        if len(present) == len(given):
            return predictions
        following = iter(predictions)
        return [None if text is None else next(following) for text in given]

    def _predictions(
        self, probabilities: npt.NDArray[np.float32], threshold: float | None
    ) -> list[Prediction]:
        decided = decide(probabilities, threshold)
        shown = shown_probabilities(probabilities, decided)
        labels = self.classes_
        return [
            Prediction(labels[index], probability, dict(zip(labels, row, strict=True)))
            for index, probability, row in zip(
                decided.tolist(), shown.tolist(), probabilities.tolist(), strict=True
            )
        ]

    def _decide(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
        return decide(probabilities, self._threshold)

    @overload
    def predict_proba(
        self,
        texts: Iterable[str],
        *,
        missing: Literal["error"] = "error",
        progress: Progress | None = None,
    ) -> npt.NDArray[np.float32]: ...
    @overload
    def predict_proba(
        self,
        texts: Iterable[str | float | None],
        *,
        missing: Literal["none"],
        progress: Progress | None = None,
    ) -> npt.NDArray[np.float32]: ...
    def predict_proba(
        self,
        texts: Iterable[str | float | None],
        *,
        missing: Missing = "error",
        progress: Progress | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return the probability of each class for each of n texts.

        Args:
            texts: An iterable of n ``str``.
            missing: As for `predict`; ``"none"`` gives a row of NaN.
            progress: Called as the work proceeds, with the number of texts scored since the
                last call, as the ``update`` of a tqdm bar takes it. Missing texts are not
                counted. An exception that it raises ends the work.

        Returns:
            float32, shape (n, k). The columns are in the order of ``classes_``, which is the
            model's own. The scikit-learn adapter sorts them instead. Rows sum to 1.

        Raises:
            InputError: ``texts`` is a single ``str``, or an element is not a ``str``. Or
                ``missing`` has another value.
        """
        _check_missing(missing)
        given = _check(texts, missing)
        present = [text for text in given if text is not None]
        scored = self._proba(present, progress)
        if len(present) == len(given):
            return scored
        import numpy as np

        probabilities = np.full((len(given), scored.shape[1]), np.nan, np.float32)
        probabilities[[text is not None for text in given]] = scored
        return probabilities

    def _proba(self, texts: list[str], progress: Progress | None) -> npt.NDArray[np.float32]:
        import numpy as np

        parts = []
        for start in range(0, max(len(texts), 1), _CHUNK):
            encoded = list(map(self._encoding.encode, texts[start : start + _CHUNK]))
            parts.append(self._calibrated(self._runtime.logits(encoded)))
            if progress is not None and encoded:
                progress(len(encoded))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _calibrated(self, logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        return calibrate(logits, self._calibration, self._calibration_table)

    def explain(self, text: str) -> Explanation:
        """Return the weight of each word of a text in its prediction.

        Each word is left out in turn. Its weight is the probability of the text, less that of
        the text without the word. With two labels, the probability is that of the second one.
        With more, it is that of the label that the text gets. The number of scores is that of
        the words that the model reads, and one more. Other words weigh 0.

        Raises:
            InputError: ``text`` is not a ``str``.
        """
        from disaster_tweets.explanation import explain

        if not isinstance(text, str):
            raise InputError(f"text must be a str, not {type(text).__name__}")
        encode = self._encoding.encode
        frame = len(encode(""))  # the marks of the start and of the end
        return explain(
            text,
            self.predict,
            lambda word: len(encode(word)) - frame,
            self._encoding.max_tokens - frame,
            self.classes_,
        )

    def _score(self, texts: list[str]) -> tuple[list[float], list[Label], list[bool]]:
        """Return each text's probability and label, as in `Prediction`, and if it is cut."""
        longer = self._encoding.max_tokens + 1
        encoded = [self._encoding.encode(text, longer) for text in texts]
        cut = [len(ids) == longer for ids in encoded]
        for ids, is_cut in zip(encoded, cut, strict=True):
            if is_cut:
                del ids[-2]  # the piece that the model does not read
        probabilities = self._calibrated(self._runtime.logits(encoded))
        decided = self._decide(probabilities)
        labels = [self.classes_[index] for index in decided.tolist()]
        return shown_probabilities(probabilities, decided).tolist(), labels, cut

    def _is_cut(self, text: str) -> bool:
        """Return whether a text is longer than the model reads."""
        room = self._encoding.max_tokens - 2  # the marks of the start and of the end
        # A piece of ASCII text has a character at least. A Hangul syllable may be three pieces.
        if text.isascii() and len(text) - text.count(" ") <= room:
            return False
        longer = self._encoding.max_tokens + 1  # where there is one piece more, the text is cut
        return len(self._encoding.encode(text, longer)) == longer

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._path, self._threshold)

    def __repr__(self) -> str:
        version = self.manifest["model_version"]
        if self._threshold is None:
            return f"Classifier(model_version={version!r}, labels={len(self.classes_)})"
        return f"Classifier(model_version={version!r}, threshold={self._threshold})"


@once
def bundled_classifier() -> Classifier:
    """Return the classifier in this package: in one process the same object at each call.

    Raises:
        ArtifactError: A file of the model is missing or altered.
    """
    return Classifier.load()


@overload
def predict(  # type: ignore[overload-overlap]
    texts: str, *, threshold: float | str | None = None, missing: Missing = "error"
) -> Prediction: ...
@overload
def predict(
    texts: Iterable[str],
    *,
    threshold: float | str | None = None,
    missing: Literal["error"] = "error",
) -> list[Prediction]: ...
@overload
def predict(
    texts: Iterable[str | float | None],
    *,
    threshold: float | str | None = None,
    missing: Literal["none"],
) -> list[Prediction | None]: ...
def predict(
    texts: Any, *, threshold: float | str | None = None, missing: Any = "error"
) -> Prediction | list[Prediction] | list[Prediction | None]:
    """Classify one text or many.

    The first call loads the model in this package. Later calls reuse it.

    Args:
        texts: A ``str``, or any iterable of them.
        threshold: With two labels, a text gets the second one from this probability on, in
            [0, 1]. The name "recall" stands for a lower threshold, which misses fewer texts.
            None stands for the model's own threshold.
        missing: What a missing text gives, that is None, NaN, NaT, pandas' NA, or a masked
            value of NumPy: ``"error"`` raises, ``"none"`` gives None in its place.

    Returns:
        One `Prediction` for a ``str``, else a list in the order of ``texts``.

    Raises:
        InputError: An element is not a ``str``. The message names its index. Or the threshold
            is neither in [0, 1] nor a name, or there are more than two labels and so no
            threshold. Or ``missing`` has another value.
        ArtifactError: A file of the installed model is missing or altered.

    >>> 0 <= predict("It rained all night").probability <= 1
    True
    >>> predict(["It rained all night", None], missing="none")[1] is None
    True
    """
    found: Prediction | list[Prediction] | list[Prediction | None]
    found = bundled_classifier().predict(texts, threshold=threshold, missing=missing)
    return found


def is_missing(value: Any) -> bool:
    """Return whether a value stands for a missing text: None, NaN, NaT, NA or a masked value.

    NumPy and pandas need not be installed: their types are known by name.
    """
    kind = type(value).__name__
    return (
        value is None
        or kind in ("NAType", "NaTType", "MaskedConstant")
        or (kind == "Decimal" and value.is_nan())  # a signaling NaN cannot be compared
        # NumPy's float32 is no float, and its timedelta64 is a number.
        or ((isinstance(value, Real) or kind == "datetime64") and bool(value != value))
    )


def _check_missing(value: object) -> None:
    if not isinstance(value, str) or value not in ("error", "none"):
        raise InputError(f"missing must be 'error' or 'none', not {value!r}")


def as_list(texts: Iterable[Any]) -> list[Any]:
    """Return the elements of a column of texts, whatever they are.

    Raises:
        InputError: ``texts`` is no column: a single text, a table, a mapping, or no iterable.
    """
    kind = type(texts)
    if isinstance(texts, str):
        raise InputError("texts must be an iterable of str, not a str; pass [text]")
    if isinstance(texts, bytes | bytearray | memoryview):
        raise InputError(
            f"texts must be a str or an iterable of str, not {kind.__name__}; decode it"
        )
    # The class is asked, because a pandas Series has its labels as attributes.
    if isinstance(texts, Mapping) or hasattr(kind, "columns"):
        raise InputError(
            f"texts must be an iterable of str, not {kind.__name__}; pass one column of text"
        )
    if hasattr(texts, "to_pylist"):  # Arrow yields scalars of its own
        texts = texts.to_pylist()
    try:
        iterator = iter(texts)
    except TypeError:
        raise InputError(
            f"texts must be a str or an iterable of str, not {kind.__name__}"
        ) from None
    return list(iterator)


def _check(texts: Iterable[object], missing: Missing) -> list[str | None]:
    """Return ``texts`` as a list of ``str``, with None where a missing one is allowed.

    Raises:
        InputError: ``texts`` is no column, or an element is something else. The message names
            its index.
    """
    checked = as_list(texts)
    for index, text in enumerate(checked):
        if isinstance(text, str):
            continue
        if not is_missing(text):
            raise InputError(
                f"texts[{index}] is {type(text).__name__}, not str; {_remedy(text)}"
            )
        if missing == "error":
            raise InputError(
                f"texts[{index}] is missing, not str; drop or fill missing texts, or let "
                'predict() give None for them with missing="none"'
            )
        checked[index] = None
    return checked


def _remedy(value: object) -> str:
    """Return how to make a text of a value. The str() of some would be scored as a text."""
    if isinstance(value, bytes | bytearray | memoryview):
        return "decode it"
    if isinstance(value, Iterable):
        return "pass each text as one str"
    return "convert it with str()"
