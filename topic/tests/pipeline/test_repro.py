"""The stages of the topic through DVC, on made-up data."""

from __future__ import annotations

from disaster_tweets.manifest import parse
from tests.pipeline.conftest import ALL, UP_TO_DATE, Project, stages_run

SUBMIT = "topic/dvc.yaml:submit"
SOFT_LABELS = "topic/dvc.yaml:soft_labels"
SOURCES = "topic/dvc.yaml:sources"


def test_the_submission_follows_the_model(project: Project) -> None:
    project.change_params(evaluate={"model_version": "9.9"})
    assert stages_run(project.dvc("repro", ALL)) == ["evaluate", SUBMIT]


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
    # A file that is not what the lock says is made anew by its stage; this stage is frozen.
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
    assert {line.rpartition(",")[0] for line in learned} >= set(texts)
