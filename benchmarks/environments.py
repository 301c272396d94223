"""Virtual environments, processes and the description of the machine, for the benchmarks."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Without settings such as PYTHONDONTWRITEBYTECODE, which would slow measured starts.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
ONE_THREAD = dict.fromkeys(
    (
        *("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"),
        *("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
    ),
    "1",
)

ROOT = Path(__file__).parents[1]
# The packages pipeline and topic are not installed.
sys.path.append(str(ROOT))


def parse_wheel(parser: argparse.ArgumentParser) -> Path:
    """Return the wheel that the option --wheel names, or the only wheel in dist/."""
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


def machine(*software: str, cores: str = f"{os.cpu_count()} cores of") -> str:
    """Return one line on the processor, the software and the load. Linux only.

    Args:
        software: Names and versions besides Python's.
        cores: The words before the name of the processor.
    """
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((x.split(": ")[1] for x in lines if x.startswith("model name")), "?")
    flags = next((x.split() for x in lines if x.startswith("flags")), [])
    known = [f for f in ("avx2", "avx512f", "avx512_vnni", "amx_int8") if f in flags]
    versions = ", ".join((f"Python {platform.python_version()}", *software))
    return (
        f"{cores} {model} ({', '.join(known)}); {platform.system()}, {versions}; "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run this process, and each process that it starts, on one core. Linux only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def peak_of_this_process() -> int:
    """Return the peak of the resident memory in bytes. Linux only."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


class NotMeasuredError(Exception):
    """Something cannot be measured here; the message says why."""


def output(
    command: Sequence[str],
    folder: Path | None = None,
    given: str = "",
    lines: int = 1,
    **variables: str,
) -> str:
    """Run a command and return its standard output.

    Args:
        command: The program and its arguments.
        folder: The working directory; None for that of this process.
        given: The standard input.
        lines: How many of the last lines of the errors the message shows.
        variables: Environment variables.

    Raises:
        NotMeasuredError: The command fails.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        input=given,
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT | variables,
    )
    if done.returncode:
        name = " ".join(Path(part).name for part in command[1:3])
        raise NotMeasuredError(f"{name} failed: {_end(done.stderr or done.stdout, lines)}")
    return done.stdout


class Worker:
    """A process that answers each line of JSON with a line of JSON."""

    def __init__(self, command: list[str], **variables: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed on exit)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=ENVIRONMENT | variables,
        )

    def __call__(self, request: object) -> Any:
        """Return the answer to a request.

        Raises:
            NotMeasuredError: The process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # there is no answer then
            print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise NotMeasuredError(f"scoring failed: {_end(self._errors.read())}")
        return json.loads(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


class Environment:
    """A virtual environment with some packages and their dependencies, nothing else.

    Raises:
        NotMeasuredError: pip cannot install the packages.
    """

    def __init__(self, folder: Path, *requirements: str) -> None:
        self._folder = folder
        self.python = str(folder / "bin" / "python")
        self.command = str(folder / "bin" / "disaster-tweets")
        # Without pip, so that site-packages holds only the requirements.
        output([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", self.python, "-q"]
        output([*pip, "install", "--disable-pip-version-check", *requirements])

    def version(self, distribution: str) -> str:
        """Return the version of an installed distribution."""
        code = f"from importlib.metadata import version; print(version({distribution!r}))"
        return output([self.python, "-c", code]).strip()

    def size(self) -> int:
        """Return the bytes in site-packages, without compiled bytecode."""
        (packages,) = self._folder.glob("lib/python*/site-packages")
        return sum(
            path.stat().st_size
            for path in packages.rglob("*")
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts
        )


def _end(errors: str, lines: int = 1) -> str:
    return "\n".join(errors.strip().splitlines()[-lines:]) or "it gives no reason"
