"""The topic of the classifier. No other module of the package knows it.

A project for another topic has another file here, and takes over all the rest.
"""

from __future__ import annotations

from typing import Literal

Label = Literal["not_disaster", "disaster"]

# In the order of the classes of the model. Of two, the second is the positive one.
LABELS: tuple[Label, ...] = ("not_disaster", "disaster")

TITLE = "Disaster tweets"
QUESTION = "Is this tweet about a real disaster, or not?"

# What the labels mean, for a reader who has not seen the data; may be empty.
MEANING = (
    "A disaster is an event such as a fire, flood, storm, earthquake, accident or attack; a "
    'figure of speech ("this mixtape is fire") is none.'
)

# What a text is called.
TEXT, TEXTS = "tweet", "tweets"

# Noun phrases: what a text of each label is about.
NOUNS: dict[Label, str] = {"not_disaster": "no disaster", "disaster": "a disaster"}

# What `Prediction.probability` is, for the middle of a sentence.
PROBABILITY = "probability of a disaster"

# Texts written for the purpose: with two labels, the first is a clear case of the positive one.
EXAMPLES: tuple[str, ...] = (
    "Forest fire near La Ronge Sask. Canada",
    "this mixtape is fire",
    "Rescue crews are still searching the collapsed building",
    "My kitchen looks like a tornado went through it",
)

# For the model card on the page, a sentence each; may be empty. What every classifier of this
# kind fails at stands there already.
LIMITS: tuple[str, ...] = (
    "A low probability is no evidence that nothing happened: do not let it decide whether help "
    "is sent.",
    "A false alarm, an old report and a film plot look like news.",
    "Figures of speech fool it, such as a kitchen after a tornado.",
    "It misses some people in need, above all those who do not say what has happened.",
    "Its tweets were written before 2020; later events and slang are new to it.",
)

# What the training data are, for the same card; may be empty.
TRAINING_DATA = (
    "The labelled tweets of the Kaggle competition “Natural Language Processing with Disaster "
    "Tweets”, which were collected by keywords; some of their labels are wrong. Besides, "
    "tweets of other events with people’s labels, and sentences written for the purpose."
)

# The beginning of the names of SQL functions, columns and commands of hosts:
# disaster_probability, disaster_label, disaster_score, disaster-score, addcol-disaster.
PREFIX = "disaster"
