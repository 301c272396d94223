"""A clone that is set up once, as the container does it, in an otherwise empty environment."""

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
# Variables of the network, such as the package index. A new machine has them too.
NETWORK = (
    "PIP_",
    "UV_",
    "SSL_CERT_",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
MIRROR = "DISASTER_TWEETS_MIRROR"
# DVC's records of data that is not in Git and that no stage downloads.
RECORDS = "data/raw/*.dvc"
# A port that nothing listens on: every download fails at once.
DEAD = "http://127.0.0.1:9"
OFFLINE = {"http_proxy": DEAD, "https_proxy": DEAD, "PIP_NO_INDEX": "1", MIRROR: ""}
# The PATH of a machine that has only Python and Git, so pip installs the packages.
PATH = os.pathsep.join([str(Path(sys.base_prefix, "bin")), "/usr/bin", "/bin"])


class Workspace:
    """A clone in which commands run as on a new machine.

    Attributes:
        folder: The root of the clone.
        setup_log: The result of each lifecycle command of the container, in order.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ".venv" / "bin" / "python"
        self.setup_log: dict[str, Completed] = {}
        self._environment = new_machine(folder.with_name("home"))

    def run(self, *command: str | Path, **variables: str) -> Completed:
        """Run a program in the clone and wait for it."""
        done = subprocess.run(
            command,
            capture_output=True,
            cwd=self.folder,
            encoding="utf-8",
            env={**self._environment, **variables},
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def setup(self, **variables: str) -> Completed:
        return self.run("python3", SCRIPT, "setup", **variables)

    def check(self) -> Completed:
        return self.run("python3", SCRIPT, "check", **OFFLINE)

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.status == 0, done.err
        return done.out

    @contextmanager
    def without_data(self) -> Iterator[None]:
        """Move the data away, also from the cache, and bring them back afterwards."""
        folders = [self.folder / "data", self.folder / ".dvc" / "cache"]
        there = {path: self.folder.with_name(path.name) for path in folders if path.exists()}
        for folder, aside in there.items():
            folder.rename(aside)
        self.git("checkout", "--", ".")  # DVC's records
        yield
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        for folder, aside in there.items():
            aside.rename(folder)


@pytest.fixture(scope="session")
def configuration() -> dict[str, Any]:
    """The configuration of the container, which editors read."""
    return json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workspace]:
    """Make a clone of this checkout with its uncommitted changes. Nothing is set up."""
    if os.name == "nt":
        pytest.skip("the commands are those of the container, for a POSIX shell")
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout")

    def clone() -> Workspace:
        folder = tmp_path_factory.mktemp("clone") / "work"
        _output("git", "clone", "--quiet", str(ROOT), str(folder))
        listed = _output("git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard")
        for name in listed.split("\0")[:-1]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copy(ROOT / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        workspace = Workspace(folder)
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
def bare(clone: Callable[[], Workspace]) -> Workspace:
    """A clone in which nothing is set up."""
    return clone()


@pytest.fixture(scope="session")
def workspace(clone: Callable[[], Workspace], configuration: dict[str, Any]) -> Workspace:
    """A clone in which the lifecycle commands of the container have run."""
    workspace = clone()
    asked = ("-m", "pip", "download", "--quiet", "--no-deps", "iniconfig")
    if workspace.run(sys.executable, *asked, "--dest", workspace.folder.parent).status:
        pytest.skip("needs a package index, and none can be reached")
    for name in LIFECYCLE:
        if command := configuration.get(name):
            workspace.setup_log[name] = workspace.run("sh", "-c", command)
    return workspace


@pytest.fixture
def workspace_with_data(workspace: Workspace) -> Workspace:
    """The workspace with its data, which were fetched or copied from this checkout."""
    if not os.environ.get(MIRROR):
        pytest.skip(f"needs the data and the backbone: set {MIRROR}")
    missing = [path.stem for path in ROOT.glob(RECORDS) if not path.with_suffix("").exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} in data/raw")
    return workspace


@pytest.fixture
def script() -> ModuleType:
    """The set-up script as a module."""
    return load_script(ROOT / SCRIPT)


def new_machine(home: Path) -> dict[str, str]:
    """Return the environment of a machine with Python, Git, a network and uv, if it is here."""
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if k.upper().startswith((*NETWORK, MIRROR))}
    # All environments share this cache, so that pip downloads a file only once.
    kept["PIP_CACHE_DIR"] = _output(sys.executable, "-m", "pip", "cache", "dir").strip()
    if uv := shutil.which("uv"):
        kept["UV_CACHE_DIR"] = _output(uv, "cache", "dir").strip()
        (home / "uv").symlink_to(uv)
    return {**kept, "HOME": str(home), "PATH": os.pathsep.join([str(home), PATH])}


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
