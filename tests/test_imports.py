"""Imports: their cost, and modules that the package never imports."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import importlib_resources
import pytest

import disaster_tweets
from disaster_tweets.runtime import ENCODER

PUBLIC = [
    "ArtifactError",
    "Classifier",
    "DisasterTweetsError",
    "Explanation",
    "InputError",
    "Prediction",
    "WordWeight",
    "predict",
]
HEAVY = {"ai_edge_litert", "numpy"}
IMPORTED = "; import sys; print(*sys.modules)"
PACKAGE = Path(str(importlib_resources.files("disaster_tweets")))
# Unpickling runs code from a file. The other modules open connections.
NEVER = {"ftplib", "http.client", "pickle", "requests", "shelve", "socket", "urllib.request"}


def test_version() -> None:
    assert disaster_tweets.__version__ == version("disaster-tweets-model")


def test_public_names() -> None:
    assert sorted(disaster_tweets.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(disaster_tweets, name).__doc__


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("disaster_tweets", {*HEAVY, "importlib.metadata"}),  # the version is read on demand
        ("disaster_tweets.plugins.contract", HEAVY),
    ],
)
def test_an_import_is_light(run: Any, module: str, late: set[str]) -> None:
    imported = set(run("python", "-c", f"import {module}{IMPORTED}").out.split())

    assert module in imported
    assert not late & imported


def test_commands_that_score_nothing_import_nothing_heavy(run: Any) -> None:
    commands = [
        ["--version"],
        ["--help"],
        ["predict", "--help"],
        ["explain", "--help"],
        ["info"],
        ["info", "--json"],
        ["predict", "--threshold", "2", "cake"],
    ]
    code = f"""if True:
        import sys
        from disaster_tweets.cli import commands
        for arguments in {commands}:
            try:
                commands.main(arguments, prog_name="disaster-tweets")
            except SystemExit:
                print("IMPORTED", *arguments, *{HEAVY} & {{*sys.modules}}, sep="|")
    """
    lines = run("python", "-c", code).out.splitlines()

    assert [line for line in lines if line.startswith("IMPORTED")] == [
        "|".join(["IMPORTED", *arguments]) for arguments in commands
    ]


def test_predict_needs_those_of_its_kind(run: Any, manifest: dict[str, Any]) -> None:
    # Otherwise the tests above could not fail.
    code = f"import disaster_tweets; disaster_tweets.predict('cake'){IMPORTED}"
    imported = set(run("python", "-c", code).out.split())

    assert HEAVY & imported == (HEAVY if manifest["kind"] == ENCODER else {"numpy"})


def test_predict_loads_nothing_but_the_dependencies(run: Any, manifest: dict[str, Any]) -> None:
    dependencies = {"click", "importlib_resources", "numpy"}
    if manifest["kind"] == ENCODER:
        dependencies.add("ai_edge_litert.interpreter")
    code = (
        f"import sys, {', '.join(dependencies)}\n"
        "before = set(sys.modules)\n"
        "import disaster_tweets; disaster_tweets.predict('cake')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = {name.partition(".")[0] for name in run("python", "-c", code).out.split()}

    assert "disaster_tweets" in loaded
    # They load parts of themselves at first use.
    allowed = {name.partition(".")[0] for name in dependencies}
    assert loaded <= {"disaster_tweets", *sys.stdlib_module_names, *allowed}


def modules() -> list[Path]:
    files = [file.relative_to(PACKAGE) for file in PACKAGE.rglob("*.py")]
    return sorted(files)


def test_the_modules_are_found() -> None:
    assert {Path("cli/predict.py"), Path("plugins/contract.py"), Path("runtime/litert.py")} <= {
        *modules()
    }


@pytest.mark.parametrize("module", modules(), ids=Path.as_posix)
def test_no_module_imports_pickle_or_the_network(module: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / module).read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}

    # The service listens on a port, and first checks whether it can.
    allowed = {"socket"} if module == Path("web/server.py") else set()
    assert not NEVER & names - allowed
