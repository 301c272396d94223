"""The splits of the real labelled tweets: no tweet is both learned and measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from disaster_tweets.text import Cleaner
from pipeline.prepare import merge_repeats, read_labelled, split
from pipeline.project import RAW, params
from topic.sources import read_folds


def test_no_tweet_is_in_two_folds(
    raw_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, clean, folds = params("prepare"), Cleaner(params("reads")), read_folds()
    monkeypatch.chdir(tmp_path)
    RAW.parent.mkdir()
    RAW.symlink_to(raw_data, target_is_directory=True)
    raw = read_labelled(prepare["columns"], prepare["labels"])
    texts = merge_repeats(raw, labels=2)
    assert texts["count"].sum() == len(raw) == 7613
    parts = split(texts, **prepare["fractions"], seed=prepare["seed"])
    assert {name: len(part) for name, part in parts.items()} == {
        **{"train": len(texts), "calibration": 0, "held_out": 0}
    }
    assert set(folds.index) == set(texts["id"])
    fold_of = texts["id"].map(folds)
    assert fold_of.value_counts().min() > len(texts) // fold_of.nunique() - 2
    seen = texts["text"].map(clean).str.casefold()
    assert fold_of.groupby(seen).nunique().max() == 1
    assert texts["id"].is_unique
    written = raw.set_index("id")["text"]
    assert (written[texts["id"]].to_numpy() == texts["text"]).all()
