"""A scratch clone, set up once as the container does it, in an otherwise empty environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..conftest import ROOT, Completed, load_script

SCRIPT = Path("scripts", "workspace.py")
LIFECYCLE = [
    *("onCreateCommand", "updateContentCommand", "postCreateCommand"),
    *("postStartCommand", "postAttachCommand"),
]
# How this machine reaches a package index; not part of what a new machine lacks.
NETWORK = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "no_proxy")
MIRROR = "DISASTER_TWEETS_MIRROR"
# DVC's records of data that Git does not hold, and no stage downloads.
RECORDS = "data/raw/*.dvc"
# A port that nothing listens on: every download fails at once.
NO_PROXY = "http://127.0.0.1:9"
OFFLINE = {"http_proxy": NO_PROXY, "https_proxy": NO_PROXY, "PIP_RETRIES": "0"}


class Workspace:
    """A clone in which commands run as on a new machine.

    Attributes:
        folder: The root of the clone.
        environment: The variables that they see.
        setup_log: What each lifecycle command of the container left behind, in order.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.setup_log: dict[str, Completed] = {}
        self.environment = environment
        self._isolated: list[str] = []

    def run(self, *command: str | Path, **variables: str) -> Completed:
        """Run a program in the clone and wait for it."""
        done = subprocess.run(
            [*self._isolated, *map(str, command)],
            capture_output=True,
            cwd=self.folder,
            encoding="utf-8",
            env={**self.environment, **variables},
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def setup(self, **variables: str) -> Completed:
        return self.run("python3", SCRIPT, "setup", **variables)

    def check(self, **variables: str) -> Completed:
        return self.run("python3", SCRIPT, "check", **variables)

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.status == 0, done.err
        return done.out

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    @contextmanager
    def without_network(self) -> Iterator[None]:
        """Take the network away, or, where the system forbids that, name a dead proxy."""
        before = self.environment, self._isolated
        if _run("unshare", "--map-root-user", "--net", "true"):
            self._isolated = ["unshare", "--map-root-user", "--net"]
        self.environment = {k: v for k, v in before[0].items() if k != MIRROR} | OFFLINE
        yield
        self.environment, self._isolated = before

    @contextmanager
    def without_data(self) -> Iterator[None]:
        """Take away the data, also out of the cache, and bring them back."""
        aside = self.folder.parent / "aside"
        aside.mkdir()
        records = {path: path.read_bytes() for path in self.folder.glob(RECORDS)}
        folders = [
            Path(name) for name in ("data", ".dvc/cache") if (self.folder / name).exists()
        ]
        for folder in folders:
            (self.folder / folder).rename(aside / folder.name)
        for path, record in records.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(record)
        yield
        for name in ("data", ".dvc/cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for folder in folders:
            (aside / folder.name).rename(self.folder / folder)
        aside.rmdir()


@pytest.fixture(scope="session")
def configuration() -> dict[str, Any]:
    """What the editor reads about the container."""
    return json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workspace]:
    """Make a clone of this checkout with its uncommitted changes, and nothing set up."""
    if os.name == "nt":
        pytest.skip("the commands are those of the container, for a POSIX shell")
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout")

    def clone() -> Workspace:
        folder = tmp_path_factory.mktemp("clone") / "work"
        _git("clone", "--quiet", str(ROOT), str(folder))
        for name in _git("-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copy(ROOT / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        home = folder.parent / "home"
        home.mkdir()
        workspace = Workspace(folder, new_machine(home))
        workspace.git("config", "user.name", "Tester")
        workspace.git("config", "user.email", "tester@example.org")
        workspace.git("add", "--all")
        workspace.git("commit", "--quiet", "--allow-empty", "--message", "As in the checkout")
        for record in ROOT.glob(RECORDS):
            data = record.with_suffix("")
            if data.exists():
                shutil.copy(data, folder / data.relative_to(ROOT))
        return workspace

    return clone


@pytest.fixture(scope="session")
def workspace(
    clone: Callable[[], Workspace], configuration: dict[str, Any], tmp_path_factory: Any
) -> Workspace:
    """A clone in which the lifecycle commands of the container have run."""
    workspace = clone()
    asked = ("-m", "pip", "download", "--quiet", "--no-deps", "iniconfig")
    downloads = tmp_path_factory.mktemp("downloads")
    if workspace.run(sys.executable, *asked, "--dest", downloads).status:
        pytest.skip("needs a package index, and none can be reached")
    for name in LIFECYCLE:
        if command := configuration.get(name):
            workspace.setup_log[name] = workspace.run("sh", "-c", command)
    return workspace


@pytest.fixture
def workspace_with_data(workspace: Workspace) -> Workspace:
    """The same, where the data could be fetched, or were in this checkout."""
    if not os.environ.get(MIRROR):
        pytest.skip(f"needs the data and the backbone: set {MIRROR}")
    missing = [path.stem for path in ROOT.glob(RECORDS) if not path.with_suffix("").exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} in data/raw")
    return workspace


@pytest.fixture
def script() -> ModuleType:
    """The set-up script as a module of its own."""
    return load_script(ROOT / SCRIPT)


def new_machine(home: Path) -> dict[str, str]:
    """Return the environment of a machine that has Python, Git and a network, no more."""
    network = {k: v for k, v in os.environ.items() if k.lower().startswith(_lower(NETWORK))}
    cache = _output(sys.executable, "-m", "pip", "cache", "dir").strip()
    bare = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.base_prefix, "bin")), "/usr/bin", "/bin"]),
        # The same files as in any other environment here, downloaded once.
        "PIP_CACHE_DIR": cache,
    }
    mirror = {MIRROR: os.environ[MIRROR]} if os.environ.get(MIRROR) else {}
    return {**network, **bare, **mirror}


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _git(*arguments: str) -> list[str]:
    return _output("git", *arguments).split("\0")[:-1]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _run(*command: str) -> bool:
    return shutil.which(command[0]) is not None and not subprocess.run(command).returncode
