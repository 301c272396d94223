"""Downloads from a local server instead of the internet."""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

MIRROR = "DISASTER_TWEETS_MIRROR"
# pooch does not close the response if a download fails.
UNCLOSED = "ignore:unclosed <socket:ResourceWarning"
Files = dict[str, bytes]  # by their paths in a folder


class Server(ThreadingHTTPServer):
    """Serves a folder. Each request takes one entry from `failures` and fails like that."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.folder = folder
        self.failures: list[str] = []
        self.requested: list[str] = []
        self.released = threading.Event()


class Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        failure = self.server.failures.pop(0) if self.server.failures else ""
        if failure == "busy":
            self.send_error(503)
        elif failure == "stall":
            self.server.released.wait(10)
        elif failure == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"not all of it")
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A local server. Clients retry without waiting, because `time.sleep` does nothing."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with Server(tmp_path / "served") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()
    gc.collect()  # collect here, where the test ignores unclosed sockets


@pytest.fixture
def checkout(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which stages run, without accounts and without commands on PATH."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/hub/")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder


def checksums(files: Files, algorithm: str = "sha256") -> dict[str, str]:
    return {
        name: f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        for name, content in files.items()
    }


def write_params(path: Path, **sections: dict[str, object]) -> None:
    write(path.parent, {path.name: yaml.safe_dump(sections, sort_keys=False).encode()})


def write(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(folder: Path) -> Files:
    """Return all files of a folder, with unexpected ones."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def error_of(stage: Callable[[], None]) -> str:
    """Run a stage that must fail; return its error, which must be one line."""
    from pipeline.project import PipelineError

    with pytest.raises(PipelineError) as caught:
        stage()
    assert "\n" not in str(caught.value)
    return str(caught.value)
