"""The parts that adapters share: a column of texts, and the error for a missing host.

Databases, data frames and engines have missing values; the classifier accepts none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from disaster_tweets.classifier import as_list, is_missing
from disaster_tweets.errors import DISTRIBUTION, InputError
from disaster_tweets.topic import PREFIX

# The names of SQL functions, columns and commands in hosts.
PROBABILITY, LABEL, SCORE = f"{PREFIX}_probability", f"{PREFIX}_label", f"{PREFIX}_score"
SCORE_COMMAND, ADD_COLUMNS_COMMAND = f"{PREFIX}-score", f"addcol-{PREFIX}"


class Scores(NamedTuple):
    """The scores of n texts, in their order.

    Attributes:
        probabilities: The probability of each text, in [0, 1]: with two labels that of the
            second label, with more that of the text's label. None for a missing text.
        labels: The label of each text; None for a missing text.
    """

    probabilities: list[float | None]
    labels: list[str | None]


def score(texts: Iterable[Any]) -> Scores:
    """Score a column of n texts.

    Args:
        texts: n values: ``str``, or a missing value: None, NaN, NaT, pandas' NA, or a
            masked value of NumPy.

    Raises:
        InputError: A value is something else; the message names its index. Or ``texts`` is no
            column, but a single text or a table.
        ArtifactError: A file of the model is missing or damaged.
    """
    from disaster_tweets.classifier import bundled_classifier

    values = [None if is_missing(text) else text for text in as_list(texts)]
    for index, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise InputError(
                f"value {index} is {kind}, not text; cast the column to text{_cast(texts)}"
            )
    predictions = iter(
        bundled_classifier().predict([text for text in values if text is not None])
    )
    scored = [None if text is None else next(predictions) for text in values]
    return Scores(
        [None if prediction is None else prediction.probability for prediction in scored],
        [None if prediction is None else prediction.label for prediction in scored],
    )


def _cast(texts: object) -> str:
    """Return how a column of a data frame is cast; other casts make texts of missing values."""
    host = type(texts).__module__.partition(".")[0]
    cast = {"pandas": 'astype("string")', "polars": "cast(pl.String)"}.get(host)
    return "" if cast is None else f" with {cast}, which keeps missing values missing"


def missing(host: str, extra: str) -> ImportError:
    """Return the error for a host that cannot be imported.

    Args:
        host: The name of the host, as its users write it.
        extra: The extra of this distribution that installs the host.
    """
    return ImportError(f'{host} cannot be imported; pip install "{DISTRIBUTION}[{extra}]"')
