"""The labelled tweets themselves: none is trained on and measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from disaster_tweets.text import Cleaner
from pipeline.prepare import merge_repeats, read_labelled, split
from pipeline.project import RAW, params


def test_no_tweet_is_on_two_sides(
    raw_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, clean = params("prepare"), Cleaner(params("reads"))
    monkeypatch.chdir(tmp_path)
    RAW.parent.mkdir()
    RAW.symlink_to(raw_data, target_is_directory=True)
    raw = read_labelled(prepare["columns"], prepare["labels"])
    texts = merge_repeats(raw, labels=2)
    assert texts["count"].sum() == len(raw) == 7613
    parts = split(texts, **prepare["fractions"], seed=prepare["seed"])
    seen = [set(part["text"].map(clean).str.casefold()) for part in parts.values()]
    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]
    assert texts["id"].is_unique
    written = raw.set_index("id")["text"]
    assert (written[texts["id"]].to_numpy() == texts["text"]).all()
