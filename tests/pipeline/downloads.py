"""Downloads from a local server instead of the internet."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from ..conftest import ROOT

# Of many chunks, so that a broken connection leaves some of them.
CONTENT = bytes(range(256)) * 2048
HALF = len(CONTENT) // 2
BACKBONE = {"model.safetensors": CONTENT, "tokenizer.json": b"{}\n"}


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
    """A server that is not the internet."""
    from pipeline import fetch

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetch, "PAUSE", 0.0)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


class Downloads:
    """A folder with a params.yaml, an empty home folder and no commands on PATH."""

    def __init__(self, root: Path, server: Server) -> None:
        self.root = root
        self.environment = {
            # No account of anybody's, and no hub but this server.
            **{k: v for k, v in os.environ.items() if k in ("LANG", "SYSTEMROOT", "TMPDIR")},
            "HOME": str(root / "home"),
            "PATH": str(root / "bin"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
            "HF_ENDPOINT": f"{server.url}/hub/",
        }
        for name in ("home", "bin"):
            (root / name).mkdir()
        backbone = {
            "repository": "someone/small-backbone",
            "revision": "abc123",
            "checksums": {name: sha256(content) for name, content in BACKBONE.items()},
        }
        self.write_params("params.yaml", download_backbone=backbone)

    def write_params(self, file: str, **sections: dict[str, object]) -> None:
        path = self.root / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(sections, sort_keys=False), "utf-8")

    def run(self, module: str, **environment: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module],
            cwd=self.root,
            env={**self.environment, **{k: str(v) for k, v in environment.items()}},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    def files(self, folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.root / folder).glob("*")}

    def install(self, command: str, body: str) -> None:
        """Put a command on PATH that runs some Python."""
        path = self.root / "bin" / command
        path.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n", "utf-8")
        path.chmod(0o755)


@pytest.fixture
def downloads(tmp_path: Path, server: Server) -> Downloads:
    """A folder in which download stages run, as DVC runs them."""
    return Downloads(tmp_path, server)


def assert_a_mirror_serves(
    downloads: Downloads,
    server: Server,
    kind: str,
    module: str,
    places: tuple[str, str],
    files: dict[str, bytes],
) -> None:
    """Check that a stage takes files from a place in a mirror to another place."""
    place, target = places
    mirror = str(downloads.root / "mirror")
    fill(downloads.root / "mirror" / place, files)
    if kind == "url":
        mirror = server.url
        server.files = {f"/{place}/{name}": data for name, data in files.items()}
    assert_succeeded(downloads.run(module, DISASTER_TWEETS_MIRROR=mirror))
    assert downloads.files(target) == files
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
