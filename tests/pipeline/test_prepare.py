"""Merging and splitting: no text on two sides, no label lost, and texts as they are written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipeline.prepare import (
    main,
    mask,
    merge_repeats,
    read_labelled,
    read_raw,
    split,
)
from pipeline.project import RAW, PipelineError
from pipeline.splits import read_split
from disaster_tweets.text import clean

COLUMNS = {"id": "id", "text": "text", "label": "target"}
LABELS = {"negative": "0", "positive": "1"}


@pytest.fixture
def raw_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the raw files, empty, in a project of its own."""
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    return RAW


def table(*rows: tuple[str, int]) -> pd.DataFrame:
    """Return rows whose ids are a, b, c, ..."""
    ids = [chr(ord("a") + i % 26) for i in range(len(rows))]
    return pd.DataFrame(rows, columns=["text", "target"]).assign(id=ids)


def many(texts: int) -> pd.DataFrame:
    merged = merge_repeats(table(*((f"text {i}", i % 3 == 0) for i in range(texts))))
    merged.loc[[5, 17], "target"] = 0.5
    return merged


def test_repeats_become_one_text_with_the_mean_label() -> None:
    merged = merge_repeats(
        table(
            ("Fire in town! http://example.com/1", 1),
            ("something else", 0),
            ("fire in town http://example.com/2", 1),
            ("@someone FIRE in town", 0),
        )
    )
    assert merged["text"].tolist() == ["Fire in town! http://example.com/1", "something else"]
    assert merged["id"].tolist() == ["a", "b"]
    assert merged["target"].tolist() == [pytest.approx(2 / 3), 0.0]
    assert merged["count"].tolist() == [3, 1]


def test_columns_and_labels_have_the_names_that_the_parameters_give(
    raw_folder: Path,
) -> None:
    table = "key,kind,message\n007,spam,buy\n3,ham,hello\n"
    (raw_folder / "train.csv").write_text(table, "utf-8")
    raw = read_labelled(
        {"id": "key", "text": "message", "label": "kind"},
        {"negative": "ham", "positive": "spam"},
    )
    assert raw.columns.tolist() == ["id", "text", "target"]
    assert raw.values.tolist() == [["007", "buy", 1], ["3", "hello", 0]]


def test_rows_without_ids_are_numbered_from_one(raw_folder: Path) -> None:
    (raw_folder / "train.csv").write_text("id,text,target\n9,a,0\n8,b,1\n", "utf-8")
    raw = read_labelled({"text": "text", "label": "target"}, LABELS)
    assert raw.values.tolist() == [["1", "a", 0], ["2", "b", 1]]


def test_texts_are_kept_as_they_are_written() -> None:
    text = "@someone caf\u00c3\u00a9 &amp; #bar 🔥 http://example.com/1"
    merged = merge_repeats(table((text, 1), ("CAFÉ and bar", 1), ("café, bar!", 0)))
    assert merged["text"].tolist() == [text, "CAFÉ and bar"]
    assert merged["count"].tolist() == [2, 1]  # what is broken is no other word


def test_a_mask_stands_for_each_address_and_name() -> None:
    masked = mask("RT @someone: see http://example.com/1, www.example.com &amp; #now")
    assert masked == "RT @user: see http http & #now"


def test_what_is_written_is_what_is_read(
    raw_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f'0{i},"text, {i}",{i % 2}\n' for i in range(100))
    (raw_folder / "train.csv").write_text(f"id,text,target\n{rows}", "utf-8")
    settings = {
        "columns": COLUMNS,
        "labels": LABELS,
        "fractions": {"calibration": 0.2, "held_out": 0.1},
        "seed": 3,
    }
    Path("params.yaml").write_text(yaml.safe_dump({"prepare": settings}), "utf-8")
    main()
    parts = pd.concat(read_split(name) for name in ("train", "calibration", "held_out"))
    assert sorted(parts["id"]) == sorted(f"0{i}" for i in range(100))
    assert (parts["text"] == "text, " + parts["id"].str.replace("^0", "", regex=True)).all()
    assert parts.columns.tolist() == ["id", "text", "target", "count"]


def test_a_label_that_no_parameter_names_is_named_by_row(raw_folder: Path) -> None:
    (raw_folder / "train.csv").write_text("id,text,target\n1,a,0\n2,b,7\n", "utf-8")
    message = r"train\.csv: row 2 has the label '7'; it must be '0' or '1'"
    with pytest.raises(PipelineError, match=message):
        read_labelled(COLUMNS, LABELS)


def test_the_split_is_complete_disjoint_and_stratified() -> None:
    texts = many(600)
    parts = split(texts, calibration=0.2, held_out=0.1, seed=3)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 420,
        "calibration": 120,
        "held_out": 60,
    }
    assert sorted(pd.concat(parts.values())["text"]) == sorted(texts["text"])
    for part in parts.values():
        assert (part["target"] > 0.5).mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_text_whose_labels_tie_only_trains() -> None:
    parts = split(many(600), calibration=0.2, held_out=0.1, seed=3)
    assert {name: (part["target"] == 0.5).sum() for name, part in parts.items()} == {
        "train": 2,
        "calibration": 0,
        "held_out": 0,
    }


def test_the_seed_decides() -> None:
    def held_out(seed: int) -> list[str]:
        return split(many(600), calibration=0.2, held_out=0.1, seed=seed)["held_out"][
            "text"
        ].tolist()

    assert held_out(1) == held_out(1)
    assert held_out(1) != held_out(2)


def test_a_missing_column_is_named(raw_folder: Path) -> None:
    (raw_folder / "train.csv").write_text("id,tweet\n1,hello\n", encoding="utf-8")
    with pytest.raises(PipelineError, match=r"train\.csv: no column 'text', only id, tweet"):
        read_raw("train.csv", "text")
    with pytest.raises(PipelineError, match=r"train\.csv: no column 'key', only id, tweet"):
        read_labelled({"id": "key", "text": "tweet", "label": "id"}, LABELS)
    with pytest.raises(PipelineError, match=r"test\.csv: cannot be read"):
        read_raw("test.csv", "text")


# begin: left out of a copy
def test_on_the_real_tweets_no_text_is_on_two_sides(
    raw_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    RAW.parent.mkdir()
    RAW.symlink_to(raw_data, target_is_directory=True)
    raw = read_labelled(COLUMNS, LABELS)
    texts = merge_repeats(raw)
    assert texts["count"].sum() == len(raw) == 7613
    parts = split(texts, calibration=0.15, held_out=0.15, seed=20200101)
    seen = [set(part["text"].map(clean).str.casefold()) for part in parts.values()]
    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]
    assert texts["id"].is_unique
    written = raw.set_index("id")["text"]
    assert (written[texts["id"]].to_numpy() == texts["text"]).all()


# end: left out of a copy
