"""Fixtures for the tests of the page and the service: models, texts and running servers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import Classifier, Prediction, bundle
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.topic import LABELS, NOUNS, PROBABILITY, TEXT, TEXTS

from ..conftest import Run, executable, free_port

# Two texts that a field of CSV would have to quote.
FIRST, SECOND = "The parcel was late, and the box was open", "my phone is dying, brb"
FIELD = f"{TEXT[:1].upper()}{TEXT[1:]} in English"

OWN, FOUR = "own model", "four labels"

SECONDS = 60  # the longest wait for anything
START = "Serving on "


class Server:
    """A running `disaster-tweets serve`.

    Attributes:
        url: The address that the service printed.
        port: The port that it listens on.
        process: The parent process of the workers.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        host: str = "127.0.0.1",
        by: tuple[str, ...] = (),
        **env: str,
    ) -> None:
        self.port = free_port(host)
        self.out, self.err = folder / f"{self.port}.out", folder / f"{self.port}.err"
        address = ("--host", host, "--port", str(self.port))
        windows = sys.platform == "win32"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*by, executable("disaster-tweets"), "serve", *address, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONUTF8": "1",
                    "PYTHONWARNINGS": "error::ResourceWarning",
                    **env,
                },
                start_new_session=not windows,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP if windows else 0,
            )
        wait_for(lambda: START in self.errors or self.process.poll() is not None)
        assert START in self.errors, self.errors
        self.url = self.errors.partition(START)[2].split()[0]

    def close(self) -> None:
        """Stop the service, and kill what is left of its processes."""
        if self.process.poll() is None:
            self.interrupt()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS)
        if sys.platform != "win32":
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def interrupt(self) -> None:
        """Ask the service to stop."""
        if sys.platform == "win32":
            self.process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self.process.terminate()

    @property
    def errors(self) -> str:
        """The output on standard error so far."""
        return self.err.read_text("utf-8")

    @property
    def said(self) -> str:
        """The output on standard error so far, without Granian's warnings."""
        return without_warnings(self.errors)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The entries of the access log so far."""
        return [json.loads(line) for line in self.out.read_text("utf-8").splitlines()]


def without_warnings(errors: str) -> str:
    """Return a server's output on standard error without Granian's warnings.

    On a slow machine, Granian warns that a worker takes long to stop. Its errors stay.
    """
    return re.sub(r"^[\d-]+ [\d:,]+ WARNING .*\n", "", errors, flags=re.M)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` holds; fail after `SECONDS`."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def in_threads(function: Callable[[int], Any], count: int) -> list[Any]:
    """Call a function with 0 to ``count`` - 1 in parallel; return the results, or raise."""
    results: list[Any] = [None] * count

    def call(number: int) -> None:
        try:
            results[number] = function(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.fixture(params=[OWN, FOUR])
def any_model(request: pytest.FixtureRequest) -> Classifier:
    """The model of the service: that of this package, or a model with four labels."""
    return _bundled(request)


@pytest.fixture(params=[OWN, FOUR] if len(LABELS) > 2 else [FOUR])
def model_of_more(request: pytest.FixtureRequest) -> Classifier:
    """The model of the service, with more than two labels."""
    return _bundled(request)


def _bundled(request: pytest.FixtureRequest) -> Classifier:
    if request.param == FOUR:
        request.getfixturevalue("four_labels_installed")
    return bundled_classifier()


def telling_text(classifier: Classifier) -> str:
    """Return the golden text of the bundled model with the largest weight of a word."""
    folder = bundle.bundled()
    if str(folder) not in _telling:

        def largest(text: str) -> float:
            return max((abs(word.weight) for word in classifier.explain(text).words), default=0)

        golden = (each["text"] for each in json.loads((folder / bundle.GOLDEN).read_bytes()))
        text = max((text for text in golden if text.isprintable()), key=largest)
        _telling[str(folder)] = text if largest(text) >= 0.02 else None
    telling = _telling[str(folder)]
    if telling is None:
        pytest.skip("this model marks no word of its golden texts")
    return telling


_telling: dict[str, str | None] = {}  # by the folder of the model


@pytest.fixture
def score(tmp_path: Path, run_here: Run) -> Callable[..., bytes]:
    """A function that returns the output of the command `score` for a file."""

    def score(name: str, content: bytes, *options: str, output: str | None = None) -> bytes:
        source, target = tmp_path / name, tmp_path / f"scored-{output or name}"
        source.write_bytes(content)
        files = ("score", str(source), "-o", str(target))
        done = run_here("disaster-tweets", *files, "--jobs", "1", *options)
        assert done.status == 0, done.err
        return target.read_bytes()

    return score


def as_json(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction in the form of the service's answers."""
    answer = {"probability": round(prediction.probability, 7), "label": prediction.label}
    if len(prediction.probabilities) == 2:
        return answer
    shares = {label: round(share, 7) for label, share in prediction.probabilities.items()}
    return {**answer, "probabilities": shares}


def reads(prediction: Prediction) -> str:
    """Return the heading of the page's result for one text."""
    labels = [*prediction.probabilities]
    shown = percent(prediction.probability)
    if len(labels) > 2:
        return f"{prediction.label}: {shown} probability of this label"
    words = "Reads" if prediction.label == labels[1] else "Does not read"
    return f"{words} like {NOUNS[labels[1]]}: {shown} {PROBABILITY}"


def of_all(predictions: list[Prediction]) -> str:
    """Return the heading of the page's result for many texts."""
    labels = [*predictions[0].probabilities]
    if len(labels) > 2:
        return f"{len(predictions)} {TEXTS}"
    found = sum(prediction.label == labels[1] for prediction in predictions)
    read = "reads" if found == 1 else "read"
    return f"{found} of {len(predictions)} {TEXTS} {read} like {NOUNS[labels[1]]}"


def percent(probability: float) -> str:
    """Return a probability in percent, in the form of the page, which never sounds certain."""
    if probability >= 0.9995:
        return "> 99.9%"
    return f"{probability:.1%}" if probability >= 0.0005 else "< 0.1%"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A function that starts servers, which end with the test."""
    started: list[Server] = []

    def start(*options: str, **settings: Any) -> Server:
        started.append(Server(tmp_path, *options, **settings))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers that the tests of a module share."""
    workers = "1" if sys.platform == "win32" else "2"
    folder = tmp_path_factory.mktemp("server")
    started = Server(folder, "--workers", workers, "--threads", "2", "--max-texts", "2000")
    yield started
    started.close()
