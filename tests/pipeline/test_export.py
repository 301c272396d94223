"""Parity with Keras, and which of the two models ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.export import check_parity, choose, on_validation, parity
from pipeline.project import PipelineError
from pipeline.splits import majority

VALIDATION = {"student": {"accuracy": 0.81}, "encoder": {"accuracy": 0.82}}


def made_up(texts: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits (texts, labels) and targets (texts, outputs) that follow them."""
    generator = np.random.default_rng(4)
    logits = generator.normal(0, 2, (texts, labels))
    if labels == 2:
        logits[:, 0] = 0
    powers = np.exp(logits)
    shares = powers / powers.sum(axis=1, keepdims=True)
    drawn = np.array([generator.choice(labels, p=row) for row in shares])
    targets = np.eye(labels)[drawn]
    return logits, targets[:, 1:] if labels == 2 else targets


class TestParity:
    def test_differences_and_decisions_are_counted(self) -> None:
        even = np.log([[1.0], [3.0], [1 / 3], [9.0]])
        moved = np.log([[1.0], [1.0], [1 / 3], [1 / 9]])
        measured = parity(even, moved, np.array([0, 1, 0, 1]))

        assert measured == {
            "texts": 4,
            "mean_difference": pytest.approx((0.25 + 0.8) / 4),
            "max_difference": pytest.approx(0.8),
            # The second text is a tie now. A tie counts as the first label.
            "decisions_changed": 0.5,
            "auc_drop": pytest.approx(1.0 - 0.375),
        }

    def test_of_more_labels_the_likeliest_one_counts(self) -> None:
        keras_logits = np.log([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [0.1, 0.2, 0.7]])
        exported = np.log([[0.3, 0.5, 0.2], [0.2, 0.4, 0.4], [0.1, 0.2, 0.7]])
        measured = parity(keras_logits + 7.0, exported, np.array([0, 1, 2]))

        assert measured["mean_difference"] == pytest.approx(0.4 / 9)
        assert measured["max_difference"] == pytest.approx(0.2)
        assert measured["decisions_changed"] == pytest.approx(1 / 3)
        # The second label is now likelier for the first text than for the text that has it.
        assert measured["auc_drop"] == pytest.approx(0.5 / 3)

    def test_a_measure_beyond_its_limit_is_refused(self) -> None:
        path = Path("models/a.file")
        measured = {"mean_difference": 0.01, "auc_drop": 0.02, "max_difference": 1.0}
        limits = {
            "student": {"mean_difference": 0.01, "auc_drop": 0.015},
            "encoder": {"mean_difference": 0.01, "auc_drop": 0.02},
        }
        check_parity(path, "encoder", measured, limits)
        with pytest.raises(PipelineError) as caught:
            check_parity(path, "student", measured, limits)
        assert str(caught.value) == (
            f"{path}: auc_drop from Keras is 0.0200, above the limit "
            "export.parity.student.auc_drop = 0.015 of params.yaml; do not ship it"
        )


class TestValidation:
    @pytest.mark.parametrize("labels", [2, 4])
    def test_logits_are_calibrated_before_they_are_measured(self, labels: int) -> None:
        logits, targets = made_up(2000, labels)
        measured = on_validation(logits, targets)
        # Calibration undoes a scale of the logits and a shift.
        shifted = on_validation(5 * logits + np.arange(labels), targets)

        chance = np.log(labels)
        assert 1 / labels < measured["accuracy"] < 1
        assert 0 < measured["log_loss"] < chance
        assert shifted == {
            "accuracy": pytest.approx(measured["accuracy"], abs=0.01),
            "log_loss": pytest.approx(measured["log_loss"], abs=0.02),
        }

    @pytest.mark.parametrize("labels", [2, 4])
    def test_logits_that_know_nothing_are_as_good_as_chance(self, labels: int) -> None:
        _, targets = made_up(2000, labels)
        measured = on_validation(np.zeros((2000, labels), np.float32), targets)
        counts = np.bincount(majority(targets), minlength=labels) / 2000

        assert measured["accuracy"] == pytest.approx(counts.max(), abs=1e-4)
        entropy = -(counts * np.log(counts)).sum()
        assert measured["log_loss"] == pytest.approx(entropy, abs=0.002)


class TestChoice:
    @pytest.mark.parametrize("ship", ["student", "encoder"])
    def test_the_one_that_is_named_ships(self, ship: str) -> None:
        assert choose(ship, VALIDATION, margin=0.5) == ship
        assert choose(ship, {}, margin=0.0) == ship

    @pytest.mark.parametrize(
        ("margin", "ships"), [(0.0, "encoder"), (0.009, "encoder"), (0.01, "student")]
    )
    def test_the_student_ships_unless_it_is_worse_by_more_than_the_margin(
        self, margin: float, ships: str
    ) -> None:
        assert choose("auto", VALIDATION, margin) == ships

    def test_a_student_that_is_better_ships(self) -> None:
        better = {"student": {"accuracy": 0.9}, "encoder": {"accuracy": 0.8}}
        assert choose("auto", better, margin=0.0) == "student"

    def test_another_name_is_refused(self) -> None:
        with pytest.raises(PipelineError, match=r"export\.ship is 'both'; it must be auto, "):
            choose("both", VALIDATION, margin=0.0)
