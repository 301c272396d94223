"""Polars: the expression namespace ``disaster_tweets``, which importing this module adds."""

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
    """What ``pl.col("text").disaster_tweets`` offers.

    The column holds String, Categorical or Enum. A null gives a null. Any other type raises
    ``InputError`` when the query runs.
    """

    def __init__(self, texts: pl.Expr) -> None:
        """Keep the expression; Polars calls this."""
        self._texts = texts

    def score(self) -> pl.Expr:
        """Return a Struct of the two below; ``.struct.field("*")`` makes two columns of it.

        That scores each text once; the two methods below score it once each.
        """
        return self._texts.map_batches(_score, return_dtype=_SCORE, is_elementwise=True)

    def probability(self) -> pl.Expr:
        """Return the probabilities, Float64 in [0, 1], as the column ``probability``.

        With two labels they are those of the second, with more those of the texts' labels.
        """
        return self.score().struct.field("probability")

    def label(self) -> pl.Expr:
        """Return the labels, String, as the column ``label``."""
        return self.score().struct.field("label")


def _score(texts: pl.Series) -> pl.Series:
    if texts.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(f"column {texts.name!r} is {texts.dtype}, not String; cast it first")
    scores = score(texts.cast(pl.String))
    columns = {"probability": scores.probabilities, "label": scores.labels}
    return pl.DataFrame(columns, schema=dict(_SCORE)).to_struct(texts.name)
