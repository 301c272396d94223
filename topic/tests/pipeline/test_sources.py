"""What the student learns: labels and soft labels, joined by id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pipeline.distillation import (
    blend_with_linear,
    examples,
    read_events,
    read_soft_labels,
    teachers,
)

from pipeline.project import EVENTS, PipelineError

from .conftest import make_event

SOFT = """source,id,fold,teacher_0,teacher_1
labelled,1,0,2.0,0.0
labelled,007,1,-2.0,-2.0
2013_Storm,100000000000000001,,1.0,3.0
2013_Storm,100000000000000003,,-1.0,-1.0
2014_Flood,100000000000000001,,0.0,0.0
"""
LABELLED = pd.DataFrame(
    {"id": ["007", "1"], "text": ["a calm day", "a dam broke"], "target": [0.0, 1.0]}
)


def probability(*logits: float) -> float:
    return float(np.mean([1 / (1 + np.exp(-logit)) for logit in logits]))


@pytest.fixture
def soft(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "soft.csv").write_text(SOFT, "utf-8")
    return read_soft_labels(tmp_path / "soft.csv")


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    EVENTS.parent.mkdir()
    storm = [("roof gone", 1), ("caf\u00c3\u00a9 &amp; cake", 0), ("no power", 1)]
    make_event(EVENTS / "2013_Storm.csv", storm, first_id=10**17 + 1)
    make_event(EVENTS / "2014_Flood.csv", [("river high", 0)], first_id=10**17 + 1)
    return read_events()


def test_events_are_read_with_their_ids_as_they_are_written(events: pd.DataFrame) -> None:
    assert events.to_dict("list") == {
        "source": ["2013_Storm"] * 3 + ["2014_Flood"],
        "id": [f"10000000000000000{i}" for i in (1, 2, 3, 1)],
        "text": ["roof gone", "caf\u00c3\u00a9 &amp; cake", "no power", "river high"],
        "on_topic": [True, False, True, False],
    }


def test_a_text_is_read_once_for_its_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    EVENTS.parent.mkdir()
    repeats = [("@one see http://x.co/1", 1), ("@two see http://x.co/2", 0), ("", 0)]
    make_event(EVENTS / "2013_Storm.csv", repeats, first_id=1)
    make_event(EVENTS / "2014_Flood.csv", repeats[:1], first_id=7)
    assert read_events()[["source", "id"]].values.tolist() == [
        ["2013_Storm", "1"],
        ["2014_Flood", "7"],
    ]


def test_without_events_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=r"data/events: no events; run dvc repro download_"):
        read_events()


def test_soft_labels_that_are_missing_are_named_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        read_soft_labels(tmp_path / "soft.csv")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'soft.csv'}: cannot be read (No such file")
    assert "python -m pipeline.teacher" in message
    assert "\n" not in message


def test_every_teacher_is_found(soft: pd.DataFrame) -> None:
    assert teachers(soft) == ["teacher_0", "teacher_1"]


@pytest.mark.parametrize("weight", [0.0, 0.7, 1.0])
def test_labels_and_soft_labels_are_joined_by_id(
    soft: pd.DataFrame, events: pd.DataFrame, weight: float
) -> None:
    texts, targets = examples(LABELLED, events, soft, teachers(soft), weight)
    # The second text of the storm has no soft label.
    assert texts == ["a calm day", "a dam broke", "roof gone", "no power", "river high"]
    expected = [
        weight * probability(-2.0, -2.0),
        weight * probability(2.0, 0.0) + (1 - weight),
        probability(1.0, 3.0),
        probability(-1.0),
        0.5,
    ]
    np.testing.assert_allclose(targets, expected)


def test_only_the_teachers_that_are_named_count(
    soft: pd.DataFrame, events: pd.DataFrame
) -> None:
    _, targets = examples(LABELLED, events, soft, ["teacher_1"], 1.0)
    np.testing.assert_allclose(targets[:3], [probability(x) for x in (-2.0, 0.0, 3.0)])


def test_what_people_said_of_an_event_reaches_no_target(
    soft: pd.DataFrame, events: pd.DataFrame
) -> None:
    other = events.assign(on_topic=~events["on_topic"])
    texts, targets = examples(LABELLED, events, soft, teachers(soft), 0.7)
    assert examples(LABELLED, other, soft, teachers(soft), 0.7)[0] == texts
    np.testing.assert_array_equal(
        examples(LABELLED, other, soft, teachers(soft), 0.7)[1], targets
    )


def test_a_labelled_text_without_a_soft_label_is_named(
    soft: pd.DataFrame, events: pd.DataFrame
) -> None:
    # The id of an event's tweet is not one of a labelled text.
    labelled = LABELLED.assign(id=["100000000000000003", "1"])
    with pytest.raises(PipelineError) as caught:
        examples(labelled, events, soft, teachers(soft), 0.7)
    message = str(caught.value)
    assert "soft_labels.csv: no soft label of the text with id 100000000000000003" in message
    assert "\n" not in message


def test_an_id_that_several_texts_of_an_event_have_is_left_out(
    soft: pd.DataFrame, events: pd.DataFrame
) -> None:
    more = events.iloc[[0]].assign(text="another roof")
    texts, targets = examples(LABELLED, pd.concat([events, more]), soft, teachers(soft), 0.7)
    assert texts[2:] == ["no power", "river high"]
    assert len(targets) == 4

    repeated = pd.concat([soft, soft.iloc[[2]].assign(teacher_0=-9.0)])
    assert examples(LABELLED, events, repeated, teachers(soft), 0.7)[0] == texts


@pytest.fixture
def learnable() -> tuple[list[str], np.ndarray]:
    """Texts with a word that decides their target, which is soft."""
    words = ("quake", "bees", "cake", "noon")
    texts = [f"{'flood' if i % 2 else 'tea'} {words[i % 4]} {words[i % 3]}" for i in range(60)]
    return texts, np.array([0.9 if i % 2 else 0.2 for i in range(60)])


def test_without_a_share_a_linear_model_says_nothing(
    learnable: tuple[list[str], np.ndarray],
) -> None:
    texts, targets = learnable
    np.testing.assert_allclose(blend_with_linear(texts, targets, 0.0), targets)
    targets[:2] = 0.0, 1.0
    np.testing.assert_allclose(blend_with_linear(texts, targets, 0.0)[:2], [0.02, 0.98])


def test_a_linear_model_is_asked_of_texts_that_it_has_not_seen(
    learnable: tuple[list[str], np.ndarray],
) -> None:
    texts, targets = learnable
    opinion = blend_with_linear(texts, targets, 1.0)
    assert ((opinion > 0.5) == (targets > 0.5)).all()
    other = targets.copy()
    other[7] = 0.02
    assert blend_with_linear(texts, other, 1.0)[7] == pytest.approx(opinion[7])
    halfway = blend_with_linear(texts, other, 0.5)[7]
    assert 0.02 < halfway < opinion[7]
