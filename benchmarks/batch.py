"""Measures batches in the installed package: speed, memory and independence of neighbours.

python benchmarks/batch.py      prints one JSON object, for budgets.py
"""

from __future__ import annotations

import json
import random
from statistics import mean
from time import perf_counter

from environments import peak_of_this_process
from tweets import tweets

from disaster_tweets import Classifier, bundle
from disaster_tweets.encoding import Encoding

TWEETS, REPEATS, BATCHES = 10_000, 5, (2, 7, 64, 500)


def throughput(classifier: Classifier, texts: list[str]) -> float:
    """Return tweets per second."""
    start = perf_counter()
    classifier.predict_proba(texts)
    return len(texts) / (perf_counter() - start)


def dependent_scores(classifier: Classifier, texts: list[str]) -> int:
    """Count scores that differ in any bit from the same tweet's score alone."""
    alone = {text: classifier.predict_proba([text])[0].tobytes() for text in texts}
    differing = 0
    for size in BATCHES:
        shuffled = random.Random(size).sample(texts, len(texts))
        for start in range(0, len(shuffled), size):
            batch = shuffled[start : start + size]
            rows = classifier.predict_proba(batch)
            differing += sum(
                row.tobytes() != alone[text] for row, text in zip(rows, batch, strict=True)
            )
    return differing


def main() -> None:
    texts = tweets(TWEETS, seed=1)
    classifier = Classifier.load()
    rates = [throughput(classifier, texts)]
    peak = peak_of_this_process()  # before the checks below take memory
    rates += [throughput(classifier, texts) for _ in range(REPEATS - 1)]
    files = bundle.read(bundle.bundled())
    encoding = Encoding(files.manifest["reads"], files.vocabulary, files.manifest["max_tokens"])
    print(
        json.dumps(
            {
                "tweets": TWEETS,
                "tweets_per_second": rates,
                "peak_bytes": peak,
                "dependent_scores": dependent_scores(classifier, texts[: max(BATCHES)]),
                "mean_tokens": mean(len(encoding.encode(text)) for text in texts),
            }
        )
    )


if __name__ == "__main__":
    main()
