"""Shared fixtures: the wheel under test, the real data if it exists, and processes."""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import importlib_resources
import pytest

try:
    from disaster_tweets.topic import LABELS
except ModuleNotFoundError:  # the tests of the workspace run without the package
    LABELS = ()

ROOT = Path(__file__).parents[1]

# For tests that need exactly two labels, as for a threshold, or more than two. For any topic,
# `four_labels` is a model with more than two.
two_labels = pytest.mark.skipif(len(LABELS) != 2, reason="the topic has more than two labels")
more_labels = pytest.mark.skipif(len(LABELS) == 2, reason="the topic has two labels")

# A shell starts background programs with Ctrl-C ignored, and the programs that the tests
# interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel that tox built and installed."""
    packages = [Path(p) for p in os.environ.get("TOX_PACKAGE", "").split(os.pathsep)]
    wheels = [path.resolve() for path in packages if path.suffix == ".whl"]
    if not wheels:
        pytest.skip("needs the built wheel: run the tests through tox")
    return wheels[0]


@pytest.fixture(scope="session")
def raw_data() -> Path:
    """The folder with the raw data of the topic: the configured mirror, or data/raw."""
    for folder in (os.environ.get("DISASTER_TWEETS_MIRROR", ""), ROOT / "data" / "raw"):
        if folder and (Path(folder) / "train.csv").is_file():
            return Path(folder)
    pytest.skip("needs the raw data: set DISASTER_TWEETS_MIRROR, or run dvc repro")


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    """The manifest of the installed model, read without the package."""
    return _artifact("manifest.json")


def fingerprint(content: bytes) -> dict[str, Any]:
    """Return the entry of a file in the manifest."""
    return {
        "size": len(content),
        "crc32": zlib.crc32(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


class Golden(NamedTuple):
    """Texts with their expected scores, to within ``tolerance``; 0 means equal bits."""

    texts: list[str]
    probabilities: list[float]
    tolerance: float


@pytest.fixture(scope="session")
def golden(manifest: dict[str, Any]) -> Golden:
    """The golden texts of the installed model."""
    scored = _artifact("golden.json")
    return Golden(
        [each["text"] for each in scored],
        [each["probability"] for each in scored],
        manifest["golden_tolerance"],
    )


@pytest.fixture(scope="session")
def four_labels() -> Path:
    """The folder of a made-up model with four labels, for `Classifier.load`."""
    return Path(__file__).with_name("four_labels")


@pytest.fixture
def four_labels_installed(four_labels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The model with four labels, as the bundled model of this process."""
    from disaster_tweets import bundle

    monkeypatch.setattr(bundle, "bundled", lambda: four_labels)
    _forget_the_classifier()
    yield four_labels
    _forget_the_classifier()


def _forget_the_classifier() -> None:
    """Clear the caches of the classifier and of its predictions."""
    from disaster_tweets.classifier import bundled_classifier
    from disaster_tweets.plugins import contract, sqlite

    for kept in (bundled_classifier, contract.load, sqlite.cached_prediction):
        kept.cache_clear()


Scored = Callable[[Any], list[int]]


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Scored:
    """Return a function that records the number of texts in each call of a runtime."""

    def scored(classifier: Any) -> list[int]:
        numbers: list[int] = []
        logits = classifier._runtime.logits

        def record(encoded: Any) -> Any:
            numbers.append(len(encoded))
            return logits(encoded)

        monkeypatch.setattr(classifier._runtime, "logits", record)
        return numbers

    return scored


class Completed(NamedTuple):
    """The result of a process."""

    status: int
    out: str
    err: str


Run = Callable[..., Completed]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``python`` or an installed console script in an empty folder, and wait."""

    def run(command: str, *arguments: str | bytes, stdin: bytes = b"", **env: str) -> Completed:
        # In UTF-8 mode the output does not depend on the locale.
        variables = {**os.environ, "PYTHONUTF8": "1", **env}
        completed = subprocess.run(
            [executable(command), *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=variables,
            timeout=120,
        )
        out, err = (
            stream.decode("utf-8").replace(os.linesep, "\n")
            for stream in (completed.stdout, completed.stderr)
        )
        return Completed(completed.returncode, out, err)

    return run


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line like `run`, but in this process, which is much faster."""
    from click.testing import CliRunner

    from disaster_tweets.cli import commands

    def run_here(command: str, *arguments: str | bytes, stdin: bytes = b"") -> Completed:
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(commands, arguments, input=stdin, prog_name=command)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Completed(done.exit_code, done.stdout, done.stderr)

    return run_here


@pytest.fixture
def run_four_labels(four_labels_installed: Path, run_here: Run) -> Run:
    """`run_here` with the model of four labels."""
    return run_here


def executable(command: str) -> str:
    """Return the path of ``python`` or of a console script beside it."""
    if command == "python":
        return sys.executable
    path = shutil.which(command, path=sysconfig.get_path("scripts"))
    assert path, f"{command} is not installed"
    return path


def on_a_terminal(*arguments: str, **env: str) -> str:
    """Run ``disaster-tweets`` on a pseudo-terminal and return what it shows."""
    pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "disaster_tweets", *arguments]
    with subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "NO_COLOR": "", **env},
    ):
        os.close(terminal)
        shown = b"".join(_chunks(controller))
    os.close(controller)
    return shown.decode().replace("\r\n", "\n")


def _chunks(controller: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(controller, 4096)
        except OSError:  # Linux: the other side has closed
            return
        if not chunk:
            return
        yield chunk


def load_script(path: Path) -> ModuleType:
    """Return a repository file outside the packages, run as a module."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that no program listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def _artifact(name: str) -> Any:
    file = importlib_resources.files("disaster_tweets.artifacts") / name
    return json.loads(file.read_text(encoding="utf-8"))
