"""The decision rule at its edges, and the behaviour of predictions as values."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Prediction
from disaster_tweets.prediction import decide, shown_probabilities


def two(second: float) -> np.ndarray:
    probability = np.float32(second)
    return np.array([[1 - probability, probability]], np.float32)


class TestTwoLabels:
    @pytest.mark.parametrize(
        ("probability", "threshold", "decided"),
        [
            (0.5, 0.5, 1),
            (0.5, np.nextafter(0.5, 1), 0),
            (0.0, 0.0, 1),
            (1.0, 1.0, 1),
            (0.3, 0.2, 1),
            (0.7, 0.8, 0),
        ],
    )
    def test_the_second_label_begins_at_the_threshold(
        self, probability: float, threshold: float, decided: int
    ) -> None:
        assert decide(two(probability), threshold).tolist() == [decided]


class TestMoreLabels:
    @pytest.mark.parametrize(
        ("probabilities", "decided"),
        [
            ([0.2, 0.5, 0.3], 1),
            ([0.4, 0.2, 0.4], 0),
            ([0.2, 0.4, 0.4], 1),
            ([0.25, 0.25, 0.25, 0.25], 0),
            ([0.3, 0.3, 0.4], 2),
        ],
    )
    def test_the_most_probable_wins_and_of_equal_ones_the_first(
        self, probabilities: list[float], decided: int
    ) -> None:
        found = decide(np.array([probabilities], np.float32), None)

        assert found.tolist() == [decided]
        assert shown_probabilities(np.array([probabilities]), found).tolist() == [
            max(probabilities)
        ]


@pytest.mark.parametrize(("labels", "threshold"), [(2, 0.5), (4, None)])
def test_no_texts(labels: int, threshold: float | None) -> None:
    none = np.empty((0, labels), np.float32)
    decided = decide(none, threshold)

    assert decided.shape == shown_probabilities(none, decided).shape == (0,)


def of_two(probability: float) -> Prediction:
    """Return a prediction with two labels; their names do not matter here."""
    label: Any = "yes" if probability >= 0.5 else "no"
    of_labels: Any = {"no": 1 - probability, "yes": probability}
    return Prediction(label, probability, of_labels)


def of_three(probability: float) -> Prediction:
    rest = (1 - probability) / 2
    of_labels: Any = {"a": probability, "b": rest, "c": rest}
    label: Any = "a"
    return Prediction(label, probability, of_labels)


class TestOrder:
    def test_predictions_sort_by_probability(self) -> None:
        shares = [n / 100 for n in range(101)]
        predictions = [*map(of_two, shares)]
        random.Random(1).shuffle(predictions)

        assert [*map(float, sorted(predictions))] == shares
        assert float(max(predictions)) == 1
        assert float(min(predictions)) == 0

    def test_comparisons(self) -> None:
        low, high = of_two(0.2), of_two(0.9)

        assert low < high
        assert high > low
        assert low <= high
        assert high >= low
        assert low <= of_two(0.2) >= low
        assert not low < of_two(0.2)
        assert not high <= low

    def test_the_label_does_not_matter(self) -> None:
        # The same text with two thresholds.
        labels: Any = ("no", "yes")
        first, second = (Prediction(label, 0.5) for label in labels)

        assert first != second
        assert not first < second
        assert not second < first
        assert first <= second <= first

    def test_more_labels_have_no_order(self) -> None:
        refusal = "^predictions with more than two labels have no order.* sort with key=float"
        with pytest.raises(TypeError, match=refusal):
            sorted([of_three(0.5), of_three(0.4)])
        with pytest.raises(TypeError, match=refusal):
            _ = of_three(0.5) >= of_two(0.4)
        assert sorted([of_three(0.5), of_three(0.4)], key=float)[0] == of_three(0.4)

    @pytest.mark.parametrize("other", [0.5, "0.5", None])
    def test_anything_else_has_no_order(self, other: Any) -> None:
        with pytest.raises(TypeError, match="not supported between"):
            _ = of_two(0.5) < other
        with pytest.raises(TypeError, match="not supported between"):
            _ = of_two(0.5) >= other


class TestFormat:
    @pytest.mark.parametrize(
        ("spec", "shown"),
        [(".2f", "0.12"), (".1%", "12.3%"), (">8.3f", "   0.123"), ("g", "0.123")],
    )
    def test_a_format_is_that_of_the_probability(self, spec: str, shown: str) -> None:
        assert format(of_two(0.123), spec) == shown
        assert format(of_three(0.123), spec) == shown

    def test_without_one_it_is_shown_as_by_str(self) -> None:
        prediction = of_two(0.987654)

        assert f"{prediction}" == str(prediction) == repr(prediction)
        assert f"{prediction}" == "Prediction(label='yes', probability=0.9877)"

    def test_a_format_that_no_number_has(self) -> None:
        with pytest.raises(ValueError, match="format code 's'"):
            format(of_two(0.5), "s")


class TestDict:
    def test_two_labels(self) -> None:
        values = of_two(0.12345678).to_dict()

        assert values == {"probability": 0.1234568, "label": "no"}
        assert json.dumps(values) == '{"probability": 0.1234568, "label": "no"}'

    def test_more_labels(self) -> None:
        prediction = of_three(0.4)
        values = prediction.to_dict()

        assert [*values] == ["probability", "label", "probabilities"]
        assert values["probabilities"] == {"a": 0.4, "b": 0.3, "c": 0.3}
        assert json.loads(json.dumps(values)) == values
        values["probabilities"].clear()  # a copy
        assert len(prediction.probabilities) == 3
