"""The public Python API: arguments, results and errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import FrozenInstanceError
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Classifier, DisasterTweetsError, InputError, Prediction, predict
from disaster_tweets.plugins.column import score
from disaster_tweets.topic import EXAMPLES, LABELS

from .conftest import two_labels

TEXTS = [
    "The parcel was late, and two of the cups are missing",
    "this burrito is the best",
    "",
    "🎂 🎂 🎂",
    "apple pie by the window " * 40,
    "Decorate",
    *EXAMPLES,
]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module", params=["the topic's", "four"])
def either(request: pytest.FixtureRequest, four_labels: Path) -> Classifier:
    """The classifier of the topic, and one with four labels."""
    return Classifier.load(four_labels if request.param == "four" else None)


class Arrow:
    """A column that yields scalar objects, as Arrow's does."""

    def __init__(self, texts: list[str | None]) -> None:
        self.to_pylist = lambda: texts

    def __iter__(self) -> Any:
        return iter([object()])


class Frame:
    """A table, which iterates over the names of its columns."""

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


class TestErrors:
    @pytest.mark.parametrize("method", ["predict", "predict_proba"])
    @pytest.mark.parametrize(
        ("element", "kind", "remedy"),
        [
            (None, "missing", 'missing="none"'),
            (float("nan"), "missing", 'missing="none"'),
            (np.float64("nan"), "missing", 'missing="none"'),
            (b"cake", "bytes", "; decode it"),
            (7, "int", "; convert it with str()"),
            (Decimal(7), "Decimal", "; convert it with str()"),
            (np.datetime64(7, "D"), "datetime64", "; convert it with str()"),
            (["cake"], "list", "; pass each text as one str"),
            (np.array(["cake", "tea"]), "ndarray", "; pass each text as one str"),
        ],
    )
    def test_an_element_that_is_no_text_is_named(
        self, classifier: Classifier, method: str, element: object, kind: str, remedy: str
    ) -> None:
        for missing in ("error", "none") if kind != "missing" else ("error",):
            with pytest.raises(InputError, match=rf"^texts\[2\] is {kind}, not ") as caught:
                getattr(classifier, method)(["cake", "tea", element, None], missing=missing)

            assert str(caught.value).endswith(remedy)
            assert isinstance(caught.value, TypeError)
            assert isinstance(caught.value, DisasterTweetsError)
            assert len(str(caught.value).splitlines()) == 1

    def test_an_element_that_is_ambiguous_about_equality(self, classifier: Classifier) -> None:
        class Ambiguous:  # like pandas.NA
            def __ne__(self, other: object) -> bool:
                raise TypeError("boolean value of NA is ambiguous")

        with pytest.raises(InputError, match=r"^texts\[0\] is "):
            classifier.predict([Ambiguous()])  # type: ignore[list-item]

    @pytest.mark.parametrize(
        ("texts", "kind"),
        [
            ({"text": "cake"}, "dict"),
            (Frame(), "Frame"),
            (b"cake", "bytes"),
            (bytearray(b"cake"), "bytearray"),
            (7, "int"),
            (None, "NoneType"),
            (np.array("cake"), "ndarray"),
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
            classifier.predict_proba("cake")

    @pytest.mark.parametrize("error", [TypeError("of the caller"), ValueError("of the caller")])
    def test_an_error_in_the_callers_generator_is_the_callers(self, error: Exception) -> None:
        def texts() -> Iterable[str]:
            yield "cake"
            raise error

        with pytest.raises(type(error), match=r"^of the caller$"):
            predict(texts())


class TestPrediction:
    def test_it_is_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            predict("cake").probability = 1.0  # type: ignore[misc]

    def test_it_is_a_value(self) -> None:
        first, second = LABELS[:2]
        prediction = Prediction(second, 0.98765, {first: 0.01235, second: 0.98765})

        assert float(prediction) == 0.98765
        assert repr(prediction) == f"Prediction(label={second!r}, probability=0.9877)"
        assert prediction == Prediction(label=second, probability=0.98765)
        assert prediction != Prediction(first, 0.98765)
        assert len({prediction, Prediction(second, 0.98765)}) == 1
        assert pickle.loads(pickle.dumps(prediction)) == prediction

    def test_it_has_the_probability_of_each_label(self, either: Classifier) -> None:
        rows = either.predict_proba(TEXTS).tolist()
        for prediction, row in zip(either.predict(TEXTS), rows, strict=True):
            assert tuple(prediction.probabilities) == either.classes_
            assert list(prediction.probabilities.values()) == row
            assert all(type(p) is float for p in row)
            pickled = pickle.loads(pickle.dumps(prediction))
            assert pickled.probabilities == prediction.probabilities


class TestThreshold:
    @two_labels
    def test_the_models_own_is_the_default(
        self, classifier: Classifier, manifest: dict[str, Any]
    ) -> None:
        assert classifier.threshold == manifest["threshold"]
        assert Classifier.load(threshold=None).threshold == manifest["threshold"]
        assert repr(manifest["threshold"]) in repr(classifier)

    @two_labels
    @pytest.mark.parametrize("number", [float, np.float64, np.float32])
    def test_the_second_label_begins_at_the_threshold(
        self, classifier: Classifier, number: Callable[[float], float]
    ) -> None:
        scores = sorted({p.probability for p in classifier.predict(TEXTS)})
        assert len(scores) > 3
        # Scores are float32, so each type of threshold can hold them exactly.
        for threshold in (0, *scores, 1):
            decided = Classifier.load(threshold=number(threshold)).predict(TEXTS)
            assert {p.probability for p in decided} == set(scores)
            for prediction in decided:
                assert prediction.label == LABELS[prediction.probability >= threshold]

    @two_labels
    def test_a_threshold_between_two_float32_is_not_rounded(self) -> None:
        prediction = predict(TEXTS[0])
        above = np.nextafter(prediction.probability, 1).item()

        assert np.float32(above) == prediction.probability
        assert Classifier.load(threshold=above).predict(TEXTS[0]).label == LABELS[0]

    @two_labels
    @pytest.mark.parametrize(
        "threshold",
        [-0.1, 1.1, float("nan"), float("inf"), 10**400, "0.5", True, [0.5], np.eye(9), None],
    )
    def test_anything_else_is_refused(self, threshold: Any) -> None:
        refusal = r"^threshold must be a number from 0 to 1( or 'recall')?, not .{1,60}$"
        if threshold is not None:  # None is the model's own threshold
            with pytest.raises(InputError, match=refusal):
                Classifier.load(threshold=threshold)
        classifier = Classifier.load(threshold=0.4)
        with pytest.raises(InputError, match=refusal):
            classifier.threshold = threshold
        assert classifier.threshold == 0.4
        texts = iter(TEXTS)
        if threshold is not None:
            with pytest.raises(InputError, match=refusal):
                predict(texts, threshold=threshold)
        assert next(texts) == TEXTS[0]  # it is refused before a text is read

    @two_labels
    def test_it_can_be_set(self) -> None:
        classifier = Classifier.load()
        classifier.threshold = np.float32(0)

        assert type(classifier.threshold) is float
        for of_one_call in ({}, {"threshold": None}):
            assert {p.label for p in classifier.predict(TEXTS, **of_one_call)} == {LABELS[1]}
        assert pickle.loads(pickle.dumps(classifier)).threshold == 0


class TestThresholdOfOneCall:
    @two_labels
    def test_it_decides_as_one_that_is_loaded(self, classifier: Classifier) -> None:
        own = classifier.threshold
        for threshold in (0, np.float32(predict(TEXTS[0]).probability), 1):
            expected = Classifier.load(threshold=threshold).predict(TEXTS)
            assert predict(TEXTS, threshold=threshold) == expected
            assert classifier.predict(iter(TEXTS), threshold=threshold) == expected
            assert predict(TEXTS[0], threshold=threshold) == expected[0]
        # The classifier forgets the call afterwards.
        assert classifier.threshold == own
        assert predict(TEXTS) == classifier.predict(TEXTS) == Classifier.load().predict(TEXTS)

    @two_labels
    def test_it_may_be_named(self, manifest: dict[str, Any]) -> None:
        for name, threshold in manifest["thresholds"].items():
            expected = predict(TEXTS, threshold=threshold)
            assert predict(TEXTS, threshold=name) == expected
            assert Classifier.load(threshold=name).predict(TEXTS) == expected
        assert 0 < manifest["thresholds"]["recall"] <= manifest["threshold"]

    @pytest.mark.usefixtures("four_labels_installed")
    @pytest.mark.parametrize("texts", ["cake", ["cake"], []])
    def test_more_labels_have_none(self, texts: Any) -> None:
        refusal = "^a threshold needs two labels, and there are 4, of which the most probable "
        with pytest.raises(InputError, match=refusal):
            predict(texts, threshold=0.5)
        predict(texts, threshold=None)


class TestMissing:
    HOLES = (None, float("nan"), np.float64("nan"), np.float32("nan"))

    @pytest.mark.parametrize("hole", HOLES)
    def test_they_give_none(self, either: Classifier, hole: Any) -> None:
        texts = [hole, TEXTS[0], "", hole, hole, TEXTS[1], hole]
        first, empty, second = either.predict([TEXTS[0], "", TEXTS[1]])
        expected = [None, first, empty, None, None, second, None]

        assert either.predict(texts, missing="none") == expected
        assert either.predict(iter(texts), missing="none") == expected
        assert either.predict(np.array(texts, object), missing="none") == expected

    def test_in_the_function(self) -> None:
        assert predict([TEXTS[0], None], missing="none") == [predict(TEXTS[0]), None]
        assert predict(TEXTS, missing="none") == predict(TEXTS)
        assert predict(TEXTS[0], missing="none") == predict(TEXTS[0])

    @two_labels
    def test_with_a_threshold(self) -> None:
        scored = predict([None, TEXTS[0]], missing="none", threshold=0)

        assert scored[0] is None
        assert scored[1] is not None
        assert scored[1].label == LABELS[1]

    @pytest.mark.parametrize(
        ("library", "column"),
        [
            *(
                (
                    "pandas",
                    lambda pandas, dtype=dtype: pandas.Series(["cake", None], dtype=dtype),
                )
                for dtype in ("object", "string", "str")
            ),
            ("pandas", lambda pandas: pandas.Series(["cake", pandas.NA])),
            ("pandas", lambda pandas: pandas.Series(["cake", pandas.NaT], dtype=object)),
            ("numpy", lambda numpy: numpy.ma.array(["cake", "tea"], mask=[0, 1])),
            ("numpy", lambda numpy: ["cake", numpy.datetime64("NaT", "s")]),
            ("numpy", lambda numpy: ["cake", numpy.timedelta64("NaT", "s")]),
            ("decimal", lambda decimal: ["cake", decimal.Decimal("NaN")]),
            ("decimal", lambda decimal: ["cake", decimal.Decimal("sNaN")]),
            ("pandas", lambda pandas: pandas.Series(["cake", None], index=["columns", "rows"])),
            ("polars", lambda polars: polars.Series(["cake", None])),
            ("numpy", lambda _: Arrow(["cake", None])),
        ],
    )
    def test_columns_of_libraries(self, library: str, column: Callable[[Any], Any]) -> None:
        module = pytest.importorskip(library, reason=f"{library} is not a dependency")
        assert predict(column(module), missing="none") == [predict("cake"), None]
        with pytest.raises(InputError, match=r"^texts\[1\] is missing, not str; "):
            predict(column(module))

    @pytest.mark.parametrize("hole", HOLES)
    def test_their_probabilities_are_nan(self, either: Classifier, hole: Any) -> None:
        texts = [hole, TEXTS[0], hole, TEXTS[1]]
        probabilities = either.predict_proba(texts, missing="none")

        assert probabilities.dtype == np.float32
        assert probabilities.shape == (4, len(either.classes_))
        assert np.isnan(probabilities).all(axis=1).tolist() == [True, False, True, False]
        np.testing.assert_array_equal(probabilities[[1, 3]], either.predict_proba(TEXTS[:2]))

    @pytest.mark.parametrize("n", [0, 3])
    def test_nothing_but_missing_texts(self, either: Classifier, n: int) -> None:
        assert either.predict([None] * n, missing="none") == [None] * n
        probabilities = either.predict_proba([None] * n, missing="none")
        assert probabilities.shape == (n, len(either.classes_))
        assert probabilities.dtype == np.float32

    def test_the_texts_of_the_caller_stay(self, classifier: Classifier) -> None:
        texts = ["cake", float("nan"), None]
        before = list(texts)
        classifier.predict(texts, missing="none")

        assert all(now is then for now, then in zip(texts, before, strict=True))

    @pytest.mark.parametrize(
        "missing", [None, "None", "drop", True, ["none"], np.array(["none", "none"])]
    )
    def test_any_other_value_is_refused(self, classifier: Classifier, missing: Any) -> None:
        refusal = "^missing must be 'error' or 'none', not "
        for method in (predict, classifier.predict, classifier.predict_proba):
            with pytest.raises(InputError, match=refusal):
                method(["cake"], missing=missing)
        with pytest.raises(InputError, match=refusal):
            predict("cake", missing=missing)

    def test_progress_counts_what_is_scored(self, classifier: Classifier) -> None:
        told: list[int] = []
        classifier.predict(["cake", None, "tea"], missing="none", progress=told.append)

        assert told == [2]


class TestScoreOfAColumn:
    def test_arrow(self) -> None:
        prediction = predict("cake")
        scores = score(Arrow(["cake"]))
        assert scores == ([prediction.probability], [prediction.label])

    @pytest.mark.parametrize("texts", ["cake", b"cake", {"text": "cake"}, Frame()])
    def test_what_is_no_column_is_refused(self, texts: Any) -> None:
        # An iteration would score letters, or the names of columns.
        with pytest.raises(InputError, match=r"^texts must be "):
            score(texts)

    def test_a_number_of_pandas(self) -> None:
        pandas = pytest.importorskip("pandas")
        column = pandas.Series(["cake", 42, None])
        with pytest.raises(InputError) as caught:
            score(column)
        assert str(caught.value) == (
            'value 1 is int, not text; cast the column to text with astype("string"), which '
            "keeps missing values missing"
        )
        assert score(column.astype("string")).labels[2] is None

    def test_a_number_of_polars(self) -> None:
        polars = pytest.importorskip("polars")
        column = polars.Series([42, None])
        with pytest.raises(InputError, match=r"cast the column to text with cast\(pl.String\)"):
            score(column)
        assert score(column.cast(polars.String)).labels[1] is None

    def test_a_number_in_a_list(self) -> None:
        with pytest.raises(InputError, match=r"value 0 is int, not text; .* to text$"):
            score([42])


class TestFourLabels:
    @pytest.fixture
    def four(self, four_labels: Path) -> Classifier:
        return Classifier.load(four_labels)

    def test_the_most_probable_label_wins(self, four: Classifier) -> None:
        texts = [
            *TEXTS,
            "please send two",
            "where is it?",
            "thanks, best shop",
            "late, so rude",
        ]
        predictions = four.predict(texts)

        assert {p.label for p in predictions} == set(four.classes_)
        for prediction in predictions:
            assert prediction.probability == max(prediction.probabilities.values())
            assert prediction.probability == prediction.probabilities[prediction.label]

    def test_there_is_no_threshold(self, four: Classifier, four_labels: Path) -> None:
        refusal = "^a threshold needs two labels, and there are 4, of which the most probable "
        with pytest.raises(InputError, match=refusal):
            Classifier.load(four_labels, threshold=0.5)
        with pytest.raises(InputError, match=refusal):
            four.threshold = 0.5
        with pytest.raises(InputError, match=refusal):
            _ = four.threshold
        with pytest.raises(InputError, match=r"^threshold must be a number from 0 to 1, not 2"):
            four.threshold = 2
        assert repr(four) == "Classifier(model_version='0.4', labels=4)"

    def test_copies(self, four: Classifier) -> None:
        assert pickle.loads(pickle.dumps(four)).predict(TEXTS) == four.predict(TEXTS)


class TestProbabilities:
    @pytest.mark.parametrize("n", [0, 1, len(TEXTS)])
    def test_type_and_shape(self, either: Classifier, n: int) -> None:
        probabilities = either.predict_proba(iter(TEXTS[:n]))

        assert type(probabilities) is np.ndarray
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (n, len(either.classes_))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=2e-7)

    def test_columns_are_the_classes(
        self, classifier: Classifier, manifest: dict[str, Any]
    ) -> None:
        assert classifier.classes_ == tuple(manifest["labels"]) == LABELS

    @two_labels
    def test_the_probability_is_that_of_the_second_label(self, classifier: Classifier) -> None:
        assert classifier.manifest["positive_label"] == LABELS[1]
        second = classifier.predict_proba(TEXTS)[:, 1]
        assert second.tolist() == [p.probability for p in classifier.predict(TEXTS)]

    def test_the_manifest_is_the_models(
        self, classifier: Classifier, manifest: dict[str, Any]
    ) -> None:
        assert classifier.manifest == manifest
        assert manifest["model_version"] in repr(classifier)

    @pytest.mark.parametrize(
        "text",
        ["🎂" * 50, "cake " * 20_000, "a" * 100_000, "火" * 100_000, "&#" * 50_000, "\udcff"],
    )
    def test_unusual_texts(self, text: str) -> None:
        assert 0 <= predict(text).probability <= 1
