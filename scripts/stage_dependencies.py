"""Write the source dependencies of each stage into dvc.yaml and topic/dvc.yaml.

    python scripts/stage_dependencies.py [--check]

A stage runs a module, and depends on it and on every module of this repository that it
imports, directly or indirectly. The ``__init__.py`` of a package counts only if a name is
imported from it; otherwise a change of the public names would retrain the model. A data file
beside a module with the same name, NAME.json beside NAME.py, belongs to the module.

With --check nothing is written; the exit status is 1 if a file lacks a module or names one too
many.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("dvc.yaml", "topic/dvc.yaml")
# The folders of the packages of this repository.
PACKAGES = {"disaster_tweets": "src/disaster_tweets", "pipeline": "pipeline", "topic": "topic"}

_STAGE = re.compile(r"^  (\w+):\n(?:(?:    .*)?\n)+", re.MULTILINE)
_MODULE = re.compile(r"python -m ([\w.]+)")
_DEPENDENCIES = re.compile(r"^    deps:(?: \[\])?\n((?:      - .*\n)*)", re.MULTILINE)


def main() -> int:
    """Write or check the files; return the exit status."""
    stale = []
    for name in FILES:
        path = ROOT / name
        text = path.read_text("utf-8")
        renewed = _STAGE.sub(lambda stage: _with_sources(stage[0]), text)
        if renewed != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(renewed, encoding="utf-8", newline="\n")
    if stale and "--check" in sys.argv:
        print(f"{', '.join(stale)}: run python scripts/stage_dependencies.py", file=sys.stderr)
        return 1
    return 0


def _with_sources(stage: str) -> str:
    """Return the text of a stage with the modules that its commands import as dependencies."""
    sources = set().union(*map(closure, _MODULE.findall(stage)))

    def renewed(found: re.Match[str]) -> str:
        others = [
            line
            for line in found[1].splitlines()
            if not (line.endswith(".py") or _is_data(line.removeprefix("      - ")))
        ]
        lines = sorted({*others, *(f"      - {path}" for path in sources)})
        return "".join(f"{line}\n" for line in ["    deps:", *lines])

    return _DEPENDENCIES.sub(renewed, stage)


def closure(module: str) -> set[str]:
    """Return the files of a module and of all its imports, relative to the root."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or path in found:
            continue
        found |= {path, *data_of(path)}
        waiting += _imported(ROOT / path)
    return found


def _is_data(name: str) -> bool:
    """Say whether a file belongs to a module beside it."""
    return name.endswith(".json") and (ROOT / name).with_suffix(".py").is_file()


def data_of(path: str) -> set[str]:
    """Return the data file of a module, if any."""
    data = Path(path).with_suffix(".json")
    return {data.as_posix()} if (ROOT / data).is_file() else set()


def _file(module: str) -> str | None:
    """Return the file of a module of this repository; None for any other name."""
    package, *rest = module.split(".")
    if package not in PACKAGES:
        return None
    base = Path(PACKAGES[package], *rest)
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if (ROOT / path).is_file():
            return path.as_posix()
    return None


def _imported(path: Path) -> list[str]:
    """Return the runtime imports of a file, without those under TYPE_CHECKING."""
    tree = ast.parse(path.read_bytes())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name imported from a package may be a module of it.
            of_package = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in of_package if _file(name)]
            names += modules if len(modules) == len(of_package) else [node.module, *modules]
    return names


if __name__ == "__main__":
    sys.exit(main())
