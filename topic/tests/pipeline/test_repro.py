"""The stages of the topic through DVC, on made-up data."""

from __future__ import annotations

import sys

import pandas as pd

from disaster_tweets.manifest import parse
from tests.pipeline.conftest import ALL, UP_TO_DATE, Project, stages_run

from .made_up import EVENTS, FOLDS

CROSS_FIT = "topic/dvc.yaml:cross_fit"
SUBMIT = "topic/dvc.yaml:submit"
SOFT_LABELS = "topic/dvc.yaml:soft_labels"
SOURCES = "topic/dvc.yaml:sources"


def test_the_submission_follows_the_model(project: Project) -> None:
    project.change_params(evaluate={"model_version": "9.9"})
    assert stages_run(project.dvc("repro", ALL)) == ["evaluate", SUBMIT]


def test_a_recipe_is_measured_out_of_fold(project: Project) -> None:
    """A model is trained without a fold and scores the fold. Then a model learns every text."""
    # A tiny student, trained on few texts, may lose much in integers.
    limits = {"mean_difference": 1.0, "auc_drop": 1.0}
    parity = {"student": limits, "encoder": limits}
    train = pd.read_csv(project.folder / "data/prepared/train.csv")
    of_fold = set(train.loc[train["id"] % FOLDS == 1, "id"].astype(str))
    path = project.folder / "topic/out_of_fold.csv"
    path.write_text(path.read_text("utf-8") + ",0,0,1.5,2.5\n,1,1,9.0,9.0\n", "utf-8")
    project.run(sys.executable, "-m", "topic.cross_fit", "1")
    table = pd.read_csv(path, dtype={"id": str}, keep_default_na=False)
    # The row of the other fold stays. The earlier rows of this fold are gone.
    assert table[table["fold"] == 0].values.tolist() == [["", "0", 0, 1.5, 2.5]]
    found = table[table["fold"] == 1]
    assert set(found.loc[found["source"] == "", "id"]) == of_fold
    assert set(found["source"]) == {"", "CrisisLexT6", "CrisisLexT26"}
    assert found[["student", "encoder"]].notna().all(axis=None)
    assert not (found["student"] == 9.0).any()

    project.dvc("commit", "--force", CROSS_FIT)
    project.change_params(
        prepare={"fractions": {"calibration": 0, "held_out": 0}}, export={"parity": parity}
    )
    project.dvc("repro", ALL)
    manifest = parse((project.folder / "artifacts/manifest.json").read_bytes())
    assert manifest["measured_on"] == "out_of_fold"
    # The texts of this fold are measured, and the text in the row of the other fold.
    assert len(of_fold) < manifest["metrics"]["texts"] < manifest["distillation"]["labelled"]
    assert set(manifest["sources"]) == {"CrisisLexT6", "CrisisLexT26", "written"}
    assert set(manifest["sources"]["CrisisLexT6"]["parts"]) <= {EVENTS[1].lower()}


def test_the_manifest_tells_of_the_teachers(built: Project) -> None:
    manifest = parse((built.folder / "artifacts/manifest.json").read_bytes())
    teacher = built.params("topic/params.yaml")["download_teacher"]
    assert manifest["teachers"]["repository"] == teacher["repository"]
    assert manifest["teachers"]["teachers"] == 2


def test_dvc_never_trains_the_teachers(project: Project) -> None:
    project.change_params("topic/params.yaml", teacher={"epochs": 3})
    project.append("topic/teacher.py")
    printed = project.dvc("repro", ALL)
    assert UP_TO_DATE in printed
    forced = project.dvc("repro", "--force", "--single-item", SOFT_LABELS)
    assert "Running stage" not in printed + forced


def test_other_soft_labels_make_the_sources_stale(project: Project) -> None:
    path = project.folder / "topic/soft_labels.csv"
    path.write_text(path.read_text("utf-8").replace("2.0,3.0", "2.5,3.0"), "utf-8")
    # A stage runs again if its output is not that of the lock. But this stage is frozen.
    assert project.stale() == [SOURCES]
    project.dvc("commit", "--force", SOFT_LABELS)
    assert project.stale() == [SOURCES]


def test_only_the_submission_depends_on_the_words_of_the_topic(project: Project) -> None:
    project.append("src/disaster_tweets/topic.py")
    assert project.stale() == [SUBMIT]


def test_what_no_teacher_reads_is_labelled_by_the_assistant(built: Project) -> None:
    folder = built.folder / "data"
    texts = (folder / "sources/unlabelled.csv").read_text("utf-8").splitlines()[1:]
    learned = (folder / "assistant/train.csv").read_text("utf-8").splitlines()
    assert texts
    assert {line.rsplit(",", 2)[0] for line in learned} >= set(texts)
