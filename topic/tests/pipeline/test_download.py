"""The download stages of the topic, from a local server instead of the internet."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline.project import BACKBONE, RAW
from tests.pipeline.downloads import (
    MIRROR,
    UNCLOSED,
    Files,
    Server,
    checksums,
    error_of,
    read,
    write,
    write_params,
)
from topic import download_dataset, download_teacher, download_tweets
from topic.project import TEACHER

DATASET = {
    "train.csv": b"id,text,target\n1,a fire,1\n",
    "test.csv": b"id,text\n2,a tea\n",
    "sample_submission.csv": b"id,target\n2,0\n",
}
EVENTS = {
    "2013_Storm.csv": b"tweet id, tweet, label\n'1',\"roof gone\",on-topic\n",
    "2014_Flood.csv": b"tweet id, tweet, label\n'2',\"river high\",off-topic\n",
}
GENERAL = {"irony.txt": b"a monday\n"}
LARGE = {"model.safetensors": b"large", "config.json": b"{}\n"}

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


def tweets(url: str, files: Files) -> dict[str, object]:
    """Return the parameters of a data set."""
    suffix = url[-4:]
    found = {name.removesuffix(suffix): value for name, value in checksums(files).items()}
    return {"url": url, "revision": "def456", "suffix": suffix, "checksums": found}


@pytest.fixture(autouse=True)
def _params(checkout: Path, server: Server) -> None:
    """Let the stages download these files from the server."""
    write_params(
        checkout / "topic/params.yaml",
        download_dataset={
            "archive": f"{server.url}/tweets.zip",
            "competition": "some-competition",
            "checksums": checksums(DATASET, "md5"),
        },
        download_tweets={
            "events": tweets(f"{server.url}/{{revision}}/{{name}}/{{name}}-all.csv", EVENTS),
            "general": tweets(f"{server.url}/{{revision}}/{{name}}/text.txt", GENERAL),
        },
        download_teacher={
            "repository": "someone/large-teacher",
            "revision": "abc789",
            "checksums": checksums(LARGE),
        },
    )


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"some/folder/{name}", content)
    return buffer.getvalue()


WHOLE = zipped(DATASET)
BAD_ARCHIVES = {
    "cut": WHOLE[:-30],
    "damaged": WHOLE[:60] + bytes(9) + WHOLE[69:],
    "not a zip": b"<html>",
    "of another file": zipped(DATASET | {"test.csv": b"other"}),
    "without a file": zipped({"train.csv": DATASET["train.csv"]}),
}


def install_kaggle(tmp_path: Path, body: str) -> None:
    """Put a kaggle command on PATH that runs the given Python code."""
    script = f"#!{sys.executable}\nimport pathlib, sys\n{body}\n"
    write(tmp_path / "bin", {"kaggle": script.encode()})
    (tmp_path / "bin/kaggle").chmod(0o755)


def kaggle_that_gives(archive: bytes) -> str:
    return f"""
assert sys.argv[1:-1] == ["competitions", "download", "-c", "some-competition", "-p"]
(pathlib.Path(sys.argv[-1]) / "some-competition.zip").write_bytes({archive!r})
print("Downloading some-competition.zip")
"""


def test_dataset_from_a_mirror(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    write(server.folder / "mirror", DATASET)
    monkeypatch.setenv(MIRROR, f"{server.url}/mirror")
    download_dataset.main()
    assert read(RAW) == DATASET
    assert server.requested == [f"/mirror/{name}" for name in DATASET]


def test_a_mirror_is_the_only_source_of_the_dataset(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(server.folder, {"tweets.zip": WHOLE})
    install_kaggle(tmp_path, kaggle_that_gives(WHOLE))
    mirror = write(tmp_path / "mirror", DATASET | {"test.csv": b"other"})
    monkeypatch.setenv(MIRROR, str(mirror))
    error = error_of(download_dataset.main)
    assert error.startswith(f"{mirror / 'test.csv'}: MD5 hash of downloaded file (test.csv)")
    assert error.endswith("holds the right test.csv")
    assert read(RAW) == {"train.csv": DATASET["train.csv"]}
    assert server.requested == []


def test_dataset_from_the_public_archive(server: Server) -> None:
    write(server.folder, {"tweets.zip": WHOLE})
    for _ in range(2):  # the second time, all files are there
        download_dataset.main()
        assert read(RAW) == DATASET
    assert server.requested == ["/tweets.zip"]


@pytest.mark.parametrize("archive", BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_dataset_from_kaggle_where_the_public_archive_is_bad(
    server: Server, tmp_path: Path, archive: bytes
) -> None:
    write(server.folder, {"tweets.zip": archive})
    install_kaggle(tmp_path, kaggle_that_gives(WHOLE))
    download_dataset.main()
    assert read(RAW) == DATASET


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("print('Hello'); sys.exit('403 - Forbidden\\n')", "status 1: 403 - Forbidden"),
        ("print('Nothing to do')", "not a readable zip archive"),
        (kaggle_that_gives(zipped({})), "train.csv is not there"),
        ("", "the command is not installed"),
    ],
    ids=["refuses", "gives nothing", "gives another archive", "not installed"],
)
def test_dataset_without_a_source(
    server: Server, tmp_path: Path, body: str, problem: str
) -> None:
    write(RAW, {"test.csv": b"old and wrong"})
    if body:
        install_kaggle(tmp_path, body)
    error = error_of(download_dataset.main)
    assert f"({server.url}/tweets.zip: 404 Client Error: " in error
    assert f" | kaggle: {problem}" in error
    assert f"set {MIRROR} to a folder or URL that holds the right train.csv, test.csv" in error
    assert "or install and configure kaggle and accept the rules" in error
    assert read(RAW) == {}


def test_kaggle_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_dataset, "KAGGLE_TIMEOUT", 0.5)
    install_kaggle(tmp_path, "import time; time.sleep(60)")
    assert "timed out after 0.5 seconds" in error_of(download_dataset.main)


def test_tweets_from_their_repositories(server: Server) -> None:
    write(server.folder, {"def456/irony/text.txt": GENERAL["irony.txt"]})
    for name, content in EVENTS.items():
        event = name.removesuffix(".csv")
        write(server.folder, {f"def456/{event}/{event}-all.csv": content})
    for _ in range(2):  # the second time, all files are there
        download_tweets.main()
        assert read(Path("data")) == {
            **{f"events/{name}": content for name, content in EVENTS.items()},
            "general/irony.txt": GENERAL["irony.txt"],
        }
    assert len(server.requested) == 3


def test_a_folder_of_tweets_is_complete_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "2014_Flood.csv"
    wrong = EVENTS | {name: EVENTS[name] + b"more"}
    write(Path("data/events"), {name: wrong[name]})
    monkeypatch.setenv(MIRROR, str(tmp_path / "wrong"))
    write(tmp_path / "wrong/events", wrong)
    error = error_of(download_tweets.main)
    assert error.startswith(str(tmp_path / "wrong/events" / name))
    assert error.endswith(f"holds the right events/{name}")
    # DVC hashes whole folders, so there is no folder with only some files.
    assert read(Path("data")) == {"events.part/2013_Storm.csv": EVENTS["2013_Storm.csv"]}

    # The next try keeps the files that are there.
    monkeypatch.setenv(MIRROR, str(tmp_path / "right"))
    write(
        tmp_path / "right", {f"events/{name}": EVENTS[name], "general/irony.txt": b"a monday\n"}
    )
    download_tweets.main()
    assert read(Path("data/events")) == EVENTS
    assert not Path("data/events.part").exists()


def test_the_teacher_comes_from_the_hub_to_a_folder_of_its_own(server: Server) -> None:
    write(server.folder / "hub/someone/large-teacher/resolve/abc789", LARGE)
    download_teacher.main()
    assert read(TEACHER) == LARGE
    assert not BACKBONE.exists()
