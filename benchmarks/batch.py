"""What many tweets cost the installed package, and whether they touch each other's scores.

python benchmarks/batch.py CORE      prints one JSON object, for budgets.py
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
from statistics import mean
from time import perf_counter

from tweets import tweets

from disaster_tweets import Classifier, bundle
from disaster_tweets.text import Cleaner
from disaster_tweets.tokenizer import Tokenizer

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
    os.sched_setaffinity(0, {int(sys.argv[1])})
    texts = tweets(TWEETS, seed=1)
    classifier = Classifier.load()
    rates = [throughput(classifier, texts)]
    # Now, before the checks below need memory of their own; Linux counts in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rates += [throughput(classifier, texts) for _ in range(REPEATS - 1)]
    files = bundle.read(bundle.bundled())
    clean = Cleaner(files.manifest["reads"])
    tokenizer = Tokenizer(files.vocabulary, files.manifest["max_tokens"])
    print(
        json.dumps(
            {
                "tweets": TWEETS,
                "tweets_per_second": rates,
                "peak_bytes": peak,
                "dependent_scores": dependent_scores(classifier, texts[: max(BATCHES)]),
                "mean_tokens": mean(len(tokenizer.encode(clean(text))) for text in texts),
            }
        )
    )


if __name__ == "__main__":
    main()
