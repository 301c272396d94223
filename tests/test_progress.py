"""Calls of `progress` during scoring, and its exception, which stops the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Classifier

from .conftest import Scored

CHUNK = 8
TEXTS = [f"apple pie number {n} {'by the window ' * (n % 7)}" for n in range(5 * CHUNK)]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disaster_tweets.classifier._CHUNK", CHUNK)


@pytest.mark.parametrize("method", [Classifier.predict, Classifier.predict_proba])
@pytest.mark.parametrize(
    ("n", "told"),
    [
        (0, []),
        (1, [1]),
        (CHUNK - 1, [CHUNK - 1]),
        (CHUNK, [CHUNK]),
        (CHUNK + 1, [CHUNK, 1]),
        (2 * CHUNK + 3, [CHUNK, CHUNK, 3]),
    ],
)
def test_it_is_told_of_each_chunk(
    classifier: Classifier, method: Callable[..., Any], n: int, told: list[int]
) -> None:
    numbers: list[int] = []
    method(classifier, iter(TEXTS[:n]), progress=numbers.append)

    assert numbers == told
    assert all(type(number) is int for number in numbers)


def test_of_a_single_text(classifier: Classifier) -> None:
    numbers: list[int] = []
    classifier.predict("cake", progress=numbers.append)

    assert numbers == [1]


def test_it_is_called_as_the_work_proceeds_from_the_calling_thread(
    classifier: Classifier, scored: Scored
) -> None:
    numbers = scored(classifier)
    done: list[int] = []
    callers: list[int] = []

    def update(_: int) -> None:
        done.append(sum(numbers))
        callers.append(threading.get_ident())

    classifier.predict(TEXTS, progress=update)

    assert done == [CHUNK * n for n in range(1, 6)]
    assert set(callers) == {threading.get_ident()}


@pytest.mark.parametrize("n", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1])
def test_scores_do_not_depend_on_the_chunks(classifier: Classifier, n: int) -> None:
    alone = np.concatenate([classifier.predict_proba([text]) for text in TEXTS[:n]])

    assert np.array_equal(classifier.predict_proba(TEXTS[:n]), alone)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("enough")])
def test_what_it_raises_ends_the_work(
    classifier: Classifier, scored: Scored, error: BaseException
) -> None:
    def stop(_: int) -> None:
        raise error

    before = classifier.predict_proba(TEXTS)
    numbers = scored(classifier)
    with pytest.raises(type(error)):
        classifier.predict_proba(TEXTS, progress=stop)

    assert numbers == [CHUNK]
    assert np.array_equal(classifier.predict_proba(TEXTS), before)
