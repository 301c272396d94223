"""The classifier: text in, probability and label out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from disaster_tweets import bundle
from disaster_tweets.calibration import calibrate
from disaster_tweets.encoding import Encoding
from disaster_tweets.errors import InputError
from disaster_tweets.once import once
from disaster_tweets.prediction import Prediction, decide, shown_probabilities

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from disaster_tweets.explanation import Explanation
    from disaster_tweets.manifest import Manifest
    from disaster_tweets.topic import Label

Progress = Callable[[int], object]  # given the number of texts scored since the last call

# NumPy and the runtime are imported where a model is loaded, not with this module.

# Texts that are scored at a time. The more, the more there are of one length, which is faster;
# the fewer, the sooner an interrupt is heard.
_CHUNK = 1024


class Classifier:
    """A trained model, ready to score texts.

    The score of a text depends on that text alone. Instances are safe to share between
    threads, survive a fork, and can be pickled: the other side loads the model again.

    Attributes:
        classes_: The labels, in the order of the columns of `predict_proba`. Of two, the second
            is the positive one.
        manifest: What is known of the model: version, metrics, hashes and origin.
    """

    def __init__(self, path: str | os.PathLike[str] | None, threshold: float | None) -> None:
        """Use `load`, which documents the arguments."""
        from disaster_tweets.runtime import open_model

        # In full, as copies in other processes are made later on, when the current folder may
        # be another one.
        self._path = None if path is None else str(Path(path).resolve())
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
        cls, path: str | os.PathLike[str] | None = None, *, threshold: float | None = None
    ) -> Classifier:
        """Load a model whose files are intact.

        Args:
            path: A folder with manifest.json and the files that it names; the model in this
                package if None.
            threshold: Replaces the model's own threshold; in [0, 1]. For two labels only.

        Raises:
            ArtifactError: A file is missing, truncated or altered; the message names it.
            InputError: The threshold is not a number in [0, 1], or there are more labels.
        """
        if threshold is not None:
            check_threshold(threshold)  # before the model is read, which takes longer
        return cls(path, threshold)

    @property
    def threshold(self) -> float:
        """The probability from which on a text gets the second of two labels, in [0, 1].

        Raises:
            InputError: There are more labels, of which the most probable one wins; or it is set
                to what is not a number in [0, 1].
        """
        if self._threshold is None:
            raise InputError(self._no_threshold())
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._threshold = self._checked(value)

    def _checked(self, threshold: float) -> float:
        """Return a threshold; InputError where it is none, or where there is none."""
        check_threshold(threshold)
        if self._threshold is None:
            raise InputError(self._no_threshold())
        return float(threshold)

    def _no_threshold(self) -> str:
        return (
            f"a threshold needs two labels, and there are {len(self.classes_)}, of which the "
            "most probable one is predicted; leave the threshold out"
        )

    @overload
    def predict(  # type: ignore[overload-overlap]
        self, texts: str, *, progress: Progress | None = None
    ) -> Prediction: ...
    @overload
    def predict(
        self, texts: Iterable[str], *, progress: Progress | None = None
    ) -> list[Prediction]: ...
    def predict(
        self, texts: str | Iterable[str], *, progress: Progress | None = None
    ) -> Prediction | list[Prediction]:
        """Classify one text or many.

        Args:
            texts: A ``str``, or an iterable of them: a list, a generator, a NumPy array, a
                pandas, Polars or Arrow column.
            progress: As for `predict_proba`.

        Returns:
            One `Prediction` for a ``str``, else a list of them in the order of ``texts``.

        Raises:
            InputError: An element is not a ``str``; the message names its index.
        """
        if isinstance(texts, str):
            return self._predictions(self._proba([texts], progress))[0]
        return self._predictions(self.predict_proba(texts, progress=progress))

    def _predictions(self, probabilities: npt.NDArray[np.float32]) -> list[Prediction]:
        decided = self._decide(probabilities)
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

    def predict_proba(
        self, texts: Iterable[str], *, progress: Progress | None = None
    ) -> npt.NDArray[np.float32]:
        """Return the probability of each class for each text.

        Args:
            texts: An iterable of ``str``.
            progress: Called as the work proceeds with the number of texts scored since the last
                call: what the ``update`` of a tqdm bar takes. What it raises ends the work.

        Returns:
            float32 (n, k), a column for each of the k labels in the order of ``classes_``; rows
            sum to 1.

        Raises:
            InputError: ``texts`` is a single ``str``, or an element is not a ``str``.
        """
        if isinstance(texts, str):
            raise InputError("texts must be an iterable of str, not a str; pass [text]")
        return self._proba(_check(texts), progress)

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
        """Say which words of a text carried the decision.

        Each word is left out in turn: its weight is the probability of the text, less that
        of the text without it. With two labels that is the probability of the second one, with
        more that of the label that the text gets. It takes as many scores as the model reads
        words, and one more; what the model does not read weighs 0.

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
        """Return the probability and the label of each text, and whether the text is cut.

        The meaning is that of `Prediction`.
        """
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
        """Say whether a text is longer than the model reads."""
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
def predict(texts: str) -> Prediction: ...  # type: ignore[overload-overlap]
@overload
def predict(texts: Iterable[str]) -> list[Prediction]: ...
def predict(texts: str | Iterable[str]) -> Prediction | list[Prediction]:
    """Classify one text or many.

    The first call loads the model that the package carries; later ones reuse it.

    Args:
        texts: A ``str``, or any iterable of them.

    Returns:
        One `Prediction` for a ``str``, else a list of them in the order of ``texts``.

    Raises:
        InputError: An element is not a ``str``; the message names its index.
        ArtifactError: A file of the installed model is missing or altered.

    >>> 0 <= predict("It rained all night").probability <= 1
    True
    """
    return bundled_classifier().predict(texts)


def check_threshold(value: object) -> None:
    """Raise InputError unless ``value`` is a number in [0, 1]."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) <= 1:
        raise InputError(f"threshold must be a number from 0 to 1, not {value!r}")


def _check(texts: Iterable[str]) -> list[str]:
    """Return ``texts`` as a list of ``str``; raise InputError naming what is not one."""
    if isinstance(texts, bytes | bytearray | Mapping) or hasattr(texts, "columns"):
        kind = type(texts).__name__
        raise InputError(
            f"texts must be an iterable of str, not {kind}; pass one column of text"
        )
    if hasattr(texts, "to_pylist"):  # Arrow yields scalars of its own
        texts = texts.to_pylist()
    try:
        iterator = iter(texts)
    except TypeError:
        kind = type(texts).__name__
        raise InputError(f"texts must be a str or an iterable of str, not {kind}") from None
    checked = list(iterator)
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            missing = text is None or (isinstance(text, float) and text != text)
            raise InputError(
                f"texts[{index}] is {'missing' if missing else type(text).__name__}, not str; "
                "drop or fill missing texts and convert the others with str()"
            )
    return checked
