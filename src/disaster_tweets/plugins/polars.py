"""Polars: the expression namespace ``disaster_tweets``, registered when it is imported."""

from __future__ import annotations

from disaster_tweets.errors import InputError
from disaster_tweets.plugins.column import missing, score

try:
    import polars as pl
except ImportError as error:
    raise missing("Polars", "polars") from error

_SCORE = pl.Struct({"probability": pl.Float64, "label": pl.String})


@pl.api.register_expr_namespace("disaster_tweets")
class DisasterTweets:
    """The methods of ``pl.col("text").disaster_tweets``.

    The column holds String, Categorical or Enum. A null gives a null. Another type raises
    ``InputError`` when the query runs.
    """

    def __init__(self, texts: pl.Expr) -> None:
        """Keep the expression; Polars calls this."""
        self._texts = texts

    def score(self) -> pl.Expr:
        """Return a Struct of both columns; ``.struct.field("*")`` splits it.

        This scores each text once, and the two methods below score it once each.
        """
        return self._texts.map_batches(_score, return_dtype=_SCORE, is_elementwise=True)

    def probability(self) -> pl.Expr:
        """Return the probabilities as the column ``probability``: Float64 in [0, 1].

        With two labels it is the probability of the second label, with more that of the text's.
        """
        return self.score().struct.field("probability")

    def label(self) -> pl.Expr:
        """Return the labels as the column ``label``: String."""
        return self.score().struct.field("label")


def _score(texts: pl.Series) -> pl.Series:
    if texts.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(
            f"column {texts.name!r} is {texts.dtype}, not String; cast it first, with "
            "cast(pl.String), which keeps nulls"
        )
    scores = score(texts.cast(pl.String))
    columns = {"probability": scores.probabilities, "label": scores.labels}
    return pl.DataFrame(columns, schema=dict(_SCORE)).to_struct(texts.name)
