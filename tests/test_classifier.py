"""The public API of Python: what it takes, what it returns, what it refuses."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets import Classifier, DisasterTweetsError, InputError, Prediction, predict

TEXTS = [
    "A wall of water came down the canyon, two campers are missing",
    "this burrito is the bomb",
    "",
    "🔥 🔥 🔥",
    "grass fire by the motorway " * 40,
    "Evacuate",
]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


class Arrow:
    """A column that, as Arrow's does, yields scalars of its own."""

    def __init__(self, texts: list[str]) -> None:
        self.to_pylist = lambda: texts

    def __iter__(self) -> Any:
        return iter([object()])


class Frame:
    """A table: it iterates over its columns' names."""

    columns = ("text",)

    def __iter__(self) -> Any:
        return iter(self.columns)


class TestPredict:
    @pytest.mark.parametrize("text", TEXTS)
    def test_a_str_gives_one_prediction(self, text: str) -> None:
        prediction = predict(text)

        assert type(prediction) is Prediction
        assert type(prediction.probability) is float
        assert predict([text]) == [prediction]
        assert predict(np.str_(text)) == prediction

    @pytest.mark.parametrize(
        "container",
        [
            list,
            tuple,
            iter,
            lambda texts: dict.fromkeys(texts).keys(),
            lambda texts: (text for text in texts),
            np.array,
            lambda texts: np.array(texts, object),
            Arrow,
        ],
    )
    def test_any_iterable_gives_a_list_in_order(
        self, classifier: Classifier, container: Callable[[list[str]], Iterable[str]]
    ) -> None:
        predictions = predict(container(TEXTS))

        assert type(predictions) is list
        assert predictions == [predict(text) for text in TEXTS]
        assert classifier.predict(container(TEXTS)) == predictions

    @pytest.mark.parametrize("column", ["pandas.Series", "polars.Series", "pyarrow.array"])
    def test_columns(self, column: str) -> None:
        module, _, function = column.partition(".")
        library = pytest.importorskip(module, reason=f"{module} is not a dependency")

        assert predict(getattr(library, function)(TEXTS)) == predict(TEXTS)

    @pytest.mark.parametrize("empty", [[], (), iter([]), np.array([], str)])
    def test_nothing_in_nothing_out(self, empty: Iterable[str]) -> None:
        assert predict(empty) == []

    def test_more_texts_than_are_encoded_at_a_time(self, classifier: Classifier) -> None:
        texts = [TEXTS[i % 3] for i in range(1100)]

        assert predict(texts) == classifier.predict(TEXTS[:3]) * 366 + predict(texts[:2])


class TestErrors:
    @pytest.mark.parametrize("method", ["predict", "predict_proba"])
    @pytest.mark.parametrize(
        ("element", "kind"),
        [
            (None, "missing"),
            (float("nan"), "missing"),
            (np.float64("nan"), "missing"),
            (b"fire", "bytes"),
            (7, "int"),
            (["fire"], "list"),
            (np.array(["fire", "flood"]), "ndarray"),
        ],
    )
    def test_an_element_that_is_no_text_is_named(
        self, classifier: Classifier, method: str, element: object, kind: str
    ) -> None:
        with pytest.raises(InputError, match=rf"^texts\[2\] is {kind}, not str; ") as caught:
            getattr(classifier, method)(["fire", "flood", element, None])

        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, DisasterTweetsError)
        assert len(str(caught.value).splitlines()) == 1

    def test_an_element_that_is_ambiguous_about_equality(self, classifier: Classifier) -> None:
        class Ambiguous:  # as pandas.NA is
            def __ne__(self, other: object) -> bool:
                raise TypeError("boolean value of NA is ambiguous")

        with pytest.raises(InputError, match=r"^texts\[0\] is "):
            classifier.predict([Ambiguous()])  # type: ignore[list-item]

    @pytest.mark.parametrize(
        ("texts", "kind"),
        [
            ({"text": "fire"}, "dict"),
            (Frame(), "Frame"),
            (b"fire", "bytes"),
            (bytearray(b"fire"), "bytearray"),
            (7, "int"),
            (None, "NoneType"),
            (np.array("fire"), "ndarray"),
        ],
    )
    @pytest.mark.parametrize("method", ["predict", "predict_proba"])
    def test_what_is_no_column_of_text_is_named(
        self, classifier: Classifier, method: str, texts: Any, kind: str
    ) -> None:
        with pytest.raises(InputError, match=rf"^texts must be .*, not {kind}"):
            getattr(classifier, method)(texts)

    def test_probabilities_of_a_bare_str(self, classifier: Classifier) -> None:
        with pytest.raises(InputError, match=r"not a str; pass \[text\]$"):
            classifier.predict_proba("fire")

    @pytest.mark.parametrize("error", [TypeError("of the caller"), ValueError("of the caller")])
    def test_an_error_in_the_callers_generator_is_the_callers(self, error: Exception) -> None:
        def texts() -> Iterable[str]:
            yield "fire"
            raise error

        with pytest.raises(type(error), match=r"^of the caller$"):
            predict(texts())


class TestPrediction:
    def test_it_is_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            predict("fire").probability = 1.0  # type: ignore[misc]

    def test_it_is_a_value(self) -> None:
        prediction = Prediction("disaster", 0.98765)

        assert float(prediction) == 0.98765
        assert repr(prediction) == "Prediction(label='disaster', probability=0.9877)"
        assert prediction == Prediction(label="disaster", probability=0.98765)
        assert prediction != Prediction("not_disaster", 0.98765)
        assert len({prediction, Prediction("disaster", 0.98765)}) == 1
        assert pickle.loads(pickle.dumps(prediction)) == prediction


class TestThreshold:
    def test_the_models_own_is_the_default(
        self, classifier: Classifier, manifest: dict[str, Any]
    ) -> None:
        assert classifier.threshold == manifest["threshold"]
        assert Classifier.load(threshold=None).threshold == manifest["threshold"]

    @pytest.mark.parametrize("number", [float, np.float64, np.float32])
    def test_it_is_a_disaster_from_the_threshold_on(
        self, classifier: Classifier, number: Callable[[float], float]
    ) -> None:
        scores = sorted({p.probability for p in classifier.predict(TEXTS)})
        assert len(scores) > 3
        # The scores themselves are float32: each type of threshold holds them exactly.
        for threshold in (0, *scores, 1):
            decided = Classifier.load(threshold=number(threshold)).predict(TEXTS)
            assert {p.probability for p in decided} == set(scores)
            for prediction in decided:
                reached = prediction.probability >= threshold
                assert prediction.label == ("disaster" if reached else "not_disaster")

    def test_a_threshold_between_two_float32_is_not_rounded(self) -> None:
        prediction = predict(TEXTS[0])
        above = np.nextafter(prediction.probability, 1).item()

        assert np.float32(above) == prediction.probability
        assert Classifier.load(threshold=above).predict(TEXTS[0]).label == "not_disaster"

    @pytest.mark.parametrize(
        "threshold", [-0.1, 1.1, float("nan"), float("inf"), "0.5", True, [0.5], None]
    )
    def test_anything_else_is_refused(self, threshold: Any) -> None:
        refusal = r"^threshold must be a number from 0 to 1, not "
        if threshold is not None:  # which stands for the model's own
            with pytest.raises(InputError, match=refusal):
                Classifier.load(threshold=threshold)
        classifier = Classifier.load(threshold=0.4)
        with pytest.raises(InputError, match=refusal):
            classifier.threshold = threshold
        assert classifier.threshold == 0.4

    def test_it_can_be_set(self) -> None:
        classifier = Classifier.load()
        classifier.threshold = np.float32(0)

        assert type(classifier.threshold) is float
        assert {p.label for p in classifier.predict(TEXTS)} == {"disaster"}
        assert pickle.loads(pickle.dumps(classifier)).threshold == 0


class TestProbabilities:
    @pytest.mark.parametrize("n", [0, 1, len(TEXTS)])
    def test_type_and_shape(self, classifier: Classifier, n: int) -> None:
        probabilities = classifier.predict_proba(iter(TEXTS[:n]))

        assert type(probabilities) is np.ndarray
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (n, 2)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=2e-7)

    def test_columns_are_the_classes(self, classifier: Classifier) -> None:
        assert classifier.classes_ == ("not_disaster", "disaster")
        positive = classifier.predict_proba(TEXTS)[:, classifier.classes_.index("disaster")]
        assert positive.tolist() == [p.probability for p in classifier.predict(TEXTS)]

    def test_the_manifest_is_the_models(
        self, classifier: Classifier, manifest: dict[str, Any]
    ) -> None:
        assert classifier.manifest == manifest
        assert manifest["model_version"] in repr(classifier)

    @settings(deadline=None, max_examples=80)
    @given(st.text(st.characters(categories=None), max_size=400))
    def test_any_text_has_a_probability(self, text: str) -> None:
        assert 0 <= predict(text).probability <= 1

    @pytest.mark.parametrize(
        "text",
        ["🔥" * 50, "fire " * 20_000, "a" * 100_000, "火" * 100_000, "&#" * 50_000, "\udcff"],
    )
    def test_unusual_texts(self, text: str) -> None:
        assert 0 <= predict(text).probability <= 1
