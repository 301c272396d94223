"""Scoring in several threads: the same scores, progress, and an end when it is asked for."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Classifier, InputError
from disaster_tweets.runtime.litert import LiteRT

SHORT = [f"apple pie number {n} {'by the window ' * (n % 7)}" for n in range(90)]
LONG = ["bread and butter downtown " * 60, "my burrito is great " * 300, ""]
TEXTS = [*SHORT, *LONG, *SHORT[:40], *LONG, *SHORT[::-1], "", *SHORT[10:60]]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def alone(classifier: Classifier) -> np.ndarray[Any, Any]:
    """The scores of `TEXTS`, in this thread."""
    return classifier.predict_proba(TEXTS)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that are started during the test."""
    threads: list[threading.Thread] = []
    start = threading.Thread.start

    def record(thread: threading.Thread) -> None:
        threads.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", record)
    return threads


class TestScores:
    @pytest.mark.parametrize("threads", [1, 2, 5, np.int64(2)])
    def test_they_are_bit_identical_and_in_order(
        self, classifier: Classifier, alone: np.ndarray[Any, Any], threads: int
    ) -> None:
        assert np.array_equal(classifier.predict_proba(TEXTS, threads=threads), alone)

    def test_predictions_are_the_same(self, classifier: Classifier) -> None:
        assert classifier.predict(iter(TEXTS), threads=3) == classifier.predict(TEXTS)
        assert classifier.predict("cake", threads=3) == classifier.predict("cake")

    @pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 127, 128, 129, 257])
    def test_numbers_of_texts_around_the_chunks(
        self, classifier: Classifier, alone: np.ndarray[Any, Any], n: int
    ) -> None:
        for threads in (1, 2, 40):
            scores = classifier.predict_proba(TEXTS[:n], threads=threads)
            assert np.array_equal(scores, alone[:n])

    def test_calls_from_several_threads_at_once(
        self, classifier: Classifier, alone: np.ndarray[Any, Any]
    ) -> None:
        scores: list[Any] = []
        callers = [
            threading.Thread(
                target=lambda: scores.append(classifier.predict_proba(TEXTS, threads=2))
            )
            for _ in range(3)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

        assert len(scores) == 3
        assert all(np.array_equal(each, alone) for each in scores)


class TestThreads:
    @pytest.mark.parametrize(("threads", "n"), [(1, 300), (2, 1), (2, 16), (8, 0)])
    def test_none_is_started_without_need(
        self, classifier: Classifier, started: list[threading.Thread], threads: int, n: int
    ) -> None:
        classifier.predict_proba(TEXTS[:n], threads=threads)

        assert started == []

    @pytest.mark.parametrize("threads", [2, 3])
    def test_a_few_hundred_texts_occupy_all(
        self,
        classifier: Classifier,
        started: list[threading.Thread],
        monkeypatch: pytest.MonkeyPatch,
        threads: int,
    ) -> None:
        together = threading.Barrier(threads, timeout=60)
        workers: set[int] = set()
        logits = LiteRT.logits

        def record(self: LiteRT, encoded: Any) -> Any:
            if threading.get_ident() not in workers:
                workers.add(threading.get_ident())
                together.wait()  # broken, were the threads to score in turn
            return logits(self, encoded)

        monkeypatch.setattr(LiteRT, "logits", record)
        classifier.predict_proba(TEXTS[:200], threads=threads)

        assert len(workers) == len(started) == threads
        assert not any(thread.is_alive() for thread in started)

    @pytest.mark.parametrize("threads", [0, -1, True, 2.0, "2", None, float("nan")])
    @pytest.mark.parametrize("method", ["predict", "predict_proba"])
    @pytest.mark.parametrize("texts", [[], ["cake"]])
    def test_anything_but_a_positive_int_is_refused(
        self, classifier: Classifier, method: str, threads: Any, texts: list[str]
    ) -> None:
        with pytest.raises(InputError, match=r"^threads must be an int from 1 on, not "):
            getattr(classifier, method)(texts, threads=threads)

    def test_an_element_that_is_no_text_is_named(self, classifier: Classifier) -> None:
        with pytest.raises(InputError, match=r"^texts\[200\] is missing, not str; "):
            classifier.predict([*TEXTS[:200], None], threads=2)  # type: ignore[list-item]


class TestProgress:
    @pytest.mark.parametrize("threads", [1, 2, 5])
    @pytest.mark.parametrize("n", [0, 1, 40, len(TEXTS)])
    def test_it_adds_up(self, classifier: Classifier, threads: int, n: int) -> None:
        scored: list[int] = []
        classifier.predict_proba(TEXTS[:n], threads=threads, progress=scored.append)

        assert sum(scored) == n
        assert all(type(count) is int and count > 0 for count in scored)

    def test_of_a_single_text(self, classifier: Classifier) -> None:
        scored: list[int] = []
        classifier.predict("cake", progress=scored.append)

        assert scored == [1]

    @pytest.mark.parametrize("threads", [1, 2])
    def test_it_is_called_as_the_work_proceeds_from_the_calling_thread(
        self, classifier: Classifier, threads: int
    ) -> None:
        callers: list[int] = []
        classifier.predict(
            TEXTS, threads=threads, progress=lambda _: callers.append(threading.get_ident())
        )

        assert len(callers) > 2
        assert set(callers) == {threading.get_ident()}

    @pytest.mark.parametrize("threads", [1, 2])
    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError("enough")])
    def test_what_it_raises_ends_the_work(
        self,
        classifier: Classifier,
        alone: np.ndarray[Any, Any],
        started: list[threading.Thread],
        monkeypatch: pytest.MonkeyPatch,
        threads: int,
        error: Any,
    ) -> None:
        scored: list[int] = []
        logits = LiteRT.logits

        def record(self: LiteRT, encoded: Any) -> Any:
            scored.append(len(encoded))
            return logits(self, encoded)

        def stop(_: int) -> None:
            raise error

        monkeypatch.setattr(LiteRT, "logits", record)
        with pytest.raises(type(error) if isinstance(error, Exception) else error):
            classifier.predict_proba(TEXTS * 10, threads=threads, progress=stop)

        assert sum(scored) < len(TEXTS) * 5
        assert not any(thread.is_alive() for thread in started)
        assert np.array_equal(classifier.predict_proba(TEXTS, threads=threads), alone)

    @pytest.mark.parametrize("threads", [1, 2])
    def test_an_error_of_a_thread_is_raised(
        self, classifier: Classifier, monkeypatch: pytest.MonkeyPatch, threads: int
    ) -> None:
        def fail(self: LiteRT, encoded: Any) -> Any:
            raise MemoryError("of a thread")

        monkeypatch.setattr(LiteRT, "logits", fail)
        with pytest.raises(MemoryError, match="of a thread"):
            classifier.predict_proba(TEXTS, threads=threads)


def test_a_fresh_process_prints_nothing(run: Any) -> None:
    code = """if True:
        from disaster_tweets import Classifier
        texts = ["cake " * n for n in range(120)]
        scored = []
        Classifier.load().predict_proba(texts, threads=2, progress=scored.append)
        print(sum(scored), len(scored) > 2)
    """
    assert run("python", "-W", "error", "-c", code) == (0, "120 True\n", "")
