"""Perturbations: changes to a text that keep its meaning.

Training perturbs some of the texts. `evaluate` measures how far each perturbation moves the
probabilities.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Perturbation = Callable[[str, random.Random], str]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Tags that people add to texts of any topic.
_TAGS = "#news #video #photo #today #now #update #life #weekend #follow #retweet".split()
_EMOJI = ["🙏", "😂", "🔥", "❤️", "😭", "👍", "😱", "🚨"]
_SHORTEST = 4  # letters; a typo can make a shorter word unreadable
_CLOSING = re.compile(r"[.,;:!]+(?=\s|$)")


def misspell(text: str, generator: random.Random) -> str:
    """Make a typo in about every eighth word: drop, double, swap or replace a letter.

    URLs, handles and words of fewer than four letters do not change.
    """
    words = text.split(" ")
    candidates = [i for i, word in enumerate(words) if _plain(word)]
    slips = max(1, round(len(words) / 8))
    for i in generator.sample(candidates, min(slips, len(candidates))):
        word = _plain(words[i])
        words[i] = words[i].replace(word, _slip(word, generator))
    return " ".join(words)


def _plain(word: str) -> str:
    """Return a word without the marks around it; empty if it is short or has other signs."""
    plain = word.lstrip("#\"'(").rstrip(".,;:!?\"')")
    return plain if len(plain) >= _SHORTEST and plain.isalpha() else ""


def _slip(word: str, generator: random.Random) -> str:
    at = generator.randrange(1, len(word) - 1)
    kind = generator.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    if kind == 2:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + generator.choice(_LETTERS) + word[at + 1 :]


def add_hashtags(text: str, generator: random.Random) -> str:
    """Append one or two hashtags that fit any topic."""
    return " ".join([text, *generator.sample(_TAGS, generator.randint(1, 2))])


def make_hashtags(text: str, generator: random.Random) -> str:
    """Turn one or two words into hashtags."""
    words = text.split(" ")
    candidates = [i for i, word in enumerate(words) if _plain(word)]
    for i in generator.sample(candidates, min(len(candidates), generator.randint(1, 2))):
        word = _plain(words[i])
        words[i] = words[i].lstrip("#").replace(word, f"#{word}")
    return " ".join(words)


def add_url(text: str, generator: random.Random) -> str:
    """Append a shortened URL."""
    code = "".join(generator.choices(_LETTERS + _LETTERS.upper() + "0123456789", k=10))
    return f"{text} https://t.co/{code}"


def add_handle(text: str, generator: random.Random) -> str:
    """Put a handle before the text."""
    return f"@{''.join(generator.choices(_LETTERS, k=8))} {text}"


def add_emoji(text: str, generator: random.Random) -> str:
    """Append one to three emoji."""
    return f"{text} {''.join(generator.choices(_EMOJI, k=generator.randint(1, 3)))}"


def upper(text: str, _: random.Random) -> str:
    """Write the text in upper case."""
    return text.upper()


def lower(text: str, _: random.Random) -> str:
    """Write the text in lower case."""
    return text.lower()


def add_space(text: str, _: random.Random) -> str:
    """Append a space."""
    return text + " "


def drop_marks(text: str, _: random.Random) -> str:
    """Remove the marks after words. Marks inside a word or a URL stay."""
    return _CLOSING.sub("", text)


PERTURBATIONS: dict[str, Perturbation] = {
    "spelling": misspell,
    "upper case": upper,
    "lower case": lower,
    "no punctuation": drop_marks,
    "hashtags added": add_hashtags,
    "words made hashtags": make_hashtags,
    "URL added": add_url,
    "handle added": add_handle,
    "emoji added": add_emoji,
    "trailing space": add_space,
}


def perturb(text: str, generator: random.Random) -> str:
    """Return a text with typos, with hashtags, with both, or unchanged."""
    if generator.random() < 0.7:
        text = misspell(text, generator)
    if generator.random() < 0.4:
        text = add_hashtags(text, generator)
    return text
