"""The classifier as a pyfunc model of MLflow: saved, logged, loaded and served.

A saved model holds no weights. It requires this version of this distribution, which has them.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from disaster_tweets.errors import DISTRIBUTION, InputError
from disaster_tweets.plugins.column import missing, score
from disaster_tweets.plugins.contract import info
from disaster_tweets.topic import EXAMPLES

try:
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo
    from mlflow.types import ColSpec, DataType, Schema
except ImportError as error:
    raise missing("MLflow", "mlflow") from error

_NULL = "<NA>"  # str(pandas.NA)


def save_model(path: str | Path, **settings: Any) -> None:
    """Save the classifier as a model of MLflow in a new folder.

    Args:
        path: The folder, which must be empty or not exist.
        settings: Further arguments of ``mlflow.pyfunc.save_model``; they override those that
            this function sets, such as ``pip_requirements``.

    Raises:
        MlflowException: The folder is not empty, or MLflow rejects a setting.
    """
    mlflow.pyfunc.save_model(path, **(_settings() | settings))


def log_model(name: str = "disaster_tweets", **settings: Any) -> ModelInfo:
    """Log the classifier as a model of MLflow, in the active run if there is one.

    Args:
        name: The model's name in the tracking store.
        settings: Further arguments of ``mlflow.pyfunc.log_model``, such as
            ``registered_model_name``; they override those that this function sets.

    Returns:
        MLflow's description of the model; ``mlflow.pyfunc.load_model`` takes its ``model_uri``.

    Raises:
        MlflowException: MLflow rejects a setting, or its store cannot be reached.
    """
    return mlflow.pyfunc.log_model(name=name, **(_settings() | settings))


def _settings() -> dict[str, Any]:
    return {
        "loader_module": __name__,
        "signature": ModelSignature(
            # Without a column name, so that lists, arrays and columns of any name are accepted.
            inputs=Schema([ColSpec(DataType.string)]),
            outputs=Schema(
                [
                    ColSpec(DataType.double, "probability", required=False),
                    ColSpec(DataType.string, "label", required=False),
                ]
            ),
        ),
        "input_example": list(EXAMPLES),
        "pip_requirements": [f"{DISTRIBUTION}[mlflow]=={version(DISTRIBUTION)}"],
        "metadata": info(),
    }


class _Scorer:
    """The model that ``mlflow.pyfunc.load_model`` wraps."""

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score one column of n texts.

        Args:
            model_input: A data frame with one column, which the signature makes of any input.
                Missing values stay missing; in a column of objects the text ``<NA>`` is missing
                too.
            params: None; the signature has no parameters.

        Returns:
            A data frame of n rows with the input's index: ``probability``, in [0, 1], and
            ``label``. With two labels it is the probability of the second label, with more that
            of the text's label.

        Raises:
            MlflowException: A value is neither text nor missing; the message names its index.
        """
        try:
            scores = score(_texts(model_input.iloc[:, 0]))
        except InputError as error:
            # MLflow serves this error as status 400 with its message, and others with a
            # traceback.
            raise MlflowException.invalid_parameter_value(str(error)) from None
        columns = {"probability": scores.probabilities, "label": scores.labels}
        # dtype object keeps None; otherwise MLflow would write NaN, which is no JSON.
        answer: pd.DataFrame = pd.DataFrame(columns, index=model_input.index, dtype=object)
        if None not in scores.probabilities:
            answer = answer.astype({"probability": float})
        return answer


def _texts(column: pd.Series) -> list[Any]:
    """Return the values of a column; None for a null of Arrow.

    MLflow converts a column of Arrow strings to objects, and each null to the text
    ``<NA>``. pandas also reads this text in a file as a missing value.
    """
    if column.dtype != object:
        return list(column)
    return [None if isinstance(text, str) and text == _NULL else text for text in column]


def _load_pyfunc(path: str) -> _Scorer:
    """Return the model, loaded; MLflow calls this with the folder of the saved model."""
    from disaster_tweets.classifier import bundled_classifier

    bundled_classifier()
    return _Scorer()
