"""The files of the model: an error names a damaged file, and a zip works like a folder.

The form of the manifest is in test_manifest.py.
"""

from __future__ import annotations

import copy
import io
import json
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import importlib_resources
import numpy as np
import pytest

from disaster_tweets import ArtifactError, Classifier, InputError, bundle, predict
from disaster_tweets.manifest import SCHEMA_VERSION
from disaster_tweets.runtime.integers import layout

from .conftest import fingerprint

# Only `disaster-tweets verify` reads golden.json.
FILES = ("model.bin", "vocab.txt", "calibration.npy")
TEXT = "The parcel was late, and nobody answers the phone"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled model."""
    for name in (*FILES, "golden.json", "manifest.json"):
        file = importlib_resources.files("disaster_tweets.artifacts") / name
        (tmp_path / name).write_bytes(file.read_bytes())
    return tmp_path


def refusal(folder: Path, name: str) -> str:
    """Return the reason in the error of loading, which follows the name of the file."""
    with pytest.raises(ArtifactError) as caught:
        Classifier.load(folder)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{folder / name}: ")
    return message.removeprefix(f"{folder / name}: ")


def flip(content: bytes) -> bytes:
    """Change one bit in the middle of a file."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def test_a_copy_gives_the_same_scores(folder: Path) -> None:
    assert Classifier.load(folder).predict(TEXT) == predict(TEXT)
    assert Classifier.load(str(folder)).predict(TEXT) == predict(TEXT)


class Named:
    """A path object of another library."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return self.path


class TestRelativePath:
    """Copies of a classifier, which open the model again, usually in another process."""

    @pytest.fixture(params=[str, Path, Named])
    def classifier(
        self, request: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Classifier:
        """A classifier loaded by a relative path, before the current folder changes."""
        monkeypatch.chdir(folder.parent)
        classifier = Classifier.load(request.param(folder.name))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        return classifier

    def test_copies(self, classifier: Classifier) -> None:
        assert pickle.loads(pickle.dumps(classifier)).predict(TEXT) == predict(TEXT)
        assert copy.copy(classifier).predict(TEXT) == predict(TEXT)

    def test_a_link_that_leads_elsewhere_since(self, folder: Path, tmp_path: Path) -> None:
        link = tmp_path / "current"
        try:
            link.symlink_to(folder, target_is_directory=True)
        except OSError:
            pytest.skip("the system makes no links for this user")
        classifier = Classifier.load(link)
        link.unlink()

        assert pickle.loads(pickle.dumps(classifier)).predict(TEXT) == predict(TEXT)


class TestDamage:
    @pytest.mark.parametrize("name", FILES)
    def test_missing(self, folder: Path, name: str) -> None:
        (folder / name).unlink()

        assert refusal(folder, name) == (
            "No such file or directory; reinstall disaster-tweets-model"
        )

    @pytest.mark.parametrize("name", [*FILES, "manifest.json"])
    def test_a_folder_in_its_place(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

        assert refusal(folder, name).endswith("; reinstall disaster-tweets-model")

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: b"",
            lambda content: content[:-1],
            lambda content: content + b"\n",
        ],
        ids=["empty", "one byte less", "one byte more"],
    )
    def test_another_size(
        self, folder: Path, name: str, damage: Callable[[bytes], bytes]
    ) -> None:
        file = folder / name
        size = file.stat().st_size
        file.write_bytes(damage(file.read_bytes()))

        assert refusal(folder, name) == (
            f"{file.stat().st_size:,} bytes instead of {size:,}; "
            "reinstall disaster-tweets-model"
        )

    @pytest.mark.parametrize("name", FILES)
    def test_one_bit(self, folder: Path, name: str) -> None:
        (folder / name).write_bytes(flip((folder / name).read_bytes()))

        assert refusal(folder, name) == (
            "its content was altered; reinstall disaster-tweets-model"
        )

    @pytest.mark.parametrize("path", ["nowhere", "manifest.json"])
    def test_no_folder(self, folder: Path, path: str) -> None:
        with pytest.raises(ArtifactError) as caught:
            Classifier.load(folder / path)

        assert str(caught.value) == (
            f"{folder / path}: no such folder; pass one that holds manifest.json"
        )

    def test_a_folder_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError) as caught:
            Classifier.load(tmp_path)

        assert str(caught.value) == (
            f"{tmp_path}: holds no model, as manifest.json is missing; "
            "pass a folder that holds manifest.json and the files that it names"
        )

    @pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 5000])
    def test_what_no_folder_can_be_called(self, path: str) -> None:
        with pytest.raises(ArtifactError, match="no such folder; pass one") as caught:
            Classifier.load(path)

        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("path", ["", b"model", 5])
    def test_what_is_no_path(self, path: Any) -> None:
        with pytest.raises(InputError, match=r"^path is .*; pass a folder that holds"):
            Classifier.load(path)


def saved(array: Any, allow_pickle: bool = False) -> bytes:
    """Return an array in NumPy's format."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=allow_pickle)
    return content.getvalue()


class Harmful:
    """An object whose unpickling calls a Python function."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was unpickled",)


FORM = np.dtype(layout(pieces=130, width=4, filters=4, hidden=2, outputs=4))
RECORD = np.zeros(1, FORM)
PICKLED = saved(np.array([Harmful()], object), allow_pickle=True)


class TestContent:
    """Invalid files whose checksums match the manifest."""

    @pytest.fixture
    def folder(self, four_labels: Path, tmp_path: Path) -> Path:
        """A copy of the model with four labels, which is of the small kind."""
        folder = tmp_path / "model"
        shutil.copytree(four_labels, folder)
        return folder

    @staticmethod
    def replace(folder: Path, name: str, content: bytes) -> None:
        """Replace a file, and update the manifest."""
        (folder / name).write_bytes(content)
        description = json.loads((folder / "manifest.json").read_bytes())
        description["artifacts"][name] = fingerprint(content)
        (folder / "manifest.json").write_text(json.dumps(description), "utf-8")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"no array at all, though long enough for a header" * 20,
            saved(RECORD)[:90],
            saved(RECORD)[:-1],
            saved(RECORD[:0]),
            saved(np.zeros(2, FORM)),
            saved(np.zeros((2, 3))),
            saved(np.zeros(1)),
            saved(np.zeros(1, FORM.descr[1:])),
            saved(np.zeros(1, FORM.newbyteorder(">"))),
            PICKLED,
        ],
        ids=[
            *("empty", "garbage", "half a header", "truncated", "no record", "two records"),
            *("matrix", "number", "a field less", "byte order", "pickle"),
        ],
    )
    def test_a_model_of_another_form(self, folder: Path, content: bytes) -> None:
        self.replace(folder, "model.bin", content)
        refused = refusal(folder, "model.bin")

        assert refused.startswith("not a model of this version (")
        assert refused.endswith("); reinstall disaster-tweets-model")

    def test_a_record_of_another_size_is_a_model(self, folder: Path) -> None:
        # Otherwise the test above would show less than it seems to.
        self.replace(folder, "model.bin", saved(RECORD))

        assert Classifier.load(folder).predict(TEXT)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not a table of NumPy ("),
            (b"0.5\n0.25\n", "not a table of NumPy ("),
            (saved(np.linspace(0, 1))[:-1], "not a table of NumPy ("),
            (PICKLED, "not a table of NumPy ("),
            (saved(np.linspace(0, 1).astype(np.float32)), "not a table of float64; "),
            (saved(np.zeros((2, 3))), "not a table of float64; "),
            (saved(np.zeros(1)), "not a table of float64; "),
            (saved(RECORD), "not a table of float64; "),
        ],
        ids=["empty", "text", "truncated", "pickle", "float32", "matrix", "one", "model"],
    )
    def test_a_calibration_of_another_form(
        self, folder: Path, content: bytes, reason: str
    ) -> None:
        self.replace(folder, "calibration.npy", content)
        refused = refusal(folder, "calibration.npy")

        assert refused.startswith(reason)
        assert refused.endswith("; reinstall disaster-tweets-model")

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "lacks [CLS], [PAD], [SEP], [UNK]"),
            (b"late\nparcel\n", "lacks [CLS], [PAD], [SEP], [UNK]"),
            (b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n\xff\xfe\n", "not valid UTF-8"),
        ],
        ids=["no words", "no special tokens", "not UTF-8"],
    )
    def test_a_vocabulary_that_is_none(self, folder: Path, content: bytes, reason: str) -> None:
        self.replace(folder, "vocab.txt", content)

        assert refusal(folder, "vocab.txt") == f"{reason}; reinstall disaster-tweets-model"


def test_a_model_of_an_earlier_version(folder: Path) -> None:
    """The folder of version 0.x: other files, and a manifest that describes them."""
    (folder / "model.bin").rename(folder / "model.tflite")
    (folder / "calibration.npy").unlink()
    description = json.loads((folder / "manifest.json").read_bytes())
    artifacts = description["artifacts"]
    artifacts["model.tflite"] = artifacts.pop("model.bin")
    del artifacts["calibration.npy"]
    description["schema_version"] = 2
    (folder / "manifest.json").write_text(json.dumps(description), "utf-8")

    assert refusal(folder, "manifest.json") == (
        f"schema_version is 2, this version reads {SCHEMA_VERSION}; build the model with "
        "this version, or reinstall disaster-tweets-model"
    )


def test_a_model_in_a_zip(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = tmp_path_factory.mktemp("zip") / "model"
    shutil.make_archive(str(archive), "zip", folder)
    monkeypatch.setattr(bundle, "bundled", lambda: zipfile.Path(f"{archive}.zip"))

    assert Classifier.load().predict([TEXT, ""]) == predict([TEXT, ""])


class TestManifest:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not valid JSON"),
            (b"{", "not valid JSON"),
            (b"\xff\xfe{}", "not valid JSON"),
            (b"[" * 100_000, "not valid JSON"),
            (b"[]", "its content must be an object"),
            (b"{}", "schema_version is missing"),
        ],
    )
    def test_not_a_manifest(self, folder: Path, content: bytes, reason: str) -> None:
        (folder / "manifest.json").write_bytes(content)

        assert refusal(folder, "manifest.json").startswith(reason)

    def test_a_new_key_is_free(self, folder: Path) -> None:
        description = json.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_text(json.dumps({**description, "new": 1}), "utf-8")

        assert Classifier.load(folder).manifest == {**description, "new": 1}


class TestZip:
    """The wheel itself on the import path, as in zipapps and on some clusters."""

    def test_batches_pickles_and_threads(self, run: Any, wheel: Path) -> None:
        code = (
            "import pickle, sys; from concurrent.futures import ThreadPoolExecutor\n"
            "import disaster_tweets as d\n"
            "print(d.__file__, d.predict(sys.argv[1]), sep='\\n')\n"
            "classifier = pickle.loads(pickle.dumps(d.Classifier.load()))\n"
            "with ThreadPoolExecutor(2) as threads:\n"
            "    print(*threads.map(classifier.predict, [sys.argv[1]] * 4), sep='\\n')"
        )
        completed = run("python", "-c", code, TEXT, PYTHONPATH=str(wheel))
        file, *predictions = completed.out.splitlines()

        assert Path(file).is_relative_to(wheel)
        assert predictions == [str(predict(TEXT))] * 5

    def test_verify(self, run: Any, wheel: Path) -> None:
        completed = run("python", "-m", "disaster_tweets", "verify", PYTHONPATH=str(wheel))

        assert completed.status == 0, completed.err
        assert re.search(r"^files: \d+ match RECORD$", completed.out, re.M)
        assert completed.err == ""
