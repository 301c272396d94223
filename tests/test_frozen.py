"""A frozen application, as PyInstaller makes it: each worker starts the program again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")

# A program that does the work of PyInstaller's boot loader and of its multiprocessing hook.
PROGRAM = """#!{python}
import sys
sys.executable, sys.frozen = __file__, True

import multiprocessing.spawn
multiprocessing.set_executable(__file__)

def freeze_support():
    if sys.argv[-2:-1] == ["-c"]:  # what keeps track of shared memory
        exec(sys.argv[-1])
        sys.exit()
    multiprocessing.spawn.freeze_support()

multiprocessing.freeze_support = freeze_support

if __name__ == "__main__":
    from disaster_tweets.cli import main
    main()
"""

ROWS = 20_000  # enough for workers to start


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(python=sys.executable), "utf-8")
    path.chmod(0o755)
    return path


def test_score_has_its_processes(program: Path, tmp_path: Path) -> None:
    lines = [f"Parcel {n}, vans on the way" for n in range(ROWS)]
    (tmp_path / "in.txt").write_text("\n".join(lines), "utf-8")
    done = subprocess.run(
        [program, "score", "in.txt", "-o", "out.csv", "--jobs", "2", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len((tmp_path / "out.csv").read_text("utf-8").splitlines()) == ROWS + 1


def test_serve_has_its_processes(program: Path, tmp_path: Path) -> None:
    for library in ("flask", "granian"):
        pytest.importorskip(library, reason="the service, of the extra 'web'")
    with subprocess.Popen(
        [program, "serve", "--port", str(free_port()), "--workers", "2"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        text=True,
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("Serving on ") or "No such option" in line:
                break
        process.terminate()
        process.stderr.read()

    assert lines[-1].startswith("Serving on ")
