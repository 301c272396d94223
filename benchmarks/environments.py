"""Fresh virtual environments for the benchmarks, what they weigh, and the processor."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

# Settings such as PYTHONDONTWRITEBYTECODE would slow every start-up that is measured.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

ROOT = Path(__file__).parents[1]
# There are the packages pipeline and topic, which nothing installs.
sys.path.append(str(ROOT))


def parse_wheel(parser: argparse.ArgumentParser) -> Path:
    """Return the wheel that the option --wheel names, or the only one in dist/."""
    parser.add_argument("--wheel", type=Path, help="default: the only wheel in dist/")
    wheel: Path | None = parser.parse_args().wheel
    if wheel is None:
        wheels = list((ROOT / "dist").glob("*.whl"))
        if len(wheels) != 1:
            parser.error("dist/ must hold one wheel; build it, or pass --wheel")
        wheel = wheels[0]
    if not wheel.is_file():
        parser.error(f"{wheel}: no such file; build it with python -m build --wheel")
    return wheel


def processor() -> str:
    """Return the name of the processor, and which of some features it has. Linux only."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((x.split(": ")[1] for x in lines if x.startswith("model name")), "?")
    flags = next((x.split() for x in lines if x.startswith("flags")), [])
    known = [f for f in ("avx2", "avx512f", "avx512_vnni", "amx_int8") if f in flags]
    return f"{model} ({', '.join(known)})"


class NotMeasuredError(Exception):
    """A budget cannot be measured here; the message says why."""


class Environment:
    """A virtual environment that holds some packages with their dependencies, nothing else.

    Raises:
        NotMeasuredError: pip cannot install them.
    """

    def __init__(self, folder: Path, *requirements: str) -> None:
        self._folder = folder
        self.python = str(folder / "bin" / "python")
        self.command = str(folder / "bin" / "disaster-tweets")
        # Without pip in it, all that its site-packages hold is what was asked for.
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        pip = (sys.executable, "-m", "pip", "--python", self.python, "-q")
        _run(*pip, "install", "--disable-pip-version-check", *requirements)

    def size(self) -> int:
        """Return the bytes in site-packages, less compiled bytecode."""
        (packages,) = self._folder.glob("lib/python*/site-packages")
        return sum(
            path.stat().st_size
            for path in packages.rglob("*")
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts
        )


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it gives no reason"]
        raise NotMeasuredError(f"{Path(command[-1]).name}: {last[0]}")
