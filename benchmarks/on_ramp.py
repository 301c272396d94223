"""Times the first steps of a newcomer: clone, prediction, notebook, tests and a wheel.

    python benchmarks/on_ramp.py [REPOSITORY]

Clones REPOSITORY (a folder or an address; default: this one) into an empty folder, runs the
commands that its README marks one after the other, with empty caches, and prints a Markdown
table. The output of the commands goes to standard error. Needs only the standard library.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Goal(NamedTuple):
    """A goal of a newcomer, and the mark of its commands in the README.

    Attributes:
        name: The row of the table.
        mark: The commands are in the console block below `<!-- MARK -->`.
        extended: The end of one of the commands, and its replacement in the measurement.
    """

    name: str
    mark: str
    extended: tuple[str, str] = ("", "")


GOALS = [
    Goal("a prediction", "predict"),
    Goal("the workspace", "workspace"),
    Goal("the notebook, run", "notebook"),
    Goal("the tests, on one Python", "test", ("--parallel 2", "--parallel 2 -e py312")),
    # The artifacts are in Git, so without --force DVC would skip the stages. With --force it
    # needs the dependencies of the frozen stage, which `prepare` makes.
    Goal(
        "a rebuilt model and wheel",
        "rebuild",
        (
            "dvc repro --all-pipelines",
            "dvc repro prepare && dvc repro --all-pipelines --force --no-run-cache",
        ),
    ),
]


def commands(readme: str, goal: Goal) -> str:
    """Return the shell commands below the mark of a goal, with its replacement."""
    block = re.search(rf"^<!-- {goal.mark} -->\n```console\n(.*?)```", readme, re.M | re.S)
    if block is None:
        sys.exit(f"error: README.md has no commands below <!-- {goal.mark} -->: mark them")
    end, replacement = goal.extended
    if not end:
        return block[1].strip()
    extended, count = re.subn(rf"{end}$", replacement, block[1].strip(), flags=re.M)
    if count != 1:
        sys.exit(f"error: README.md: no line ends in '{end}' below <!-- {goal.mark} -->")
    return extended


def newcomer(folder: Path) -> dict[str, str]:
    """Return the environment variables of a user with empty caches."""
    private = ("PYTHON", "VIRTUAL_ENV", "PIP_CACHE_DIR", "TOX_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    return {**kept, "XDG_CACHE_HOME": str(folder / "cache")}


def timed(command: str, folder: Path, environment: dict[str, str]) -> float:
    """Run shell commands in a folder; return the seconds they took."""
    print(f"+ {command}", file=sys.stderr, flush=True)
    start = perf_counter()
    shell = ["bash", "-euc", command]
    done = subprocess.run(shell, cwd=folder, env=environment, stdout=sys.stderr)
    if done.returncode:
        sys.exit(f"error: status {done.returncode} after {command}")
    return perf_counter() - start


def machine() -> str:
    source = "a mirror" if os.environ.get("DISASTER_TWEETS_MIRROR") else "the source"
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}; load "
        f"{os.getloadavg()[0]:.1f} at the start; data from {source}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository", nargs="?", default=str(ROOT), help="default: this one")
    repository = parser.parse_args().repository
    print(machine())
    print("\n| from the clone to | commands | minutes | minutes so far |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder, environment = Path(name), newcomer(Path(name))
        clone = folder / "clone"
        total = timed(
            shlex.join(["git", "clone", "--quiet", repository, str(clone)]), Path(), environment
        )
        readme = (clone / "README.md").read_text("utf-8")
        # All marks are looked up first, so that a missing one costs no time.
        for goal, command in [(goal, commands(readme, goal)) for goal in GOALS]:
            seconds = timed(command, clone, environment)
            total += seconds
            shown = "; ".join(f"`{line}`" for line in command.splitlines())
            print(
                f"| {goal.name} | {shown} | {seconds / 60:.1f} | {total / 60:.1f} |", flush=True
            )
        if not list((clone / "dist").glob("*.whl")):
            sys.exit("error: no wheel in dist/ at the end")


if __name__ == "__main__":
    main()
