"""The plugin of llm: a tool that lets an assistant score tweets."""

# Without `from __future__ import annotations`: llm shows the hints as they stand here.
from collections.abc import Callable

import pluggy

hookimpl = pluggy.HookimplMarker("llm")


@hookimpl
def register_tools(register: Callable[..., None]) -> None:
    """Offer the tool to llm."""
    register(classify_disaster_tweets)


def classify_disaster_tweets(texts: list[str]) -> list[dict[str, str | float]]:
    """Say of tweets whether they report a real disaster, with a classifier trained for it.

    A disaster is an event such as a fire, flood, storm, earthquake, accident or attack; a
    figure of speech ("this mixtape is fire") is none. Takes any number of tweets in English.
    For each, in their order, the answer has the text, the label, which is "disaster" or
    "not_disaster", and the probability that it is a disaster, from 0 to 1.
    """
    from disaster_tweets.classifier import bundled_classifier

    if isinstance(texts, str):  # models take liberties with what they are asked for
        texts = [texts]
    predictions = bundled_classifier().predict(texts)
    return [
        {"text": text, "label": p.label, "probability": round(p.probability, 4)}
        for text, p in zip(texts, predictions, strict=True)
    ]
