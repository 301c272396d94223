"""Texts that a model has not learned: those of the splits, or out of fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import unseen
from pipeline.exported import Exported
from pipeline.project import PREPARED, PipelineError


class LengthOfText(Exported):
    """A model whose logit is the length of a text."""

    def __init__(self) -> None:
        self.kind = "student"

    def logits(self, texts: list[str]) -> np.ndarray:
        lengths = np.array([len(text) for text in texts], float)
        return np.stack([np.zeros_like(lengths), lengths], axis=1)


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that trains on every text, with three labelled texts out of fold."""
    monkeypatch.chdir(tmp_path)
    PREPARED.mkdir(parents=True)
    split("calibration")
    split("held_out")
    unseen.write_measured(
        pd.DataFrame(
            {
                "source": ["", "", "", "elsewhere", "written"],
                "text": ["a\rb", "no logit", "c", "d", "e"],
                "target": [1.0, 0.0, 0.0, 1.0, None],
                "student": [2.5, None, -1.0, 3.0, None],
                "encoder": [1.5, None, -2.0, 3.0, None],
            }
        )
    )


def split(name: str, *texts: str) -> None:
    table = pd.DataFrame({"id": texts, "text": texts, "target": 1.0, "count": 1})
    table.to_csv(PREPARED / f"{name}.csv", index=False)


@pytest.mark.usefixtures("_folder")
class TestTexts:
    def test_a_table_comes_back_as_it_was_written(self) -> None:
        table = unseen.read_measured()
        assert tuple(table) == unseen.COLUMNS
        assert table["text"].tolist() == ["a\rb", "no logit", "c", "d", "e"]
        assert table["kind"].tolist() == [""] * 5
        assert np.isnan(table["student"]).tolist() == [False, True, False, False, True]

    def test_without_splits_the_logits_are_those_out_of_fold(self) -> None:
        found = unseen.to_calibrate(LengthOfText())
        assert found.texts == ["a\rb", "c"]
        assert found.targets.tolist() == [[1.0], [0.0]]
        assert found.logits.tolist() == [[0.0, 2.5], [0.0, -1.0]]

    def test_with_splits_the_exported_file_scores_them(self) -> None:
        split("calibration", "four", "be")
        found = unseen.to_calibrate(LengthOfText())
        assert found.logits.tolist() == [[0.0, 4.0], [0.0, 2.0]]

        split("held_out", "sixsix")
        model = LengthOfText()
        model.fit(np.array([[0.0, 1.0], [0.0, -1.0]]), np.array([[1.0], [0.0]]))
        reported, probabilities = unseen.to_report(model)
        assert reported.texts == ["sixsix"]
        np.testing.assert_array_equal(probabilities, model.calibrated(np.array([[0.0, 6.0]])))

    def test_without_either_the_next_step_is_named(self) -> None:
        unseen.write_measured(unseen.read_measured().iloc[3:])
        with pytest.raises(PipelineError) as caught:
            unseen.to_calibrate(LengthOfText())
        assert str(caught.value) == (
            f"{unseen.MEASURED}: no text has a logit out of fold, and no split calibrates; set "
            "prepare.fractions in params.yaml above 0"
        )


def test_a_probability_does_not_depend_on_its_own_label() -> None:
    generator = np.random.default_rng(5)
    logits = np.zeros((60, 2))
    logits[:, 1] = generator.normal(0, 2, 60)
    targets = (generator.random(60) < 1 / (1 + np.exp(-logits[:, 1]))).astype(float)[:, None]
    before = unseen.cross_fitted(unseen.Unseen([""] * 60, targets, logits))
    targets[7] = 1 - targets[7]
    after = unseen.cross_fitted(unseen.Unseen([""] * 60, targets, logits))

    assert after[7].tolist() == before[7].tolist()
    assert (after != before).any()
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-6)
