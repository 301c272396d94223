"""An encoder, the kind of model that LiteRT runs. A small model needs no LiteRT."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disaster_tweets import ArtifactError, Classifier

from .conftest import fingerprint

needs_litert = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None,
    reason="ai-edge-litert is not installed; only a model that is an encoder needs it",
)

TEXTS = ["Where is my parcel?", "", "It was late, and the box was broken " * 3, "thanks"]

# ids -> the mean of their vectors
MAKE = """
import sys
import numpy as np
import tensorflow as tf

vectors = tf.constant(np.random.default_rng(3).normal(0, 3, (130, 4)), tf.float32)

@tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="ids")])
def logits(ids):
    return tf.reduce_mean(tf.gather(vectors, ids), axis=0, keepdims=True)

converter = tf.lite.TFLiteConverter.from_concrete_functions([logits.get_concrete_function()])
with open(sys.argv[1], "wb") as file:
    file.write(converter.convert())
"""


def as_encoder(folder: Path, model: bytes) -> None:
    """Declare the kind of the model in a folder as encoder."""
    (folder / "model.bin").write_bytes(model)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["kind"] = "encoder"
    manifest["artifacts"]["model.bin"] = fingerprint(model)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.fixture
def folder(four_labels: Path, tmp_path: Path) -> Path:
    """A model that is declared an encoder, but is none."""
    folder = tmp_path / "model"
    shutil.copytree(four_labels, folder)
    as_encoder(folder, b"no flatbuffer at all, though long enough for a header" * 20)
    return folder


@pytest.fixture(scope="module")
def flatbuffer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs TensorFlow, to make a model for LiteRT")
    file = tmp_path_factory.mktemp("litert") / "model.tflite"
    subprocess.run([sys.executable, "-c", MAKE, file], check=True, capture_output=True)
    return file.read_bytes()


@pytest.fixture
def encoder(folder: Path, flatbuffer: bytes) -> Path:
    """The folder of a model that LiteRT runs."""
    as_encoder(folder, flatbuffer)
    return folder


def test_a_missing_litert_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.delitem(sys.modules, "disaster_tweets.runtime.litert", raising=False)
    with pytest.raises(ArtifactError) as caught:
        Classifier.load(folder)

    assert str(caught.value) == (
        "this model is an encoder, and needs ai-edge-litert: pip install ai-edge-litert"
    )


@needs_litert
class TestModel:
    def test_what_is_no_flatbuffer_is_refused_by_name(self, folder: Path) -> None:
        with pytest.raises(ArtifactError) as caught:
            Classifier.load(folder)
        message = str(caught.value)

        assert message.startswith(f"{folder / 'model.bin'}: LiteRT cannot run it (")
        assert message.endswith("; reinstall disaster-tweets-model and ai-edge-litert")
        assert len(message.splitlines()) == 1

    def test_a_text_has_the_same_score_alone_and_among_others(self, encoder: Path) -> None:
        classifier = Classifier.load(encoder)
        together = classifier.predict_proba(TEXTS)

        assert len(np.unique(together, axis=0)) == len(TEXTS)
        for text, row in zip(TEXTS, together, strict=True):
            assert np.array_equal(classifier.predict_proba([text]), [row])

    def test_the_content_runs_as_the_file_does(self, encoder: Path, flatbuffer: bytes) -> None:
        from disaster_tweets.runtime.litert import LiteRT

        encoded = [[1, 2], [3, 4, 5, 6], [7]]

        assert np.array_equal(
            LiteRT(flatbuffer).logits(encoded), LiteRT(encoder / "model.bin").logits(encoded)
        )

    def test_calls_from_several_threads_at_once(self, encoder: Path) -> None:
        classifier = Classifier.load(encoder)
        expected = classifier.predict_proba(TEXTS * 20)
        with ThreadPoolExecutor(4) as threads:
            scores = list(threads.map(classifier.predict_proba, [TEXTS * 20] * 8))

        assert all(np.array_equal(each, expected) for each in scores)

    def test_it_is_opened_again_wherever_the_process_is_by_then(
        self, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = Classifier.load(encoder).predict(TEXTS)
        monkeypatch.chdir(encoder.parent)
        classifier = Classifier.load(encoder.name)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")

        with classifier._runtime._borrowed():  # type: ignore[attr-defined]
            # As in a concurrent call.
            assert classifier.predict(TEXTS) == expected
        assert pickle.loads(pickle.dumps(classifier)).predict(TEXTS) == expected

    def test_a_fresh_process_prints_nothing(self, encoder: Path, run: Any) -> None:
        code = (
            "import sys; from disaster_tweets import Classifier\n"
            "print(Classifier.load(sys.argv[1]).predict('thanks').label)"
        )
        label = Classifier.load(encoder).predict("thanks").label

        assert run("python", "-W", "error", "-c", code, encoder) == (0, f"{label}\n", "")


@needs_litert
class TestStandardError:
    """Standard error lacks LiteRT's line for each interpreter, and has all other output."""

    def test_what_others_write_gets_through(self, run: Any) -> None:
        code = """if True:
            import os
            from disaster_tweets.runtime.litert import without_start_up_message
            with without_start_up_message():
                line = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n"
                os.write(2, line + b"a line\\nno end of a line")
        """
        assert run("python", "-c", code) == (0, "", "a line\nno end of a line")

    @pytest.mark.skipif(os.name == "nt", reason="a pipe that does not block is POSIX")
    def test_who_writes_too_much_is_not_held_up(self, run: Any) -> None:
        code = """if True:
            import os
            from disaster_tweets.runtime.litert import without_start_up_message
            with without_start_up_message():
                try:
                    while True:
                        os.write(2, b"kept\\n" * 100)
                except BlockingIOError:
                    pass
        """
        status, out, err = run("python", "-c", code)

        assert (status, out) == (0, "")
        assert set(err.splitlines()) == {"kept"}

    @pytest.mark.skipif(os.name == "nt", reason="closes file descriptor 2 as a shell does")
    def test_there_may_be_none(self, encoder: Path, run: Any) -> None:
        code = (
            "import os, sys; os.close(2); from disaster_tweets import Classifier\n"
            "Classifier.load(sys.argv[1]).predict('thanks')"
        )
        assert run("python", "-c", code, encoder).status == 0
