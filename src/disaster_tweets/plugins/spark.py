"""Spark: functions for columns of data frames, and the same functions for SQL.

They run in Spark's Python workers, so the package must be installed there as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from disaster_tweets.plugins import column
from disaster_tweets.plugins.column import SCORE, missing
from disaster_tweets.topic import PREFIX

try:
    import pyarrow as pa
    from pyspark.sql.functions import arrow_udf
    from pyspark.sql.types import DoubleType, StringType, StructType
except ImportError as error:
    raise missing("PySpark 4.1 or newer, with PyArrow,", "spark") from error

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession
    from pyspark.sql._typing import ColumnOrName, UserDefinedFunctionLike

_SCORE = StructType().add("probability", DoubleType()).add("label", StringType())


def score(text: ColumnOrName) -> Column:
    """Return the column ``score``: structs of a probability and a label.

    Args:
        text: A column of strings, or its name. NULL gives a NULL in both fields.
    """
    return _udf()(text).alias("score")


def probability(text: ColumnOrName) -> Column:
    """Return the column ``probability``: a double in [0, 1].

    With two labels it is the probability of the second label, with more that of the text's.

    Args:
        text: A column of strings, or its name. NULL gives NULL.
    """
    return _udf()(text).getField("probability").alias("probability")


def label(text: ColumnOrName) -> Column:
    """Return the column ``label``: strings.

    Args:
        text: A column of strings, or its name. NULL gives NULL.
    """
    return _udf()(text).getField("label").alias("label")


def register(spark: SparkSession) -> None:
    """Add the three functions to the SQL of a session.

    Their SQL names begin with the ``PREFIX`` of the topic: ``PREFIX_score``,
    ``PREFIX_probability``, ``PREFIX_label``. A repeated call replaces them by equal functions.
    """
    spark.udf.register(SCORE, _udf())
    # SQL functions, because Spark then sees that both fields share one score.
    for field in _SCORE:
        spark.sql(
            f"CREATE OR REPLACE TEMPORARY FUNCTION {PREFIX}_{field.name}(text STRING) "
            f"RETURNS {field.dataType.simpleString()} RETURN {SCORE}(text).{field.name}"
        )


def _udf() -> UserDefinedFunctionLike:
    # Made at each call, because Spark Connect needs another kind than a classic session.
    return arrow_udf(_score, _SCORE)


def _score(texts: pa.Array) -> pa.Array:
    scores = column.score(texts.to_pylist())
    columns = [
        pa.array(scores.probabilities, pa.float64()),
        pa.array(scores.labels, pa.string()),
    ]
    return pa.StructArray.from_arrays(columns, _SCORE.names)
