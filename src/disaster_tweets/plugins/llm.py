"""The plugin of llm: a tool that lets an assistant classify texts."""

# No `from __future__ import annotations`: llm shows the type hints as written.
import textwrap
from collections.abc import Callable

import pluggy

from disaster_tweets.topic import LABELS, MEANING, PROBABILITY, QUESTION, TEXTS

hookimpl = pluggy.HookimplMarker("llm")


@hookimpl
def register_tools(register: Callable[..., None]) -> None:
    """Register the tool with llm."""
    register(classify_disaster_tweets)


def classify_disaster_tweets(texts: list[str]) -> list[dict[str, str | float]]:
    """Classify texts. The assistant sees `_description` instead of this text."""
    from disaster_tweets.classifier import bundled_classifier

    if isinstance(texts, str):  # models do not always pass the requested type
        texts = [texts]
    predictions = bundled_classifier().predict(texts)
    return [
        {"text": text, "probability": round(p.probability, 4), "label": p.label}
        for text, p in zip(texts, predictions, strict=True)
    ]


def _description() -> str:
    *first, last = (f'"{label}"' for label in LABELS)
    paragraphs = (
        f"Answer a question about {TEXTS} with a classifier trained for it: {QUESTION}",
        f"{MEANING} Takes any number of {TEXTS}. For each, in their order, the answer has the "
        f"text, the {PROBABILITY}, from 0 to 1, and the label, which is {', '.join(first)} or "
        f"{last}.",
    )
    return "\n\n".join(
        textwrap.fill(text.strip(), 88, break_long_words=False, break_on_hyphens=False)
        for text in paragraphs
    )


classify_disaster_tweets.__doc__ = _description()  # llm shows it to the assistant
