"""Merging and splitting: no text in two splits, no label lost, and texts unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline.prepare import (
    SPLITS,
    main,
    mask,
    merge_repeats,
    read_labelled,
    read_raw,
    split,
)
from pipeline.project import RAW, PipelineError
from pipeline.splits import majority, read_split, target_columns, targets

COLUMNS = {"id": "id", "text": "text", "label": "target"}
LABELS = {"negative": "0", "positive": "1"}
FOUR = {"water": "W", "earth": "E", "air": "A", "none": "-"}
FRACTIONS = {"calibration": 0.2, "held_out": 0.1}


@pytest.fixture
def raw_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder of the raw files, in a new project."""
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    return RAW


def table(*rows: tuple[str, int], fixed: str | list[str] = "") -> pd.DataFrame:
    """Return rows whose ids are a, b, c, ..."""
    ids = [chr(ord("a") + i % 26) for i in range(len(rows))]
    return pd.DataFrame(rows, columns=["text", "label"]).assign(id=ids, split=fixed)


def many(texts: int, labels: int = 2) -> pd.DataFrame:
    """Return merged texts. A third has the last label, and the labels of two texts tie."""
    rows = [(f"text {i}", labels - 1 if i % 3 == 0 else i % (labels - 1)) for i in range(texts)]
    rows += [(f"text {i}", (label + 1) % labels) for i, (_, label) in enumerate(rows[:18])
             if i in (5, 17)]  # fmt: skip
    return merge_repeats(table(*rows), labels)


class TestReading:
    def test_columns_and_labels_have_the_names_that_the_parameters_give(
        self, raw_folder: Path
    ) -> None:
        table = "key,kind,message\n007,spam,buy\n3,ham,hello\n"
        (raw_folder / "train.csv").write_text(table, "utf-8")
        raw = read_labelled(
            {"id": "key", "text": "message", "label": "kind"},
            {"negative": "ham", "positive": "spam"},
        )
        assert raw.columns.tolist() == ["id", "text", "label", "split"]
        assert raw.values.tolist() == [["007", "buy", 1, ""], ["3", "hello", 0, ""]]

    def test_labels_are_numbered_in_the_order_of_the_parameters(self, raw_folder: Path) -> None:
        (raw_folder / "train.csv").write_text("text,target\na,-\nb,W\nc,A\nd,E\n", "utf-8")
        raw = read_labelled({"text": "text", "label": "target"}, FOUR)
        assert raw["label"].tolist() == [3, 0, 2, 1]

    def test_rows_without_ids_are_numbered_from_one(self, raw_folder: Path) -> None:
        (raw_folder / "train.csv").write_text("id,text,target\n9,a,0\n8,b,1\n", "utf-8")
        raw = read_labelled({"text": "text", "label": "target"}, LABELS)
        assert raw["id"].tolist() == ["1", "2"]

    def test_a_column_may_fix_the_split(self, raw_folder: Path) -> None:
        rows = "a,0,held_out\nb,1,\nc,0,train\nd,1,calibration\n"
        (raw_folder / "train.csv").write_text(f"text,target,part\n{rows}", "utf-8")
        columns = {"text": "text", "label": "target", "split": "part"}
        raw = read_labelled(columns, LABELS)
        assert raw["split"].tolist() == ["held_out", "", "train", "calibration"]

    def test_a_split_of_another_name_is_named_by_row(self, raw_folder: Path) -> None:
        (raw_folder / "train.csv").write_text("text,target,part\na,0,\nb,1,test\n", "utf-8")
        columns = {"text": "text", "label": "target", "split": "part"}
        message = (
            r"train\.csv: row 2 has the part 'test'; it must be '' or 'train' or "
            "'calibration' or 'held_out'"
        )
        with pytest.raises(PipelineError, match=message):
            read_labelled(columns, LABELS)

    def test_a_label_that_no_parameter_names_is_named_by_row(self, raw_folder: Path) -> None:
        (raw_folder / "train.csv").write_text("id,text,target\n1,a,0\n2,b,7\n", "utf-8")
        message = r"train\.csv: row 2 has the target '7'; it must be '0' or '1', or params"
        with pytest.raises(PipelineError, match=message):
            read_labelled(COLUMNS, LABELS)
        with pytest.raises(PipelineError, match="row 1 has the target '0'; it must be 'W' or "):
            read_labelled(COLUMNS, FOUR)

    def test_a_missing_column_is_named(self, raw_folder: Path) -> None:
        (raw_folder / "train.csv").write_text("id,words\n1,hello\n", encoding="utf-8")
        with pytest.raises(
            PipelineError, match=r"train\.csv: no column 'text', only id, words"
        ):
            read_raw("train.csv", "text")
        with pytest.raises(PipelineError, match=r"train\.csv: no column 'key', only id, words"):
            read_labelled({"id": "key", "text": "words", "label": "id"}, LABELS)
        with pytest.raises(PipelineError, match=r"test\.csv: cannot be read"):
            read_raw("test.csv", "text")


class TestMerging:
    def test_repeats_become_one_text_with_the_mean_label(self) -> None:
        merged = merge_repeats(
            table(
                ("Fair in town! http://example.com/1", 1),
                ("something else", 0),
                ("fair in town http://example.com/2", 1),
                ("@someone FAIR in town", 0),
            ),
            labels=2,
        )
        assert merged["text"].tolist() == [
            "Fair in town! http://example.com/1",
            "something else",
        ]
        assert merged["id"].tolist() == ["a", "b"]
        assert merged["target"].tolist() == [pytest.approx(2 / 3), 0.0]
        assert merged["count"].tolist() == [3, 1]

    def test_of_more_labels_a_text_has_a_share_of_each(self) -> None:
        rows = [("hello", 2), ("rain", 0), ("Hello!", 2), ("hello", 3), ("HELLO", 0)]
        merged = merge_repeats(table(*rows), labels=4)

        assert merged.columns.tolist() == [
            *("id", "text", "target_0", "target_1", "target_2", "target_3", "count", "split")
        ]
        np.testing.assert_allclose(targets(merged), [[0.25, 0, 0.5, 0.25], [1, 0, 0, 0]])

    def test_texts_are_kept_as_they_are_written(self) -> None:
        text = "@someone caf\u00c3\u00a9 &amp; #bar 🔥 http://example.com/1"
        rows = [(text, 1), ("CAFÉ and bar", 1), ("café, bar!", 0)]
        merged = merge_repeats(table(*rows), labels=2)
        assert merged["text"].tolist() == [text, "CAFÉ and bar"]
        assert merged["count"].tolist() == [2, 1]  # broken characters make no new word

    def test_a_mask_stands_for_each_address_and_name(self) -> None:
        masked = mask("RT @someone: see http://example.com/1, www.example.com &amp; #now")
        assert masked == "RT @user: see http http & #now"

    def test_a_text_of_several_splits_is_in_the_one_farthest_from_the_training(self) -> None:
        merged = merge_repeats(
            table(
                *[("one", 0), ("One!", 1), ("two", 1), ("two", 0), ("TWO", 1), ("three", 0)],
                fixed=["", "train", "held_out", "calibration", "held_out", "calibration"],
            ),
            labels=2,
        )
        assert merged[["text", "split", "target", "count"]].values.tolist() == [
            ["One!", "train", 1.0, 1],
            ["two", "held_out", 1.0, 2],  # the label in the calibration split does not count
            ["three", "calibration", 0.0, 1],
        ]


class TestSplitting:
    @pytest.mark.parametrize("labels", [2, 4])
    def test_the_split_is_complete_disjoint_and_stratified(self, labels: int) -> None:
        texts = many(600, labels)
        parts = split(texts, **FRACTIONS, seed=3)
        assert {name: len(part) for name, part in parts.items()} == {
            "train": 420,
            "calibration": 120,
            "held_out": 60,
        }
        assert sorted(pd.concat(parts.values())["text"]) == sorted(texts["text"])
        expected = np.bincount(majority(targets(texts)), minlength=labels) / len(texts)
        for part in parts.values():
            assert part.columns.tolist() == [*("id", "text", *target_columns(labels), "count")]
            found = np.bincount(majority(targets(part)), minlength=labels) / len(part)
            np.testing.assert_allclose(found, expected, atol=0.03)
        # A text whose labels tie only trains.
        tied = {name: (part["count"] > 1).sum() for name, part in parts.items()}
        assert tied == {"train": 2, "calibration": 0, "held_out": 0}

    def test_three_labels_may_tie_below_one_half(self) -> None:
        rows = [("even", label) for label in range(3)]
        rows += [("led", label) for label in (0, 0, 1, 2)]
        rows += [(f"text {i}", i % 3) for i in range(60)]
        parts = split(merge_repeats(table(*rows), labels=3), 0.4, 0.5, seed=1)
        assert "even" in set(parts["train"]["text"])
        assert len(parts["train"]) < 10

    def test_the_seed_decides(self) -> None:
        def held_out(seed: int) -> list[str]:
            return split(many(600), **FRACTIONS, seed=seed)["held_out"]["text"].tolist()

        assert held_out(1) == held_out(1)
        assert held_out(1) != held_out(2)

    @pytest.mark.parametrize("labels", [2, 4])
    def test_what_is_fixed_stays_and_nothing_joins_what_is_measured(self, labels: int) -> None:
        texts = many(600, labels)
        texts.loc[texts.index % 10 == 0, "split"] = "held_out"
        parts = split(texts, **FRACTIONS, seed=3)

        assert parts["held_out"]["text"].tolist() == texts["text"][::10].tolist()
        assert len(parts["calibration"]) == 120
        assert len(parts["train"]) == 420
        assert sorted(pd.concat(parts.values())["text"]) == sorted(texts["text"])

    def test_all_may_be_fixed(self) -> None:
        texts = many(30)
        texts["split"] = [SPLITS[i % 3] for i in range(30)]
        parts = split(texts, **FRACTIONS, seed=3)
        for name, part in parts.items():
            assert part["text"].tolist() == texts["text"][texts["split"] == name].tolist()

    def test_others_join_what_is_fixed_for_the_training(self) -> None:
        texts = many(600)
        texts.loc[:99, "split"] = "train"
        parts = split(texts, **FRACTIONS, seed=3)
        assert {name: len(part) for name, part in parts.items()} == {
            "train": 420,
            "calibration": 120,
            "held_out": 60,
        }
        assert set(texts["text"][:100]) <= set(parts["train"]["text"])

    def test_a_label_of_too_few_texts_is_refused(self) -> None:
        rows = [(f"text {i}", i % 2) for i in range(40)] + [("the only one", 2)]
        with pytest.raises(PipelineError) as caught:
            split(merge_repeats(table(*rows), labels=3), **FRACTIONS, seed=3)
        message = str(caught.value)
        assert message.startswith("data/raw/train.csv: its texts cannot be split (")
        assert message.endswith("; add texts of each label")


@pytest.mark.parametrize(
    ("labels", "of_targets"),
    [(LABELS, ["target"]), (FOUR, ["target_0", "target_1", "target_2", "target_3"])],
    ids=["two labels", "four labels"],
)
def test_what_is_written_is_what_is_read(
    labels: dict[str, str],
    of_targets: list[str],
    raw_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spellings = list(labels.values())
    rows = "".join(f'0{i},"text, {i}",{spellings[i % len(spellings)]}\n' for i in range(100))
    (raw_folder / "train.csv").write_text(f"id,text,target\n{rows}", "utf-8")
    settings = {"columns": COLUMNS, "labels": labels, "fractions": FRACTIONS, "seed": 3}
    written = yaml.safe_dump({"prepare": settings}, sort_keys=False)
    Path("params.yaml").write_text(written, "utf-8")
    main()
    parts = pd.concat(read_split(name) for name in SPLITS)
    assert sorted(parts["id"]) == sorted(f"0{i}" for i in range(100))
    assert (parts["text"] == "text, " + parts["id"].str.replace("^0", "", regex=True)).all()
    assert parts.columns.tolist() == ["id", "text", *of_targets, "count"]
    numbers = parts["id"].astype(int).to_numpy()
    np.testing.assert_array_equal(majority(targets(parts)), numbers % len(labels))
    printed = capsys.readouterr().out
    assert all(f" {name}" in printed for name in labels)
