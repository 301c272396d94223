"""Score the chunks of a run, in several processes if the run is long.

Threads would not help: the interpreter lock serializes more than half of the work. Processes
take time to start and memory, so they pay off only in a long run.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from disaster_tweets.batch.scorer import Lookup, Outcome, Scorer, score
from disaster_tweets.tables.rows import Chunk, Score

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

MOST_USEFUL = 8  # workers; one process that reads and writes cannot keep more of them busy
TEXTS_BEFORE_WORKERS = 8192  # texts to score before workers start

BytesLeft = Callable[[Chunk], "int | None"]  # bytes after a chunk; None if unknown


class _Task(NamedTuple):
    chunk: Chunk
    lookup: Lookup
    outcome: Future[Outcome] | None  # None: this process scores the texts


class ChunkScorer:
    """Scores chunks in their order, and reads ahead while workers are running.

    Args:
        classifier: The classifier; each worker loads its own.
        jobs: The largest number of workers; with 1, this process scores alone.
    """

    def __init__(self, classifier: Classifier, jobs: int) -> None:
        self._classifier, self._jobs = classifier, jobs
        self._scorer = Scorer(classifier)
        self._workers: Workers | None = None
        self._scored = 0

    def __call__(
        self, chunks: Iterable[Chunk], left: BytesLeft
    ) -> Iterator[tuple[Chunk, list[Score | None]]]:
        """Yield each chunk with its scores.

        An error while reading a chunk is raised after the earlier chunks were yielded.
        """
        remaining, problem = iter(chunks), None
        tasks: deque[_Task] = deque()
        first_left: int | None = None
        while True:
            try:
                chunk = next(remaining)
            except StopIteration:
                break
            except Exception as error:
                problem = error
                break
            behind = left(chunk)
            first_left = behind if first_left is None else first_left
            # Workers that start after the middle of the input would start too late.
            if behind is None or first_left is None or behind >= first_left - behind:
                self._start_workers()
            tasks.append(self._submit(chunk))
            while len(tasks) > self._chunks_ahead():
                yield self._finish(tasks.popleft())
        while tasks:
            yield self._finish(tasks.popleft())
        if problem is not None:
            raise problem

    def _ready_workers(self) -> Workers | None:
        """Return the workers if they have started."""
        return self._workers if self._workers and self._workers.are_ready() else None

    def _chunks_ahead(self) -> int:
        """Return how many chunks to read ahead."""
        return self._jobs + 1 if self._ready_workers() else 0

    def _start_workers(self) -> None:
        """Start the workers once, after enough texts to pay for their start."""
        if self._jobs > 1 and self._workers is None and self._scored >= TEXTS_BEFORE_WORKERS:
            try:
                self._workers = Workers(self._classifier, self._jobs)
            except (ImportError, NotImplementedError, OSError, BrokenExecutor):
                self._jobs = 1  # some systems do not support shared memory between processes

    def _submit(self, chunk: Chunk) -> _Task:
        lookup = self._scorer.look_up(chunk.texts)
        if lookup.new and (workers := self._ready_workers()):
            try:
                return _Task(chunk, lookup, workers.score(list(lookup.new.values())))
            except BrokenExecutor:
                self.close()
        return _Task(chunk, lookup, None)

    def _finish(self, task: _Task) -> tuple[Chunk, list[Score | None]]:
        outcome = None
        if task.outcome is not None:
            try:
                outcome = task.outcome.result()
            except BrokenExecutor:  # a worker died, for example for lack of memory
                self.close()
        if outcome is None:
            outcome = score(self._classifier, list(task.lookup.new.values()))
            self._scored += len(task.lookup.new)
        return task.chunk, self._scorer.scores(task.lookup, outcome)

    def close(self) -> None:
        """Stop the workers; this process scores the remaining texts."""
        if self._workers is not None:
            self._workers.close()
        self._workers, self._jobs = None, 1


class Workers:
    """Processes that score texts."""

    def __init__(self, classifier: Classifier, count: int) -> None:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # A forked process could hang: BLAS has threads that may hold locks.
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, _start, (classifier,))
        with _interrupt_held():
            self._starting = [self._pool.submit(os.getpid) for _ in range(count)]

    def are_ready(self) -> bool:
        """Say whether all workers have started; until then waiting for them is slower."""
        return all(each.done() for each in self._starting)

    def score(self, texts: list[str]) -> Future[Outcome]:
        """Score texts in one of the processes."""
        return self._pool.submit(_score, texts)

    def close(self) -> None:
        """Stop the processes after their current work."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Block Ctrl-C in processes that start now; this process receives it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# The functions below run in the workers.

_classifiers: list[Classifier] = []


def _start(classifier: Classifier) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles it
    _classifiers.append(classifier)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit if the parent process was killed."""
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _score(texts: list[str]) -> Outcome:
    return score(_classifiers[0], texts)
