"""The model of MLflow: saved and logged, loaded, on the command line, and as a service."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
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

import disaster_tweets.classifier
from disaster_tweets import ArtifactError, predict
from disaster_tweets.plugins import contract
from disaster_tweets.plugins.mlflow import log_model, save_model
from disaster_tweets.topic import EXAMPLES

HOSTS = ("mlflow",)

TEXTS = [
    *EXAMPLES[:2],
    "",
    "☕☕☕",
]
PROBABILITIES = [prediction.probability for prediction in predict(TEXTS)]
LABELS = [prediction.label for prediction in predict(TEXTS)]
PREDICTIONS = [
    {"probability": probability, "label": label}
    for probability, label in zip(PROBABILITIES, LABELS, strict=True)
]
MISSING = {"probability": None, "label": None}


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

    def test_it_requires_this_version_of_this_distribution(self, path: Path) -> None:
        requirements = (path / "requirements.txt").read_text("utf-8").split()

        name = "disaster-tweets-model"
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
        for row, prediction in zip(answer.to_dict("records"), predict(TEXTS), strict=True):
            probabilities = prediction.probabilities
            assert row["label"] == max(probabilities, key=probabilities.__getitem__)
            assert row["probability"] == probabilities[row["label"]]

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

    @pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
    def test_what_is_missing_stays_missing(self, model: Any, missing: Any) -> None:
        column = pd.DataFrame({"text": pd.Series([TEXTS[0], missing, ""], dtype=object)})

        assert model.predict(column).to_dict("records") == [
            PREDICTIONS[0],
            MISSING,
            PREDICTIONS[2],
        ]

    @pytest.mark.parametrize(
        "dtype",
        [
            "string[python]",
            "string[pyarrow]",
            "str",
            pd.ArrowDtype(pa.string()),
            pd.ArrowDtype(pa.large_string()),
        ],
        ids=str,
    )
    def test_a_null_of_any_kind_of_column_stays_missing(self, model: Any, dtype: Any) -> None:
        column = pd.Series([TEXTS[0], None, ""], dtype=dtype)

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
    def test_a_logged_model_is_loaded_by_its_uri(self) -> None:
        logged = log_model()
        loaded = mlflow.pyfunc.load_model(logged.model_uri)

        assert logged.name == "disaster_tweets"
        assert logged.metadata == contract.info()
        assert loaded.predict(TEXTS)["probability"].tolist() == PROBABILITIES

    @pytest.mark.usefixtures("store")
    def test_a_registered_model_is_loaded_by_its_name(self) -> None:
        with mlflow.start_run():
            log_model("texts", registered_model_name="classifier")
        loaded = mlflow.pyfunc.load_model("models:/classifier/1")

        assert loaded.predict(TEXTS)["label"].tolist() == LABELS


def command(*arguments: str | Path) -> list[str]:
    """Return a command of MLflow in the environment that runs the tests."""
    mlflow_command = Path(sysconfig.get_path("scripts"), "mlflow")
    return [str(mlflow_command), *map(str, arguments), "--env-manager", "local"]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The environment variables with which MLflow's commands find other programs."""
    paths = [sysconfig.get_path("scripts"), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}


class TestCommandLine:
    @pytest.mark.parametrize(
        ("name", "content", "expected"),
        [
            (
                "texts.json",
                json.dumps({"dataframe_records": [{"text": TEXTS[0]}, {"text": None}]}),
                [PREDICTIONS[0], MISSING],
            ),
            (
                "texts.csv",
                f'text\n{in_csv(TEXTS[0])}\n""\n{in_csv(TEXTS[3])}\n',
                [PREDICTIONS[0], MISSING, PREDICTIONS[3]],
            ),
        ],
    )
    def test_a_file_is_scored(
        self,
        path: Path,
        environment: dict[str, str],
        tmp_path: Path,
        name: str,
        content: str,
        expected: Any,
    ) -> None:
        source, target = tmp_path / name, tmp_path / "scored.json"
        source.write_text(content, encoding="utf-8")
        files = ("-i", source, "-o", target, "--content-type", source.suffix[1:])
        subprocess.run(
            command("models", "predict", "-m", path, *files),
            check=True,
            capture_output=True,
            env=environment,
        )

        assert json.loads(target.read_text("utf-8")) == {"predictions": expected}


class Answer:
    """The server's answer to one POST."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.json = json.loads(body) if body.startswith("{") else None


Post = Callable[..., Answer]


@pytest.fixture(scope="module")
def post(path: Path, environment: dict[str, str], tmp_path_factory: Any) -> Iterator[Post]:
    """POST a body to a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command("models", "serve", "-m", path, "-h", "127.0.0.1", "-p", str(port)),
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server, log)

        def post(body: Any, kind: str = "application/json") -> Answer:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            url = f"http://127.0.0.1:{port}/invocations"
            request = urllib.request.Request(url, data, {"Content-Type": kind})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return Answer(answer.status, answer.read().decode())
            except urllib.error.HTTPError as error:
                with error:
                    return Answer(error.code, error.read().decode())

        yield post
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert server.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.1)


class TestServer:
    @pytest.mark.parametrize(
        "body",
        [
            {"dataframe_split": {"columns": ["text"], "data": [[text] for text in TEXTS]}},
            {"dataframe_records": [{"text": text} for text in TEXTS]},
            {"inputs": TEXTS},
            {"instances": TEXTS},
            {"instances": [{"text": text} for text in TEXTS]},
        ],
        ids=lambda body: f"{next(iter(body))}",
    )
    def test_every_form_of_json(self, post: Post, body: Any) -> None:
        answer = post(body)

        assert (answer.status, answer.json) == (200, {"predictions": PREDICTIONS})

    def test_csv(self, post: Post) -> None:
        answer = post(f'text\n{in_csv(TEXTS[0])}\n""\n', "text/csv")

        assert answer.json == {"predictions": [PREDICTIONS[0], MISSING]}

    @pytest.mark.parametrize(
        "body",
        [
            {"dataframe_split": {"columns": ["text"], "data": [[TEXTS[0]], [None]]}},
            {"dataframe_records": [{"text": TEXTS[0]}, {"text": None}]},
        ],
        ids=["split", "records"],
    )
    def test_null_stays_null(self, post: Post, body: Any) -> None:
        assert post(body).json == {"predictions": [PREDICTIONS[0], MISSING]}

    def test_nothing_but_null_stays_null(self, post: Post) -> None:
        body = {"dataframe_split": {"columns": ["text"], "data": [[None], [None]]}}

        assert post(body).json == {"predictions": [MISSING, MISSING]}

    def test_no_texts_give_no_predictions(self, post: Post) -> None:
        body = {"dataframe_split": {"columns": ["text"], "data": []}}

        assert post(body).json == {"predictions": []}

    @pytest.mark.parametrize("key", ["inputs", "instances"])
    def test_the_docs_name_the_forms_in_which_mlflow_spells_null(
        self, post: Post, key: str
    ) -> None:
        # MLflow does this, and it cannot be prevented here. If this fails, change the page.
        assert post({key: [None]}).json == post({key: ["None"]}).json

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

        assert answer.status == 400
        assert message in answer.json["message"]
        assert "Traceback" not in json.dumps(answer.json)

    def test_another_kind_of_content_is_refused(self, post: Post) -> None:
        assert post("<text/>", "application/xml").status == 415


def test_without_mlflow_the_error_names_the_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['mlflow'] = None\n"
        "try:\n"
        "    import disaster_tweets.plugins.mlflow\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    )

    assert done.stdout == (
        'MLflow cannot be imported; pip install "disaster-tweets-model[mlflow]"\n'
    )
