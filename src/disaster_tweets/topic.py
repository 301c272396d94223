"""The topic of the classifier: labels, phrases and examples. No other module knows the topic.

A project for another topic replaces this file and keeps all others.
"""

from __future__ import annotations

from typing import Literal

Label = Literal["not_disaster", "disaster"]

# In the order of the model's classes. Of two labels, the second is the positive one.
LABELS: tuple[Label, ...] = ("not_disaster", "disaster")

TITLE = "Disaster tweets"
QUESTION = "Is this tweet about a real disaster, or not?"

# The meaning of the labels, for a reader who has not seen the data; may be empty.
MEANING = (
    "A disaster is an event such as a fire, flood, storm, earthquake, accident or attack; a "
    'figure of speech ("this mixtape is fire") is none.'
)

# The word for a text.
TEXT, TEXTS = "tweet", "tweets"

# Noun phrases: the subject of a text with each label.
NOUNS: dict[Label, str] = {"not_disaster": "no disaster", "disaster": "a disaster"}

# The meaning of `Prediction.probability`, for the middle of a sentence.
PROBABILITY = "probability of a disaster"

# Examples written by hand. With two labels, the first is a clear case of the positive label.
EXAMPLES: tuple[str, ...] = (
    "Forest fire near La Ronge Sask. Canada",
    "this mixtape is fire",
    "Rescue crews are still searching the collapsed building",
    "My kitchen looks like a tornado went through it",
)

# Sentences for the model card on the page; may be empty. The card already has the limits of
# every classifier of this kind.
LIMITS: tuple[str, ...] = (
    "A low probability is no evidence that nothing happened: do not let it decide whether help "
    "is sent.",
    "A false alarm, an old report and a film plot look like news.",
    "Figures of speech fool it, such as a kitchen after a tornado.",
    "It misses some people in need, above all those who do not say what has happened.",
    "Its tweets were written before 2020; later events and slang are new to it.",
)

# The training data, for the same card; may be empty.
TRAINING_DATA = (
    "The labelled tweets of the Kaggle competition “Natural Language Processing with Disaster "
    "Tweets”, which were collected by keywords; some of their labels are wrong. Besides, "
    "tweets of other events with people’s labels, and sentences written for the purpose."
)

# Prefix of the names of SQL functions, columns and commands in hosts:
# disaster_probability, disaster_label, disaster_score, disaster-score, addcol-disaster.
PREFIX = "disaster"
