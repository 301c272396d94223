"""Fetching and the download stages, against a local server in place of the internet."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from pipeline import fetch as fetching
from pipeline.fetch import SourceError, fetch
from pipeline.project import PipelineError

# Of many chunks, so that a broken connection leaves some of them.
CONTENT = bytes(range(256)) * 2048
HALF = len(CONTENT) // 2
DATASET = {
    "train.csv": b"id,text,target\n1,a fire,1\n",
    "test.csv": b"id,text\n2,a tea\n",
    "sample_submission.csv": b"id,target\n2,0\n",
}
BACKBONE = {"model.safetensors": CONTENT, "tokenizer.json": b"{}\n"}
# begin: left out of a copy
EVENTS = {
    "2013_Storm": b"tweet id, tweet, label\n'1',\"roof gone\",on-topic\n",
    "2014_Flood": b"tweet id, tweet, label\n'2',\"river high\",off-topic\n",
}
EVENT_FILES = {f"{name}.csv": content for name, content in EVENTS.items()}
TEACHER = {"model.safetensors": CONTENT[::-1], "config.json": b"{}\n"}
# end: left out of a copy


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


WHOLE_ZIP = zipped({"x.csv": CONTENT})
DAMAGED_ZIP = WHOLE_ZIP[:100] + bytes([WHOLE_ZIP[100] ^ 0xFF]) + WHOLE_ZIP[101:]


class Server(ThreadingHTTPServer):
    """Serves `files`; each request uses up one entry of `behaviours`, if there is one."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {}
        self.behaviours: list[str] = []
        self.ranges: list[str | None] = []
        self.sent: list[int] = []
        self.released = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        behaviour = server.behaviours.pop(0) if server.behaviours else "normal"
        requested = self.headers["Range"]
        server.ranges.append(requested)
        server.sent.append(0)
        content = server.files.get(self.path)
        if content is None:
            self.send_error(404)
        elif behaviour == "busy":
            self.send_error(503)
        elif behaviour == "stall":
            server.released.wait(10)
        else:
            ignored = requested is None or behaviour == "ignore range"
            start = 0 if ignored else int(requested.removeprefix("bytes=").rstrip("-"))
            if start >= len(content) or behaviour == "unsatisfiable":
                self.send_error(416)
            else:
                self.send_content(content, start, None if ignored else start, behaviour)

    def send_content(
        self, content: bytes, start: int, ranged: int | None, behaviour: str
    ) -> None:
        body = content[start:]
        self.send_response(200 if ranged is None else 206)
        if ranged is not None:
            first = 0 if behaviour == "other range" else start
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {first}-{end}/{len(content)}")
        if behaviour == "cut chunks":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n" % len(body) + body[: len(body) // 2]
        else:
            self.send_header("Content-Length", str(len(body)))
        if behaviour in ("cut", "stall halfway"):
            body = body[: len(body) // 2]
        self.end_headers()
        # Before it is sent: the client may be done before this thread goes on.
        self.server.sent[-1] = len(body)
        self.wfile.write(body)
        if behaviour == "stall halfway":
            self.server.released.wait(10)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


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
    with pytest.raises(SourceError, match=r"source: No such file or directory; set DISASTER_"):
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


# The stages, as DVC runs them


class Project:
    """A folder with a params.yaml, an empty home folder and no commands on PATH."""

    def __init__(self, root: Path, server: Server) -> None:
        self.root = root
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("KAGGLE_", "HF_"))},
            "HOME": str(root / "home"),
            "PATH": str(root / "bin"),
            "HF_ENDPOINT": f"{server.url}/hub/",
        }
        self.environment.pop("DISASTER_TWEETS_MIRROR", None)
        for name in ("home", "bin"):
            (root / name).mkdir()
        params = {
            "download_dataset": {
                "archive": f"{server.url}/public/tweets.zip",
                "competition": "some-competition",
                "checksums": {name: md5(content) for name, content in DATASET.items()},
            },
            "download_backbone": {
                "repository": "someone/small-backbone",
                "revision": "abc123",
                "checksums": {name: sha256(content) for name, content in BACKBONE.items()},
            },
            # begin: left out of a copy
            "download_events": {
                "url": f"{server.url}/{{revision}}/{{event}}/{{event}}-all.csv",
                "revision": "def456",
                "checksums": {name: sha256(content) for name, content in EVENTS.items()},
            },
            "download_teacher": {
                "repository": "someone/large-teacher",
                "revision": "abc789",
                "checksums": {name: sha256(content) for name, content in TEACHER.items()},
            },
            # end: left out of a copy
        }
        (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), "utf-8")

    def run(
        self, stage: str, *arguments: str, **environment: str | Path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"pipeline.{stage}", *arguments],
            cwd=self.root,
            env={**self.environment, **{k: str(v) for k, v in environment.items()}},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    def files(self, folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.root / folder).glob("*")}

    def install_kaggle(self, body: str) -> None:
        command = self.root / "bin" / "kaggle"
        command.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n", "utf-8")
        command.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path, server: Server) -> Project:
    return Project(tmp_path, server)


def assert_a_mirror_serves(
    project: Project, server: Server, kind: str, what: str, place: str, files: dict[str, bytes]
) -> None:
    mirror = str(project.root / "mirror")
    fill(project.root / "mirror" / place, files)
    if kind == "url":
        mirror = server.url
        server.files = {f"/{place}/{name}": data for name, data in files.items()}
    assert_succeeded(project.run(f"download_{what}", DISASTER_TWEETS_MIRROR=mirror))
    assert project.files(f"data/{what}") == files
    assert len(server.ranges) == (2 if kind == "url" else 0)


def assert_succeeded(process: subprocess.CompletedProcess[str]) -> None:
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def error_of(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 1
    assert process.stdout == ""
    (line,) = process.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


# begin: left out of a copy
def test_dataset_from_folder(project: Project, server: Server) -> None:
    mirror = fill(project.root / "mirror", DATASET)
    assert_succeeded(project.run("download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert project.files("data/raw") == DATASET
    assert server.ranges == []


def test_dataset_from_url(project: Project, server: Server) -> None:
    server.files = {f"/m/{name}": content for name, content in DATASET.items()}
    mirror = f"{server.url}/m/"
    assert_succeeded(project.run("download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert project.files("data/raw") == DATASET


@pytest.mark.parametrize("name", DATASET)
def test_dataset_mirror_with_a_wrong_file(project: Project, server: Server, name: str) -> None:
    server.files["/public/tweets.zip"] = zipped(DATASET)
    mirror = fill(project.root / "mirror", {**DATASET, name: b"other"})
    error = error_of(project.run("download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert f"{mirror / name}: expected {md5(DATASET[name])}, got {md5(b'other')}" in error
    assert f"set DISASTER_TWEETS_MIRROR to a folder or URL that holds the right {name}" in error
    assert name not in project.files("data/raw")
    assert f"{name}.part" not in project.files("data/raw")
    assert server.ranges == []


def test_dataset_mirror_without_a_file(project: Project, server: Server) -> None:
    server.files["/public/tweets.zip"] = zipped(DATASET)
    mirror = fill(project.root / "mirror", {"train.csv": DATASET["train.csv"]})
    error = error_of(project.run("download_dataset", DISASTER_TWEETS_MIRROR=mirror))
    assert f"{mirror / 'test.csv'}: No such file or directory; set DISASTER_TWEETS" in error
    assert server.ranges == []


def test_dataset_from_public_archive(project: Project, server: Server) -> None:
    members = {f"some/folder/{name}": content for name, content in DATASET.items()}
    server.files["/public/tweets.zip"] = zipped(members)
    assert_succeeded(project.run("download_dataset"))
    assert project.files("data/raw") == DATASET
    assert_succeeded(project.run("download_dataset"))
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
    project: Project, server: Server, credentials: dict[str, str]
) -> None:
    if not credentials:
        fill(project.root / "home" / ".kaggle", {"kaggle.json": b"{}"})
    server.files["/public/tweets.zip"] = zipped({**DATASET, "test.csv": b"other"})
    project.install_kaggle(SUCCEEDING_KAGGLE.format(zipped(DATASET).hex()))
    assert_succeeded(project.run("download_dataset", **credentials))
    assert project.files("data/raw") == DATASET


def test_dataset_from_failing_kaggle(project: Project) -> None:
    project.install_kaggle("print('Hello'); sys.exit('403 - Forbidden\\n')")
    error = error_of(project.run("download_dataset", KAGGLE_API_TOKEN="t"))
    assert "kaggle: no archive, status 1: 403 - Forbidden)" in error
    assert project.files("data/raw") == {}


def test_dataset_from_wrong_kaggle(project: Project) -> None:
    wrong = zipped({**DATASET, "train.csv": b"other"})
    project.install_kaggle(SUCCEEDING_KAGGLE.format(wrong.hex()))
    error = error_of(project.run("download_dataset", KAGGLE_API_TOKEN="t"))
    assert f"kaggle: train.csv: expected {md5(DATASET['train.csv'])}, got md5:" in error
    assert project.files("data/raw") == {}


@pytest.mark.parametrize("installed", [False, True])
def test_dataset_without_a_source(project: Project, server: Server, installed: bool) -> None:
    fill(project.root / "data" / "raw", {"test.csv": b"old and wrong"})
    if installed:
        project.install_kaggle("raise AssertionError")
    error = error_of(project.run("download_dataset"))
    kaggle = "no credentials" if installed else "the command is not installed"
    assert f"{server.url}/public/tweets.zip: HTTP 404 Not Found | kaggle: {kaggle}" in error
    assert (
        "set DISASTER_TWEETS_MIRROR to a folder or URL that holds the right train.csv" in error
    )
    assert "install and configure kaggle" in error
    assert project.files("data/raw") == {}


def test_dataset_target_is_no_folder(project: Project) -> None:
    fill(project.root / "data", {"raw": b""})
    error = error_of(project.run("download_dataset"))
    assert "data/raw/train.csv: cannot be written (Not a directory); check the folder" in error


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_events_from_mirror(project: Project, server: Server, kind: str) -> None:
    assert_a_mirror_serves(project, server, kind, "events", "crisislex", EVENT_FILES)


def test_events_from_their_repository(project: Project, server: Server) -> None:
    server.files = {
        f"/def456/{name}/{name}-all.csv": content for name, content in EVENTS.items()
    }
    assert_succeeded(project.run("download_events"))
    assert project.files("data/events") == EVENT_FILES
    assert_succeeded(project.run("download_events"))
    assert server.ranges == [None, None]


def test_an_event_of_another_hash_is_refused(project: Project) -> None:
    name, wrong = "2014_Flood.csv", EVENT_FILES["2014_Flood.csv"] + b"more"
    fill(project.root / "data" / "events", {name: wrong})
    mirror = fill(project.root / "mirror" / "crisislex", EVENT_FILES | {name: wrong}).parent
    error = error_of(project.run("download_events", DISASTER_TWEETS_MIRROR=mirror))
    assert f"{name}: expected {sha256(EVENT_FILES[name])}, got {sha256(wrong)}" in error
    assert f"holds the right crisislex/{name}" in error
    assert project.files("data/events").keys() == {"2013_Storm.csv"}


def test_an_event_that_is_nowhere_is_named(project: Project, server: Server) -> None:
    error = error_of(project.run("download_events"))
    file = "/def456/2013_Storm/2013_Storm-all.csv"
    assert f"{server.url}{file}: HTTP 404 Not Found; set DISASTER_TWEETS_MIRROR" in error
    assert project.files("data/events") == {}


def test_a_teacher_comes_from_the_hub_to_a_folder_of_its_own(
    project: Project, server: Server
) -> None:
    resolve = "/hub/someone/large-teacher/resolve/abc789"
    server.files = {f"{resolve}/{name}": data for name, data in TEACHER.items()}
    assert_succeeded(project.run("download_backbone", "download_teacher"))
    assert project.files("data/teacher") == TEACHER
    assert project.files("data/backbone") == {}


# end: left out of a copy


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_backbone_from_mirror(project: Project, server: Server, kind: str) -> None:
    assert_a_mirror_serves(project, server, kind, "backbone", "small-backbone", BACKBONE)


def test_backbone_mirror_without_a_file(project: Project, server: Server) -> None:
    mirror = fill(project.root / "mirror", {})
    error = error_of(project.run("download_backbone", DISASTER_TWEETS_MIRROR=mirror))
    assert "holds the right small-backbone/model.safetensors" in error
    assert server.ranges == []


def test_backbone_from_hub(project: Project, server: Server) -> None:
    resolve = "/hub/someone/small-backbone/resolve/abc123"
    server.files = {f"{resolve}/{name}": data for name, data in BACKBONE.items()}
    server.behaviours = ["cut"]
    assert_succeeded(project.run("download_backbone"))
    assert project.files("data/backbone") == BACKBONE
    assert server.ranges == [None, f"bytes={HALF}-", None]


def test_backbone_not_in_hub(project: Project, server: Server) -> None:
    fill(project.root / "data" / "backbone", {"tokenizer.json": b"old and wrong"})
    error = error_of(project.run("download_backbone"))
    file = "/hub/someone/small-backbone/resolve/abc123/model.safetensors"
    assert f"{server.url}{file}: HTTP 404 Not Found; set DISASTER_TWEETS_MIRROR" in error
    assert "holds the right small-backbone/model.safetensors" in error
    assert project.files("data/backbone") == {}


def test_backbone_without_a_network(project: Project) -> None:
    error = error_of(project.run("download_backbone", HF_ENDPOINT="http://127.0.0.1:9"))
    assert "Connection refused (4 attempts); set DISASTER_TWEETS_MIRROR" in error
