"""Set up this clone (`setup`), list what it lacks (`check`), make everything (`build`).

The script needs only the standard library, because nothing is installed yet. It uses uv, if uv
is installed. Each command can be run at any time, and skips the parts that are ready.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WINDOWS = os.name == "nt"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
KERNEL = "disaster-tweets"
KERNEL_FILE = VENV / "share" / "jupyter" / "kernels" / KERNEL / "kernel.json"
STAMP = VENV / "workspace.sha256"  # the hash in `sources`; written when everything is installed
THIS = "{}.{}".format(*sys.version_info)
# The Python versions that TensorFlow and constraints.txt support.
TRAINABLE = ("3.11", "3.12", "3.13")
HOOKS = ".githooks"
MIRROR = "DISASTER_TWEETS_MIRROR"  # as in pipeline/fetch.py
TIMEOUT = 10.0  # seconds, for the answer of the hub or of a mirror
TRACKED = "data/raw/*.dvc"  # DVC's records of data that no stage makes
COMMAND = f"{'py' if WINDOWS else 'python3'} scripts/workspace.py"
AGAIN = f"run {COMMAND} setup"
ANEW = f"delete .venv, then {AGAIN}"
WITH_ANOTHER = f"run {'py -3.12' if WINDOWS else 'python3.12'} scripts/workspace.py"
NO_GIT = "this is no Git clone, or Git is not installed: clone the repository with Git"
RUNTIME = "ai-edge-litert"  # of an encoder; a student needs only NumPy
# Tests that `build` does not run: they need programs or packages beyond .venv.
OUTSIDE = ("copies", "docs", "hosts", "web", "workspace")
# A program that scores a text with these sources.
PREDICT = """
import disaster_tweets, sys
from disaster_tweets.topic import EXAMPLES
if not disaster_tweets.__file__.startswith(sys.argv[1]):
    sys.exit(f"{disaster_tweets.__file__} is imported, not these sources")
print(disaster_tweets.predict(EXAMPLES[0]))
"""


class WorkspaceError(Exception):
    """The workspace cannot be set up; the message gives the reason and the next step."""


def main() -> int:
    """Run the command in the arguments; return the exit status."""
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
        if arguments.command == "check":
            return check()
        if arguments.command == "build":
            build(this_python=arguments.this_python, with_tests=not arguments.no_tests)
        else:
            set_up()
            # Data that no source gives are no failure: all but training works without them,
            # and a container that fails here would not open.
            check()
    except WorkspaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; to finish, run {COMMAND} {arguments.command}", file=sys.stderr)
        return 130
    return 0


def set_up() -> None:
    """Make the environment, switch the Git hooks on and fetch the data."""
    make_environment()
    # Not `pre-commit install`: its hook finds the tools only in an active environment. Editors
    # commit without one.
    if in_git() and hooks_path() != HOOKS:
        run("git", "config", "core.hooksPath", HOOKS)
        say("Git hooks", f"switched on, from {HOOKS}")
    fetch_data()


def make_environment() -> None:
    """Make .venv with the package, its extras and the notebook kernel, unless it is ready."""
    uv = shutil.which("uv")
    version = environment_version()
    if not version:
        if sys.version_info < (3, 10) and not uv:
            raise WorkspaceError(f"this is Python {THIS}: {WITH_ANOTHER} setup")
        say("environment", f"making .venv with {'uv' if uv else f'Python {THIS}'}")
        command = [sys.executable, "-m", "venv"]
        if uv:  # if this Python cannot train, uv finds or fetches one that can
            python = sys.executable if THIS in TRAINABLE else TRAINABLE[1]
            command = [uv, "venv", "--quiet", "--seed", "--python", python]
        if subprocess.run([*command, "--clear", str(VENV)]).returncode:
            raise WorkspaceError(
                ".venv cannot be made (the reasons are above): close the programs that use it, "
                f"on Debian and Ubuntu install python3-venv, then {AGAIN}"
            )
        version = environment_version()
    if not flaw(version):
        return
    extras, constraint = "dev,excel,notebook,test,web", []
    if version in TRAINABLE:
        extras, constraint = f"{extras},train", ["--constraint", "constraints.txt"]
    silent = "" if uv else ", in which pip prints nothing"
    say("environment", f"installing {extras}; the first time takes minutes{silent}")
    start = time.monotonic()
    # Python compiles a module at its first import. Compiling all modules here would more than
    # double the time.
    installers = [[str(PYTHON), "-m", "pip", "install", "--no-compile"]]
    if uv:  # uv is faster than pip, but ignores pip's settings, such as the address of a mirror
        installers.insert(0, [uv, "pip", "install", "--python", str(PYTHON)])
    wanted = ["--quiet", "--editable", f".[{extras}]", *constraint]
    STAMP.unlink(missing_ok=True)
    kernel = ("--name", KERNEL, "--display-name", f"{KERNEL} (.venv)")
    installed = any(
        subprocess.run([*installer, *wanted], cwd=ROOT).returncode == 0
        for installer in installers
    )
    if (
        not installed
        or run(PYTHON, "-m", "ipykernel", "install", "--sys-prefix", *kernel).returncode
    ):
        raise WorkspaceError(
            "pip could not install the package (its reasons are above); check the network, "
            f"then {AGAIN}; if it fails again, delete .venv first"
        )
    STAMP.write_text(sources(), "utf-8")
    say("environment", f"installed in {time.monotonic() - start:.0f} s")


def environment_version() -> str:
    """Return the version of the Python in .venv, such as 3.12; '' if it lacks pip or fails."""
    done = run(PYTHON, "-c", "import pip, sys; print('{}.{}'.format(*sys.version_info))")
    return "" if done.returncode else done.stdout.strip()


def flaw(version: str) -> str:
    """Return the difference of .venv, with Python ``version``, from setup's result, or ''."""
    if not version:
        return ".venv does not run" if VENV.exists() else "no .venv yet"
    if not STAMP.exists():
        return "not all is installed"
    if STAMP.read_text("utf-8") != sources():
        return "not what setup.cfg and constraints.txt ask for"
    return "" if KERNEL_FILE.exists() else "without the notebook kernel"


def sources() -> str:
    """Return the hash of the files that name the packages in .venv."""
    content = b"".join((ROOT / name).read_bytes() for name in ("setup.cfg", "constraints.txt"))
    return hashlib.sha256(content).hexdigest()


def in_git() -> bool:
    """Return whether this is a Git clone and Git is installed."""
    return (ROOT / ".git").exists() and shutil.which("git") is not None


def hooks_path() -> str:
    """Return the configured folder of the Git hooks, or '' for Git's default."""
    return run("git", "config", "core.hooksPath").stdout.strip()


def fetch_data() -> None:
    """Let DVC fetch missing data: from the remote if there is one, else from the source."""
    missing = dvc_status()[1]
    remote = missing and run(PYTHON, "-m", "dvc", "config", "core.remote").stdout.strip()
    stages = [target for target in missing if not target.endswith(".dvc")]
    if not stages and not remote:
        return
    say("data", f"fetching with DVC: {', '.join(missing if remote else stages)}")
    if remote:
        show(PYTHON, "dvc", "pull", "--quiet", "--allow-missing")
    # DVC skips stages whose outputs have come from the remote or are in the cache.
    options = ("--quiet", "--single-item", "--keep-going")
    if stages and show(PYTHON, "dvc", "repro", *options, *stages):
        say("data", "not all could be fetched; the reasons are above")


def dvc_status() -> tuple[list[str], dict[str, list[str]]]:
    """Ask DVC for differences from its records.

    Returns:
        The stages that would run even if no data were missing; and the external data that are
        absent or changed, by the stage that downloads them or the file that records them.
    """
    done = run(PYTHON, "-m", "dvc", "status", "--json")
    if done.returncode:
        raise WorkspaceError(f"dvc status failed ({last_line(done)}): mend that, then {AGAIN}")
    stale, missing = set(), {}
    for target, changes in json.loads(done.stdout).items():
        for change in changes:
            # A change without paths is a text, such as "changed command".
            kinds = change if isinstance(change, dict) else {change: {target: "changed"}}
            for kind, states in kinds.items():
                if set(map(str, states.values())) - {"deleted", "not in cache"}:
                    stale.add(target)
                if kind == "changed outs" and re.search(r"(^|:)download_|\.dvc$", target):
                    missing[target] = [
                        path
                        for path, state in states.items()
                        # A file that is there need not be in DVC's cache.
                        if state != "not in cache" or not (ROOT / path).exists()
                    ]
    return sorted(stale), {target: paths for target, paths in missing.items() if paths}


def check() -> int:
    """Print each part of the workspace with its problem; return 1 if there is any."""
    missing = set()
    for part, found, lacks in findings():
        print(f"{'missing' if lacks else 'ok':9}{part:17}{lacks or found}", flush=True)
        if lacks:
            missing.add(part)
    if not missing:
        print("\nREADY")
    elif missing <= {"training", "data"}:
        print("\nNOT READY to train; all else works (docs/pipeline.md: what training needs)")
    else:
        print("\nNOT READY")
    return int(bool(missing))


def findings() -> Iterator[tuple[str, str, str]]:
    """Yield the name, the state and the problem of each part; the problem may be ''."""
    version = environment_version()
    reason = flaw(version)
    yield "environment", f".venv with Python {version}", reason and f"{reason}: {AGAIN}"
    if version and version not in TRAINABLE:
        yield (
            "training",
            "",
            f"not with Python {version}: delete .venv, then {WITH_ANOTHER} setup",
        )
    if version:
        done = run(PYTHON, "-c", PREDICT, ROOT / "src")
        lacks = f"{last_line(done)}: {AGAIN if reason else ANEW}" if done.returncode else ""
        if not (ROOT / "artifacts" / "manifest.json").exists():
            lacks = f"no model yet: run {COMMAND} build"
        yield "package", f"predicts: {done.stdout.strip()}", lacks
        yield "notebook kernel", KERNEL, "" if KERNEL_FILE.exists() else f"none: {AGAIN}"
    off = f"switched off: {AGAIN}" if hooks_path() != HOOKS else ""
    yield "Git hooks", HOOKS, off if in_git() else NO_GIT
    if version:
        try:
            stale, missing = dvc_status()
        except WorkspaceError as error:
            yield "artifacts", "", str(error)
            return
        lacks = f"{', '.join(stale)} changed: run dvc repro --all-pipelines in .venv"
        yield "artifacts", "made from these sources", lacks if stale else ""
        if not missing:
            yield "data", "as DVC has recorded", ""
        for target, paths in missing.items():
            more = f" and {len(paths) - 1} more" if paths[1:] else ""
            put = "put it there, or name a remote of DVC that has it"
            yield "data", "", f"{paths[0]}{more}: {put if target.endswith('.dvc') else AGAIN}"


def check_python(version: str) -> None:
    """Refuse to build in an environment whose Python cannot train.

    Args:
        version: The version of the Python in .venv, or '' if there is none.

    Raises:
        WorkspaceError: .venv has such a Python, or would get it. With uv, a new .venv gets
            another one.
    """
    if version in TRAINABLE or (not version and (THIS in TRAINABLE or shutil.which("uv"))):
        return
    where = f".venv has Python {version}" if version else f"this is Python {THIS}"
    delete = "delete .venv, then " if version else ""
    first, *_, last = TRAINABLE
    raise WorkspaceError(
        f"{where}, and training needs {first} to {last}: {delete}{WITH_ANOTHER} build"
    )


def build(*, this_python: bool, with_tests: bool) -> None:
    """Make a tested wheel from the data; in a new repository, also make the first commit.

    Args:
        this_python: Use the Python that runs this script, not .venv. It must have all
            requirements.
        with_tests: Also run the tests.
    """
    python = Path(sys.executable) if this_python else PYTHON
    start = time.monotonic()
    if not in_git():
        raise WorkspaceError(NO_GIT)
    first = run("git", "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0
    if first and run("git", "var", "GIT_COMMITTER_IDENT").returncode:
        raise WorkspaceError(
            "Git does not know who commits: run git config --global user.name NAME, and "
            "git config --global user.email ADDRESS, then try again"
        )
    if not this_python:
        version = environment_version()
        check_python(version)
        if first and flaw(version):
            # A clone may have the encoder from a remote of DVC, and a new repository has none.
            check_encoder()
        set_up()
    if first:
        # A copy has names of other lengths, which move line breaks and the order of imports.
        step("code", python, "ruff", "check", "--quiet", "--fix-only", ".")
        step("code", python, "ruff", "format", "--quiet", ".")
    tracked = [path.with_suffix("") for path in sorted(ROOT.glob(TRACKED))]
    if there := [path.relative_to(ROOT).as_posix() for path in tracked if path.exists()]:
        step("data", python, "dvc", "add", "--quiet", *there)
    say("pipeline", "trains two models; a stage may print nothing for minutes")
    say("pipeline", "TensorFlow's messages on CUDA are no errors: no GPU is needed")
    step("pipeline", python, "dvc", "repro", "--all-pipelines")
    if require_runtime() and not this_python:
        make_environment()
    step("documents", python, "docs/generate.py")
    # A page without examples does not change.
    pages = [
        "README.md",
        *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
    ]
    say("transcripts", f"runs the examples of {len(pages)} pages, which takes minutes")
    step("transcripts", python, "docs/transcripts.py", *pages)
    if first:
        say("first commit", "the Git hooks check all files, if they are on")
        step("first commit", python, "git", "add", "--all")
        step("first commit", python, "git", "commit", "--quiet", "--message=First model")
    step("wheel", python, "pipeline.package")
    wheel = max((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    if with_tests:
        say("tests", "take minutes")
        tests = ["tests", "topic/tests", *(f"--ignore=tests/{name}" for name in OUTSIDE)]
        step("tests", python, "pytest", "-q", *tests, TOX_PACKAGE=str(wheel))
    minutes = (time.monotonic() - start) / 60
    say("ready", f"{wheel.relative_to(ROOT)}, in {minutes:.0f} minutes")


def check_encoder() -> None:
    """Raise WorkspaceError if the encoder cannot be had, before minutes of installing.

    The pipeline itself needs packages for the download, and verifies the files.
    """
    parameters = (ROOT / "params.yaml").read_text("utf-8")
    section = re.search(r"^download_backbone:\n((?:[ #].*\n)+)", parameters, re.MULTILINE)
    values = dict(re.findall(r"^ +([\w.-]+): *(\S+)$", section[1] if section else "", re.M))
    if not {"repository", "revision"} <= values.keys():
        return  # the file has another form, and the pipeline will say what is wrong
    repository, revision = values["repository"], values["revision"]
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    mirror = (os.environ.get(MIRROR) or "").rstrip("/")
    for name, value in values.items():
        algorithm, _, digest = value.partition(":")
        if not digest or has_digest(ROOT / "data/backbone" / name, algorithm, digest):
            continue
        wanted = f"{repository.rpartition('/')[2]}/{name}"
        source = (
            f"{mirror}/{wanted}" if mirror else f"{hub}/{repository}/resolve/{revision}/{name}"
        )
        if "://" in source:
            problem = unanswered(source)
        else:
            path = ROOT / Path(source).expanduser()
            right = has_digest(path, algorithm, digest)
            problem = "" if right else "is another file" if path.is_file() else "is not there"
        if problem:
            raise WorkspaceError(
                f"{source}: {problem}; set {MIRROR} to a folder or URL that holds the right "
                f"{wanted}, then run {COMMAND} build; nothing was installed"
            )


def has_digest(path: Path, algorithm: str, digest: str) -> bool:
    """Return whether a file is there and has a hash."""
    return path.is_file() and hashlib.new(algorithm, path.read_bytes()).hexdigest() == digest


def unanswered(url: str) -> str:
    """Return the reason why a URL cannot be read, or ''."""
    try:
        urllib.request.urlopen(url, timeout=TIMEOUT).close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(error, urllib.error.HTTPError):
            return f"HTTP status {error.code} {reason}"
        # The certificates of the packages for the download may be others than Python's.
        return "" if isinstance(reason, ssl.SSLError) else str(reason)
    return ""


def step(name: str, python: Path, what: str, *arguments: str, **variables: str) -> None:
    """Print and run a command; raise WorkspaceError if it fails."""
    say(name, " ".join([what, *arguments]))
    if show(python, what, *arguments, **variables):
        raise WorkspaceError(
            f"the step {name} failed; its messages are above. Mend that, then run "
            f"{COMMAND} build"
        )


def require_runtime() -> bool:
    """Let setup.cfg require the runtime of an encoder if and only if an encoder ships.

    Returns:
        Whether setup.cfg was changed.
    """
    kind = json.loads((ROOT / "artifacts" / "manifest.json").read_text("utf-8"))["kind"]
    path = ROOT / "setup.cfg"
    text = path.read_text("utf-8")
    required = re.search(r"^install_requires =\n((?:    .*\n)+)", text, re.MULTILINE)
    # The line among the requirements, or else that of an extra, further down.
    line = re.search(rf"^    {RUNTIME}(?![\w.-]).*\n", text, re.MULTILINE)
    if not required or not line or (line[0] in required[1]) == (kind == "encoder"):
        return False  # if the line has another form, pipeline.package reports the problem
    renewed = line[0] + required[1] if kind == "encoder" else required[1].replace(line[0], "")
    changed = text[: required.start(1)] + renewed + text[required.end(1) :]
    path.write_text(changed, encoding="utf-8", newline="\n")
    done = "now" if kind == "encoder" else "no longer"
    say("requirements", f"{kind} ships: setup.cfg {done} requires {line[0].strip()}")
    return True


def show(python: Path, what: str, *arguments: str, **variables: str) -> int:
    """Run Git, a script or a module, and show its messages; return the exit status."""
    program = [what] if what.endswith(".py") else ["-m", what]
    command = [what] if what == "git" else [str(python), *program]
    # Its child processes, such as a DVC stage or a hook, must find the programs beside Python.
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, **variables}
    return subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program and capture its output. If it cannot be started, it counts as failed."""
    try:
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of a failed program's output, which usually gives the reason."""
    return ((done.stderr or done.stdout).strip() or "it gives no reason").splitlines()[-1]


def say(part: str, text: str) -> None:
    """Print a line at once, before programs write their own lines."""
    print(f"{part}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
