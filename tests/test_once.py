"""Objects that the first thread that asks for them creates, once per process."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from disaster_tweets.once import once

THREADS = 8

# All threads call while the first one loads: it starts when the others are about to call.
FIRST_CALLS = f"""
import sys, threading
from disaster_tweets import Classifier, predict
from disaster_tweets.classifier import bundled_classifier
from disaster_tweets.plugins import contract

load, loads, called = Classifier.load, [], threading.Barrier({THREADS})

def counted(*arguments, **settings):
    loads.append(None)
    return load(*arguments, **settings)

Classifier.load = counted

def first_calls(function):
    answers = []
    def call():
        called.wait()
        answers.append(function())
    threads = [threading.Thread(target=call) for _ in range({THREADS})]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return answers


sys.setswitchinterval(1e-6)
found = first_calls(lambda: contract.load())
scores = first_calls(lambda: predict("cake").probability)
print(len(loads), len(set(map(id, found))), len(found), len(set(scores)), len(scores))
"""


def test_first_calls_at_once_load_one_classifier(run: Any) -> None:
    assert run("python", "-c", FIRST_CALLS).out.split() == ["1", "1", "8", "1", "8"]


def test_calls_that_come_before_the_first_has_ended_wait_for_it() -> None:
    made: list[object] = []
    others_called = threading.Event()

    @once
    def make() -> object:
        others_called.wait(timeout=60)
        made.append(object())
        return made[-1]

    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(make())) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    others_called.set()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert got == made * THREADS


def test_an_error_is_not_kept() -> None:
    outcomes = iter([ValueError("no such file"), None])

    @once
    def make() -> str:
        error = next(outcomes)
        if error is not None:
            raise error
        return "made"

    with pytest.raises(ValueError, match="no such file"):
        make()
    assert (make(), make()) == ("made", "made")


FORK = """
import os, threading
from disaster_tweets.once import once

began, forked = threading.Event(), threading.Event()

@once
def make():
    began.set()
    forked.wait()
    return os.getpid()

first = threading.Thread(target=make)
first.start()
began.wait()
child = os.fork()
forked.set()
if child == 0:
    os._exit(make() != os.getpid())
first.join()
print(os.waitpid(child, 0)[1], make() == os.getpid())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_process_forked_meanwhile_does_not_wait_for_ever(run: Any) -> None:
    # A new process has only the threads of the test.
    assert run("python", "-c", FORK).out.split() == ["0", "True"]
