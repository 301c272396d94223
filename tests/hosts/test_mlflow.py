"""The model of MLflow: saved and logged, loaded, on the command line, and as a service."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

# MLflow reads this at import, here and in its commands. The tests must send no telemetry.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

# At import, MLflow warns about its own type hints.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from starlette.testclient import TestClient

import disaster_tweets.classifier
from disaster_tweets import ArtifactError, predict
from disaster_tweets.plugins import contract
from disaster_tweets.plugins.mlflow import log_model, save_model
from disaster_tweets.topic import EXAMPLES

from .conftest import check_own_probabilities

HOSTS = ("mlflow",)

TEXTS = [*EXAMPLES[:2], "", "☕☕☕"]
PROBABILITIES = [prediction.probability for prediction in predict(TEXTS)]
LABELS = [prediction.label for prediction in predict(TEXTS)]
PREDICTIONS = [
    {"probability": probability, "label": label}
    for probability, label in zip(PROBABILITIES, LABELS, strict=True)
]
MISSING = {"probability": None, "label": None}
WITH_NULL = [*TEXTS, None]


def in_csv(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model."""
    path = tmp_path_factory.mktemp("mlflow") / "model"
    save_model(path)
    return path


@pytest.fixture(scope="module")
def model(path: Path) -> Any:
    """The saved model, loaded."""
    return mlflow.pyfunc.load_model(str(path))


class TestSaved:
    def test_it_describes_itself(self, path: Path) -> None:
        description = yaml.safe_load((path / "MLmodel").read_text("utf-8"))

        assert description["metadata"] == contract.info()
        signature = mlflow.models.get_model_info(str(path)).signature
        assert [str(column.type) for column in signature.inputs] == ["DataType.string"]
        assert signature.outputs.input_names() == ["probability", "label"]
        assert [str(column.type) for column in signature.outputs] == [
            "DataType.double",
            "DataType.string",
        ]

        name = "disaster-tweets-model"
        requirements = (path / "requirements.txt").read_text("utf-8").split()
        assert f"{name}[mlflow]=={version(name)}" in requirements

    def test_it_holds_no_weights(self, path: Path) -> None:
        assert sum(file.stat().st_size for file in path.iterdir()) < 10_000

    def test_its_example_is_one_that_it_can_answer(self, path: Path, model: Any) -> None:
        example = mlflow.models.Model.load(path).load_input_example(str(path))

        assert model.predict(example)["label"].tolist() == [
            prediction.label for prediction in predict(EXAMPLES)
        ]

    @pytest.mark.usefixtures("four_labels_installed")
    def test_four_labels(self, tmp_path: Path) -> None:
        save_model(tmp_path / "model")
        model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
        answer = model.predict(TEXTS)

        assert model.metadata.metadata == contract.info()
        assert len(model.metadata.metadata["labels"]) == 4
        check_own_probabilities(
            (text, *row) for text, row in zip(TEXTS, answer.to_numpy(), strict=True)
        )

    def test_a_setting_of_the_user_replaces_ours(self, tmp_path: Path) -> None:
        # For example, the package index of a user lacks the wheel.
        wheel = "wheels/disaster_tweets_model-1.0.0-py3-none-any.whl"
        save_model(tmp_path / "model", pip_requirements=[wheel], metadata={"owner": "desk 4"})

        assert wheel in (tmp_path / "model" / "requirements.txt").read_text("utf-8").split()
        assert mlflow.models.get_model_info(str(tmp_path / "model")).metadata == {
            "owner": "desk 4"
        }

    # MLflow leaves its scan of the folder open: it only checks whether there is a first file.
    @pytest.mark.filterwarnings("ignore:unclosed scandir iterator:ResourceWarning")
    def test_a_folder_that_is_not_empty_is_refused(self, path: Path) -> None:
        before = sorted(path.iterdir())

        with pytest.raises(MlflowException, match="already exists and is not empty"):
            save_model(path)
        assert sorted(path.iterdir()) == before


class TestPredict:
    @pytest.mark.parametrize(
        "texts",
        [
            TEXTS,
            np.array(TEXTS),
            np.array(TEXTS, dtype=object),
            pd.Series(TEXTS),
            pd.Series(TEXTS, dtype="string"),
            pd.DataFrame({"body": TEXTS}),
        ],
        ids=lambda texts: type(texts).__name__,
    )
    def test_a_column_of_texts(self, model: Any, texts: Any) -> None:
        answer = model.predict(texts)

        assert answer.to_dict("records") == PREDICTIONS
        assert answer["probability"].dtype == np.float64

    def test_a_single_text(self, model: Any) -> None:
        assert model.predict(TEXTS[0]).to_dict("records") == PREDICTIONS[:1]

    @pytest.mark.parametrize(
        "column",
        [
            *(
                pd.Series([TEXTS[0], missing, ""], dtype=object)
                for missing in (None, float("nan"), pd.NA)
            ),
            *(
                pd.Series([TEXTS[0], None, ""], dtype=dtype)
                for dtype in (
                    *("string[python]", "string[pyarrow]", "str"),
                    *(pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string())),
                )
            ),
        ],
        ids=lambda column: f"{column.dtype} {column[1]}",
    )
    def test_what_is_missing_stays_missing(self, model: Any, column: Any) -> None:
        for given in (column, column.to_frame("text")):
            assert model.predict(given).to_dict("records") == [
                PREDICTIONS[0],
                MISSING,
                PREDICTIONS[2],
            ]

    def test_the_rows_keep_their_index(self, model: Any) -> None:
        answer = model.predict(pd.Series(TEXTS, index=list("wxyz")))

        assert answer.index.tolist() == list("wxyz")
        assert answer["probability"].tolist() == PROBABILITIES

    def test_what_is_not_text_is_refused(self, model: Any) -> None:
        with pytest.raises(MlflowException, match="value 1 is int, not text"):
            model.predict(["a", 1])
        with pytest.raises(MlflowException, match="Incompatible input types"):
            model.predict([1, 2])
        with pytest.raises(MlflowException, match="missing inputs"):
            model.predict([])

    def test_a_damaged_model_fails_where_it_is_loaded(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise ArtifactError("vocab.txt: truncated")

        monkeypatch.setattr(disaster_tweets.classifier, "bundled_classifier", broken)
        with pytest.raises(ArtifactError, match="truncated"):
            mlflow.pyfunc.load_model(str(path))

    def test_the_docs_name_what_mlflow_takes_of_several_columns(self, model: Any) -> None:
        # MLflow does this, and it cannot be prevented here. If this fails, change the page.
        frame = pd.DataFrame({"author": ["ann"] * len(TEXTS), "text": TEXTS})

        assert model.predict(frame).equals(model.predict(frame[["author"]]))


# MLflow's own store still uses the deprecated function.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
class TestLogged:
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A tracking store for one test."""
        monkeypatch.chdir(tmp_path)
        previous = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}")
        yield
        mlflow.set_tracking_uri(previous)

    @pytest.mark.usefixtures("store")
    def test_a_logged_model_is_loaded_by_its_uri_or_its_registered_name(self) -> None:
        logged = log_model()
        with mlflow.start_run():
            log_model("texts", registered_model_name="classifier")

        assert logged.name == "disaster_tweets"
        assert logged.metadata == contract.info()
        for uri in (logged.model_uri, "models:/classifier/1"):
            loaded = mlflow.pyfunc.load_model(uri)
            assert loaded.predict(TEXTS).to_dict("records") == PREDICTIONS


def test_a_file_is_scored_on_the_command_line(path: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "texts.csv", tmp_path / "scored.json"
    source.write_text(f'text\n{in_csv(TEXTS[0])}\n""\n{in_csv(TEXTS[3])}\n', "utf-8")
    scripts = Path(sysconfig.get_path("scripts"))
    subprocess.run(
        [
            *(scripts / "mlflow", "models", "predict", "-m", path, "--env-manager", "local"),
            *("-i", source, "-o", target, "--content-type", "csv"),
        ],
        check=True,
        capture_output=True,
        # MLflow looks for other programs on the PATH.
        env={
            **os.environ,
            "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
            "PYTHONUTF8": "1",
        },
    )

    assert json.loads(target.read_text("utf-8")) == {
        "predictions": [PREDICTIONS[0], MISSING, PREDICTIONS[3]]
    }


Post = Callable[..., Any]


@pytest.fixture(scope="module")
def post(model: Any) -> Iterator[Post]:
    """POST a body to the application that `mlflow models serve` runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")  # the application sets it
        client = TestClient(scoring_server.init(model))

        def post(body: Any, kind: str = "application/json") -> Any:
            content = body if isinstance(body, str) else json.dumps(body)
            return client.post("/invocations", content=content, headers={"Content-Type": kind})

        yield post


class TestServer:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (
                {"dataframe_split": {"columns": ["text"], "data": [[t] for t in WITH_NULL]}},
                [*PREDICTIONS, MISSING],
            ),
            (
                {"dataframe_records": [{"text": text} for text in WITH_NULL]},
                [*PREDICTIONS, MISSING],
            ),
            ({"inputs": TEXTS}, PREDICTIONS),
            ({"instances": TEXTS}, PREDICTIONS),
            ({"instances": [{"text": text} for text in TEXTS]}, PREDICTIONS),
            ({"dataframe_split": {"columns": ["text"], "data": [[None]] * 2}}, [MISSING] * 2),
            ({"dataframe_split": {"columns": ["text"], "data": []}}, []),
        ],
    )
    def test_every_form_of_json(self, post: Post, body: Any, expected: Any) -> None:
        answer = post(body)

        assert (answer.status_code, answer.json()) == (200, {"predictions": expected})

    def test_csv(self, post: Post) -> None:
        answer = post(f'text\n{in_csv(TEXTS[0])}\n""\n', "text/csv")

        assert answer.json() == {"predictions": [PREDICTIONS[0], MISSING]}

    @pytest.mark.parametrize("key", ["inputs", "instances"])
    def test_the_docs_name_the_forms_in_which_mlflow_spells_null(
        self, post: Post, key: str
    ) -> None:
        # MLflow does this, and it cannot be prevented here. If this fails, change the page.
        assert post({key: [None]}).json() == post({key: ["None"]}).json()

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (
                {"dataframe_split": {"columns": ["text"], "data": [["a"], [1]]}},
                "value 1 is int, not text; cast the column to text",
            ),
            (
                {"dataframe_records": [{"text": ["a"]}]},
                "value 0 is list, not text; cast the column to text",
            ),
            ({"inputs": []}, "missing inputs"),
            ({"inputs": {"text": ["a"]}}, "single n-dimensional array"),
            ({"texts": ["a"]}, "exactly one of the input fields"),
            ('{"inputs": [', "valid JSON"),
        ],
    )
    def test_bad_input_is_the_senders_fault(self, post: Post, body: Any, message: str) -> None:
        answer = post(body)

        assert answer.status_code == 400
        assert message in answer.json()["message"]
        assert "Traceback" not in answer.text

    def test_another_kind_of_content_is_refused(self, post: Post) -> None:
        assert post("<text/>", "application/xml").status_code == 415


def test_what_to_type(
    typed: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed("MLflow")
    assert mlflow.pyfunc.load_model("model").predict(TEXTS)["label"].tolist() == LABELS
