"""The whole pipeline through DVC, on made-up data."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from disaster_tweets.topic import LABELS

from ..tiny import TINY
from .conftest import ALL, ROOT, UP_TO_DATE, Project, stages_run

RETRAINED = ("assistant", "student")


def manifest_of(project: Project) -> dict[str, object]:
    return json.loads((project.folder / "artifacts/manifest.json").read_text("utf-8"))


def test_the_lock_files_of_this_checkout_are_up_to_date() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout: DVC compares the files with dvc.lock in it")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", ALL, "--allow-missing", "--dry"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    # The exit status is 0 even if stages would run.
    assert UP_TO_DATE in done.stdout, done.stdout + done.stderr


def test_the_model_learned_and_says_so(built: Project) -> None:
    manifest = manifest_of(built)

    assert manifest["labels"] == list(LABELS)
    assert manifest["metrics"]["auc"]["value"] > 0.8
    assert manifest["max_tokens"] == TINY["model"]["max_tokens"]
    metrics = built.dvc("metrics", "show")
    assert f"{manifest['metrics']['accuracy']['value']}" in metrics
    assert "val_loss" in metrics


def test_both_models_are_candidates_and_the_one_that_was_chosen_ships(built: Project) -> None:
    manifest, folder = manifest_of(built), built.folder
    candidates = json.loads((folder / "reports/candidates.json").read_text("utf-8"))
    shipped = candidates["shipped"]

    assert manifest["kind"] == shipped
    assert (
        set(manifest["candidates"]) == set(candidates["validation"]) == {"student", "encoder"}
    )
    assert manifest["candidates"][shipped]["metrics"] == manifest["metrics"]
    assert manifest["candidates"]["student"] != manifest["candidates"]["encoder"]
    for artifact, exported in (
        ("model.bin", {"student": "student.npy", "encoder": "encoder.tflite"}[shipped]),
        ("vocab.txt", f"{shipped}.vocab.txt"),
    ):
        content = (folder / "artifacts" / artifact).read_bytes()
        assert content == (folder / "models" / exported).read_bytes()


def test_every_plot_renders(built: Project, tmp_path: Path) -> None:
    built.dvc("plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text("utf-8")
    declared = re.findall(r"^  - (.*):$", (built.folder / "dvc.yaml").read_text(), re.MULTILINE)
    titles = [name for name in declared if "held-out" in name or name == "Training"]
    assert len(titles) == 5
    for title in titles:
        assert title in page


def test_two_trainings_give_the_same_bytes(project: Project) -> None:
    def artifacts() -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (project.folder / "artifacts").iterdir()
            if path.is_file()
        }

    before = artifacts()
    shutil.rmtree(project.folder / "models")
    project.dvc("repro", ALL, "--force", "--no-run-cache")
    assert artifacts() == before


def test_the_other_kind_ships_where_the_parameters_say_so(project: Project) -> None:
    before = manifest_of(project)
    other = {"student": "encoder", "encoder": "student"}[before["kind"]]
    project.change_params(export={"ship": other})
    run = stages_run(project.dvc("repro", ALL))
    manifest = manifest_of(project)

    assert run[:2] == ["export", "evaluate"]
    assert not set(RETRAINED) & set(run)
    assert manifest["kind"] == other
    assert manifest["metrics"] == manifest["candidates"][other]["metrics"]
    assert ("distillation" in manifest) == (other == "student")
    # The scores of a student are the same everywhere.
    tolerances = {of["kind"]: of["golden_tolerance"] for of in (before, manifest)}
    assert tolerances["student"] == 0 < tolerances["encoder"]

    printed = project.run(sys.executable, "-m", "pipeline.package", status=1)
    assert re.search(f"error: setup.cfg: the model that ships is an? {other}, ", printed)
    assert not (project.folder / "dist").exists()


class TestStale:
    """The stages that run again after a change, and the stages that do not."""

    def test_a_changed_parameter_runs_its_stage_and_what_follows(
        self, project: Project
    ) -> None:
        project.change_params(evaluate={"model_version": "9.9"})
        run = stages_run(project.dvc("repro", ALL))

        assert [name for name in run if ":" not in name] == run[:1] == ["evaluate"]
        assert manifest_of(project)["model_version"] == "9.9"

    def test_another_label(self, project: Project) -> None:
        labels = project.params()["prepare"]["labels"]
        first, *others = labels.items()
        project.change_params(prepare={"labels": {"renamed": first[1], **dict(others)}})

        assert {"prepare", "evaluate", *RETRAINED} <= set(project.stale())

    def test_another_cleaning_of_texts(self, project: Project) -> None:
        reads = project.params()["reads"]
        project.change_params(reads={"urls": not reads["urls"]})

        assert {"export", "evaluate", *RETRAINED} <= set(project.stale())

    def test_another_form_of_the_manifest(self, project: Project) -> None:
        path = project.folder / "src/disaster_tweets/manifest.py"
        source = path.read_text("utf-8")
        raised = re.sub(r"(?m)^SCHEMA_VERSION = \d+$", "SCHEMA_VERSION = 99", source)
        assert raised != source
        path.write_text(raised, "utf-8")
        stale = project.stale()

        assert "evaluate" in stale
        assert not set(RETRAINED) & set(stale)

    def test_an_upgraded_tool(self, project: Project) -> None:
        project.append("constraints.txt")
        assert set(RETRAINED) <= set(project.stale())

    def test_another_module_of_the_training(self, project: Project) -> None:
        project.append("src/disaster_tweets/text.py")
        assert set(RETRAINED) <= set(project.stale())

    def test_not_another_word_of_the_topic_nor_another_command(self, project: Project) -> None:
        for module in ("topic.py", "__init__.py", "cli/group.py"):
            project.append(f"src/disaster_tweets/{module}")
        assert [name for name in project.stale() if ":" not in name] == []


def test_parity_beyond_its_limit_stops_the_export(project: Project) -> None:
    limits = {kind: {"mean_difference": -1.0} for kind in ("student", "encoder")}
    project.change_params(export={"parity": limits})
    printed = project.dvc("repro", ALL, status=255)
    assert re.search(r"error: models/\w+\.\w+: mean_difference from Keras is", printed)
    assert "Traceback" not in printed


def test_a_fresh_clone_without_data_is_up_to_date(built: Project, tmp_path: Path) -> None:
    built.git("clone", "--quiet", str(built.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", tmp_path / "no-mirror")
    assert UP_TO_DATE in clone.dvc("repro", ALL, "--allow-missing", "--dry")

    (clone.folder / "artifacts/vocab.txt").write_text("tampered\n")
    tampered = clone.dvc("repro", ALL, "--allow-missing", "--dry", status=255)
    assert "failed to reproduce 'export'" in tampered


def test_push_and_pull_through_a_folder(project: Project, tmp_path: Path) -> None:
    project.dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    project.dvc("push")
    project.git("commit", "--quiet", "--all", "--message=Name the remote")
    project.git("clone", "--quiet", str(project.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", tmp_path / "no-mirror")
    clone.dvc("pull")
    assert clone.dvc("repro", ALL).count(UP_TO_DATE) == 1
    for name in ("models/student.safetensors", "models/encoder.safetensors"):
        assert (clone.folder / name).read_bytes() == (project.folder / name).read_bytes()


class TestPackage:
    def package(self, project: Project, status: int = 0) -> str:
        return project.run(sys.executable, "-m", "pipeline.package", status=status)

    def wheel(self, project: Project) -> zipfile.ZipFile:
        (wheel,) = (project.folder / "dist").glob("*.whl")
        return zipfile.ZipFile(wheel)

    def test_it_is_reproducible_and_complete(self, project: Project) -> None:
        def package() -> dict[str, str]:
            self.package(project)
            return {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in (project.folder / "dist").iterdir()
            }

        first = package()
        assert sorted(Path(name).suffix for name in first) == [".gz", ".whl"]
        (project.folder / "setup.cfg").touch()
        assert package() == first

    def test_a_stale_model_is_built_anew_first(self, project: Project) -> None:
        project.change_params(evaluate={"model_version": "9.9"})
        self.package(project)
        with self.wheel(project) as archive:
            manifest = json.loads(archive.read("disaster_tweets/artifacts/manifest.json"))
        assert manifest["model_version"] == "9.9"

    def test_a_file_that_no_wheel_holds_is_named(self, project: Project) -> None:
        """A new package may be forgotten in setup.cfg, which lists the packages."""
        new = project.folder / "src/disaster_tweets/forgotten/__init__.py"
        new.parent.mkdir()
        new.write_text("", "utf-8")
        printed = self.package(project, status=1)

        assert re.search(r"error: .*\.whl: lacks disaster_tweets/forgotten/__init__", printed)
        assert not (project.folder / "dist").exists()

    def test_labels_that_are_not_those_of_the_topic_are_refused(self, project: Project) -> None:
        project.append(
            "src/disaster_tweets/topic.py",
            "LABELS = (*reversed(LABELS),)  # type: ignore[misc]\n",
        )
        printed = self.package(project, status=1)

        assert "error: artifacts/manifest.json: its labels are " in printed
        assert not (project.folder / "dist").exists()
