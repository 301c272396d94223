"""The decision rule at its edges, and the probability that it shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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

    def test_a_threshold_is_not_rounded(self) -> None:
        # float32(0.47) is a little less than 0.47, float32(0.7) too; float32(0.1) is more.
        assert [decide(two(p), p).item() for p in (0.47, 0.7, 0.1)] == [0, 0, 1]

    def test_the_probability_of_the_second_label_is_shown(self) -> None:
        probabilities = np.concatenate([two(0.2), two(0.9)])
        for threshold in (0, 0.5, 1):
            decided = decide(probabilities, threshold)
            assert shown_probabilities(probabilities, decided).tolist() == [
                np.float32(0.2),
                np.float32(0.9),
            ]


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

    @given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1))
    def test_the_highest_probability_is_shown(self, rows: list[list[float]]) -> None:
        probabilities = np.array(rows)
        shown = shown_probabilities(probabilities, decide(probabilities, None))

        assert shown.tolist() == [max(row) for row in rows]


@pytest.mark.parametrize(("labels", "threshold"), [(2, 0.5), (4, None)])
def test_no_texts(labels: int, threshold: float | None) -> None:
    none = np.empty((0, labels), np.float32)
    decided = decide(none, threshold)

    assert decided.shape == shown_probabilities(none, decided).shape == (0,)
