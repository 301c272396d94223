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
import yaml

from .conftest import ROOT, Project

UP_TO_DATE = "Data and pipelines are up to date."


def test_the_lock_file_of_this_checkout_is_up_to_date() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout: DVC compares the files with dvc.lock in it")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--allow-missing", "--dry"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    # The exit status is 0 even where stages would run.
    assert UP_TO_DATE in done.stdout, done.stdout + done.stderr


def test_a_second_run_does_nothing(built: Project) -> None:
    assert built.dvc("repro").count(UP_TO_DATE) == 1


def test_the_model_learned_and_says_so(built: Project) -> None:
    manifest = json.loads((built.folder / "artifacts/manifest.json").read_text("utf-8"))
    assert manifest["metrics"]["auc"]["value"] > 0.9
    assert manifest["max_tokens"] == 24
    metrics = built.dvc("metrics", "show")
    assert f"{manifest['metrics']['accuracy']['value']}" in metrics
    assert "val_loss" in metrics


def test_every_plot_renders(built: Project, tmp_path: Path) -> None:
    built.dvc("plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text("utf-8")
    declared = re.findall(r"^  - (.*):$", (built.folder / "dvc.yaml").read_text(), re.MULTILINE)
    titles = [name for name in declared if "held-out" in name or name == "Training"]
    assert len(titles) == 5
    for title in titles:
        assert title in page


def test_the_graph_names_every_stage(built: Project) -> None:
    graph = built.dvc("dag")
    for name in yaml.safe_load((built.folder / "dvc.yaml").read_text("utf-8"))["stages"]:
        assert name in graph


# begin: left out of a copy
def test_the_submission_has_the_format_of_the_sample(built: Project) -> None:
    submission = (built.folder / "reports/submission.csv").read_text("utf-8").splitlines()
    sample = (built.folder / "data/raw/sample_submission.csv").read_text("utf-8").splitlines()
    assert [line.partition(",")[0] for line in submission] == [
        line.partition(",")[0] for line in sample
    ]
    assert {line.partition(",")[2] for line in submission[1:]} <= {"0", "1"}


# end: left out of a copy


def test_two_trainings_give_the_same_bytes(project: Project) -> None:
    def artifacts() -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (project.folder / "artifacts").iterdir()
            if path.is_file()
        }

    before = artifacts()
    shutil.rmtree(project.folder / "models")
    project.dvc("repro", "--force", "--no-run-cache")
    assert artifacts() == before


def test_a_changed_parameter_runs_its_stage_and_what_follows(project: Project) -> None:
    project.change_params(evaluate={"model_version": "9.9"})
    printed = project.dvc("repro")
    assert re.findall(r"Running stage '(\w+)'", printed) == ["evaluate", "submit"]


def test_an_upgraded_tool_makes_training_stale(project: Project) -> None:
    with (project.folder / "constraints.txt").open("a") as file:
        file.write("# another version\n")
    assert "Running stage 'train'" in project.dvc("repro", "--allow-missing", "--dry")


# begin: left out of a copy
def test_dvc_never_trains_the_teachers(project: Project) -> None:
    project.change_params(teacher={"epochs": 3})
    with (project.folder / "pipeline/teacher.py").open("a") as file:
        file.write("# another version\n")
    printed = project.dvc("repro")
    assert UP_TO_DATE in printed
    forced = project.dvc("repro", "--force", "--single-item", "soft_labels")
    assert "Running stage" not in printed + forced


def test_other_soft_labels_make_what_is_distilled_stale(project: Project) -> None:
    path = project.folder / "teacher/soft_labels.csv"
    path.write_text(path.read_text("utf-8").replace("2.0,3.0", "2.5,3.0"), "utf-8")
    printed = project.dvc("repro", "--allow-missing", "--dry")
    assert re.findall(r"Running stage '(\w+)'", printed)[0] == "distill"
    project.dvc("commit", "--force", "soft_labels")
    committed = project.dvc("repro", "--allow-missing", "--dry")
    assert "Running stage 'distill'" in committed
    assert "Running stage 'soft_labels'" not in committed


# end: left out of a copy


def test_parity_beyond_its_limit_stops_the_export(project: Project) -> None:
    project.change_params(export={"parity": {"mean_difference": 0.0}})
    printed = project.dvc("repro", status=255)
    assert "error: artifacts/model.tflite: mean_difference from Keras is" in printed
    assert "Traceback" not in printed


def test_a_fresh_clone_without_data_is_up_to_date(built: Project, tmp_path: Path) -> None:
    built.git("clone", "--quiet", str(built.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", tmp_path / "no-mirror")
    assert UP_TO_DATE in clone.dvc("repro", "--allow-missing", "--dry")

    (clone.folder / "artifacts/vocab.txt").write_text("tampered\n")
    tampered = clone.dvc("repro", "--allow-missing", "--dry", status=255)
    assert "failed to reproduce 'export'" in tampered


def test_push_and_pull_through_a_folder(project: Project, tmp_path: Path) -> None:
    project.dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    project.dvc("push")
    project.git("commit", "--quiet", "--all", "--message=Name the remote")
    project.git("clone", "--quiet", str(project.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", tmp_path / "no-mirror")
    clone.dvc("pull")
    assert clone.dvc("repro").count(UP_TO_DATE) == 1
    name = "models/classifier.safetensors"
    assert (clone.folder / name).read_bytes() == (project.folder / name).read_bytes()


def test_packaging_is_reproducible_and_complete(project: Project) -> None:
    def package() -> dict[str, str]:
        project.run(sys.executable, "-m", "pipeline.package")
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (project.folder / "dist").iterdir()
        }

    first = package()
    assert sorted(Path(name).suffix for name in first) == [".gz", ".whl"]
    (project.folder / "setup.cfg").touch()
    assert package() == first
    (wheel,) = (project.folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("disaster_tweets/artifacts/manifest.json"))
    assert manifest["max_tokens"] == 24
    assert not [name for name in names if "pipeline" in name or "data/" in name]


def test_packaging_rebuilds_a_stale_model_first(project: Project) -> None:
    project.change_params(evaluate={"model_version": "9.9"})
    project.run(sys.executable, "-m", "pipeline.package")
    (wheel,) = (project.folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        manifest = json.loads(archive.read("disaster_tweets/artifacts/manifest.json"))
    assert manifest["model_version"] == "9.9"
