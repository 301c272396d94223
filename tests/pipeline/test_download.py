"""Download of files and of the backbone, from a local server instead of the internet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import download_backbone, fetch
from pipeline.project import BACKBONE

from ..conftest import ROOT
from .downloads import (
    MIRROR,
    UNCLOSED,
    Server,
    checksums,
    error_of,
    read,
    write,
    write_params,
)

FILES = {"model.safetensors": bytes(range(256)) * 2048, "tokenizer.json": b"{}\n"}
WRONG = FILES | {"model.safetensors": b"other"}
HUB = "hub/someone/small-backbone/resolve/abc123"
FIRST = f"/{HUB}/model.safetensors"
NEXT_STEP = f"set {MIRROR} to a folder or URL that holds the right small-backbone/model.safe"


pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.fixture(autouse=True)
def _params(checkout: Path) -> None:
    write_parameters(checkout)


def write_parameters(checkout: Path, algorithm: str = "sha256") -> None:
    write_params(
        checkout / "params.yaml",
        download_backbone={
            "repository": "someone/small-backbone",
            "revision": "abc123",
            "checksums": checksums(FILES, algorithm),
        },
    )


@pytest.fixture(params=["folder", "URL"])
def mirror(
    request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The backbone's folder in a mirror that the user chose."""
    folder = server.folder / "mirror"
    monkeypatch.setenv(
        MIRROR, str(folder) if request.param == "folder" else f"{server.url}/mirror/"
    )
    write(server.folder / HUB, FILES)  # which no stage may ask
    return folder / "small-backbone"


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_from_the_hub(checkout: Path, server: Server, algorithm: str) -> None:
    write_parameters(checkout, algorithm)
    write(server.folder / HUB, FILES)
    for _ in range(2):  # the second time, all files are there
        download_backbone.main()
        assert read(BACKBONE) == FILES
    assert server.requested == [FIRST, f"/{HUB}/tokenizer.json"]


def test_from_a_mirror(mirror: Path, server: Server) -> None:
    write(mirror, FILES)
    download_backbone.main()
    assert read(BACKBONE) == FILES
    assert not any("hub" in path for path in server.requested)


def test_a_mirror_without_a_file(mirror: Path, server: Server) -> None:
    error = error_of(download_backbone.main)
    assert "mirror/small-backbone/model.safetensors: " in error
    assert "is not there" in error or "404" in error
    assert NEXT_STEP in error
    assert not any("hub" in path for path in server.requested)


def test_a_mirror_with_a_wrong_file(mirror: Path) -> None:
    write(mirror, WRONG)
    write(BACKBONE, WRONG | {"tokenizer.json": b"old"})
    error = error_of(download_backbone.main)
    name = "model.safetensors"
    got = checksums(WRONG)[name].partition(":")[2]
    assert f"mirror/small-backbone/{name}: " in error
    assert f"expected {checksums(FILES)[name]} but got {got}; {NEXT_STEP}" in error
    assert read(BACKBONE) == {}


@pytest.mark.parametrize("failure", ["busy", "cut", "stall"])
def test_a_failure_is_tried_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT", 0.5)
    write(server.folder / HUB, FILES)
    server.failures = [failure] * fetch.RETRIES
    download_backbone.main()
    assert read(BACKBONE) == FILES


@pytest.mark.parametrize(
    ("failure", "problem"),
    [("busy", "503"), ("cut", "13 bytes read, 987 more"), ("stall", "timed out"), ("", "404")],
)
def test_failures_without_an_end(
    server: Server, monkeypatch: pytest.MonkeyPatch, failure: str, problem: str
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT", 0.1)
    write(BACKBONE, {"tokenizer.json": b"old and wrong"})
    server.failures = [failure] * 9
    error = error_of(download_backbone.main)
    assert error.startswith(f"{server.url}{FIRST}: ")
    assert problem in error
    assert NEXT_STEP in error
    assert server.requested == [FIRST] * (1 + fetch.RETRIES)
    assert read(BACKBONE) == {}


@pytest.mark.parametrize(
    ("hub", "problem"),
    # Nothing listens on this port.
    [("http://127.0.0.1:9", "Connection refused"), ("http:///hub", "Invalid URL")],
)
def test_no_connection(monkeypatch: pytest.MonkeyPatch, hub: str, problem: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub)
    assert problem in error_of(download_backbone.main)


def test_a_link_is_replaced_and_its_target_kept(server: Server, tmp_path: Path) -> None:
    write(server.folder / HUB, FILES)
    write(tmp_path, {"cached": b"old"})
    BACKBONE.mkdir(parents=True)
    (BACKBONE / "tokenizer.json").symlink_to(tmp_path / "cached")
    download_backbone.main()
    assert read(BACKBONE) == FILES
    assert (tmp_path / "cached").read_bytes() == b"old"


def test_the_target_is_no_folder(checkout: Path) -> None:
    write(checkout, {"data/backbone": b""})
    error = error_of(download_backbone.main)
    assert error.startswith(f"{BACKBONE / 'model.safetensors'}: cannot be written (")
    assert "; check the folder, its permissions" in error


def test_a_full_disk(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write(mirror, FILES)
    monkeypatch.setattr("shutil.move", fail)
    error = error_of(download_backbone.main)
    assert "model.safetensors: cannot be written ([Errno 28] No space left" in error
    assert read(BACKBONE) == {}


def test_an_unknown_algorithm(checkout: Path) -> None:
    write_parameters(checkout, "sha1")
    assert "of model.safetensors: write md5:HEX or sha256:HEX" in error_of(
        download_backbone.main
    )


def test_the_stage_is_silent_or_prints_one_line(checkout: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = {**os.environ, "PYTHONPATH": path, MIRROR: str(tmp_path / "mirror")}
    command = [sys.executable, "-m", "pipeline.download_backbone"]
    failed = subprocess.run(command, env=environment, capture_output=True, text=True)
    write(tmp_path / "mirror/small-backbone", FILES)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert (failed.returncode, failed.stdout) == (1, "")
    (line,) = failed.stderr.splitlines()
    assert line.startswith("error: ")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read(BACKBONE) == FILES
