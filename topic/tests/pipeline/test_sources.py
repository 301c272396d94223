"""The sources of the models besides labels: soft labels, related labels, more texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline.project import PREPARED, RAW, SOURCES, PipelineError
from pipeline.splits import label_names
from pipeline.targets import read_description, read_related, read_table
from pipeline.unseen import read_measured
from tests.pipeline.conftest import write_csv
from topic import sources, texts
from topic.project import (
    FOLDS,
    GENERAL,
    INFORMATIVE,
    ON_TOPIC,
    OUT_OF_FOLD,
    SOFT_LABELS,
    WRITTEN,
)
from topic.sources import (
    LABELLED,
    choose_informative,
    main,
    of_texts,
    probabilities,
    read_soft_labels,
    write_sources,
)

from .made_up import write_event, write_judged

SOFT = """source,id,fold,teacher_0,teacher_1
labelled,1,0,2.0,0.0
labelled,007,1,-2.0,-2.0
2013_Storm,100000000000000001,,1.0,3.0
2013_Storm,100000000000000003,,-1.0,-1.0
2014_Flood,100000000000000001,,0.0,0.0
"""
TEACHER = {"repository": "somebody/large", "revision": "abc"}
SETTINGS = {
    **{"weight": 0.25, "seed": 1, "on_topic": 9, "informative": 9},
    **{
        "events_more": 9,
        "general": 9,
        "written_repeats": 2,
        "events": [["2013_storm"], ["2014_flood"]],
    },
}


def probability(*logits: float) -> float:
    return float(np.mean([1 / (1 + np.exp(-logit)) for logit in logits]))


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project with three texts of the competition, two events, and soft labels."""
    monkeypatch.chdir(tmp_path)
    texts._of_competition.cache_clear()
    rows = [("1", "a dam broke", 1), ("007", "a calm day", 0), ("5", "new here", 1)]
    write_csv(RAW / "train.csv", ["id", "text", "target"], rows)
    write_csv(RAW / "test.csv", ["id", "text"], [("2", "only scored")])
    write_csv(
        PREPARED / "train.csv", ["id", "text", "target", "count"], [(*r, 1) for r in rows]
    )
    storm = [("roof gone", 1), ("tea", 0), ("no power", 0)]
    write_event(ON_TOPIC / "2013_Storm.csv", storm, first_id=10**17 + 1)
    write_event(ON_TOPIC / "2014_Flood.csv", [("river high", 0)], first_id=10**17 + 1)
    write_judged(INFORMATIVE / "2013_Storm.csv", [("roof gone", 1), ("windy", 0)])
    write_judged(INFORMATIVE / "2014_Flood.csv", [("boats here", 1), ("wet", 1), ("fish", 0)])
    GENERAL.mkdir()
    (GENERAL / "irony.txt").write_text("a monday\n", "utf-8")
    written = [
        ("a-1", "a", "danger", "disaster", "train", "help us"),
        ("b-1", "b", "joke", "not_disaster", "held_out", "help me choose"),
    ]
    write_csv(WRITTEN, ["id", "group", "kind", "label", "split", "text"], written)
    write_csv(FOLDS, ["id", "fold"], [("1", 0), ("007", 1), ("5", 0)])
    scored = [("", "1", 0, 1.5, 2.5), ("CrisisLexT6", str(10**17 + 1), 0, -1.0, -2.0)]
    write_csv(OUT_OF_FOLD, ["source", "id", "fold", "student", "encoder"], scored)
    SOFT_LABELS.write_text(SOFT, "utf-8")
    settings = {"sources": SETTINGS, "download_teacher": TEACHER}
    Path("topic/params.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    Path("params.yaml").write_text("prepare: {labels: {none: '0', some: '1'}}\n", "utf-8")
    label_names.cache_clear()
    yield
    label_names.cache_clear()


def test_soft_labels_that_are_missing_are_named_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        read_soft_labels(tmp_path / "soft.csv")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'soft.csv'}: cannot be read (No such file")
    assert "python -m topic.teacher" in message
    assert "\n" not in message


def test_an_id_that_several_texts_have_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "soft.csv").write_text(SOFT, "utf-8")
    soft = read_soft_labels(tmp_path / "soft.csv")
    repeated = pd.concat([soft, soft.iloc[[2]].assign(teacher_0=-9.0)])
    ids = pd.Series(["100000000000000001", "100000000000000003"])
    found = of_texts(probabilities(repeated, ["teacher_0"]), "2013_storm", ids)
    assert np.isnan(found).tolist() == [True, False]
    twice = of_texts(probabilities(soft, ["teacher_0"]), LABELLED, pd.Series(["1", "1"]))
    assert np.isnan(twice).all()


def test_rare_kinds_and_speakers_are_kept_and_others_drawn() -> None:
    tweets = pd.DataFrame(
        {
            "speaker": ["Media", "Eyewitness", "Media", "Outsiders", "Media"],
            "kind": ["informative", "related", "unrelated", "informative", "informative"],
        }
    )
    chosen = choose_informative(tweets, 3, seed=1).index
    assert {1, 2} < set(chosen)
    assert len(chosen) == 3
    assert list(choose_informative(tweets, 3, seed=1).index) == list(chosen)
    assert list(choose_informative(tweets, 1, seed=1).index) == [1, 2]
    assert len(choose_informative(tweets, 99, seed=1)) == 5


@pytest.mark.usefixtures("_folder")
class TestFiles:
    def targets(self) -> dict[str, float]:
        table = read_table(SOURCES / "targets.csv")
        return dict(zip(table["text"], table["target"], strict=True))

    def related(self) -> set[tuple[str, str, float]]:
        return set(read_related().itertuples(index=False, name=None))

    def test_what_the_model_that_ships_learns(self) -> None:
        main()

        assert self.targets() == {
            "a dam broke": pytest.approx(0.25 * probability(2.0, 0.0) + 0.75, abs=1e-6),
            "a calm day": pytest.approx(0.25 * probability(-2.0), abs=1e-6),
            "new here": 1.0,
            "help us": 1.0,
            "roof gone": pytest.approx(probability(1.0, 3.0), abs=1e-6),
            "no power": pytest.approx(probability(-1.0), abs=1e-6),
            "river high": 0.5,
        }
        assert self.related() == {
            ("roof gone", "on_topic", 1.0),
            ("no power", "on_topic", 0.0),
            ("river high", "on_topic", 0.0),
            ("roof gone", "informative", 1.0),
            ("windy", "informative", 0.0),
            ("boats here", "informative", 1.0),
            ("wet", "informative", 1.0),
            ("fish", "informative", 0.0),
        }
        # An epoch of the student has the written sentence twice.
        twice = read_table(SOURCES / "targets.csv").query("repeats == 2")["text"]
        assert set(twice) == {"help us"}
        # The assistant labels the texts that no teacher has scored.
        unlabelled = read_table(SOURCES / "unlabelled.csv")["text"]
        assert set(unlabelled) == {"tea", "a monday"}
        assert read_description() == {
            "teachers": {**TEACHER, "licence": "Apache-2.0", "teachers": 2, "weight": 0.25}
        }

    def test_a_fold_learns_of_its_own_teacher_and_nothing_of_its_events(self) -> None:
        write_sources(1, SETTINGS)

        targets = self.targets()
        assert targets["a dam broke"] == pytest.approx(0.25 * probability(0.0) + 0.75, abs=1e-6)
        assert targets["roof gone"] == pytest.approx(probability(3.0), abs=1e-6)
        of_flood = {"river high", "boats here", "wet", "fish"}
        learned = {*targets, *(text for text, *_ in self.related())}
        assert not of_flood & {*learned, *read_table(SOURCES / "unlabelled.csv")["text"]}
        assert {"roof gone", "windy"} < learned
        assert read_description()["teachers"]["teachers"] == 1

    def test_what_is_measured_has_a_logit_or_is_never_learned(self) -> None:
        main()
        found = read_measured().set_index("text")

        assert set(found.index) == {"a dam broke", "roof gone", "help me choose", "only scored"}
        assert found.loc[
            "a dam broke", ["source", "target", "student", "encoder"]
        ].tolist() == [*("", 1.0, 1.5, 2.5)]
        storm = found.loc["roof gone"]
        assert [storm["source"], storm["part"]] == ["CrisisLexT6", "2013_storm"]
        assert [storm["kind"], storm["target"], storm["student"]] == ["on_topic", 1.0, -1.0]
        assert found.loc["help me choose", ["source", "kind", "target"]].tolist() == [
            *("written", "joke", 0.0)
        ]
        assert np.isnan(found.loc["only scored", "target"])
        assert found.loc[["help me choose", "only scored"], "student"].isna().all()
        learned = {*self.targets(), *read_table(SOURCES / "unlabelled.csv")["text"]}
        assert not {"help me choose", "only scored"} & learned

    def test_each_text_says_which_fold_leaves_it_out_and_how_it_speaks(self) -> None:
        found = sources.measured(SETTINGS).set_index("text")

        assert found.loc[["a dam broke", "a calm day", "new here"], "fold"].tolist() == [
            0,
            1,
            0,
        ]
        assert found.loc[["windy", "fish"], "fold"].tolist() == [0, 1]
        assert found.loc["boats here", "kind"] == "informative, by eyewitness"
        assert found.loc["wet", "kind"] == "informative, by media"
        assert found.loc["fish", "kind"] == "unrelated"
