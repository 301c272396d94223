"""The targets of prepared texts, for two labels and for more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import splits

# For two labels, the share of the second label. For more, the share of each label.
OF_TWO = np.array([[0.0], [0.25], [0.5], [1.0]])
OF_THREE = np.array([[0.2, 0.5, 0.3], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])


def with_targets(targets: np.ndarray) -> pd.DataFrame:
    """Return a table with these targets among other columns."""
    columns = splits.target_columns(max(2, targets.shape[1]))
    table = pd.DataFrame(targets, columns=columns).assign(id="x", count=1)
    return table[["id", *columns, "count"]]


def test_targets_stay_in_the_order_of_the_labels() -> None:
    targets = np.eye(12)
    np.testing.assert_array_equal(splits.targets(with_targets(targets)), targets)
    assert splits.target_columns(12)[-1] == "target_11"


def test_shares_have_a_column_for_each_label() -> None:
    of_two = [[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]
    np.testing.assert_array_equal(splits.shares(OF_TWO), of_two)
    np.testing.assert_array_equal(splits.shares(OF_THREE), OF_THREE)


def test_the_majority_is_the_label_of_most_rows_and_of_equal_ones_the_first() -> None:
    assert splits.majority(OF_TWO).tolist() == [0, 0, 0, 1]
    assert splits.majority(OF_THREE).tolist() == [1, 0, 2]
    for targets in (OF_TWO, OF_THREE):
        np.testing.assert_array_equal(
            splits.majority(targets), splits.shares(targets).argmax(axis=1)
        )


def test_hard_targets_are_those_of_the_majority() -> None:
    assert splits.hard(OF_TWO).tolist() == [[0.0], [0.0], [0.0], [1.0]]
    assert splits.hard(OF_THREE).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_ids_and_texts_are_read_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    splits.PREPARED.mkdir(parents=True)
    table = "id,text,target,count\n007,NA,0.5,2\n1e5,12,1.0,1\n"
    (splits.PREPARED / "train.csv").write_text(table, "utf-8")
    read = splits.read_split("train")

    assert read["id"].tolist() == ["007", "1e5"]
    assert read["text"].tolist() == ["NA", "12"]
    assert splits.targets(read).tolist() == [[0.5], [1.0]]


def test_the_names_of_the_labels_are_those_of_the_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = "{water: W, earth: E, air: A}"
    Path("params.yaml").write_text(f"prepare: {{labels: {labels}}}\n", "utf-8")
    assert splits.label_names.__wrapped__() == ("water", "earth", "air")
