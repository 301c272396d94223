"""What the models learn besides labels: soft labels, joined by id, and more texts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline.project import PREPARED, SOURCES, PipelineError
from pipeline.targets import read_table
from topic.project import EVENTS, SOFT_LABELS
from topic.sources import examples, main, read_events, read_soft_labels, teachers

from .made_up import write_event

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
    write_event(EVENTS / "2013_Storm.csv", storm, first_id=10**17 + 1)
    write_event(EVENTS / "2014_Flood.csv", [("river high", 0)], first_id=10**17 + 1)
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
    write_event(EVENTS / "2013_Storm.csv", repeats, first_id=1)
    write_event(EVENTS / "2014_Flood.csv", repeats[:1], first_id=7)
    assert read_events()[["source", "id"]].values.tolist() == [
        ["2013_Storm", "1"],
        ["2014_Flood", "7"],
    ]


def test_without_events_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=r"data/events: no events; run dvc repro topic/"):
        read_events()


def test_soft_labels_that_are_missing_are_named_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        read_soft_labels(tmp_path / "soft.csv")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'soft.csv'}: cannot be read (No such file")
    assert "python -m topic.teacher" in message
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


def test_the_files_of_the_sources_are_written(
    events: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the folder that the events are in."""
    PREPARED.mkdir()
    LABELLED.assign(count=1).to_csv(PREPARED / "train.csv", index=False)
    SOFT_LABELS.parent.mkdir()
    SOFT_LABELS.write_text(SOFT, "utf-8")
    teacher = {"repository": "somebody/large", "revision": "abc"}
    settings = {"sources": {"weight": 0.25}, "download_teacher": teacher}
    Path("topic/params.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    main()

    targets = read_table(SOURCES / "targets.csv")
    assert targets["text"].tolist() == [
        *("a calm day", "a dam broke", "roof gone", "no power", "river high")
    ]
    assert targets["target"][1] == pytest.approx(0.25 * probability(2.0, 0.0) + 0.75)
    # What no teacher has read is for the assistant to label.
    unlabelled = read_table(SOURCES / "unlabelled.csv")
    assert unlabelled["text"].tolist() == ["caf\u00c3\u00a9 &amp; cake"]
    description = json.loads((SOURCES / "description.json").read_text("utf-8"))
    assert description == {
        "teachers": {**teacher, "licence": "Apache-2.0", "teachers": 2, "weight": 0.25}
    }
    assert capsys.readouterr().out == "5 texts with soft labels, 4 of events\n"
