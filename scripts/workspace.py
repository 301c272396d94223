"""Set up this clone for work (`setup`), say what it lacks (`check`), make all of it (`build`).

Needs only the standard library, as nothing is installed yet. Each can be run at any time; what
is there already is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
WINDOWS = os.name == "nt"
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
STAMP = VENV / "workspace.json"  # what .venv was made from
EXTRAS = "dev,excel,notebook,test,web"
# TensorFlow and the versions in constraints.txt exist for these. The first one found is taken.
TRAINABLE = ("3.12", "3.13", "3.11")
SUPPORTED = (*TRAINABLE, "3.14", "3.10")
KERNEL = "disaster-tweets"
KERNEL_FILE = VENV / "share" / "jupyter" / "kernels" / KERNEL / "kernel.json"
HOOKS = ".githooks"
PIPELINES = ("topic/dvc.yaml", "dvc.yaml")
TRACKED = "data/raw/*.dvc"  # DVC's records of data that no stage makes
COMMAND = f"{'py' if WINDOWS else 'python3'} scripts/workspace.py"
AGAIN = f"run {COMMAND} setup"
RUNTIME = "ai-edge-litert"  # of an encoder; a student needs NumPy alone
# What `build` does not run: tests that need programs or packages beyond .venv.
OUTSIDE = ("copies", "docs", "hosts", "web", "workspace")
# What prints the path and the version of a Python; inside .venv, of the one it was made with.
DESCRIBE = """
import ensurepip, os, platform, sys, venv
python = sys.executable
if sys.prefix != sys.base_prefix:
    name = "python.exe" if os.name == "nt" else "bin/python%d.%d" % sys.version_info[:2]
    python = os.path.join(sys.base_prefix, name)
print(python)
print(platform.python_version())
"""


class WorkspaceError(Exception):
    """The workspace cannot be set up; the message gives the reason and the next step."""


class Interpreter(NamedTuple):
    """A Python that can make a virtual environment."""

    executable: str
    version: str


class Source(NamedTuple):
    """Data that can be fetched: by a stage that downloads it, or from a remote alone.

    Attributes:
        part: What it is called here.
        target: What DVC calls it.
        outputs: The hash of each file, by its path.
        by_stage: A stage downloads it.
    """

    part: str
    target: str
    outputs: dict[str, str]
    by_stage: bool


class Finding(NamedTuple):
    """What is known about one part of the workspace."""

    part: str
    found: str
    lacks: str = ""  # empty: the part is ready


def main() -> int:
    """Run the command that was asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="make .venv, switch the Git hooks on, fetch the data")
    commands.add_parser("check", help="print READY or what is missing, with status 1")
    building = commands.add_parser(
        "build", help="set up, run the pipeline, write the documents, pack the wheel, test it"
    )
    building.add_argument(
        "--this-python", action="store_true", help="use the Python that runs this, not .venv"
    )
    building.add_argument("--no-tests", action="store_true", help="leave the tests out")
    arguments = parser.parse_args()
    try:
        if arguments.command == "build":
            return make_all(
                this_python=arguments.this_python, with_tests=not arguments.no_tests
            )
        return check() if arguments.command == "check" else set_up()
    except WorkspaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        again = AGAIN.replace("setup", arguments.command)
        print(f"interrupted; to finish, {again}", file=sys.stderr)
        return 130


def set_up() -> int:
    """Bring every part of the workspace up to date.

    Data that no source gives is no failure: all but training works without it, and a
    container that fails here would not open.
    """
    prepare()
    check()
    return 0


def prepare() -> None:
    """Make the environment, switch the hooks on, fetch the data."""
    make_environment()
    register_kernel()
    switch_hooks_on()
    fetch_data()


def make_all(*, this_python: bool, with_tests: bool) -> int:
    """Do all that leads from the data to a tested wheel; the first time also a first commit.

    Args:
        this_python: Use the Python that runs this, which has all that is needed, not .venv.
        with_tests: Run the tests, too.
    """
    python = Path(sys.executable) if this_python else PYTHON
    start = time.monotonic()
    first = check_commits()
    if not this_python:
        prepare()
    if first:
        # Names of another length move words into other lines, and imports into another order.
        step("code", python, "ruff", "check", "--quiet", "--fix-only", ".")
        step("code", python, "ruff", "format", "--quiet", ".")
    tracked = [path.relative_to(ROOT).with_suffix("") for path in sorted(ROOT.glob(TRACKED))]
    if there := [path.as_posix() for path in tracked if (ROOT / path).exists()]:
        step("data", python, "dvc", "add", "--quiet", *there)
    step("pipeline", python, "dvc", "repro", "--all-pipelines")
    if require_runtime() and not this_python:
        make_environment()
    step("documents", python, "docs/generate.py")
    step("transcripts", python, "docs/transcripts.py", *pages_with_examples())
    if first:
        commit()
    step("wheel", python, "pipeline.package")
    wheel = max((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    if with_tests:
        step("tests", python, "pytest", "-q", *tests(), TOX_PACKAGE=str(wheel))
    minutes = (time.monotonic() - start) / 60
    say("ready", f"{wheel.relative_to(ROOT)}, in {minutes:.0f} minutes")
    return 0


def check_commits() -> bool:
    """Say whether there is no commit yet; raise WorkspaceError where none can be made."""
    if not in_git():
        raise WorkspaceError("this is no Git clone, or Git is not installed: clone it with Git")
    if run("git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0:
        return False
    if run("git", "-C", str(ROOT), "var", "GIT_COMMITTER_IDENT").returncode:
        raise WorkspaceError(
            "Git does not know who commits: run git config --global user.name NAME, and "
            "git config --global user.email ADDRESS, then try again"
        )
    return True


def step(name: str, python: Path, what: str, *arguments: str, **variables: str) -> None:
    """Run a module or a script, with its messages shown; raise WorkspaceError if it fails."""
    say(name, " ".join([what, *arguments]))
    command = [what] if what.endswith(".py") else ["-m", what]
    environment = with_programs_of(python) | variables
    done = subprocess.run([str(python), *command, *arguments], cwd=ROOT, env=environment)
    if done.returncode:
        raise WorkspaceError(
            f"the step {name} failed; its messages are above. Mend that, then run "
            f"{COMMAND} build"
        )


def require_runtime() -> bool:
    """Let setup.cfg require the runtime of an encoder where one ships, and only there.

    Returns:
        Whether it was changed.
    """
    kind = json.loads((ROOT / "artifacts" / "manifest.json").read_text("utf-8"))["kind"]
    path = ROOT / "setup.cfg"
    text = path.read_text("utf-8")
    required = re.search(r"^install_requires =\n((?:    .*\n)+)", text, re.MULTILINE)
    # The line in it, or else that of an extra, further down.
    line = re.search(rf"^    {RUNTIME}(?![\w.-]).*\n", text, re.MULTILINE)
    if not required or not line or (line[0] in required[1]) == (kind == "encoder"):
        return False  # where it is written otherwise, pipeline.package says what is lacking
    renewed, done = line[0] + required[1], "now requires"
    if line[0] in required[1]:
        renewed, done = required[1].replace(line[0], ""), "no longer requires"
    changed = text[: required.start(1)] + renewed + text[required.end(1) :]
    path.write_text(changed, encoding="utf-8", newline="\n")
    say("requirements", f"{kind} ships: setup.cfg {done} {line[0].strip()}")
    return True


def pages_with_examples() -> list[str]:
    """Return the pages whose examples show what they print: all but those about one host."""
    return [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        if re.search(
            r"^```(console\n\$|pycon\n>>>|text\n)", path.read_text("utf-8"), re.MULTILINE
        )
    ]


def commit() -> None:
    """Make the first commit."""
    say("first commit", "git add --all, git commit")
    for arguments in (("add", "--all"), ("commit", "--quiet", "--message=First model")):
        done = run("git", "-C", str(ROOT), *arguments, environment=with_programs_of(PYTHON))
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            raise WorkspaceError(
                f"git {arguments[0]} failed; its messages are above. Mend that, then run "
                f"{COMMAND} build"
            )


def tests() -> list[str]:
    """Return what pytest runs: all that needs nothing beyond the environment."""
    ignored = [f"--ignore=tests/{name}" for name in OUTSIDE if (ROOT / "tests" / name).exists()]
    return ["tests", "topic/tests", *ignored]


def with_programs_of(python: Path) -> dict[str, str]:
    """Return the environment in which programs beside a Python are found first."""
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def make_environment() -> None:
    """Make .venv, and install the package with its extras there, unless that is done."""
    version = version_of(PYTHON)
    reason = flaw(version)
    if not reason and not trainable(version) and trainable(find_interpreter().version):
        reason = f"Python {version} cannot train"
    if reason:
        version = build(reason)
    if stamp() != fingerprint(version) or not from_sources():
        install(version)


def flaw(version: str) -> str:
    """Return why .venv, whose Python has ``version``, has to be made anew, or ''."""
    if not VENV.exists():
        return "no .venv yet"
    if not version:
        return ".venv does not run"
    if stamp().get("complete") is False:
        return "an earlier set-up was interrupted"
    if stamp().get("root", str(ROOT)) != str(ROOT):
        return "the clone was moved"
    return ""


def build(reason: str) -> str:
    """Make an empty .venv, and return its version of Python."""
    best = find_interpreter()
    say("environment", f"{reason}; making .venv with Python {best.version}")
    done = run(best.executable, "-m", "venv", "--clear", str(VENV))
    if done.returncode:
        raise WorkspaceError(
            f"{VENV}: cannot be made ({last_line(done)}); "
            f"close the programs that use it or delete it, then {AGAIN}"
        )
    return best.version


def install(version: str) -> None:
    """Install the package in place, with what its extras need."""
    wanted, before = fingerprint(version), stamp()
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # What is imported is compiled then; compiling everything more than doubles the work.
    command += ["--no-compile"]
    command += ["--editable", f".[{wanted['extras']}]"]
    if trainable(version):
        command += ["--constraint", "constraints.txt"]
    else:
        say("environment", f"Python {version} cannot train: going on without TensorFlow")
    say("environment", f"installing {wanted['extras']}; the first time takes minutes")
    write_stamp(wanted | {"complete": False})
    start = time.monotonic()
    if subprocess.run([str(PYTHON), *command], cwd=ROOT).returncode:
        # pip failed before it changed anything, or else cleaned up behind itself.
        write_stamp(before)
        raise WorkspaceError(
            f"pip could not install the package (its reasons are above); check the network, "
            f"then {AGAIN}; if it fails again, delete {VENV.name} first"
        )
    write_stamp(wanted)
    say("environment", f"installed in {time.monotonic() - start:.0f} s")


def find_interpreter() -> Interpreter:
    """Return this Python if it can train, else another that can, else a supported one."""
    found = None
    for command in ([sys.executable], *commands_of_pythons()):
        interpreter = probe(command)
        if interpreter and trainable(interpreter.version):
            return interpreter
        if interpreter and minor(interpreter.version) in SUPPORTED:
            found = found or interpreter
    if found:
        return found
    raise WorkspaceError(
        "no Python 3.10 to 3.14 with the modules venv and ensurepip was found; install "
        f"Python 3.12 (on Debian and Ubuntu also the package python3-venv), then {AGAIN}"
    )


def commands_of_pythons() -> Iterator[list[str]]:
    """Yield the commands that may start another Python here, the best first."""
    for version in SUPPORTED:
        if path := shutil.which(f"python{version}"):
            yield [path]
        if WINDOWS and (launcher := shutil.which("py")):
            yield [launcher, f"-{version}"]


def probe(command: list[str]) -> Interpreter | None:
    """Return what a command starts, if that can make a virtual environment with pip."""
    done = run(*command, "-c", DESCRIBE)
    return None if done.returncode else Interpreter(*done.stdout.splitlines())


def version_of(python: Path) -> str:
    """Return the version of a Python that runs and has pip, or ''."""
    done = run(str(python), "-c", "import pip, platform; print(platform.python_version())")
    return "" if done.returncode else done.stdout.strip()


def minor(version: str) -> str:
    """Return the 3.12 of 3.12.1."""
    return ".".join(version.split(".")[:2])


def trainable(version: str) -> bool:
    """Say whether the training environment can be installed for a version of Python."""
    return minor(version) in TRAINABLE


def fingerprint(version: str) -> dict[str, Any]:
    """Return what an up-to-date .venv was made from."""
    sources = b"".join((ROOT / name).read_bytes() for name in ("setup.cfg", "constraints.txt"))
    return {
        "python": version,
        "root": str(ROOT),
        "extras": f"{EXTRAS},train" if trainable(version) else EXTRAS,
        "sources": hashlib.sha256(sources).hexdigest(),
        "complete": True,
    }


def stamp() -> dict[str, Any]:
    """Return what .venv was made from; nothing if this script did not make it."""
    try:
        content: dict[str, Any] = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content


def write_stamp(content: dict[str, Any]) -> None:
    """Record what .venv was made from."""
    STAMP.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def from_sources() -> bool:
    """Say whether .venv imports the package from this clone, and not an installed copy."""
    done = run(str(PYTHON), "-c", "import disaster_tweets; print(disaster_tweets.__file__)")
    return done.returncode == 0 and ROOT / "src" in Path(done.stdout.strip()).parents


def register_kernel() -> None:
    """Let notebooks name the environment as their kernel."""
    if KERNEL_FILE.exists():
        return
    name = ("--name", KERNEL, "--display-name", f"{KERNEL} (.venv)")
    done = run(str(PYTHON), "-m", "ipykernel", "install", "--sys-prefix", *name)
    if done.returncode:
        raise WorkspaceError(f"notebook kernel: {last_line(done)}; delete .venv, then {AGAIN}")
    say("notebook kernel", f"registered {KERNEL}")


def switch_hooks_on() -> None:
    """Let Git run the tracked hooks, also where an editor commits."""
    if not in_git() or hooks_path() == HOOKS:
        return
    done = run("git", "-C", str(ROOT), "config", "core.hooksPath", HOOKS)
    if done.returncode == 0:
        say("Git hooks", f"switched on, from {HOOKS}")


def in_git() -> bool:
    """Say whether this is a Git clone, and there is a Git to ask."""
    return (ROOT / ".git").exists() and shutil.which("git") is not None


def hooks_path() -> str:
    """Return the folder from which Git takes its hooks, or '' for its own."""
    return run("git", "-C", str(ROOT), "config", "core.hooksPath").stdout.strip()


def fetch_data() -> None:
    """Let DVC bring what is missing: from the remote if there is one, else from its source."""
    lacking = [source for source in sources() if missing_outputs(source)]
    remote = dvc_config("core.remote")
    if not remote:
        lacking = [source for source in lacking if source.by_stage]
    if not lacking:
        return
    say("data", f"fetching with DVC: {', '.join(source.part for source in lacking)}")
    if remote:
        dvc("pull", "--quiet", "--allow-missing")
    # Runs no stage whose outputs have come from the remote, or are in the cache.
    stages = [source.target for source in lacking if source.by_stage]
    if stages and dvc("repro", "--quiet", "--single-item", "--keep-going", *stages):
        say("data", "not all could be fetched; the reasons are above")


def dvc(*arguments: str) -> int:
    """Run DVC in the environment, with its messages shown; return its exit status."""
    # The stages that it starts find their Python on the PATH.
    command = [str(PYTHON), "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=ROOT, env=with_programs_of(PYTHON)).returncode


def dvc_config(name: str) -> str:
    """Return a setting of DVC, or ''."""
    return run(str(PYTHON), "-m", "dvc", "config", name).stdout.strip()


def sources() -> list[Source]:
    """Return the data that can be fetched, as far as a trained model was made from it."""
    found = []
    for path in sorted(ROOT.glob(TRACKED)):
        outputs = hashes(path.read_text("utf-8"), str(path.parent.relative_to(ROOT)))
        target = path.relative_to(ROOT).as_posix()
        found.append(Source(path.with_suffix("").name, target, outputs, by_stage=False))
    for name in PIPELINES:
        lock = (ROOT / name).with_suffix(".lock")
        pipeline = (ROOT / name).read_text("utf-8") if (ROOT / name).exists() else ""
        locked = lock.read_text("utf-8") if lock.exists() else ""
        for stage in re.finditer(r"^  download_(\w+):\n(?:(?:    .*)?\n)*", pipeline, re.M):
            block = re.search(
                rf"^  download_{stage[1]}:\n(?:    .*\n)*?    outs:\n((?:    .*\n)*)",
                locked,
                re.M,
            )
            outputs = hashes(block[1] if block else "")
            target = f"{name}:download_{stage[1]}"
            found.append(Source(stage[1], target, outputs, by_stage=True))
    return found


def hashes(record: str, folder: str = "") -> dict[str, str]:
    """Return the hash of each output in a record of DVC, by its path from the root."""
    entries = re.split(r"^ *- ", record, flags=re.MULTILINE)
    fields = [dict(re.findall(r"(\w+): (.+)", entry)) for entry in entries]
    return {
        Path(folder, of["path"]).as_posix(): of["md5"]
        for of in fields
        if {"path", "md5"} <= of.keys()
    }


def missing_outputs(source: Source) -> list[str]:
    """Return the files that are absent, or other than DVC has recorded."""
    return [path for path, md5 in source.outputs.items() if md5_of(ROOT / path) != md5]


def md5_of_folder(folder: Path) -> str:
    """Return the hash by which DVC knows a folder: that of a list of its files."""
    files = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    entries = [{"md5": md5_of(folder / name), "relpath": name} for name in sorted(files)]
    digest = hashlib.md5(json.dumps(entries).encode(), usedforsecurity=False)
    return f"{digest.hexdigest()}.dir"


def md5_of(path: Path) -> str | None:
    """Return the hash by which DVC knows a file or a folder; None if it cannot be read."""
    if path.is_dir():
        return md5_of_folder(path)
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()


def check() -> int:
    """Print each part of the workspace with what it lacks; return 1 if anything does."""
    probes = [check_environment]
    if PYTHON.exists():
        probes += [check_package, check_kernel, check_artifacts]
    probes += [check_hooks, check_data]
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda probe: list(probe()), probes)
        findings = [finding for result in results for finding in result]
    for finding in findings:
        state = "missing" if finding.lacks else "ok"
        print(f"{state:9}{finding.part:17}{finding.lacks or finding.found}")
    missing = {finding.part for finding in findings if finding.lacks}
    if not missing:
        print("\nREADY")
    elif missing <= {"training", *(source.part for source in sources())}:
        print("\nNOT READY to train; all else works (docs/pipeline.md: what training needs)")
    else:
        print("\nNOT READY")
    return int(bool(missing))


def check_environment() -> Iterator[Finding]:
    """Compare .venv with what setup would make."""
    version = version_of(PYTHON)
    reason = flaw(version)
    if not reason and stamp() != fingerprint(version):
        reason = "not what setup.cfg and constraints.txt ask for"
    yield Finding(
        "environment", f".venv with Python {version}", reason and f"{reason}: {AGAIN}"
    )
    if not reason and not trainable(version):
        lacks = f"not with Python {version}: install Python 3.12, then {AGAIN}"
        yield Finding("training", "", lacks)


def check_package() -> Iterator[Finding]:
    """Score a text."""
    if not (ROOT / "artifacts" / "manifest.json").exists():
        yield Finding("package", "", f"no model yet: run {COMMAND} build")
        return
    source = (
        "import disaster_tweets; from disaster_tweets.topic import EXAMPLES; "
        "print(disaster_tweets.predict(EXAMPLES[0]))"
    )
    done = run(str(PYTHON), "-c", source)
    lacks = ""
    if done.returncode:
        lacks = f"does not predict ({last_line(done)}): {AGAIN}"
    elif not from_sources():
        lacks = f"a copy is installed, not these sources: {AGAIN}"
    yield Finding("package", f"predicts: {done.stdout.strip()}", lacks)


def check_kernel() -> Iterator[Finding]:
    """Look for the notebook kernel."""
    yield Finding("notebook kernel", KERNEL, "" if KERNEL_FILE.exists() else f"none: {AGAIN}")


def check_artifacts() -> Iterator[Finding]:
    """Ask DVC, as the hook and the tests do."""
    done = run(str(PYTHON), str(ROOT / ".ci" / "check_artifacts.py"))
    lacks = last_line(done) if done.returncode else ""
    yield Finding("artifacts", "made from these sources", lacks)


def check_hooks() -> Iterator[Finding]:
    """Ask Git where it takes its hooks from."""
    lacks = ""
    if not in_git():
        lacks = "this is no Git clone, or Git is not installed: clone the repository with Git"
    elif hooks_path() != HOOKS:
        lacks = f"switched off: {AGAIN}"
    elif not os.access(ROOT / HOOKS / "pre-commit", os.X_OK):
        lacks = f"not executable: run chmod +x {HOOKS}/pre-commit"
    yield Finding("Git hooks", HOOKS, lacks)


def check_data() -> Iterator[Finding]:
    """Compare what was fetched with what DVC has recorded."""
    for source in sources():
        missing = missing_outputs(source)
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        step = AGAIN if source.by_stage else "put it there, or name a remote of DVC that has it"
        lacks = f"{missing[0]}{more}: {step}" if missing else ""
        yield Finding(source.part, "as DVC has recorded", lacks)


def run(
    *command: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program quietly; one that cannot be started counts as failed."""
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line in which a failed program says why."""
    return ((done.stderr or done.stdout).strip() or "it gives no reason").splitlines()[-1]


def say(part: str, text: str) -> None:
    """Tell what is being done, before programs write their own lines."""
    print(f"{part}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
