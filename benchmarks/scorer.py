"""A process that scores tweets one at a time and times each, for budgets.py.

    python benchmarks/scorer.py CORE                    the installed package
    python benchmarks/scorer.py CORE keras              the same model in Keras

Reads a JSON list of texts a line; answers each with a line: seconds and probabilities.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from time import perf_counter


def package() -> Callable[[str], float]:
    from disaster_tweets import Classifier

    classifier = Classifier.load()
    return lambda text: classifier.predict(text).probability


def main() -> None:
    # Before any import that counts the cores to size its thread pool.
    os.sched_setaffinity(0, {int(sys.argv[1])})
    if len(sys.argv) > 2:
        import keras_classifier

        predict = keras_classifier.load()

        def score(text: str) -> float:
            return predict([text])[0]

    else:
        score = package()
    for line in sys.stdin:
        seconds, probabilities = [], []
        for text in json.loads(line):
            start = perf_counter()
            probabilities.append(score(text))
            seconds.append(perf_counter() - start)
        print(json.dumps({"seconds": seconds, "probabilities": probabilities}), flush=True)


if __name__ == "__main__":
    main()
