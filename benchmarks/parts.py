"""Times the parts of scoring a tweet inside the installed package, alone and in a batch.

    python benchmarks/parts.py CORE      prints one JSON object, for peers.py

Stopwatches run around the parts while `Classifier.predict_proba` scores new tweets. They add
about a microsecond to a tweet that is scored alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from tweets import tweets

from disaster_tweets import Classifier, bundle
from disaster_tweets.encoding import Encoding

SINGLE, BATCH, BATCHES = 3000, 1024, 20  # tweets, tweets, batches

WHOLE, ENCODING = "whole", "cleaning and tokenizing"
POOLING, UNITS = "looking up and pooling", "hidden units and logits"
CALIBRATION, BETWEEN = "calibration", "Python between these"


class Stopwatches:
    """Scores texts, and times each part."""

    def __init__(self, classifier: Classifier) -> None:
        self._predict_proba = classifier.predict_proba
        self._seconds: Counter[str] = Counter()
        self._put(classifier._encoding, "encode")
        self._put(classifier._runtime, "_pool")
        self._put(classifier._runtime, "logits")
        self._put(classifier, "_calibrated")

    def _put(self, owner: object, name: str) -> None:
        """Put a stopwatch around a method."""
        method: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            start = perf_counter()
            result = method(*arguments)
            self._seconds[name] += perf_counter() - start
            return result

        setattr(owner, name, timed)

    def __call__(self, texts: list[str]) -> dict[str, float]:
        """Return the seconds of each part for each text."""
        self._seconds.clear()
        start = perf_counter()
        self._predict_proba(texts)
        whole, took = perf_counter() - start, self._seconds
        parts = {
            WHOLE: whole,
            ENCODING: took["encode"],
            POOLING: took["_pool"],
            UNITS: took["logits"] - took["_pool"],
            CALIBRATION: took["_calibrated"],
            BETWEEN: whole - took["encode"] - took["logits"] - took["_calibrated"],
        }
        return {name: seconds / len(texts) for name, seconds in parts.items()}


def quartiles(measured: list[dict[str, float]]) -> dict[str, list[float]]:
    return {name: quantiles([each[name] for each in measured], n=4) for name in measured[0]}


def main() -> None:
    # Before NumPy is imported, because it counts the cores for its thread pool.
    os.sched_setaffinity(0, {int(sys.argv[1])})
    made = tweets(SINGLE + (BATCHES + 1) * BATCH, seed=6)
    single, many = made[:SINGLE], made[SINGLE:]
    batches = [many[start : start + BATCH] for start in range(0, len(many), BATCH)]
    # A separate encoding, because the classifier's would cache the words of the tweets.
    files = bundle.read(bundle.bundled())
    encoding = Encoding(files.manifest["reads"], files.vocabulary, files.manifest["max_tokens"])
    lengths = [len(encoding.encode(text)) for text in single]
    usual = round(median(lengths))
    score = Stopwatches(Classifier.load())
    score(batches[0])  # warm-up
    alone = [score([text]) for text in single]
    print(
        json.dumps(
            {
                "tokens": usual,
                "one_tweet": quartiles(
                    [each for each, n in zip(alone, lengths, strict=True) if n == usual]
                ),
                "batch_size": BATCH,
                "batch": quartiles([score(batch) for batch in batches[1:]]),
            }
        )
    )


if __name__ == "__main__":
    main()
