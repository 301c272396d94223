"""The reading of texts that the competition does not have, for each data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.project import RAW, PipelineError
from tests.pipeline.conftest import write_csv
from topic import texts
from topic.project import GENERAL, INFORMATIVE, ON_TOPIC

from .made_up import write_event

FOREIGN = "los bomberos de la ciudad no saben que hacer con el agua"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts._of_competition.cache_clear()
    write_csv(RAW / "train.csv", ["id", "text", "target"], [(1, "a dam broke", 1)])
    write_csv(RAW / "test.csv", ["id", "text"], [(2, "only scored!")])


def test_tweets_on_a_topic_have_their_ids_as_they_are_written() -> None:
    storm = [("roof gone", 1), ("caf\u00c3\u00a9 &amp; cake", 0)]
    write_event(ON_TOPIC / "2013_Storm.csv", storm, first_id=10**17 + 1)
    write_event(ON_TOPIC / "2014_Flood.csv", [("river high", 0)], first_id=10**17 + 1)

    assert texts.read_on_topic().to_dict("list") == {
        "event": ["2013_storm", "2013_storm", "2014_flood"],
        "id": [f"10000000000000000{i}" for i in (1, 2, 1)],
        "text": ["roof gone", "caf\u00c3\u00a9 &amp; cake", "river high"],
        "kind": ["on_topic", "off_topic", "off_topic"],
        "target": [1.0, 0.0, 0.0],
    }


def test_judged_tweets_have_a_kind_and_a_speaker_and_others_are_left_out() -> None:
    INFORMATIVE.mkdir(parents=True)
    (INFORMATIVE / "2013_Storm.csv").write_text(
        "Tweet ID, Tweet Text, Information Source, Information Type, Informativeness\n"
        '"1","roof gone, we are safe",Eyewitness,Affected individuals,Related and informative\n'
        '"2","thoughts with you",Outsiders,Sympathy,Related - but not informative\n'
        '"3","cake",Not labeled,Not labeled,Not related\n'
        '"4","???",Not applicable,Not applicable,Not applicable\n',
        "utf-8",
    )

    found = texts.read_informative()
    assert found[["id", "kind", "speaker", "target"]].values.tolist() == [
        ["1", "informative", "Eyewitness", 1.0],
        ["2", "related", "Outsiders", 0.0],
        ["3", "unrelated", "Not labeled", 0.0],
    ]
    assert found["text"][0] == "roof gone, we are safe"


def test_a_text_is_read_once_for_its_event_and_only_in_english() -> None:
    repeats = [("@one see http://x.co/1", 1), ("@two see http://x.co/2!", 0), (FOREIGN, 1)]
    write_event(ON_TOPIC / "2013_Storm.csv", repeats, first_id=1)
    write_event(ON_TOPIC / "2014_Flood.csv", repeats[:1], first_id=7)
    assert texts.read_on_topic()[["event", "id"]].values.tolist() == [
        ["2013_storm", "1"],
        ["2014_flood", "7"],
    ]


def test_a_text_of_the_competition_is_left_out_even_if_it_is_only_scored() -> None:
    same = [("A dam broke http://x.co/9", 1), ("@you only scored", 0), ("something else", 0)]
    write_event(ON_TOPIC / "2013_Storm.csv", same, first_id=1)
    GENERAL.mkdir(parents=True)
    (GENERAL / "irony.txt").write_text("a dam broke!!\nfine\x85day\n\nfine\x85day\n", "utf-8")

    assert texts.read_on_topic()["text"].tolist() == ["something else"]
    # Only a line feed ends a line.
    assert texts.read_general().tolist() == ["fine\x85day"]


@pytest.mark.parametrize(
    "read", [texts.read_on_topic, texts.read_informative, texts.read_general]
)
def test_without_tweets_the_next_step_is_named(read: object) -> None:
    with pytest.raises(PipelineError, match=r"no tweets; run dvc repro topic/dvc.yaml:downlo"):
        read()  # type: ignore[operator]
