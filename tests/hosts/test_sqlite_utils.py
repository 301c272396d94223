"""sqlite-utils: the SQL functions, and the command that scores a table."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import importlib_resources
import pytest
from click.testing import CliRunner, Result
from sqlite_utils import Database
from sqlite_utils.cli import cli

from disaster_tweets import Classifier, predict
from disaster_tweets.topic import EXAMPLES, LABELS, PREFIX

from ..conftest import Golden, Run, executable
from .conftest import check_own_probabilities, what_to_type

HOSTS = ("sqlite-utils",)

TEXTS = [*EXAMPLES[:2], "", "☕ 911 O'Brien"]
PROBABILITY, LABEL, COMMAND = f"{PREFIX}_probability", f"{PREFIX}_label", f"{PREFIX}-score"


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a table of `TEXTS`, and a row without a text."""
    return create(tmp_path / "texts.db", [*TEXTS, None])


def create(path: Path, texts: Iterable[Any], encoding: str = "UTF-8") -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, text)")
        connection.executemany("INSERT INTO texts (text) VALUES (?)", ([t] for t in texts))
    return path


def query(path: Path, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql, arguments).fetchall()


def scores(path: Path, where: str = "1") -> list[tuple[Any, ...]]:
    return query(
        path,
        f"SELECT {PROBABILITY}, {LABEL} FROM texts WHERE {where} ORDER BY id",
    )


def expected(classifier: Classifier, texts: Iterable[str | None]) -> list[tuple[Any, ...]]:
    """Return the scores in the table for these texts."""
    predictions = [None if text is None else classifier.predict(text) for text in texts]
    return [(None, None) if p is None else (p.probability, p.label) for p in predictions]


def copy_without_model(folder: Path) -> str:
    """Copy the installed package without its model, and return the import path."""
    for package in ("disaster_tweets", "disaster_tweets.artifacts"):
        source = Path(str(importlib_resources.files(package)))
        ignored = shutil.ignore_patterns("__pycache__", "model.bin")
        target = folder / "copy" / package.replace(".", "/")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    return str(folder / "copy")


def hide(folder: Path, *hosts: str) -> str:
    """Hide a module and a distribution from a process, as if not installed.

    Returns:
        The folder to put on the PYTHONPATH of the process.
    """
    module = folder / "hidden" / "sitecustomize.py"
    module.parent.mkdir()
    module.write_text(
        f"""
import sys
from importlib import metadata

class Hide:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0].replace("_", "-") in {hosts}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

installed = metadata.distributions
metadata.distributions = lambda **context: (
    distribution for distribution in installed(**context) if distribution.name not in {hosts}
)
sys.meta_path.insert(0, Hide)
""",
        "utf-8",
    )
    return str(module.parent)


class TestFunctions:
    @pytest.fixture
    def db(self) -> Iterator[Database]:
        db = Database(memory=True)
        with closing(db.conn):
            yield db

    def value(self, db: Database, sql: str, *arguments: object) -> Any:
        (row,) = db.execute(f"SELECT {sql}", arguments).fetchall()
        return row[0]

    def test_they_say_what_predict_says(
        self, run: Run, database: Path, classifier: Classifier
    ) -> None:
        sql = f"SELECT {PROBABILITY}(text) AS p, {LABEL}(text) AS l FROM texts"
        done = run("sqlite-utils", str(database), sql)
        assert [(row["p"], row["l"]) for row in json.loads(done.out)] == expected(
            classifier, [*TEXTS, None]
        )

    def test_the_golden_texts(self, db: Database, golden: Golden) -> None:
        got = [self.value(db, f"{PROBABILITY}(?)", text) for text in golden.texts]
        assert got == pytest.approx(golden.probabilities, abs=golden.tolerance)

    @pytest.mark.parametrize(
        ("value", "text"),
        [(None, None), (b"Text.", None), (911, "911"), (-1, "-1"), (2.5, "2.5")],
    )
    def test_null_and_a_blob_give_null_and_a_number_counts_as_its_digits(
        self, db: Database, classifier: Classifier, value: object, text: str | None
    ) -> None:
        got = tuple(self.value(db, f"{name}(?)", value) for name in (PROBABILITY, LABEL))
        assert [got] == expected(classifier, [text])

    def test_they_are_deterministic(self, db: Database) -> None:
        # SQLite allows only deterministic functions in an index.
        db.execute("CREATE TABLE t (text)")
        db.execute(f"CREATE INDEX i ON t ({LABEL}(text), {PROBABILITY}(text))")

    def test_both_on_one_row_score_it_once(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = []
        predict = Classifier.predict

        def counted(self: Classifier, text: str) -> Any:
            calls.append(text)
            return predict(self, text)

        monkeypatch.setattr(Classifier, "predict", counted)
        texts = ["one of them", "two of them"]
        db["t"].insert_all({"text": text} for text in texts)
        sql = f"SELECT {PROBABILITY}(text), {LABEL}(text) FROM t WHERE {PROBABILITY}(text) >= 0"
        assert len(db.execute(sql).fetchall()) == 2
        assert calls == texts

    @pytest.mark.usefixtures("four_labels_installed")
    def test_of_four_labels_a_text_gets_the_probability_of_its_own(self, db: Database) -> None:
        db["t"].insert_all({"text": text} for text in TEXTS)
        sql = f"SELECT text, {PROBABILITY}(text), {LABEL}(text) FROM t"
        check_own_probabilities(db.execute(sql).fetchall())


class TestCommand:
    """The command in this process, which is faster than a new process for each call."""

    def score(self, database: Path, *arguments: str) -> str:
        """Score a table, and return the output of the command."""
        done = invoke(database, *arguments)
        assert (done.exit_code, done.stderr) == (0, "")
        return str(done.stdout)

    def refused(self, *arguments: object) -> str:
        """Check that the command prints one line of error; return this line."""
        done = invoke(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        return str(done.stderr)

    @pytest.mark.parametrize(
        ("options", "encoding"),
        [
            ([], "UTF-8"),
            ([], "UTF-16be"),
            (["--batch-size", "1"], "UTF-8"),
            (["--batch-size", "2"], "UTF-8"),
            (["--silent"], "UTF-8"),
        ],
    )
    def test_it_adds_what_predict_says(
        self, tmp_path: Path, classifier: Classifier, options: list[str], encoding: str
    ) -> None:
        database = create(tmp_path / "texts.db", [*TEXTS, None], encoding)
        out = self.score(database, "texts", "text", *options)

        assert out == ("" if "--silent" in options else "4 rows scored, 1 without text\n")
        assert scores(database) == expected(classifier, [*TEXTS, None])
        assert [row[1:3] for row in query(database, "PRAGMA table_info(texts)")][2:] == [
            (PROBABILITY, "REAL"),
            (LABEL, "TEXT"),
        ]
        assert query(database, "PRAGMA encoding") == [(encoding,)]

    def test_a_second_run_scores_what_is_new(
        self, database: Path, classifier: Classifier
    ) -> None:
        self.score(database, "texts", "text")
        query(database, f"UPDATE texts SET {PROBABILITY} = 0.25 WHERE id = 1")
        query(database, "INSERT INTO texts (text) VALUES ('A walk along the mill')")

        assert self.score(database, "texts", "text") == (
            "1 row scored, 4 had a score, 1 without text\n"
        )
        assert scores(database, "id = 1")[0][0] == 0.25
        assert scores(database, "id = 6") == expected(classifier, ["A walk along the mill"])

    def test_rescore_forgets_what_was_there(
        self, database: Path, classifier: Classifier
    ) -> None:
        self.score(database, "texts", "text")
        query(database, "UPDATE texts SET text = NULL WHERE id = 2")
        query(database, "UPDATE texts SET text = 'Another text' WHERE id = 3")

        assert self.score(database, "texts", "text", "--rescore") == (
            "3 rows scored, 2 without text\n"
        )
        texts = [TEXTS[0], None, "Another text", TEXTS[3], None]
        assert scores(database) == expected(classifier, texts)

    def test_the_columns_can_have_other_names(self, database: Path) -> None:
        names = ("--probability-column", 'p "1"', "--label-column", "l")
        self.score(database, "texts", "text", *names)

        assert query(database, 'SELECT count("p ""1"""), count(l) FROM texts') == [(4, 4)]
        assert "4 had a score" in self.score(database, "texts", "text", *names)

    @pytest.mark.parametrize(
        ("values", "summary", "texts"),
        [
            (
                "(911), (2.5), (x'54657874'), (NULL), ('Text')",
                "3 rows scored, 2 without text",
                ["911", "2.5", None, None, "Text"],
            ),
            ("(CAST(x'54657874ff' AS TEXT))", "1 row scored", ["Text\ufffd"]),
        ],
        ids=["values of any type", "bytes that are no text"],
    )
    def test_what_is_not_text(
        self,
        tmp_path: Path,
        classifier: Classifier,
        values: str,
        summary: str,
        texts: list[str | None],
    ) -> None:
        database = create(tmp_path / "mixed.db", [])
        assert self.score(database, "texts", "text") == "0 rows scored\n"
        query(database, f"INSERT INTO texts (text) VALUES {values}")

        assert self.score(database, "texts", "text") == f"{summary}\n"
        assert scores(database) == expected(classifier, texts)

    @pytest.mark.parametrize(
        "table",
        [
            "(day TEXT, n INTEGER, text TEXT, PRIMARY KEY (n, day)) WITHOUT ROWID",
            "(day TEXT, n INTEGER, text TEXT, PRIMARY KEY (n, day))",
            "(day TEXT PRIMARY KEY COLLATE NOCASE, n INTEGER, text TEXT) WITHOUT ROWID",
            "(day, n, text)",
            '(day REAL, n, text, "RowID" TEXT, _rowid_ TEXT)',
            "(day TEXT PRIMARY KEY, n, text, rowid, _rowid_, oid)",
            "(day TEXT, n INTEGER, text TEXT) STRICT",
            "(day, n, source, text GENERATED ALWAYS AS (source) VIRTUAL)",
        ],
    )
    def test_every_kind_of_key(
        self, tmp_path: Path, classifier: Classifier, table: str
    ) -> None:
        database = tmp_path / "keys.db"
        query(database, f"CREATE TABLE texts {table}")
        column = "source" if "source" in table else "text"
        for n, text in enumerate(TEXTS):
            insert = f"INSERT INTO texts (day, n, {column}) VALUES (?, ?, ?)"
            query(database, insert, f"{n} it's", 1, text)

        self.score(database, "texts", "text", "--batch-size", "3")
        sql = f"SELECT {PROBABILITY}, {LABEL} FROM texts ORDER BY day"
        assert query(database, sql) == expected(classifier, TEXTS)

    def test_rows_without_any_key_are_refused_and_the_advice_helps(
        self, tmp_path: Path, classifier: Classifier
    ) -> None:
        database = tmp_path / "keys.db"
        query(database, "CREATE TABLE texts (rowid, _rowid_, OID, text)")
        for text in TEXTS:
            query(database, "INSERT INTO texts VALUES (1, 1, 1, ?)", text)
        before = database.read_bytes()
        done = CliRunner().invoke(cli, [COMMAND, str(database), "texts", "text"])

        assert done.exit_code == 1
        (line,) = done.output.splitlines()
        assert line.startswith(
            f"Error: {database}: table texts has no primary key, and columns"
        )
        assert database.read_bytes() == before

        query(database, line.rpartition(": ")[2])
        assert self.score(database, "texts", "text") == "4 rows scored\n"
        sql = f"SELECT {PROBABILITY}, {LABEL} FROM texts"
        assert query(database, sql) == expected(classifier, TEXTS)

    def test_rows_whose_key_is_null(self, tmp_path: Path, classifier: Classifier) -> None:
        database = tmp_path / "keys.db"
        columns = "a, b, rowid, _rowid_, oid, text, PRIMARY KEY (a, b)"
        query(database, f"CREATE TABLE texts ({columns})")
        texts = [*TEXTS, TEXTS[0]]
        for text in texts:
            query(database, "INSERT INTO texts (b, text) VALUES (1, ?)", text)

        assert self.score(database, "texts", "text") == "5 rows scored\n"
        sql = f"SELECT {PROBABILITY}, {LABEL} FROM texts"
        assert query(database, sql) == expected(classifier, texts)

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ('we"ird [t]able; --', 'te"xt `here`'),
            ("select", "from"),
            ("тексты", "текст"),
            ("%s ?1 :row", "pending"),
            ("pending", "k0"),
        ],
    )
    def test_odd_names(
        self, tmp_path: Path, classifier: Classifier, table: str, column: str
    ) -> None:
        database = tmp_path / "odd.db"
        quoted_table, quoted_column = (
            '"' + name.replace('"', '""') + '"' for name in (table, column)
        )
        query(database, f"CREATE TABLE {quoted_table} ({quoted_column} TEXT)")
        query(database, f"INSERT INTO {quoted_table} VALUES (?)", TEXTS[0])

        assert self.score(database, table, column) == "1 row scored\n"
        assert query(database, f"SELECT {PROBABILITY}, {LABEL} FROM {quoted_table}") == (
            expected(classifier, TEXTS[:1])
        )

    def test_names_in_other_case(self, database: Path) -> None:
        self.score(database, "Texts", "TEXT")
        again = self.score(database, "TEXTS", "Text", "--label-column", LABEL.upper())
        assert again == "0 rows scored, 4 had a score, 1 without text\n"

    def test_triggers_keep_a_full_text_index(
        self, database: Path, classifier: Classifier
    ) -> None:
        db = Database(database)
        with closing(db.conn):
            db["texts"].enable_fts(["text"], create_triggers=True)
            self.score(database, "texts", "text")
            (found,) = db["texts"].search("Brien")
        assert (found["id"], found[LABEL]) == (4, classifier.predict(TEXTS[3]).label)

    def test_a_text_that_changes_meanwhile_gets_no_stale_score(
        self, database: Path, classifier: Classifier
    ) -> None:
        query(
            database,
            "CREATE TRIGGER change AFTER UPDATE ON texts WHEN new.id = 1 BEGIN "
            "UPDATE texts SET text = 'calm' WHERE id = 2; "
            "DELETE FROM texts WHERE id = 3; END",
        )
        assert self.score(database, "texts", "text") == (
            "2 rows scored, 1 without text, 2 changed meanwhile: run it again\n"
        )
        assert scores(database, "id = 2") == [(None, None)]
        query(database, "DROP TRIGGER change")
        self.score(database, "texts", "text")
        assert scores(database, "id = 2") == expected(classifier, ["calm"])

    def test_a_missing_database(self, tmp_path: Path) -> None:
        path = tmp_path / "none.db"
        done = invoke(path, "texts", "text")
        assert done.exit_code == 2
        assert f"Error: Invalid value for 'DB': File '{path}' does not exist.\n" in done.stderr
        assert not path.exists()

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "texts.csv"
        path.write_text("id,text\n1,Text\n" * 100, "utf-8")
        error = self.refused(path, "texts", "text")
        assert error == f"Error: {path}: file is not a database\n"

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ("text text", "there is no table text; there is texts"),
            ("texts body", "table texts has no column body; it has id, text"),
            (
                "recent text",
                "recent is a view, which has no columns of its own; score its table",
            ),
            (
                "texts text --label-column ID",
                "table texts has a column ID already, and not from an earlier scoring; "
                "choose other names for the new columns",
            ),
            (
                "texts text --label-column Text",
                f"text, {PROBABILITY} and Text are not three different columns",
            ),
            *(
                (
                    f"texts text {option} \udcff",
                    r"column '\udcff': its name is not valid UTF-8; choose another name",
                )
                for option in ("--label-column", "--probability-column")
            ),
        ],
    )
    def test_what_the_database_does_not_have_or_has_already(
        self, database: Path, arguments: str, error: str
    ) -> None:
        query(database, "CREATE VIEW recent AS SELECT * FROM texts")
        assert self.refused(database, *arguments.split()) == f"Error: {database}: {error}\n"

    @pytest.mark.parametrize(
        ("probability", "label"),
        [
            (0.5, "no label"),
            (1.5, LABELS[0]),
            ("0.5", LABELS[0]),
            (0.5, None),
            (None, LABELS[0]),
            (b"x", LABELS[0]),
        ],
    )
    def test_columns_of_somebody_else_stay_as_they_are(
        self, database: Path, probability: object, label: object
    ) -> None:
        query(database, f"ALTER TABLE texts ADD COLUMN {PROBABILITY}")
        query(database, f"ALTER TABLE texts ADD COLUMN {LABEL}")
        query(
            database,
            f"UPDATE texts SET {PROBABILITY} = ?, {LABEL} = ? WHERE id = 2",
            probability,
            label,
        )
        for option in ([], ["--rescore"]):
            assert self.refused(database, "texts", "text", *option) == (
                f"Error: {database}: table texts has a column {PROBABILITY} already, "
                "and not from an earlier scoring; choose other names for the new columns\n"
            )
        assert scores(database, "id <> 2") == [(None, None)] * 4
        assert scores(database, "id = 2") == [(probability, label)]

    @pytest.mark.usefixtures("four_labels_installed")
    def test_four_labels(self, database: Path) -> None:
        assert self.score(database, "texts", "text") == "4 rows scored, 1 without text\n"
        written = scores(database)
        assert written == expected(Classifier.load(), [*TEXTS, None])
        assert {label for _, label in written[:-1]} <= set(Classifier.load().classes_)
        # Only the four labels count as labels of an earlier scoring.
        for row, label in enumerate(Classifier.load().classes_, 1):
            query(database, f"UPDATE texts SET {LABEL} = ? WHERE id = ?", label, row)
        assert self.score(database, "texts", "text") == (
            "0 rows scored, 4 had a score, 1 without text\n"
        )
        query(database, f"UPDATE texts SET {LABEL} = 'no label' WHERE id = 1")
        error = self.refused(database, "texts", "text")
        assert f"table texts has a column {PROBABILITY} already" in error

    def test_the_help_tells_the_columns_and_the_labels(self) -> None:
        shown = "".join(invoke("--help").stdout.split())  # lines may break anywhere
        for told in (f"[default:{PROBABILITY}]", f"[default:{LABEL}]", *LABELS):
            assert "".join(told.split()) in shown

    def test_a_database_that_another_program_writes(self, database: Path) -> None:
        with closing(sqlite3.connect(database)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = self.refused(database, "texts", "text")
        assert error == (
            f"Error: {database}: database is locked; another program uses it: try again\n"
        )
        assert len(query(database, "PRAGMA table_info(texts)")) == 2

    def test_a_read_only_database(self, database: Path) -> None:
        # The header of the file makes the database read-only, even for root.
        content = bytearray(database.read_bytes())
        content[18] = 3
        database.write_bytes(content)
        error = self.refused(database, "texts", "text")
        assert error == f"Error: {database}: attempt to write a readonly database\n"

    def test_without_a_model_nothing_is_changed(
        self, run: Run, database: Path, tmp_path: Path
    ) -> None:
        copy = copy_without_model(tmp_path)
        done = run(
            *("sqlite-utils", COMMAND, str(database), "texts", "text"),
            PYTHONPATH=copy,
        )
        assert (done.status, done.out) == (1, "")
        assert done.err == (
            f"Error: {database}: {copy}/disaster_tweets/artifacts/model.bin: "
            "No such file or directory; reinstall disaster-tweets-model\n"
        )
        assert len(query(database, "PRAGMA table_info(texts)")) == 2

    def test_a_terminal_shows_progress(self, database: Path) -> None:
        screen, terminal = pty.openpty()
        process = start(database, stderr=terminal)
        process.communicate()
        os.close(terminal)
        shown = os.read(screen, 10_000).decode()
        os.close(screen)
        assert process.returncode == 0
        assert "Scoring" in shown
        assert "100%" in shown


def invoke(*arguments: object) -> Result:
    """Run the scoring command in this process."""
    return CliRunner().invoke(cli, [COMMAND, *map(str, arguments)])


def start(database: Path, *options: str, **streams: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [executable("sqlite-utils"), COMMAND, database, "texts", "text", *options],
        stdout=subprocess.PIPE,
        text=True,
        **streams,
    )


class TestInterruption:
    ROWS, BATCH = 1500, 50

    @pytest.fixture
    def texts(self) -> list[str | None]:
        return [f"{EXAMPLES[0]} {n}, and more" if n % 97 else None for n in range(self.ROWS)]

    @pytest.fixture
    def large(self, tmp_path: Path, texts: list[str | None]) -> Path:
        """A database that delays each score, however fast the model is."""
        path = create(tmp_path / "large.db", texts)
        query(path, "CREATE TABLE wait (n)")
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany("INSERT INTO wait VALUES (?)", ([n] for n in range(100)))
        query(
            path,
            "CREATE TRIGGER slow AFTER UPDATE ON texts BEGIN "
            "SELECT sum(a.n * b.n) FROM wait AS a, wait AS b; END",
        )
        return path

    def count(self, database: Path) -> int:
        """Return the number of rows with a score; 0 before the columns exist."""
        if len(query(database, "PRAGMA table_info(texts)")) == 2:
            return 0
        return len(scores(database, f"{PROBABILITY} IS NOT NULL"))

    def interrupt(self, database: Path, signal_: signal.Signals) -> tuple[int, str, str]:
        """Interrupt a run after its first write; return its status and output."""
        before = self.count(database)
        process = start(database, "--batch-size", str(self.BATCH), stderr=subprocess.PIPE)
        while process.poll() is None and self.count(database) == before:
            time.sleep(0.01)
        process.send_signal(signal_)
        out, err = process.communicate()
        return process.returncode, out, err

    def test_stopped_at_any_moment_and_run_again(
        self, large: Path, texts: list[str | None], classifier: Classifier
    ) -> None:
        assert self.interrupt(large, signal.SIGINT) == (
            130,
            "",
            "Interrupted; the same command scores the rest\n",
        )
        for _ in range(2):
            status, _, _ = self.interrupt(large, signal.SIGKILL)
            assert status == -signal.SIGKILL
            assert query(large, "PRAGMA integrity_check") == [("ok",)]
            # A batch is written completely or not at all.
            assert self.count(large) % self.BATCH == 0
            assert 0 < self.count(large) < self.ROWS

        had_score = self.count(large)
        query(large, "DROP TRIGGER slow")
        missing = texts.count(None)
        assert invoke(large, "texts", "text").stdout == (
            f"{self.ROWS - missing - had_score:,} rows scored, {had_score:,} had a score, "
            f"{missing} without text\n"
        )
        assert scores(large) == expected(classifier, texts)


class TestHost:
    def test_it_starts_without_numpy(self, run: Run, tmp_path: Path) -> None:
        hidden = hide(tmp_path, "numpy")
        done = run("sqlite-utils", "plugins", PYTHONPATH=hidden)
        assert (done.status, done.err) == (0, "")
        hooks = {plugin["name"]: plugin["hooks"] for plugin in json.loads(done.out)}
        assert sorted(hooks["disaster-tweets-model"]) == [
            "prepare_connection",
            "register_commands",
        ]

        done = run("sqlite-utils", "memory", f"SELECT {LABEL}('a')", PYTHONPATH=hidden)
        assert done.status == 1
        assert done.err.splitlines()[0].startswith("No module named ")
        assert len(done.err.splitlines()) == 2

    def test_it_works_without_datasette(self, run: Run, tmp_path: Path) -> None:
        hidden = hide(tmp_path, "datasette", "datasette-enrichments")
        done = run(
            *("sqlite-utils", "memory", f"SELECT {LABEL}('a') AS label"),
            PYTHONPATH=hidden,
        )
        assert (done.status, done.err) == (0, "")
        assert json.loads(done.out) == [{"label": predict("a").label}]

    def test_without_a_model_only_the_functions_fail(self, run: Run, tmp_path: Path) -> None:
        copy = copy_without_model(tmp_path)
        fine = run("sqlite-utils", "memory", "SELECT 1 AS n", PYTHONPATH=copy)
        assert (fine.out, fine.err) == ('[{"n": 1}]\n', "")

        done = run("sqlite-utils", "memory", f"SELECT {LABEL}('a')", PYTHONPATH=copy)
        assert done.status == 1
        assert done.err == (
            f"{copy}/disaster_tweets/artifacts/model.bin: No such file or directory; "
            "reinstall disaster-tweets-model\n"
            "Error: user-defined function raised exception\n"
        )

    def test_what_to_type(self, run: Run, database: Path, classifier: Classifier) -> None:
        # The process runs in the folder of texts.db.
        assert run(*shlex.split(what_to_type("sqlite-utils").use)).status == 0
        assert scores(database) == expected(classifier, [*TEXTS, None])
