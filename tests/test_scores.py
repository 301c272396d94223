"""Golden scores, and equal scores of a text in every interface."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest

from disaster_tweets import Classifier, predict
from disaster_tweets.plugins import contract

from .conftest import two_labels

TEXTS = [
    "A row of tables came down the street, two chairs are missing",
    "this burrito is the best",
    "",
    "🔥 🔥 🔥",
    "apple pie by the window " * 40,
    "Decorate",
]

FORK = """
import os, sys, warnings
from disaster_tweets import predict

def scores():
    print(*(float(p).hex() for p in predict(sys.argv[1:])), flush=True)

scores()
warnings.simplefilter("ignore", DeprecationWarning)  # threads of NumPy are no harm
child = os.fork()
if child == 0:
    scores()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
scores()
"""

FORK_WHILE_A_THREAD_LEARNS = """
import os, sys, threading, warnings
from disaster_tweets import Classifier
from disaster_tweets.runtime import integers

def learn():
    with integers.new_tokens_lock:
        learning.set()
        done.wait()

classifier = Classifier.load(sys.argv[1])
learning, done = threading.Event(), threading.Event()
thread = threading.Thread(target=learn)
thread.start()
learning.wait()
warnings.simplefilter("ignore", DeprecationWarning)
child = os.fork()
if child == 0:
    print(*(float(p).hex() for p in classifier.predict(sys.argv[2:])), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
done.set()
thread.join()
"""

NO_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError("a connection is opened")

socket.socket = socket.create_connection = socket.getaddrinfo = refuse
from disaster_tweets import predict
print(predict("sugar over the hills").label)
"""


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def alone(golden: Any) -> dict[str, float]:
    """The score of each text from a classifier that scored no other text."""
    texts = dict.fromkeys([*TEXTS, *golden.texts[:6]])
    return {text: float(Classifier.load().predict(text)) for text in texts}


@pytest.fixture
def switching() -> Iterator[None]:
    """Let threads switch as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def shown(probabilities: Any) -> Any:
    """Return the probability of each prediction: with two labels that of the second."""
    two = probabilities.shape[1] == 2
    return probabilities[:, 1] if two else probabilities.max(axis=1)


class TestGolden:
    @pytest.mark.parametrize(
        "score",
        [
            lambda texts: [float(predict(text)) for text in texts],
            lambda texts: [float(prediction) for prediction in predict(texts)],
            lambda texts: [float(p) for p in Classifier.load().predict(texts)],
            lambda texts: shown(Classifier.load().predict_proba(texts)),
            lambda texts: shown(contract.load().predict_proba(texts)),
        ],
        ids=["predict(str)", "predict(list)", "Classifier", "proba", "plugin"],
    )
    def test_scores(self, score: Callable[[list[str]], Any], golden: Any) -> None:
        np.testing.assert_allclose(
            score(golden.texts), golden.probabilities, rtol=0, atol=golden.tolerance
        )


class TestSameScore:
    """Scores are equal bit for bit: the tests use ``==``, without tolerance."""

    def test_in_any_batch_and_order(self, alone: dict[str, float]) -> None:
        rng = np.random.default_rng(1)
        for size in (1, 2, 7, 31, 32, 33, 64, 65):
            batch = rng.choice(np.array(list(alone), object), size).tolist()
            assert [float(p) for p in predict(batch)] == [alone[text] for text in batch]

    def test_in_8_threads_at_once(self, alone: dict[str, float]) -> None:
        classifier = Classifier.load()

        def score(shift: int) -> bool:
            texts = [*alone][shift:] + [*alone][:shift]
            return all(
                [float(p) for p in classifier.predict(texts)] == [alone[t] for t in texts]
                and float(classifier.predict(texts[0])) == alone[texts[0]]
                for _ in range(3)
            )

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(score, range(8)))

    def test_in_threads_that_meet_words_for_the_first_time(
        self, switching: None, classifier: Classifier
    ) -> None:
        # The contribution of a word to a score is cached when first met.
        words = ["".join(pair) for pair in itertools.product(ascii_lowercase, repeat=2)]
        expected = classifier.predict_proba(words)
        fresh = Classifier.load()
        together = threading.Barrier(8, timeout=60)

        def score(first: int) -> bool:
            together.wait()
            scores = [fresh.predict_proba([word])[0] for word in words[first::8]]
            return np.array_equal(scores, expected[first::8])

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(score, range(8)))

    def test_after_pickling(self, alone: dict[str, float]) -> None:
        loaded = pickle.loads(pickle.dumps(Classifier.load()))

        assert [float(p) for p in loaded.predict(list(alone))] == list(alone.values())

    @two_labels
    def test_a_threshold_survives_pickling(self) -> None:
        assert pickle.loads(pickle.dumps(Classifier.load(threshold=0.25))).threshold == 0.25

    def test_in_a_spawned_child(self, classifier: Classifier, alone: dict[str, float]) -> None:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as child:
            scores = child.submit(classifier.predict_proba, list(alone)).result(timeout=120)

        assert shown(scores).tolist() == list(alone.values())

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    def test_in_a_forked_child(self, run: Any, alone: dict[str, float]) -> None:
        # A new process, because this one has threads and must not fork.
        forked = run("python", "-c", FORK, *alone)

        assert forked.status == 0, forked.err
        assert [float.fromhex(score) for score in forked.out.split()] == [
            *alone.values(),  # in the parent before the fork, in the child, in the parent
            *alone.values(),
            *alone.values(),
        ]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    def test_in_a_child_that_is_forked_while_a_thread_learns(
        self, run: Any, four_labels: Path
    ) -> None:
        texts = ["Where is my parcel?", "", "two broken shoes"]
        forked = run("python", "-c", FORK_WHILE_A_THREAD_LEARNS, four_labels, *texts)

        assert forked.status == 0, forked.err
        assert [float.fromhex(score) for score in forked.out.split()] == [
            float(p) for p in Classifier.load(four_labels).predict(texts)
        ]

    def test_on_a_processor_that_can_less(self, run: Any, alone: dict[str, float]) -> None:
        # NumPy and BLAS then choose other loops, as on another machine.
        simd = np.show_config(mode="dicts").get("SIMD Extensions", {})
        lesser = {
            "NPY_DISABLE_CPU_FEATURES": " ".join(simd.get("found", [])),
            "OPENBLAS_CORETYPE": "Nehalem",  # an older one crashes NumPy 2.5
            "OPENBLAS_NUM_THREADS": "1",
        }
        code = (
            "import sys; from disaster_tweets import predict\n"
            "print(*(float(p).hex() for p in predict(sys.argv[1:])))"
        )
        scores = run("python", "-c", code, *alone, **lesser).out.split()

        assert [float.fromhex(score) for score in scores] == list(alone.values())


class TestFreshProcess:
    def test_no_network_no_warning_and_nothing_on_standard_error(self, run: Any) -> None:
        label = predict("sugar over the hills").label

        assert run("python", "-W", "error", "-c", NO_NETWORK) == (0, f"{label}\n", "")

    @pytest.mark.skipif(os.name == "nt", reason="closes file descriptor 2 as a shell does")
    def test_without_a_standard_error(self, run: Any) -> None:
        code = "import os; os.close(2); from disaster_tweets import predict; predict('cake')"

        assert run("python", "-c", code).status == 0
