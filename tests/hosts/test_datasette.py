"""Datasette: SQL over HTTP, and the enrichment through its form, on a real server."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from datasette.utils import tilde_encode

from disaster_tweets import Classifier
from disaster_tweets.topic import EXAMPLES, QUESTION, TITLE

from ..conftest import Golden, Run, executable
from .test_sqlite_utils import LABEL, PROBABILITY, copy_without_model, expected, hide

HOSTS = ("datasette", "datasette-enrichments")

TEXTS = [*EXAMPLES[:2], None, "☕ 911 O'Brien"]
FORM = {"text": "text", "probability": PROBABILITY, "label": LABEL}


class Site:
    """A running server over a database, and requests to it as the user root.

    Attributes:
        database: The path of the database.
        url: The address of the server.
    """

    def __init__(self, database: Path, url: str) -> None:
        self.database, self.url = database, url
        self._browser = build_opener(HTTPCookieProcessor(CookieJar()))

    def log(self) -> str:
        return self.database.with_suffix(".log").read_text("utf-8")

    def get(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        """Return the status and the body; with ``data``, submit a form."""
        body = None if data is None else urlencode(data).encode()
        try:
            with self._browser.open(self.url + path, body, timeout=60) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def sql(self, sql: str, database: str = "texts", **parameters: str) -> Any:
        query = urlencode({"sql": sql, "_shape": "array", **parameters})
        return json.loads(self.get(f"/{database}.json?{query}")[1])

    def scores(self, table: str) -> list[tuple[Any, ...]]:
        rows = self.sql(f"SELECT {PROBABILITY}, {LABEL} FROM {quoted(table)}")
        return [tuple(row.values()) for row in rows]

    def enrich(self, table: str, query: str = "", **form: str) -> tuple[int, str]:
        """Open the page of the enrichment, fill in the form and submit it."""
        path = f"/-/enrich/texts/{tilde_encode(table)}/disaster-tweets{query}"
        status, page = self.get(path)
        assert status == 200, page
        *_, token = re.findall(r'name="csrftoken" value="([^"]+)"', page)
        return self.get(path, {**FORM, **form, "csrftoken": token})

    def job(self, table: str, jobs: int = 1) -> dict[str, Any]:
        """Wait for ``jobs`` finished enrichments of a table; return the last one."""
        sql = (
            "SELECT * FROM _enrichment_jobs WHERE table_name = :table "
            "AND status NOT IN ('pending', 'running') ORDER BY id"
        )
        return dict(wait_for(lambda: self.sql(sql, table=table)[jobs - 1 :])[0])


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until a result is true, and return the result."""
    deadline = time.monotonic() + 60
    while not (result := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


@contextmanager
def serving(database: Path, *options: str, **env: str) -> Iterator[Site]:
    """Run Datasette over a database until the context ends."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [executable("datasette"), database, "--root", "--memory", "--port", str(port)]
    with database.with_suffix(".log").open("wb") as output:
        process = subprocess.Popen(
            [*command, *options],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUTF8": "1", **env},
        )
    site = Site(database, f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert process.poll() is None, site.log()
        try:
            return site.get("/-/versions.json")[0] == 200
        except URLError:
            return False

    try:
        wait_for(answers)
        (login,) = re.findall(r"/-/auth-token\?token=\w+", site.log())
        assert site.get(login)[0] == 200
        yield site
    finally:
        process.terminate()
        process.wait()


def create(
    database: Path,
    texts: Iterable[str | None],
    table: str = "texts",
    columns: str = "id INTEGER PRIMARY KEY, text TEXT",
    options: str = "",
) -> None:
    """Add a table to a database."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"CREATE TABLE {quoted(table)} ({columns}) {options}")
        connection.executemany(
            f"INSERT INTO {quoted(table)} (id, text) VALUES (?, ?)", enumerate(texts, 1)
        )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server over a database with `TEXTS` in the table texts."""
    database = tmp_path_factory.mktemp("site") / "texts.db"
    create(database, TEXTS)
    with serving(database, "--setting", "sql_time_limit_ms", "60000") as site:
        yield site


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with `TEXTS` in the table texts, for one test only."""
    create(tmp_path / "texts.db", TEXTS)
    return tmp_path / "texts.db"


class TestFunctions:
    def test_they_say_what_predict_says(
        self, site: Site, classifier: Classifier, golden: Golden
    ) -> None:
        texts = [*golden.texts, None, TEXTS[-1]]
        create(site.database, texts, "golden")
        rows = site.sql(f"SELECT {PROBABILITY}(text) AS p, {LABEL}(text) AS l FROM golden")

        assert [(row["p"], row["l"]) for row in rows] == expected(classifier, texts)
        assert [row["p"] for row in rows[:-2]] == pytest.approx(
            golden.probabilities, abs=golden.tolerance
        )

    def test_every_database_has_them(self, site: Site, classifier: Classifier) -> None:
        answer = site.sql(f"SELECT {LABEL}('a text') AS label", database="_memory")
        assert answer == [{"label": classifier.predict("a text").label}]

    def test_a_query_over_too_many_texts_is_stopped(self, site: Site) -> None:
        create(site.database, (f"{EXAMPLES[0]} {n}" for n in range(1000)), "many")
        sql = f"SELECT sum({PROBABILITY}(text)) FROM many"
        answer = site.sql(sql, _timelimit="50")  # milliseconds
        assert answer["ok"] is False
        assert "SQL query took too long" in answer["error"]


class TestEnrichment:
    def test_its_form_scores_a_table(self, site: Site, classifier: Classifier) -> None:
        create(site.database, TEXTS, "first")
        offered = unescape(site.get("/-/enrich/texts/first")[1])
        assert TITLE in offered
        assert QUESTION in offered
        status, page = site.enrich("first")
        assert status == 200
        assert f"Enrichment started: {TITLE} for 4 rows" in unescape(page)

        job = site.job("first")
        assert (job["status"], job["done_count"], job["error_count"]) == ("finished", 4, 0)
        assert site.scores("first") == expected(classifier, TEXTS)
        rows = site.sql("SELECT id, text FROM first")
        assert rows == [{"id": n, "text": text} for n, text in enumerate(TEXTS, 1)]

    def test_it_scores_several_batches_and_edited_texts_anew(
        self, site: Site, classifier: Classifier
    ) -> None:
        texts = [f"{EXAMPLES[0]} {n}, and more" if n % 9 else None for n in range(250)]
        create(site.database, texts, "large")
        site.enrich("large")
        assert site.job("large")["done_count"] == 250
        assert site.scores("large") == expected(classifier, texts)

        with closing(sqlite3.connect(site.database)) as connection, connection:
            connection.execute("UPDATE large SET text = NULL WHERE id = 2")
            connection.execute("UPDATE large SET text = 'A text' WHERE id = 3")
        site.enrich("large")
        site.job("large", 2)
        assert site.scores("large") == expected(classifier, [None, None, "A text", *texts[3:]])

    def test_a_filtered_table_and_columns_of_other_names(
        self, site: Site, classifier: Classifier
    ) -> None:
        create(site.database, TEXTS, "filtered")
        site.enrich("filtered", "?id__gt=1&_sort=id", probability='p "1"', label="l")

        assert site.job("filtered")["done_count"] == 3
        rows = site.sql('SELECT "p ""1""", l FROM filtered')
        assert [tuple(row.values()) for row in rows] == expected(classifier, [None, *TEXTS[1:]])

    @pytest.mark.parametrize(
        ("table", "columns", "options"),
        [
            ("no key", "id, text", ""),
            ("compound", "id, n INTEGER DEFAULT 1, text, PRIMARY KEY (n, id)", ""),
            ("without rowid", "id INTEGER PRIMARY KEY, text", "WITHOUT ROWID"),
            ("key of text", "id TEXT PRIMARY KEY, text", ""),
            ("o'dd \"n/ame; --", 'id INTEGER PRIMARY KEY, text, "" TEXT', ""),
        ],
    )
    def test_every_kind_of_key(
        self, site: Site, classifier: Classifier, table: str, columns: str, options: str
    ) -> None:
        create(site.database, TEXTS, table, columns, options)
        site.enrich(table)

        assert site.job(table)["error_count"] == 0
        assert site.scores(table) == expected(classifier, TEXTS)

    def test_rows_that_datasette_cannot_tell_apart_are_refused(self, site: Site) -> None:
        create(site.database, TEXTS, "taken", "id, RowID DEFAULT 1, text")
        status, page = site.enrich("taken")

        assert status == 400
        assert "table taken has no primary key, and a column named rowid" in page
        assert list(site.sql("SELECT * FROM taken")[0]) == ["id", "RowID", "text"]

    @pytest.mark.parametrize(
        ("form", "status", "message"),
        [
            ({"label": "text"}, 400, "are not three different columns"),
            (
                {"probability": "id", "label": "new"},
                400,
                "table texts has a column id already",
            ),
            ({"label": " "}, 200, "This field is required."),
        ],
    )
    def test_it_overwrites_no_column_of_somebody_else(
        self, site: Site, form: dict[str, str], status: int, message: str
    ) -> None:
        answer, page = site.enrich("texts", **form)
        assert answer == status
        assert message in page
        assert site.sql("SELECT * FROM texts") == [
            {"id": n, "text": text} for n, text in enumerate(TEXTS, 1)
        ]

    def test_visitors_may_not(self, site: Site) -> None:
        visitor = Site(site.database, site.url)
        assert visitor.get("/-/enrich/texts/texts/disaster-tweets")[0] == 403


class TestHost:
    def test_it_lists_the_plugin_and_starts_without_numpy(
        self, run: Run, tmp_path: Path
    ) -> None:
        done = run("datasette", "plugins", PYTHONPATH=hide(tmp_path, "numpy"))
        assert (done.status, done.err) == (0, "")
        hooks = {plugin["name"]: plugin["hooks"] for plugin in json.loads(done.out)}
        assert sorted(hooks["disaster-tweets-model"]) == [
            "prepare_connection",
            "register_enrichments",
            "startup",
        ]

    def test_it_works_without_sqlite_utils_and_enrichments(
        self, database: Path, classifier: Classifier, tmp_path: Path
    ) -> None:
        hidden = hide(tmp_path, "datasette-enrichments", "datasette-secrets", "sqlite-utils")
        with serving(database, PYTHONPATH=hidden) as site:
            (answer,) = site.sql(f"SELECT {LABEL}('a text') AS l")
            plugins = json.loads(site.get("/-/plugins.json")[1])
        assert answer == {"l": classifier.predict("a text").label}
        assert [plugin["name"] for plugin in plugins] == ["disaster-tweets-model"]

    def test_without_a_model_only_what_needs_it_fails(
        self, database: Path, tmp_path: Path
    ) -> None:
        reason = "model.bin: No such file or directory; reinstall disaster-tweets-model"
        with serving(database, PYTHONPATH=copy_without_model(tmp_path)) as site:
            # The model is loaded before the first query, because queries have a time limit.
            assert site.log().count(reason) == 1
            assert "Traceback" not in site.log()
            assert site.sql("SELECT count(*) AS n FROM texts") == [{"n": 4}]
            answer = site.sql(f"SELECT {LABEL}('a text')")
            assert answer["ok"] is False
            assert answer["error"] == "user-defined function raised exception"
            status, page = site.enrich("texts")
            assert status == 400
            assert reason in page
            assert list(site.sql("SELECT * FROM texts")[0]) == ["id", "text"]
