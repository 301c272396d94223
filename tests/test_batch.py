"""A bulk job in this process, with four labels: its output, and the conditions of a resume."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets import Classifier
from disaster_tweets.batch import ContinueError
from disaster_tweets.batch.job import Job, Options
from disaster_tweets.tables.rows import CHUNK_ROWS, NewColumns, Reading

TEXTS = ("late and damaged", "please send two", "thanks, best shop", "where is it?", "")
ROWS = 2 * CHUNK_ROWS + 100

Run = Callable[..., Job]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Score in.csv to out.csv; interrupt the run after a number of rows, if given."""
    rows = "".join(f'{n},"{TEXTS[n % 5]}{f" {n}" * (n % 5 < 4)}"\n' for n in range(ROWS))
    (tmp_path / "in.csv").write_text(f"n,text\n{rows}", "utf-8", newline="")

    def run(classifier: Classifier, *, resume: bool = False, until: int = ROWS) -> Job:
        def progress(rows: int, consumed: int) -> None:
            if rows >= until < ROWS:
                raise KeyboardInterrupt

        options = Options(Reading("csv"), "csv", NewColumns())
        names = [str(tmp_path / "in.csv")], str(tmp_path / "out.csv")
        job = Job(*names, options, skip=False, notify=lambda line: None)
        job.run(classifier, 1, resume=resume, progress=progress)
        return job

    return run


def interrupt(run: Run, classifier: Classifier) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(classifier, until=1)


def changed(folder: Path, copy: Path, **changes: Any) -> Classifier:
    """Return the classifier of a folder with a different manifest."""
    shutil.copytree(folder, copy)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (copy / "manifest.json").write_text(json.dumps({**manifest, **changes}), "utf-8")
    return Classifier.load(copy)


def test_each_row_gets_its_label_and_the_probability_of_it(
    run: Run, four_labels: Path, tmp_path: Path
) -> None:
    classifier = Classifier.load(four_labels)
    done = run(classifier).done
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert (done.rows, done.missing) == (ROWS, ROWS // 5)
    predictions = iter(classifier.predict([row["text"] for row in rows if row["text"]]))
    for row in rows:
        if row["text"]:
            prediction = next(predictions)
            assert row["probability"] == f"{prediction.probability:.6f}"
            assert row["label"] == prediction.label
        else:
            assert (row["probability"], row["label"]) == ("", "")
    assert {row["label"] for row in rows} == {*classifier.classes_, ""}


def test_an_interrupted_run_goes_on(run: Run, four_labels: Path, tmp_path: Path) -> None:
    classifier = Classifier.load(four_labels)
    run(classifier)
    whole = (tmp_path / "out.csv").read_bytes()
    (tmp_path / "out.csv").unlink()
    interrupt(run, classifier)
    resumed = run(classifier, resume=True).resumed

    assert 0 < resumed < ROWS
    assert (tmp_path / "out.csv").read_bytes() == whole


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["complaint", "order", "praise", "other"]},
        {"calibration": {"temperature": 2.0, "biases": [0.0, 0.0, 0.0, 0.0]}},
        {"reads": {"urls": True, "handles": True, "emoji": True, "marks": ""}},
        {"max_tokens": 32},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_model_does_not_go_on(
    run: Run, four_labels: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    interrupt(run, Classifier.load(four_labels))
    other = changed(four_labels, tmp_path / "other", **changes)

    with pytest.raises(ContinueError, match=r"was made from another model$"):
        run(other, resume=True)


def test_what_changes_no_row_is_no_other_model(
    run: Run, four_labels: Path, tmp_path: Path
) -> None:
    interrupt(run, Classifier.load(four_labels))
    renamed = changed(four_labels, tmp_path / "other", model_version="9.9", licence="MIT")

    assert run(renamed, resume=True).done.rows == ROWS
