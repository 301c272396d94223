"""Scores: the golden ones, and the same score for the same text wherever it is scored."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
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
    """The score of each text from an instance that never saw another."""
    texts = dict.fromkeys([*TEXTS, *golden.texts[:6]])
    return {text: float(Classifier.load().predict(text)) for text in texts}


def shown(probabilities: Any) -> Any:
    """Return the probability of each prediction: of two labels that of the second one."""
    two = probabilities.shape[1] == 2
    return probabilities[:, 1] if two else probabilities.max(axis=1)


def others(probabilities: Any) -> Any:
    return probabilities.astype(float).sum(axis=1) - shown(probabilities)


class TestGolden:
    @pytest.mark.parametrize(
        "score",
        [
            lambda texts: [float(predict(text)) for text in texts],
            lambda texts: [float(prediction) for prediction in predict(texts)],
            lambda texts: [float(p) for p in Classifier.load().predict(texts)],
            lambda texts: shown(Classifier.load().predict_proba(texts)),
            lambda texts: 1 - others(Classifier.load().predict_proba(texts)),
            lambda texts: shown(contract.load().predict_proba(texts)),
        ],
        ids=["predict(str)", "predict(list)", "Classifier", "proba", "1 - proba", "plugin"],
    )
    def test_scores(self, score: Callable[[list[str]], Any], golden: Any) -> None:
        np.testing.assert_allclose(
            score(golden.texts), golden.probabilities, rtol=0, atol=golden.tolerance
        )


class TestSameScore:
    """Bit for bit: ``==`` throughout, no tolerance."""

    def test_in_any_batch_and_order(self, alone: dict[str, float]) -> None:
        rng = np.random.default_rng(1)
        for size in (1, 2, 7, 64):
            batch = rng.choice(np.array(list(alone), object), size).tolist()
            assert [float(p) for p in predict(batch)] == [alone[text] for text in batch]

    def test_after_long_and_short_texts(self, alone: dict[str, float]) -> None:
        for text, score in alone.items():
            predict(["bread " * 500, "", "bread"])
            assert float(predict(text)) == score

    def test_in_8_threads_at_once(
        self, classifier: Classifier, alone: dict[str, float]
    ) -> None:
        def score(shift: int) -> bool:
            texts = [*alone][shift:] + [*alone][:shift]
            return all(
                [float(p) for p in classifier.predict(texts)] == [alone[t] for t in texts]
                and float(classifier.predict(texts[0])) == alone[texts[0]]
                for _ in range(3)
            )

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
        # In a process of its own: this one has threads, and must not fork.
        forked = run("python", "-c", FORK, *alone)

        assert forked.status == 0, forked.err
        assert [float.fromhex(score) for score in forked.out.split()] == [
            *alone.values(),  # of the parent before the fork, of the child, of the parent
            *alone.values(),
            *alone.values(),
        ]


class TestFreshProcess:
    def test_no_network(self, run: Any) -> None:
        assert (
            run("python", "-c", NO_NETWORK).out == f"{predict('sugar over the hills').label}\n"
        )

    def test_no_warning_and_nothing_on_standard_error(self, run: Any) -> None:
        code = "from disaster_tweets import predict; print(predict('cake').label)"

        assert run("python", "-W", "error", "-c", code) == (0, f"{predict('cake').label}\n", "")

    @pytest.mark.skipif(os.name == "nt", reason="closes file descriptor 2 as a shell does")
    def test_without_a_standard_error(self, run: Any) -> None:
        code = "import os; os.close(2); from disaster_tweets import predict; predict('cake')"

        assert run("python", "-c", code).status == 0

    def test_what_others_write_to_standard_error_comes_through(self, run: Any) -> None:
        code = (
            "import os; from disaster_tweets.runtime import litert\n"
            "with litert._without_start_up_message(): os.write(2, b'a warning')"
        )

        assert run("python", "-c", code).err == "a warning"


def test_what_others_write_to_standard_error_gets_through(run: Any) -> None:
    code = """if True:
        import os
        from disaster_tweets.runtime.litert import _without_start_up_message
        with _without_start_up_message():
            os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\nkept\\n")
    """
    assert run("python", "-c", code) == (0, "", "kept\n")


@pytest.mark.skipif(os.name == "nt", reason="a pipe that does not block is POSIX")
def test_who_writes_too_much_to_standard_error_is_not_held_up(run: Any) -> None:
    code = """if True:
        import os
        from disaster_tweets.runtime.litert import _without_start_up_message
        with _without_start_up_message():
            try:
                while True:
                    os.write(2, b"kept\\n" * 100)
            except BlockingIOError:
                pass
    """
    status, out, err = run("python", "-c", code)

    assert (status, out) == (0, "")
    assert set(err.splitlines()) == {"kept"}
