"""The training targets: those of labels and sources, and the blend with a linear model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.splits import target_columns
from pipeline.splits import targets as targets_of
from pipeline.targets import (
    blend_with_linear,
    probabilities,
    read_table,
    repeated,
    with_sources,
    write_targets,
    write_unlabelled,
)

pytestmark = pytest.mark.usefixtures("cleaner")

ODD = ['with "quotes", a comma', "two\nlines", "a carriage\rreturn", "NA", "caf\u00e9", "1.0"]
COUNTS = (2, 4)  # labels

of_any_labels = pytest.mark.parametrize("labels", COUNTS)


def made_up(texts: int, labels: int, seed: int = 1) -> np.ndarray:
    """Return targets (texts, outputs), whose shares sum to 1."""
    shares = np.random.default_rng(seed).dirichlet(np.ones(labels), texts)
    return shares[:, 1:] if labels == 2 else shares


def labelled(texts: list[str], of_texts: np.ndarray) -> pd.DataFrame:
    columns = target_columns(max(2, of_texts.shape[1]))
    table = pd.DataFrame({"id": [str(i) for i in range(len(texts))], "text": texts})
    table[columns] = of_texts
    return table.assign(count=1)


@of_any_labels
def test_what_is_written_is_read_again(tmp_path: Path, labels: int) -> None:
    path = tmp_path / "new" / "targets.csv"
    written = made_up(len(ODD), labels)
    write_targets(ODD, written, path)
    read = read_table(path)

    assert read["text"].tolist() == ODD
    np.testing.assert_array_equal(targets_of(read), written.round(6))
    assert read["repeats"].tolist() == [1] * len(ODD)

    write_unlabelled(ODD, path)
    assert read_table(path).to_dict("list") == {"text": ODD}


@of_any_labels
def test_nothing_at_all_can_be_written_and_read(tmp_path: Path, labels: int) -> None:
    columns = target_columns(labels)
    write_targets([], np.empty((0, len(columns))), tmp_path / "targets.csv")
    write_unlabelled([], tmp_path / "unlabelled.csv")
    more = read_table(tmp_path / "targets.csv")
    of_texts = made_up(2, labels)
    texts, joined, repeats = with_sources(labelled(["a", "b"], of_texts), more)

    assert list(more) == ["text", *columns, "repeats"]
    assert read_table(tmp_path / "unlabelled.csv")["text"].tolist() == []
    assert texts == ["a", "b"]
    assert repeats.tolist() == [1, 1]
    np.testing.assert_array_equal(joined, of_texts)


@of_any_labels
def test_targets_of_sources_replace_labels_and_other_texts_are_added(labels: int) -> None:
    of_labels, of_sources = made_up(3, labels), made_up(3, labels, seed=2)
    train = labelled(["a", "b", "c"], of_labels)
    more = labelled(["x", "b", "y"], of_sources).drop(columns=["id", "count"])
    texts, joined, repeats = with_sources(train, more.assign(repeats=[3, 2, 1]))

    assert texts == ["a", "b", "c", "x", "y"]
    assert repeats.tolist() == [1, 2, 1, 3, 1]
    expected = [of_labels[0], of_sources[1], of_labels[2], of_sources[0], of_sources[2]]
    np.testing.assert_array_equal(joined, expected)
    np.testing.assert_array_equal(targets_of(train), of_labels)  # the table does not change


@of_any_labels
def test_an_epoch_has_a_text_as_often_as_its_source_says(labels: int) -> None:
    of_texts = made_up(3, labels)
    texts, of_each = repeated(["a", "b", "c"], of_texts, np.array([1, 3, 0]))

    assert texts == ["a", "b", "b", "b"]
    np.testing.assert_array_equal(of_each, of_texts[[0, 1, 1, 1]])


@pytest.fixture(params=COUNTS, ids=["two labels", "four labels"])
def learnable(request: pytest.FixtureRequest) -> tuple[list[str], np.ndarray]:
    """Texts with soft targets. One word of each text decides its target."""
    count: int = request.param
    words, deciding = ("cream", "bees", "cake", "noon"), ("tea", "hail", "moss", "sand")
    of_texts = np.arange(60) % count
    texts = [f"{deciding[j]} {words[i % 4]} {words[i % 3]}" for i, j in enumerate(of_texts)]
    if count == 2:
        return texts, np.where(of_texts == 1, 0.9, 0.2)[:, None]
    return texts, np.where(np.eye(count)[of_texts] > 0, 0.85, 0.05)


def likeliest(of_texts: np.ndarray) -> np.ndarray:
    return of_texts[:, 0] > 0.5 if of_texts.shape[1] == 1 else of_texts.argmax(axis=1)


def test_without_a_share_a_linear_model_says_nothing(
    learnable: tuple[list[str], np.ndarray],
) -> None:
    texts, of_texts = learnable
    np.testing.assert_array_equal(blend_with_linear(texts, of_texts, 0.0), of_texts)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_blended_targets_are_probabilities(
    learnable: tuple[list[str], np.ndarray], share: float
) -> None:
    texts, of_texts = learnable
    certain = of_texts.round()  # only 0 and 1, whose logits are infinite
    blended = blend_with_linear(texts, certain, share)

    assert blended.shape == of_texts.shape
    assert ((blended > 0) & (blended < 1)).all()
    if of_texts.shape[1] > 1:
        np.testing.assert_allclose(blended.sum(axis=1), 1)
    np.testing.assert_array_equal(likeliest(blended), likeliest(of_texts))


def test_a_linear_model_is_asked_of_texts_that_it_has_not_seen(
    learnable: tuple[list[str], np.ndarray],
) -> None:
    texts, of_texts = learnable
    alone = blend_with_linear(texts, of_texts, 1.0)
    np.testing.assert_array_equal(likeliest(alone), likeliest(of_texts))

    other = of_texts.copy()
    other[7] = 0.02 if of_texts.shape[1] == 1 else [0.91, 0.03, 0.03, 0.03]
    np.testing.assert_allclose(blend_with_linear(texts, other, 1.0)[7], alone[7])
    halfway = blend_with_linear(texts, other, 0.5)[7]
    between = np.sort([other[7], alone[7]], axis=0)[:, [0, -1]]  # target and prediction
    assert (between[0] < halfway[[0, -1]]).all()
    assert (halfway[[0, -1]] < between[1]).all()


def test_logits_become_probabilities_of_each_label() -> None:
    np.testing.assert_allclose(probabilities(np.array([[0.0], [np.log(3)]])), [[0.5], [0.75]])
    of_more = np.log([[1.0, 3.0, 4.0], [2.0, 1.0, 1.0]])
    of_more += np.array([[500.0], [-500.0]])
    np.testing.assert_allclose(probabilities(of_more), [[0.125, 0.375, 0.5], [0.5, 0.25, 0.25]])
