"""Fetching, and the download of the backbone, from a local server instead of the internet."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pipeline import fetch as fetching
from pipeline.fetch import SourceError, fetch
from pipeline.project import PipelineError

from .downloads import (
    BACKBONE,
    CONTENT,
    HALF,
    Downloads,
    Server,
    assert_a_mirror_serves,
    assert_succeeded,
    error_of,
    fill,
    md5,
    sha256,
    zipped,
)

STAGE = "pipeline.download_backbone"
WHOLE_ZIP = zipped({"x.csv": CONTENT})
DAMAGED_ZIP = WHOLE_ZIP[:100] + bytes([WHOLE_ZIP[100] ^ 0xFF]) + WHOLE_ZIP[101:]


@pytest.fixture
def url(server: Server) -> str:
    server.files["/file.bin"] = CONTENT
    return f"{server.url}/file.bin"


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "new" / "file.bin"


def part_of(destination: Path) -> Path:
    return destination.with_name(f"{destination.name}.part")


def assert_fetched(destination: Path, content: bytes = CONTENT) -> None:
    assert destination.read_bytes() == content
    assert not part_of(destination).exists()


def assert_nothing_left(destination: Path) -> None:
    assert not destination.exists()
    assert not part_of(destination).exists()


# Local files


@pytest.mark.parametrize("checksum", [md5(CONTENT), sha256(CONTENT), sha256(CONTENT).upper()])
def test_local_file(tmp_path: Path, destination: Path, checksum: str) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    algorithm, _, digest = checksum.partition(":")
    fetch(tmp_path / "source", destination, f"{algorithm.lower()}:{digest}")
    assert_fetched(destination)


def test_local_file_missing(tmp_path: Path, destination: Path) -> None:
    with pytest.raises(
        SourceError, match=r"source: No such file or directory; set \w+_MIRROR "
    ):
        fetch(tmp_path / "source", destination, md5(CONTENT))
    assert_nothing_left(destination)


def test_local_file_wrong(tmp_path: Path, destination: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT[:-1])
    with pytest.raises(SourceError) as caught:
        fetch(tmp_path / "source", destination, md5(CONTENT))
    message = str(caught.value)
    assert str(tmp_path / "source") in message
    assert f"expected {md5(CONTENT)}, got {md5(CONTENT[:-1])} (524,287 bytes)" in message
    assert_nothing_left(destination)


def test_unknown_checksum(tmp_path: Path, destination: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    with pytest.raises(PipelineError, match="write md5:HEX or sha256:HEX"):
        fetch(tmp_path / "source", destination, "crc32:00000000")
    assert_nothing_left(destination)


def test_verified_file_is_kept(server: Server, url: str, destination: Path) -> None:
    destination.parent.mkdir()
    destination.write_bytes(CONTENT)
    fetch(url, destination, sha256(CONTENT))
    assert server.ranges == []


def test_wrong_file_is_replaced(url: str, destination: Path) -> None:
    destination.parent.mkdir()
    destination.write_bytes(b"old")
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)


def test_wrong_file_is_removed(tmp_path: Path, destination: Path) -> None:
    destination.parent.mkdir()
    destination.write_bytes(b"old")
    with pytest.raises(SourceError):
        fetch(tmp_path / "missing", destination, sha256(CONTENT))
    assert_nothing_left(destination)


def test_link_is_replaced_and_its_target_kept(tmp_path: Path, destination: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    (tmp_path / "cached").write_bytes(b"old")
    destination.parent.mkdir()
    destination.symlink_to(tmp_path / "cached")
    fetch(tmp_path / "source", destination, md5(CONTENT))
    assert_fetched(destination)
    assert (tmp_path / "cached").read_bytes() == b"old"


def test_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    (tmp_path / "file").touch()
    with pytest.raises(PipelineError, match=r"x\.csv: cannot be written \(Not a directory\);"):
        fetch(tmp_path / "source", tmp_path / "file" / "x.csv", md5(CONTENT))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_disk_full(tmp_path: Path, destination: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    destination.parent.mkdir()
    part_of(destination).symlink_to("/dev/full")
    with pytest.raises(PipelineError, match=r"cannot be written \(No space left on device\);"):
        fetch(tmp_path / "source", destination, md5(CONTENT))
    assert_nothing_left(destination)


# Zip archives


def test_member(tmp_path: Path, destination: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"deep/x.csv": CONTENT, "ax.csv": b""}))
    fetch(tmp_path / "a.zip", destination, md5(CONTENT), member="x.csv")
    assert_fetched(destination)


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        (zipped({"x.csv": b"other"}), "x.csv: expected md5:"),
        (zipped({"y.csv": CONTENT}), "the archive holds no x.csv"),
        (WHOLE_ZIP[:-30], "not a readable zip archive"),
        (DAMAGED_ZIP, "not a readable zip archive"),
        (b"<html>", "not a readable zip archive"),
    ],
    ids=["wrong", "missing", "truncated", "damaged", "no zip"],
)
def test_member_problems(
    tmp_path: Path, destination: Path, archive: bytes, problem: str
) -> None:
    (tmp_path / "a.zip").write_bytes(archive)
    with pytest.raises(SourceError) as caught:
        fetch(tmp_path / "a.zip", destination, md5(CONTENT), member="x.csv")
    assert caught.value.problem.startswith(problem)
    assert_nothing_left(destination)


def test_archive_of_unknown_hash(server: Server, destination: Path) -> None:
    server.files["/a.zip"] = WHOLE_ZIP
    fetch(f"{server.url}/a.zip", destination, None)
    assert_fetched(destination, WHOLE_ZIP)


@pytest.mark.parametrize("archive", [WHOLE_ZIP[:-30], DAMAGED_ZIP], ids=["cut", "damaged"])
def test_damaged_archive_of_unknown_hash(
    server: Server, destination: Path, archive: bytes
) -> None:
    server.files["/a.zip"] = archive
    with pytest.raises(
        SourceError, match=r"a\.zip: (not a readable zip|x\.csv in it is damaged)"
    ):
        fetch(f"{server.url}/a.zip", destination, None)
    assert_nothing_left(destination)


# Downloads


def test_download(server: Server, url: str, destination: Path) -> None:
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges == [None]


@pytest.mark.parametrize("cut", ["cut", "cut chunks"])
def test_interrupted_download_is_resumed(
    server: Server, url: str, destination: Path, cut: str
) -> None:
    server.behaviours = [cut]
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges == [None, f"bytes={HALF}-"]
    assert server.sent[1] == len(CONTENT) - HALF


def test_next_run_resumes(
    server: Server, url: str, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    server.behaviours = ["cut"]
    with pytest.raises(SourceError, match=r"ended after 262,144 of 524,288 bytes .* resumes"):
        fetch(url, destination, sha256(CONTENT))
    assert not destination.exists()
    assert part_of(destination).read_bytes() == CONTENT[:HALF]
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges == [None, f"bytes={HALF}-"]
    assert server.sent[1] == len(CONTENT) - HALF


def test_complete_part_is_not_fetched_again(
    server: Server, url: str, destination: Path
) -> None:
    destination.parent.mkdir()
    part_of(destination).write_bytes(CONTENT)
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges == []


@pytest.mark.parametrize("behaviour", ["ignore range", "unsatisfiable", "other range"])
def test_server_that_cannot_resume(
    server: Server, url: str, destination: Path, behaviour: str
) -> None:
    server.behaviours = ["cut", behaviour]
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges[1] == f"bytes={HALF}-"


@pytest.mark.parametrize("old", [b"other", CONTENT + b"longer"], ids=["other", "too long"])
def test_wrong_part_is_thrown_away_once(
    server: Server, url: str, destination: Path, old: bytes
) -> None:
    destination.parent.mkdir()
    part_of(destination).write_bytes(old)
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges == [f"bytes={len(old)}-", None]


def test_wrong_part_of_wrong_file(server: Server, url: str, destination: Path) -> None:
    destination.parent.mkdir()
    part_of(destination).write_bytes(b"other")
    with pytest.raises(SourceError, match="expected sha256:"):
        fetch(url, destination, sha256(b"right"))
    assert_nothing_left(destination)
    assert server.ranges == ["bytes=5-", None]


def test_wrong_hash(server: Server, url: str, destination: Path) -> None:
    with pytest.raises(SourceError) as caught:
        fetch(url, destination, sha256(b"right"))
    assert str(caught.value).startswith(
        f"{url}: expected {sha256(b'right')}, got {sha256(CONTENT)} (524,288 bytes); set "
    )
    assert_nothing_left(destination)
    assert server.ranges == [None]


def test_always_truncated(server: Server, url: str, destination: Path) -> None:
    server.behaviours = ["cut"] * fetching.ATTEMPTS
    with pytest.raises(SourceError, match=r"the answer ended after [0-9,]+ of 524,288 bytes"):
        fetch(url, destination, sha256(CONTENT))
    assert not destination.exists()
    assert CONTENT.startswith(part_of(destination).read_bytes())


def test_stall_halfway_is_resumed(
    server: Server, url: str, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    server.behaviours = ["stall halfway"]
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)
    assert server.ranges == [None, f"bytes={HALF}-"]


def test_busy_server(server: Server, url: str, destination: Path) -> None:
    server.behaviours = ["busy"]
    fetch(url, destination, sha256(CONTENT))
    assert_fetched(destination)


def test_not_found(server: Server, destination: Path) -> None:
    with pytest.raises(SourceError, match="/none: HTTP 404 Not Found; set"):
        fetch(f"{server.url}/none", destination, sha256(CONTENT))
    assert_nothing_left(destination)
    assert server.ranges == [None]


def test_stall(
    server: Server, url: str, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    server.behaviours = ["stall"] * fetching.ATTEMPTS
    with pytest.raises(SourceError, match=r"no answer for 0\.2 s \(4 attempts\)"):
        fetch(url, destination, sha256(CONTENT))
    assert_nothing_left(destination)
    assert len(server.ranges) == 4


@pytest.mark.parametrize(
    ("address", "problem"),
    # Nothing listens on this port.
    [("http://127.0.0.1:9/x", "Connection refused"), ("http://", "No host supplied")],
)
def test_no_connection(
    destination: Path, monkeypatch: pytest.MonkeyPatch, address: str, problem: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    with pytest.raises(SourceError, match=problem) as caught:
        fetch(address, destination, sha256(CONTENT))
    assert "\n" not in str(caught.value)
    assert_nothing_left(destination)


def test_unknown_host(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(SourceError, match=r"/x: Name or service not known \(4 attempts\); set"):
        fetch("http://host.invalid/x", destination, sha256(CONTENT))
    assert_nothing_left(destination)


# The stage, as DVC runs it


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_backbone_from_mirror(downloads: Downloads, server: Server, kind: str) -> None:
    places = ("small-backbone", "data/backbone")
    assert_a_mirror_serves(downloads, server, kind, STAGE, places, BACKBONE)


def test_backbone_mirror_without_a_file(downloads: Downloads, server: Server) -> None:
    mirror = fill(downloads.root / "mirror", {})
    error = error_of(downloads.run(STAGE, DISASTER_TWEETS_MIRROR=mirror))
    assert "holds the right small-backbone/model.safetensors" in error
    assert server.ranges == []


def test_backbone_from_hub(downloads: Downloads, server: Server) -> None:
    resolve = "/hub/someone/small-backbone/resolve/abc123"
    server.files = {f"{resolve}/{name}": data for name, data in BACKBONE.items()}
    server.behaviours = ["cut"]
    assert_succeeded(downloads.run(STAGE))
    assert downloads.files("data/backbone") == BACKBONE
    assert server.ranges == [None, f"bytes={HALF}-", None]


def test_backbone_not_in_hub(downloads: Downloads, server: Server) -> None:
    fill(downloads.root / "data" / "backbone", {"tokenizer.json": b"old and wrong"})
    error = error_of(downloads.run(STAGE))
    file = "/hub/someone/small-backbone/resolve/abc123/model.safetensors"
    assert f"{server.url}{file}: HTTP 404 Not Found; set DISASTER_TWEETS_MIRROR" in error
    assert "holds the right small-backbone/model.safetensors" in error
    assert downloads.files("data/backbone") == {}


def test_backbone_without_a_network(downloads: Downloads) -> None:
    error = error_of(downloads.run(STAGE, HF_ENDPOINT="http://127.0.0.1:9"))
    assert "Connection refused (4 attempts); set DISASTER_TWEETS_MIRROR" in error
