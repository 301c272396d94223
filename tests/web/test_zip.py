"""The page and the service of a package in a zip."""

from __future__ import annotations

import json
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import importlib_resources
import pytest

from ..conftest import Run
from .conftest import Server

PATHS = ["/", "/card", "/docs", "/openapi.json", "/readyz", "/nowhere", "/static/nothing.css"]
STATIC = ["/static/page.css", "/static/page.js", "/static/results.js", "/static/favicon.svg"]

CODE = """
import json, sys
import disaster_tweets
from disaster_tweets.web import create_app

client = create_app().test_client()
answers = {}
for path in sys.argv[1:]:
    answer = client.get(path, headers={"Accept": "text/html"})
    answers[path] = [answer.status_code, answer.content_type, len(answer.data)]
scored = client.post("/", data={"text": "The parcel was late"})
print(json.dumps([disaster_tweets.__file__, answers, scored.status_code]))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of the installed package, without the files that only the pipeline needs."""
    path = tmp_path_factory.mktemp("zip") / "application.zip"
    package = Path(str(importlib_resources.files("disaster_tweets")))
    artifacts = Path(str(importlib_resources.files("disaster_tweets.artifacts")))
    with zipfile.ZipFile(path, "w") as archive:
        for folder, name in (
            (package, "disaster_tweets"),
            (artifacts, f"{package.name}/artifacts"),
        ):
            for file in folder.rglob("*"):
                parts = file.relative_to(folder).parts
                if file.is_file() and parts[0] not in ("artifacts", "pipeline", "__pycache__"):
                    archive.write(file, "/".join((name, *parts)))
    return path


def answers(run: Run, *python_path: Path) -> tuple[str, dict[str, Any], int]:
    """Return the package's file, the answer of each path, and the status of a form."""
    variables = {"PYTHONPATH": str(python_path[0])} if python_path else {}
    done = run("python", "-c", CODE, *PATHS, *STATIC, **variables)
    assert (done.status, done.err) == (0, "")
    file, answers, scored = json.loads(done.out)
    return file, answers, scored


def test_it_answers_as_it_does_from_a_folder(run: Run, archive: Path) -> None:
    file, zipped, scored = answers(run, archive)

    assert Path(file).is_relative_to(archive)
    assert zipped == answers(run)[1]
    assert [zipped[path][0] for path in PATHS] == [200] * 5 + [404] * 2
    assert [zipped[path][0] for path in STATIC] == [200] * 4
    assert scored == 200


def test_it_serves(serve: Callable[..., Server], archive: Path) -> None:
    server = serve(PYTHONPATH=str(archive))
    with urllib.request.urlopen(f"{server.url}/readyz") as answer:
        assert answer.status == 200
