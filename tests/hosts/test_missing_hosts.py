"""An adapter whose host is not installed names the extra that installs it."""

from __future__ import annotations

import pytest

from ..conftest import Run


@pytest.mark.parametrize(
    ("adapter", "lacking", "host"),
    [
        ("duckdb", "duckdb", "DuckDB, with PyArrow,"),
        ("duckdb", "pyarrow", "DuckDB, with PyArrow,"),
        ("mlflow", "mlflow", "MLflow"),
        ("polars", "polars", "Polars"),
        ("sklearn", "sklearn", "scikit-learn"),
        ("spacy", "spacy", "spaCy"),
        ("spark", "pyspark", "PySpark 4.1 or newer, with PyArrow,"),
        ("spark", "pyarrow", "PySpark 4.1 or newer, with PyArrow,"),
    ],
)
def test_the_import_names_the_extra(run: Run, adapter: str, lacking: str, host: str) -> None:
    code = (
        f"import sys; sys.modules[{lacking!r}] = None; import disaster_tweets.plugins.{adapter}"
    )
    done = run("python", "-W", "error", "-c", code)

    advice = f'pip install "disaster-tweets-model[{adapter}]"'
    assert done.err.splitlines()[-1] == f"ImportError: {host} cannot be imported; {advice}"
