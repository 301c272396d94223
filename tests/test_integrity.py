"""`disaster-tweets verify`: an intact install has no problem, every change gives a message."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import disaster_tweets
from disaster_tweets import bundle, integrity
from disaster_tweets.topic import TEXT, TEXTS

from .conftest import fingerprint


class Install(NamedTuple):
    """A copy of the installed distribution, in the first folder of the import path."""

    folder: Path
    run: Any

    def verify(self) -> tuple[int, list[str], list[str]]:
        """Run the command; return the exit status and the lines of both streams."""
        command = ("-m", "disaster_tweets", "verify")
        status, out, err = self.run("python", *command, PYTHONPATH=str(self.folder))
        assert "Traceback" not in err
        return status, out.splitlines(), err.splitlines()

    def artifact(self, name: str) -> Path:
        return self.folder / "disaster_tweets" / "artifacts" / name

    def metadata(self) -> Path:
        (folder,) = self.folder.glob("*.dist-info")
        return folder


@pytest.fixture
def install(tmp_path: Path, run: Any) -> Install:
    # As deep as site-packages, because RECORD has relative paths to the scripts.
    folder = tmp_path / "lib" / "python" / "site-packages"
    # The metadata of the imported package; a build leaves other metadata in the sources.
    site_packages = str(Path(disaster_tweets.__file__).parents[1])
    (installed,) = distributions(name="disaster-tweets-model", path=[site_packages])
    for file in installed.files or ():
        if file.hash is not None or file.name == "RECORD":
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed.locate_file(file), folder / file)
    return Install(folder, run)


def flip(file: Path, position: int) -> None:
    """Change one bit of a file."""
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)


def test_what_is_installed(run: Any) -> None:
    status, out, err = run("disaster-tweets", "verify")

    assert (status, err) == (0, "")
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        *("files", "manifest", "artifacts", "scores")
    ]


def test_the_copy_before_it_is_altered(install: Install) -> None:
    status, out, err = install.verify()
    code = "import disaster_tweets; print(disaster_tweets.__file__)"
    imported = install.run("python", "-c", code, PYTHONPATH=str(install.folder)).out.strip()

    assert (status, len(out), err) == (0, 4, [])
    assert Path(imported).is_relative_to(install.folder)


@pytest.mark.parametrize(
    ("name", "position"),
    [
        *(("manifest.json", 0), ("manifest.json", -2), ("model.bin", 0), ("vocab.txt", -2)),
        *(("calibration.npy", -2), ("golden.json", 0)),
    ],
)
def test_one_bit_of_an_artifact(install: Install, name: str, position: int) -> None:
    flip(install.artifact(name), position)
    status, _, err = install.verify()

    assert status == 1
    assert err[0] == (
        f"Error: disaster_tweets/artifacts/{name}: differs from RECORD; "
        "reinstall disaster-tweets-model"
    )
    # The manifest covers the artifacts as well; only RECORD covers this file.
    assert all(name in line for line in err)
    assert len(err) == 2


def test_one_bit_of_the_code(install: Install) -> None:
    flip(install.folder / "disaster_tweets" / "cli" / "predict.py", 5)  # in the docstring
    status, _, err = install.verify()

    assert (status, err) == (
        1,
        [
            "Error: disaster_tweets/cli/predict.py: differs from RECORD; "
            "reinstall disaster-tweets-model"
        ],
    )


@pytest.mark.parametrize(
    "name",
    [
        *("artifacts/model.bin", "artifacts/golden.json", "artifacts/manifest.json"),
        *("characters.json", "plugins/contract.py", "py.typed"),
    ],
)
def test_a_missing_file(install: Install, name: str) -> None:
    (install.folder / "disaster_tweets" / name).unlink()
    status, _, err = install.verify()

    assert status == 1
    assert err[0] == (
        f"Error: disaster_tweets/{name}: missing; reinstall disaster-tweets-model"
    )
    assert all(Path(name).name in line for line in err)


def test_damaged_character_data(install: Install) -> None:
    file = install.folder / "disaster_tweets" / "characters.json"
    file.write_bytes(file.read_bytes()[:1000])
    status, _, err = install.verify()

    assert status == 1
    assert err == [
        "Error: disaster_tweets/characters.json: differs from RECORD; "
        "reinstall disaster-tweets-model",
        "Error: characters.json: damaged; reinstall disaster-tweets-model",
    ]


def test_it_compares_more_than_a_load_does(install: Install) -> None:
    manifest = json.loads(install.artifact("manifest.json").read_bytes())
    manifest["artifacts"]["model.bin"]["sha256"] = "0" * 64
    install.artifact("manifest.json").write_text(json.dumps(manifest), "utf-8")
    status, _, err = install.verify()

    assert status == 1
    assert any("model.bin: its content was altered" in line for line in err)
    disaster_tweets.Classifier.load(install.artifact("manifest.json").parent)


def keep_metadata_alone(record: Path) -> None:
    """Remove the lines of RECORD that are about the package."""
    lines = record.read_text("utf-8").splitlines(keepends=True)
    record.write_text("".join(line for line in lines if ".dist-info/" in line), "utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda metadata: (metadata / "RECORD").unlink(),
        lambda metadata: (shutil.rmtree(metadata), metadata.mkdir()),
        lambda metadata: keep_metadata_alone(metadata / "RECORD"),
    ],
    ids=["no RECORD", "no metadata", "the package is not in RECORD"],
)
def test_an_install_without_its_record(
    install: Install, damage: Callable[[Path], None]
) -> None:
    # A later folder on the path has another install, and its RECORD does not matter.
    damage(install.metadata())
    status, out, err = install.verify()

    assert status == 1
    assert len(err) == 1
    assert err[0].startswith("Error: RECORD: ")
    assert not any(line.startswith("files:") for line in out)


def test_an_editable_install(install: Install, tmp_path: Path) -> None:
    # The sources are elsewhere, and RECORD does not list them.
    sources = tmp_path / "src"
    shutil.move(install.folder / "disaster_tweets", sources / "disaster_tweets")
    keep_metadata_alone(install.metadata() / "RECORD")
    path = os.pathsep.join([str(sources), str(install.folder)])
    status, out, err = install.run("python", "-m", "disaster_tweets", "verify", PYTHONPATH=path)

    assert (status, err) == (0, "")
    first = out.splitlines()[0]
    assert first == "files: an editable install, whose sources RECORD does not cover"


@pytest.fixture
def target(install: Install, tmp_path: Path, run: Any) -> Install:
    """An install by `pip install --target`, whose RECORD has another layout."""
    folder = tmp_path / "apps" / "a" / "b" / "target"
    shutil.copytree(install.folder, folder)
    for script in scripts(install.metadata() / "RECORD"):
        inside = folder / "/".join(part for part in script.split("/") if part != "..")
        inside.parent.mkdir(exist_ok=True)
        shutil.copyfile(install.folder / script, inside)
    return Install(folder, run)


def scripts(record: Path) -> list[str]:
    lines = record.read_text("utf-8").splitlines()
    return [line.partition(",")[0] for line in lines if line.startswith("..")]


class TestTarget:
    def test_the_scripts_are_found(self, target: Install) -> None:
        status, out, err = target.verify()

        assert scripts(target.metadata() / "RECORD")
        assert (status, len(out), err) == (0, 4, [])

    def test_the_scripts_of_another_install_are_not_taken_for_these(
        self, target: Install
    ) -> None:
        for script in scripts(target.metadata() / "RECORD"):
            (target.folder / script).parent.mkdir(exist_ok=True)
            (target.folder / script).write_text("#!/usr/bin/python\n", "utf-8")

        assert target.verify()[0] == 0

    @pytest.mark.parametrize("reason", ["missing", "differs from RECORD"])
    def test_each_damage_is_named(self, target: Install, reason: str) -> None:
        script = scripts(target.metadata() / "RECORD")[0]
        file = target.folder / script.replace("../", "")
        file.unlink() if reason == "missing" else flip(file, 0)
        status, _, err = target.verify()

        assert status == 1
        assert err == [f"Error: {script}: {reason}; reinstall disaster-tweets-model"]


@pytest.mark.parametrize("score", [-0.5, "high", None])
def test_a_score_that_moved(install: Install, score: object) -> None:
    golden = json.loads(install.artifact("golden.json").read_bytes())
    golden[1]["probability"] = score
    _rewrite_golden(install, json.dumps(golden))
    status, out, err = install.verify()

    assert status == 1
    assert not any(line.startswith("scores:") for line in out)
    (moved,) = (line for line in err if f"golden.json: {TEXT}" in line)
    assert moved.startswith(f"Error: golden.json: {TEXT} 1 scores ")
    tolerance = json.loads(install.artifact("manifest.json").read_bytes())["golden_tolerance"]
    away = f", more than {tolerance} away" if tolerance else ""
    assert f" instead of {score}{away}; reinstall disaster-tweets-model " in moved


@pytest.mark.parametrize("content", ["[", "{}", "[1]", '[{"text": "cake"}]', "[]"])
def test_golden_texts_that_are_none(install: Install, content: str) -> None:
    _rewrite_golden(install, content)
    status, out, err = install.verify()

    assert status == 1
    assert not any(line.startswith("scores:") for line in out)
    assert sum("golden.json" in line for line in err) == 2  # RECORD detects it, too


def _rewrite_golden(install: Install, content: str) -> None:
    """Replace the golden texts, and update the manifest."""
    raw = content.encode()
    install.artifact("golden.json").write_bytes(raw)
    manifest = json.loads(install.artifact("manifest.json").read_bytes())
    manifest["artifacts"]["golden.json"] = fingerprint(raw)
    install.artifact("manifest.json").write_text(json.dumps(manifest), "utf-8")


class TestFourLabels:
    """Verification of the scores of the made-up model, in this process."""

    @pytest.fixture
    def folder(
        self, four_labels_installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Path:
        """A copy of the model that takes the place of the bundled one."""
        folder = tmp_path / "model"
        shutil.copytree(four_labels_installed, folder)
        monkeypatch.setattr(bundle, "bundled", lambda: folder)
        return folder

    @staticmethod
    def change(folder: Path, golden: dict[str, object], **manifest: object) -> None:
        """Change the first golden text, and the manifest."""
        changed = json.loads((folder / "golden.json").read_bytes())
        changed[0] |= golden
        raw = json.dumps(changed).encode()
        description = json.loads((folder / "manifest.json").read_bytes()) | manifest
        description["artifacts"]["golden.json"] = fingerprint(raw)
        (folder / "golden.json").write_bytes(raw)
        (folder / "manifest.json").write_text(json.dumps(description), "utf-8")

    @staticmethod
    def first_score(folder: Path) -> float:
        (score, *_) = json.loads((folder / "golden.json").read_bytes())
        return float(score["probability"])

    def test_what_is_installed(self, four_labels_installed: Path) -> None:
        checked, _ = integrity.verify()

        assert f"scores: 10 golden {TEXTS}, the same to the bit" in checked

    @pytest.mark.parametrize(
        "change",
        [{"probability": 0.9}, {"label": "order"}, {"label": "blame"}, {"label": None}],
        ids=["probability", "another label", "no such label", "no label"],
    )
    @pytest.mark.parametrize("tolerance", [0, 0.001])
    def test_a_score_that_moved(
        self, folder: Path, change: dict[str, object], tolerance: float
    ) -> None:
        self.change(folder, change, golden_tolerance=tolerance)
        checked, problems = integrity.verify()

        assert not any(line.startswith("scores:") for line in checked)
        assert [line for line in problems if line.startswith(f"golden.json: {TEXT} 0 scores ")]

    def test_a_score_that_moved_by_the_last_bit(self, folder: Path) -> None:
        score = self.first_score(folder)
        moved = float(np.nextafter(np.float32(score), np.float32(1)))
        self.change(folder, {"probability": moved})
        checked, problems = integrity.verify()

        assert not any(line.startswith("scores:") for line in checked)
        assert (
            f"golden.json: {TEXT} 0 scores {score} instead of {moved}; reinstall "
            "disaster-tweets-model and what it needs"
        ) in problems

    def test_a_model_whose_scores_may_move(self, folder: Path) -> None:
        moved = {"probability": self.first_score(folder) + 0.0005}
        self.change(folder, moved, golden_tolerance=0.001)
        checked, _ = integrity.verify()

        assert f"scores: 10 golden {TEXTS}, within 0.001" in checked
