"""`disaster-tweets score` on Parquet files, with pyarrow and without."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets import labelled, predict
from disaster_tweets.tables.rows import Reading
from disaster_tweets.topic import LABELS

from .test_score import CAKE, PHONE, refused, score, summary

NEW = ["probability", "label"]


@pytest.fixture(scope="module")
def arrow() -> Any:
    return pytest.importorskip("pyarrow", reason="reads and writes Parquet files with pyarrow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parquet")


def write(path: Path, table: Any, rows: int | None = None) -> Path:
    from pyarrow import parquet

    parquet.write_table(table, path, row_group_size=rows)
    return path


def scored(source: Path, *options: str | Path) -> Any:
    """Score a file; check the counts, and return the output table."""
    from pyarrow import parquet

    target = source.with_name("out.parquet")
    completed = score(source, *options, "-o", target)
    assert completed.status == 0, completed.err
    table = parquet.read_table(target)
    rows, _, missing, rejected = summary(completed.err)
    assert (rows, missing, rejected) == (len(table), table["label"].null_count, 0)
    return table


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_every_value_stays(arrow: Any, folder: Path, data: Any) -> None:
    texts = data.draw(st.lists(st.none() | st.text(st.characters(codec="utf-8")), max_size=8))
    kind = data.draw(st.sampled_from([arrow.string(), arrow.large_string()]))
    lists = [[number, None] for number in range(len(texts))]
    table = arrow.table(
        {
            "n": arrow.array(range(len(texts)), arrow.int8()),
            "text": arrow.array(texts, kind),
            "lists": arrow.array(lists, arrow.list_(arrow.int64())),
        }
    ).replace_schema_metadata({"made": "up"})
    out = scored(write(folder / "in.parquet", table, rows=3))
    scores = [predict(text) if text and not text.isspace() else None for text in texts]

    assert out.column_names == [*table.column_names, *NEW]
    assert out.schema.field("probability").type == arrow.float32()
    assert out.drop_columns(NEW).equals(table)
    assert out.schema.metadata[b"made"] == b"up"
    assert out["probability"].to_pylist() == [
        None if score is None else score.probability for score in scores
    ]
    assert out["label"].to_pylist() == [
        None if score is None else score.label for score in scores
    ]


def test_the_only_column_of_strings(arrow: Any, tmp_path: Path) -> None:
    columns = {"n": [1, 2], "remark": [CAKE, PHONE], "entry": [{"text": PHONE}] * 2}
    source = write(tmp_path / "in.parquet", arrow.table(columns))

    assert scored(source)["label"].to_pylist() == [predict(CAKE).label, predict(PHONE).label]


def test_several_files(arrow: Any, tmp_path: Path) -> None:
    first = write(tmp_path / "1.parquet", arrow.table({"n": [1, 2], "text": [CAKE, PHONE]}))
    more = write(tmp_path / "2.parquet", arrow.table({"n": [3], "text": [CAKE]}))
    other = write(tmp_path / "3.parquet", arrow.table({"n": ["3"], "text": [CAKE]}))

    assert scored(first, more)["n"].to_pylist() == [1, 2, 3]
    refused(score(first, other, "-o", tmp_path / "new.parquet"), str(other))


def test_columns_that_are_there(arrow: Any, tmp_path: Path) -> None:
    table = arrow.table({"label": ["?"], "text": [CAKE]})
    source, target = write(tmp_path / "in.parquet", table), tmp_path / "new.parquet"

    refused(score(source, "-o", target), "label", "--overwrite-columns")
    out = scored(source, "--overwrite-columns")
    assert out.column_names == ["text", *NEW]
    assert out["label"].to_pylist() == [predict(CAKE).label]


def test_metadata_says_nothing_about_columns_that_are_replaced(
    arrow: Any, tmp_path: Path
) -> None:
    """pandas would take the new labels for the index, and Spark would not see new columns."""
    columns = [
        {"name": "label", "field_name": "label", "numpy_type": "Int64"},
        {"name": None, "field_name": "__index_level_0__", "numpy_type": "int64"},
    ]
    index = {"index_columns": ["label", "__index_level_0__"], "columns": columns, "creator": {}}
    spark = "org.apache.spark.sql.parquet.row.metadata"
    table = arrow.table({"text": [CAKE], "label": [5], "__index_level_0__": [7]})
    for pandas in (json.dumps(index), "{}", "?"):
        metadata = {"pandas": pandas, spark: "{}", "made": "up"}
        source = write(tmp_path / "in.parquet", table.replace_schema_metadata(metadata))
        found = scored(source, "--overwrite-columns").schema.metadata

        assert found.pop(b"made") == b"up"
        if pandas == json.dumps(index):
            kept = {**index, "index_columns": ["__index_level_0__"], "columns": columns[1:]}
            assert json.loads(found.pop(b"pandas")) == kept
        assert not found


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_an_index_of_pandas_that_is_replaced(arrow: Any, tmp_path: Path, suffix: str) -> None:
    pandas = pytest.importorskip("pandas", reason="writes and reads a data frame with pandas")
    index = pandas.Index([5, 7], name="label")
    frame = pandas.DataFrame({"text": [CAKE, PHONE]}, index=index)
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    table = arrow.Table.from_pandas(frame)
    if suffix == "feather":
        pytest.importorskip("pyarrow.feather").write_feather(table, source)
    else:
        write(source, table)
    assert score(source, "-o", target, "--overwrite-columns").status == 0
    found = getattr(pandas, f"read_{suffix}")(target)

    assert list(found.columns) == ["text", *NEW]
    assert list(found["label"]) == [predict(CAKE).label, predict(PHONE).label]


def test_a_run_that_ends_while_it_clears_up(
    arrow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "in.parquet", arrow.table({"text": [CAKE, PHONE] * 2000}), 900)
    target = tmp_path / "out.parquet"

    def interrupted(folder: Path) -> None:
        min(folder.iterdir()).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("disaster_tweets.tables.columnar_part.shutil.rmtree", interrupted)
        assert score(source, "-o", target).status == 130
    whole = target.read_bytes()
    assert score(source, "-o", target, "--resume").status == 0
    assert target.read_bytes() == whole
    assert set(tmp_path.iterdir()) == {source, target}


def test_a_file_with_altered_bytes(arrow: Any, tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    whole = write(source, arrow.table({"text": [CAKE]})).read_bytes()
    source.write_bytes(whole[:4] + bytes(40) + whole[44:])

    refused(score(source, "-o", target), str(source))
    assert not target.exists()


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    status, _, err = score(tmp_path / "in.parquet", "-o", tmp_path / "out.parquet")

    assert status in (1, 2)
    assert 'pip install "disaster-tweets-model[parquet]"' in err.splitlines()[-1]
    assert not (tmp_path / "out.parquet").exists()


class TestStructs:
    @pytest.fixture
    def source(self, arrow: Any, tmp_path: Path) -> Path:
        posts = [{"text": CAKE, "by": {"name": "ann"}}, None, {"text": PHONE, "by": None}]
        return write(tmp_path / "in.parquet", arrow.table({"id": [1, 2, 3], "post": posts}))

    def test_a_field(self, source: Path) -> None:
        table = scored(source, "--text-column", "post.text")

        assert table.column_names == ["id", "post", *NEW]
        expected = [predict(CAKE).label, None, predict(PHONE).label]
        assert table["label"].to_pylist() == expected

    @pytest.mark.parametrize("options", [("--text-column", "post"), ()])
    def test_the_struct_itself(self, source: Path, options: tuple[str, ...]) -> None:
        completed = score(source, *options, "-o", source.with_name("out.csv"))
        refused(
            completed,
            "column 'post' holds struct<",
            "not texts; a text in it has the path 'post.text'; name the column of the texts "
            "with --text-column",
        )

    def test_no_such_field(self, source: Path, tmp_path: Path) -> None:
        refused(
            score(source, "--text-column", "post.body", "-o", tmp_path / "out.csv"),
            "no column 'post.body'; it has 'id', 'post', 'post.",
        )

    def test_labels_in_a_field(self, arrow: Any, tmp_path: Path) -> None:
        rows = [{"text": CAKE, "target": 0}, None, {"text": PHONE, "target": 1}]
        source = write(tmp_path / "in.parquet", arrow.table({"post": rows}))
        reading = Reading("parquet", text_column="post.text")
        found = labelled.read(str(source), "post.target", LABELS[:2], reading=reading)

        assert (found.texts, found.labels) == ([CAKE, PHONE], [0, 1])
