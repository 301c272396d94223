"""The tweets of regression.json, which were written for this test.

The file marks the tweets that the model gets wrong. After a change of the model, these tests
name the tweets that are worse or better. To accept the change, run
``python topic/tests/test_regression.py``, which renews the marks, then ``docs/generate.py``.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import Classifier

TWEETS = Path(__file__).parents[1] / "regression.json"
# A probability closer to the threshold can cross it in any new training, even if the model is
# equally good.
UNDECIDED = 0.1

FLOOR = 0.85  # the share of tweets that are right
# The kinds of tweets whose label is beyond doubt.
FLOORS = {"news": 0.85, "eyewitness": 0.5, "culture": 0.75, "advert": 0.6, "hashtags": 0.65}


def scored() -> list[dict[str, Any]]:
    """Return the tweets, each with ``wrong`` and ``decided``."""
    classifier = Classifier.load()
    tweets = json.loads(TWEETS.read_text("utf-8"))
    predictions = classifier.predict([tweet["text"] for tweet in tweets])
    return [
        {
            **tweet,
            "wrong": prediction.label != tweet["label"],
            "decided": abs(float(prediction) - classifier.threshold) > UNDECIDED,
        }
        for tweet, prediction in zip(tweets, predictions, strict=True)
    ]


@pytest.fixture(scope="module")
def tweets() -> list[dict[str, Any]]:
    return scored()


def share_right(tweets: list[dict[str, Any]]) -> float:
    return sum(not tweet["wrong"] for tweet in tweets) / len(tweets)


def test_each_text_is_there_once_and_both_labels_are(tweets: list[dict[str, Any]]) -> None:
    assert max(Counter(tweet["text"] for tweet in tweets).values()) == 1
    assert min(Counter(tweet["label"] for tweet in tweets).values()) >= 30
    assert {tweet["label"] for tweet in tweets} == {"disaster", "not_disaster"}


def test_most_are_right(tweets: list[dict[str, Any]]) -> None:
    assert share_right(tweets) >= FLOOR


@pytest.mark.parametrize("kind", FLOORS)
def test_most_of_a_kind_are_right(tweets: list[dict[str, Any]], kind: str) -> None:
    assert share_right([tweet for tweet in tweets if tweet["kind"] == kind]) >= FLOORS[kind]


def test_none_has_become_wrong(tweets: list[dict[str, Any]]) -> None:
    worse = [tweet for tweet in tweets if tweet["wrong"] and "known" not in tweet]

    assert [tweet["text"] for tweet in worse if tweet["decided"]] == []


def test_none_that_is_marked_as_wrong_has_become_right(tweets: list[dict[str, Any]]) -> None:
    better = [tweet for tweet in tweets if not tweet["wrong"] and "known" in tweet]

    assert [tweet["text"] for tweet in better if tweet["decided"]] == []


def renew() -> None:
    """Mark the tweets that the installed model gets wrong."""
    marked = [
        {key: tweet[key] for key in ("kind", "label", "text")}
        | ({"known": "wrong"} if tweet["wrong"] else {})
        for tweet in scored()
    ]
    content = json.dumps(marked, indent=2, ensure_ascii=False)
    TWEETS.write_text(f"{content}\n", encoding="utf-8", newline="\n")
    print(
        f"{len(marked)} tweets, {sum('known' in tweet for tweet in marked)} known to be wrong"
    )


if __name__ == "__main__":
    renew()
