"""VisiData: the real program replays the command on sheets of files."""

from __future__ import annotations

import csv
import importlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from visidata import anytype, vd
from visidata.loaders._pandas import PandasSheet

from disaster_tweets import predict
from disaster_tweets.topic import EXAMPLES, PREFIX

from ..conftest import Completed, Golden, Run
from .conftest import check_own_probabilities
from .test_sqlite_utils import LABEL, PROBABILITY, copy_without_model, hide

HOSTS = ("visidata",)

TEXTS = [*EXAMPLES[:2], "", '☕ "911", O\'Brien']
NEW = (PROBABILITY, LABEL)
COMMAND = f"addcol-{PREFIX}"


def scores(texts: list[str]) -> list[tuple[str, ...]]:
    """Return the saved scores of these texts."""
    return [
        (f"{predict(text).probability:.4f}", predict(text).label) if text else ("", "")
        for text in texts
    ]


def table(path: Path, texts: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *enumerate(texts, 1)])
    return path


class TestReplay:
    @pytest.fixture
    def replay(self, run: Run, tmp_path: Path):
        """Replay commands on a file, and save the last sheet to out.csv."""

        def replay(
            source: Path, *commands: tuple[str, str], options: tuple[str, ...] = (), **env: str
        ) -> Completed:
            log = tmp_path / "log.vdj"
            lines = (
                {"sheet": source.stem, "col": column, "row": "", "longname": command}
                for column, command in commands
            )
            log.write_text("\n".join(map(json.dumps, lines)), "utf-8")
            return run(
                *("vd", "--config", "none", "--batch", "--play", str(log)),
                *("--output", str(tmp_path / "out.csv"), *options, str(source)),
                **env,
            )

        return replay

    @pytest.fixture
    def saved(self, replay, tmp_path: Path):
        """Replay commands on a file, and return the saved rows."""

        def saved(
            source: Path, *commands: tuple[str, str], options: tuple[str, ...] = ()
        ) -> list[dict[str, str]]:
            done = replay(source, *commands, options=options)
            assert done.status == 0, done.err
            with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))

        return saved

    def test_the_columns_hold_what_predict_says(
        self, saved, tmp_path: Path, golden: Golden
    ) -> None:
        more = [f"{EXAMPLES[0]} {n}" if n % 7 else "" for n in range(300)]  # than two batches
        texts = [*TEXTS, *more, *golden.texts]
        rows = saved(table(tmp_path / "texts.csv", texts), ("text", COMMAND))
        own, others = rows[: -len(golden.texts)], rows[-len(golden.texts) :]

        assert list(rows[0]) == ["id", "text", *NEW]
        assert [row["text"] for row in own] == [*TEXTS, *more]
        assert [tuple(row[name] for name in NEW) for row in own] == scores([*TEXTS, *more])
        for row, probability in zip(others, golden.probabilities, strict=True):
            if row["text"]:
                assert float(row[PROBABILITY]) == pytest.approx(
                    probability, abs=golden.tolerance + 5e-5
                )

    def test_what_is_not_text(self, saved, tmp_path: Path) -> None:
        source = tmp_path / "mixed.jsonl"
        values = ["A text", None, 911, "", 2.5, ["a", "b"]]
        source.write_text("\n".join(json.dumps({"v": value}) for value in values), "utf-8")
        rows = saved(source, ("v", COMMAND))

        texts = ["A text", "", "911", "", "2.5", "['a', 'b']"]
        assert [tuple(row[name] for name in NEW) for row in rows] == scores(texts)

    def test_cells_in_error_stay_empty(self, saved, tmp_path: Path) -> None:
        source = table(tmp_path / "texts.csv", ["911", "A text"])
        rows = saved(source, ("text", "type-int"), ("text", COMMAND))

        assert [tuple(row[name] for name in NEW) for row in rows] == scores(["911", ""])

    def test_a_table_of_a_database(self, saved, tmp_path: Path) -> None:
        # VisiData keeps uncommitted changes here.
        source = tmp_path / "texts.sqlite"
        with closing(sqlite3.connect(source)) as connection, connection:
            connection.execute("CREATE TABLE texts (text)")
            connection.executemany("INSERT INTO texts VALUES (?)", ([t] for t in TEXTS))
        rows = saved(source, ("", "open-row"), ("text", COMMAND))

        assert [tuple(row[name] for name in NEW) for row in rows] == scores(TEXTS)

    def test_an_empty_sheet(self, saved, tmp_path: Path) -> None:
        assert saved(table(tmp_path / "texts.csv", []), ("text", COMMAND)) == []

    def test_undo_takes_both_columns_away(self, saved, tmp_path: Path) -> None:
        source = table(tmp_path / "texts.csv", TEXTS)
        commands = [("text", COMMAND), ("", "undo-last")]
        rows = saved(source, *commands, options=("--undo=true",))
        assert list(rows[0]) == ["id", "text"]

    def test_without_a_model_only_the_command_fails(self, replay, tmp_path: Path) -> None:
        source = table(tmp_path / "texts.csv", TEXTS)
        copy = copy_without_model(tmp_path)
        assert replay(source, ("text", "type-len"), PYTHONPATH=copy).status == 0

        done = replay(source, ("text", COMMAND), PYTHONPATH=copy)
        assert done.status == 1
        assert [line.strip() for line in done.err.splitlines() if line.strip()] == [
            f"ArtifactError: {copy}/disaster_tweets/artifacts/model.bin: "
            "No such file or directory; reinstall disaster-tweets-model",
            f"replay aborted during {COMMAND}",
        ]

    def test_it_starts_without_numpy(self, replay, tmp_path: Path) -> None:
        source = table(tmp_path / "texts.csv", TEXTS)
        hidden = hide(tmp_path, "numpy")
        done = replay(source, ("text", "type-len"), PYTHONPATH=hidden)
        assert done.status == 0
        assert "plugin" not in done.err


@pytest.mark.parametrize("kind", [anytype, str])
def test_what_a_data_frame_lacks_stays_empty(kind: Any) -> None:
    plugin = importlib.import_module("disaster_tweets.plugins.visidata")
    frame = pd.DataFrame(
        {"text": pd.Series([TEXTS[0], None, float("nan"), pd.NA], dtype=object)}
    )
    sheet = PandasSheet("texts", source=frame)
    sheet.reload()
    vd.sync()
    column = sheet.column("text")
    column.type = kind
    plugin.addcol_disaster_tweets(sheet, column)
    vd.sync()

    scored = [[sheet.column(name).getValue(row) for name in NEW] for row in sheet.rows]
    assert [label for _, label in scored] == [predict(TEXTS[0]).label, None, None, None]
    assert [probability for probability, _ in scored[1:]] == [None] * 3


@pytest.mark.usefixtures("four_labels_installed")
def test_of_four_labels_a_text_gets_the_probability_of_its_own() -> None:
    plugin = importlib.import_module("disaster_tweets.plugins.visidata")
    texts = [text for text in TEXTS if text]
    sheet = PandasSheet("texts", source=pd.DataFrame({"text": texts}))
    sheet.reload()
    vd.sync()
    plugin.addcol_disaster_tweets(sheet, sheet.column("text"))
    vd.sync()

    scored = [[sheet.column(name).getValue(row) for name in NEW] for row in sheet.rows]
    check_own_probabilities((text, *row) for text, row in zip(texts, scored, strict=True))


def test_the_command_is_in_the_menu() -> None:
    importlib.import_module("disaster_tweets.plugins.visidata")

    (column,) = (item for item in vd.menus if item.title == "Column")
    (add,) = (item for item in column.menus if item.title == "Add column")
    assert COMMAND in [item.longname for item in add.menus]
