"""`disaster-tweets score`: a run that is killed at any time and resumed writes the same result.

The tests kill 20 runs; set DISASTER_TWEETS_KILLS=100 for more.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .test_score import score, summary
from .test_score_resume import part, start

pytestmark = pytest.mark.one_python

ROWS = 4200  # two checkpoints on the way
KILLS = int(os.environ.get("DISASTER_TWEETS_KILLS") or 20)


def texts() -> Iterator[str]:
    for number in range(ROWS):
        yield f"Lemon cake {number}, cream on the way" if number % 997 else ""


def broken(number: int) -> bool:
    return number % 1009 == 5


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The same rows in each format; in text formats, a few are broken."""
    folder = tmp_path_factory.mktemp("sources")
    cells = [f'{n},"{text}"{",too many" * broken(n)}\n' for n, text in enumerate(texts())]
    lines = [
        json.dumps({"n": n, "text": 7 if broken(n) else text or None})
        for n, text in enumerate(texts())
    ]
    first, second = folder / "1.csv", folder / "2.csv"
    first.write_text("n,text\n" + "".join(cells[: ROWS // 3]), "utf-8", newline="")
    second.write_text("n,text\n" + "".join(cells[ROWS // 3 :]), "utf-8", newline="")
    packed, json_lines = folder / "1.csv.gz", folder / "in.jsonl"
    packed.write_bytes(gzip.compress(first.read_bytes()))
    json_lines.write_text("\n".join(lines), "utf-8")
    document = folder / "in.json"
    document.write_text("[" + ",\n ".join(lines) + "]\n", "utf-8")
    return {
        "csv": [first, second],
        "csv.gz": [packed, second],
        "csv.xz": [first, second],
        "jsonl": [json_lines],
        "json": [document],
        "parquet": [folder / "in.parquet"],
        "arrow": [folder / "in.parquet"],
        "xlsx": [first, second],
    }


def content(target: Path) -> Any:
    """Return the output of a run: its rows, and its rejected rows."""
    rejected = target.with_name(f"{target.name}.rejected")
    rest = rejected.read_bytes() if rejected.exists() else None
    if target.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(target), rest
    if target.suffix == ".arrow":
        from pyarrow import feather

        return feather.read_table(target), rest
    if target.suffix == ".xlsx":
        from disaster_tweets.tables.workbook import read

        with target.open("rb") as file:
            return read(file, target.name), rest
    unpack = {".gz": gzip.decompress, ".xz": lzma.decompress}.get(target.suffix, bytes)
    return unpack(target.read_bytes()), rest


@pytest.mark.parametrize(
    "name", ["csv", "csv.gz", "csv.xz", "jsonl", "json", "parquet", "arrow", "xlsx"]
)
def test_killed_and_resumed(sources: dict[str, list[Path]], tmp_path: Path, name: str) -> None:
    if name in ("parquet", "arrow"):
        arrow = pytest.importorskip("pyarrow", reason="writes Parquet files with pyarrow")
        from pyarrow import parquet

        rows = {"n": range(ROWS), "text": [text or None for text in texts()]}
        parquet.write_table(arrow.table(rows), *sources[name], row_group_size=900)
    if name == "xlsx":
        pytest.importorskip("openpyxl", reason="writes workbooks with openpyxl")
        pytest.importorskip("defusedxml", reason="reads workbooks with defusedxml")
    whole, target = tmp_path / f"whole.{name}", tmp_path / f"out.{name}"
    skip = ("--on-error", "skip")
    counts = summary(score(*sources[name], "-o", whole, *skip).err)
    missing, rejected = ROWS // 997 + 1, sum(map(broken, range(ROWS)))
    rejected *= name not in ("parquet", "arrow")
    assert counts == (ROWS, ROWS - missing - rejected, missing, rejected)

    moments, kills = random.Random(name), max(KILLS // 8, 1)
    while kills or not target.exists():
        if target.exists():
            target.unlink()
        process = start(*sources[name], "-o", target, *skip, "--resume")
        try:
            # The last run is not killed.
            _, err = process.communicate(timeout=moments.uniform(0.2, 1.5) if kills else 300)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert kills, "the last run does not end"
            kills -= 1
        else:
            assert (process.returncode, summary(err)) == (0, counts)
            assert not part(target).exists()
            assert not part(target, ".json").exists()
            assert content(target) == content(whole)
    assert content(target) == content(whole)
