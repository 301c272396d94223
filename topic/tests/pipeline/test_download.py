"""The download stages of the topic, from a local server instead of the internet."""

from __future__ import annotations

import pytest

from tests.pipeline.downloads import (
    CONTENT,
    Downloads,
    Server,
    assert_succeeded,
    error_of,
    fill,
    md5,
    sha256,
    zipped,
)

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
TEACHER = {"model.safetensors": CONTENT[::-1], "config.json": b"{}\n"}


def tweets(url: str, files: dict[str, bytes]) -> dict[str, object]:
    """Return the parameters of a data set."""
    suffix = url[-4:]
    checksums = {name.removesuffix(suffix): sha256(files[name]) for name in files}
    return {"url": url, "revision": "def456", "suffix": suffix, "checksums": checksums}


@pytest.fixture(autouse=True)
def _params(downloads: Downloads, server: Server) -> None:
    """Let the stages look for these files at the server."""
    downloads.write_params(
        "topic/params.yaml",
        download_dataset={
            "archive": f"{server.url}/public/tweets.zip",
            "competition": "some-competition",
            "checksums": {name: md5(content) for name, content in DATASET.items()},
        },
        download_tweets={
            "events": tweets(f"{server.url}/{{revision}}/{{name}}/{{name}}-all.csv", EVENTS),
            "general": tweets(f"{server.url}/{{revision}}/{{name}}/text.txt", GENERAL),
        },
        download_teacher={
            "repository": "someone/large-teacher",
            "revision": "abc789",
            "checksums": {name: sha256(content) for name, content in TEACHER.items()},
        },
    )


def test_dataset_from_folder(downloads: Downloads, server: Server) -> None:
    mirror = fill(downloads.root / "mirror", DATASET)
    assert_succeeded(downloads.run("topic.download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert downloads.files("data/raw") == DATASET
    assert server.ranges == []


def test_dataset_from_url(downloads: Downloads, server: Server) -> None:
    server.files = {f"/m/{name}": content for name, content in DATASET.items()}
    mirror = f"{server.url}/m/"
    assert_succeeded(downloads.run("topic.download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert downloads.files("data/raw") == DATASET


@pytest.mark.parametrize("name", DATASET)
def test_dataset_mirror_with_a_wrong_file(
    downloads: Downloads, server: Server, name: str
) -> None:
    server.files["/public/tweets.zip"] = zipped(DATASET)
    mirror = fill(downloads.root / "mirror", {**DATASET, name: b"other"})
    error = error_of(downloads.run("topic.download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert f"{mirror / name}: expected {md5(DATASET[name])}, got {md5(b'other')}" in error
    assert f"set DISASTER_TWEETS_MIRROR to a folder or URL that holds the right {name}" in error
    assert name not in downloads.files("data/raw")
    assert f"{name}.part" not in downloads.files("data/raw")
    assert server.ranges == []


def test_dataset_mirror_without_a_file(downloads: Downloads, server: Server) -> None:
    server.files["/public/tweets.zip"] = zipped(DATASET)
    mirror = fill(downloads.root / "mirror", {"train.csv": DATASET["train.csv"]})
    error = error_of(downloads.run("topic.download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert f"{mirror / 'test.csv'}: No such file or directory; set DISASTER_TWEETS" in error
    assert server.ranges == []


def test_dataset_from_public_archive(downloads: Downloads, server: Server) -> None:
    members = {f"some/folder/{name}": content for name, content in DATASET.items()}
    server.files["/public/tweets.zip"] = zipped(members)
    assert_succeeded(downloads.run("topic.download_dataset"))
    assert downloads.files("data/raw") == DATASET
    assert_succeeded(downloads.run("topic.download_dataset"))
    assert server.ranges == [None]


SUCCEEDING_KAGGLE = """
assert sys.argv[1:-1] == ["competitions", "download", "-c", "some-competition", "-p"]
(pathlib.Path(sys.argv[-1]) / "some-competition.zip").write_bytes(bytes.fromhex("{}"))
print("Downloading some-competition.zip")
"""


@pytest.mark.parametrize(
    "credentials",
    [{"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k"}, {"KAGGLE_API_TOKEN": "t"}, {}],
    ids=["user and key", "token", "file"],
)
def test_dataset_from_kaggle(
    downloads: Downloads, server: Server, credentials: dict[str, str]
) -> None:
    if not credentials:
        fill(downloads.root / "home" / ".kaggle", {"kaggle.json": b"{}"})
    server.files["/public/tweets.zip"] = zipped({**DATASET, "test.csv": b"other"})
    downloads.install("kaggle", SUCCEEDING_KAGGLE.format(zipped(DATASET).hex()))
    assert_succeeded(downloads.run("topic.download_dataset", **credentials))
    assert downloads.files("data/raw") == DATASET


def test_dataset_from_failing_kaggle(downloads: Downloads) -> None:
    downloads.install("kaggle", "print('Hello'); sys.exit('403 - Forbidden\\n')")
    error = error_of(downloads.run("topic.download_dataset", KAGGLE_API_TOKEN="t"))
    assert "kaggle: no archive, status 1: 403 - Forbidden)" in error
    assert downloads.files("data/raw") == {}


def test_dataset_from_wrong_kaggle(downloads: Downloads) -> None:
    wrong = zipped({**DATASET, "train.csv": b"other"})
    downloads.install("kaggle", SUCCEEDING_KAGGLE.format(wrong.hex()))
    error = error_of(downloads.run("topic.download_dataset", KAGGLE_API_TOKEN="t"))
    assert f"kaggle: train.csv: expected {md5(DATASET['train.csv'])}, got md5:" in error
    assert downloads.files("data/raw") == {}


@pytest.mark.parametrize("installed", [False, True])
def test_dataset_without_a_source(
    downloads: Downloads, server: Server, installed: bool
) -> None:
    fill(downloads.root / "data" / "raw", {"test.csv": b"old and wrong"})
    if installed:
        downloads.install("kaggle", "raise AssertionError")
    error = error_of(downloads.run("topic.download_dataset"))
    kaggle = "no credentials" if installed else "the command is not installed"
    assert f"{server.url}/public/tweets.zip: HTTP 404 Not Found | kaggle: {kaggle}" in error
    assert (
        "set DISASTER_TWEETS_MIRROR to a folder or URL that holds the right train.csv" in error
    )
    assert "install and configure kaggle" in error
    assert downloads.files("data/raw") == {}


def test_dataset_target_is_no_folder(downloads: Downloads) -> None:
    fill(downloads.root / "data", {"raw": b""})
    error = error_of(downloads.run("topic.download_dataset"))
    assert "data/raw/train.csv: cannot be written (Not a directory); check the folder" in error


def test_tweets_from_mirror(downloads: Downloads, server: Server) -> None:
    mirror = downloads.root / "mirror"
    fill(mirror / "events", EVENTS)
    fill(mirror / "general", GENERAL)
    assert_succeeded(downloads.run("topic.download_tweets", DISASTER_TWEETS_MIRROR=mirror))
    assert downloads.files("data/events") == EVENTS
    assert downloads.files("data/general") == GENERAL
    assert server.ranges == []


def test_tweets_from_their_repositories(downloads: Downloads, server: Server) -> None:
    server.files = {"/def456/irony/text.txt": GENERAL["irony.txt"]}
    for name, content in EVENTS.items():
        event = name.removesuffix(".csv")
        server.files[f"/def456/{event}/{event}-all.csv"] = content
    for _ in range(2):  # the second time everything is there
        assert_succeeded(downloads.run("topic.download_tweets"))
        assert downloads.files("data/events") == EVENTS
        assert downloads.files("data/general") == GENERAL
    assert server.ranges == [None, None, None]


def test_tweets_of_another_hash_are_refused(downloads: Downloads) -> None:
    name, wrong = "2014_Flood.csv", EVENTS["2014_Flood.csv"] + b"more"
    fill(downloads.root / "data" / "events", {name: wrong})
    mirror = fill(downloads.root / "mirror" / "events", EVENTS | {name: wrong}).parent
    error = error_of(downloads.run("topic.download_tweets", DISASTER_TWEETS_MIRROR=mirror))
    assert f"{name}: expected {sha256(EVENTS[name])}, got {sha256(wrong)}" in error
    assert f"holds the right events/{name}" in error
    # A folder of which DVC knows the hash is complete, or it is not there.
    assert not (downloads.root / "data" / "events").exists()
    assert downloads.files("data/events.part").keys() == {"2013_Storm.csv"}

    mirror = fill(downloads.root / "whole" / "events", {name: EVENTS[name]}).parent
    fill(mirror / "general", GENERAL)
    assert_succeeded(downloads.run("topic.download_tweets", DISASTER_TWEETS_MIRROR=mirror))
    assert downloads.files("data/events") == EVENTS
    assert not (downloads.root / "data" / "events.part").exists()


def test_tweets_that_are_nowhere_are_named(downloads: Downloads, server: Server) -> None:
    error = error_of(downloads.run("topic.download_tweets"))
    file = "/def456/2013_Storm/2013_Storm-all.csv"
    assert f"{server.url}{file}: HTTP 404 Not Found; set DISASTER_TWEETS_MIRROR" in error
    assert not (downloads.root / "data" / "events").exists()


def test_a_teacher_comes_from_the_hub_to_a_folder_of_its_own(
    downloads: Downloads, server: Server
) -> None:
    resolve = "/hub/someone/large-teacher/resolve/abc789"
    server.files = {f"{resolve}/{name}": data for name, data in TEACHER.items()}
    assert_succeeded(downloads.run("topic.download_teacher"))
    assert downloads.files("data/teacher") == TEACHER
    assert downloads.files("data/backbone") == {}
