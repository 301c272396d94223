"""Build the wheel and the sdist into dist/, after bringing the pipeline up to date.

This module is not a stage of the pipeline. The same commit gives the same bytes: files have
fixed modes, and every time in the archives is that of the commit.
"""

from __future__ import annotations

import configparser
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

from disaster_tweets import manifest
from disaster_tweets.runtime import ENCODER
from disaster_tweets.topic import LABELS
from pipeline.project import ARTIFACTS, PipelineError, run_stage

DIST = Path("dist")
SOURCES = Path("src/disaster_tweets")
SETUP = Path("setup.cfg")
RUNTIME = "ai-edge-litert"  # runs an encoder; a student needs only NumPy
REPRO = ("-m", "dvc", "repro", "--all-pipelines")


def main() -> None:
    if not up_to_date():
        run(*REPRO)
    path = ARTIFACTS / manifest.NAME
    described = manifest.parse(path.read_bytes(), str(path))
    check_labels(described["labels"])
    check_requirements(described["kind"])
    environment = os.environ | {"SOURCE_DATE_EPOCH": commit_time()}
    with tempfile.TemporaryDirectory() as folder:
        tree, built = Path(folder, "tree"), Path(folder, "built")
        tracked = stage(tree)
        run(
            *("-m", "build", "--quiet", "--no-isolation", "--outdir", str(built), str(tree)),
            environment=environment,
        )
        (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
        check_wheel(wheel, tracked)
        normalize_sdist(sdist, int(environment["SOURCE_DATE_EPOCH"]))
        DIST.mkdir(exist_ok=True)
        for archive in (wheel, sdist):
            shutil.copy(archive, DIST)
    for path in (*sorted(ARTIFACTS.glob("*.*")), DIST / wheel.name, DIST / sdist.name):
        content = path.read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>10,}  {path}")


def up_to_date() -> bool:
    """Return whether the artifacts belong to the sources, parameters and data in dvc.lock.

    The raw data may be missing, as in a fresh clone.
    """
    command = [sys.executable, *REPRO, "--allow-missing", "--dry"]
    done = subprocess.run(command, capture_output=True, text=True)
    # DVC's exit status is 0 even if stages would run.
    return done.returncode == 0 and "Data and pipelines are up to date." in done.stdout


def check_labels(labels: list[str]) -> None:
    """Raise PipelineError unless the model and the topic have the same labels."""
    if labels != list(LABELS):
        raise PipelineError(
            f"{ARTIFACTS / manifest.NAME}: its labels are {', '.join(labels)}, but those of "
            f"{SOURCES / 'topic.py'} are {', '.join(LABELS)}; name the same labels in the same "
            "order in topic.py and in prepare.labels of params.yaml"
        )


def check_requirements(kind: str) -> None:
    """Raise PipelineError unless the requirements in setup.cfg fit the model that ships.

    An encoder cannot predict without LiteRT. A student must not make users install LiteRT.
    """
    setup = read_setup()
    required = requirements_on_runtime(setup["options"]["install_requires"])
    if kind == ENCODER and not required:
        of_training = requirements_on_runtime(setup["options.extras_require"]["train"])
        raise PipelineError(
            f"{SETUP}: the model that ships is an encoder, which {RUNTIME} runs; add the line "
            f"{of_training[0]!r} to install_requires"
        )
    if kind != ENCODER and required:
        raise PipelineError(
            f"{SETUP}: the model that ships is a student, which NumPy runs; remove the line "
            f"{required[0]!r} from install_requires"
        )


def requirements_on_runtime(lines: str) -> list[str]:
    """Return the requirements, one per line, that name the runtime of an encoder."""
    return re.findall(rf"^{RUNTIME}(?![\w.-]).*$", lines, re.MULTILINE)


def read_setup() -> configparser.ConfigParser:
    """Return the content of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(SETUP, "utf-8")
    return setup


def run(*arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run a module with this Python, and put this Python first on the PATH of its stages."""
    environment = dict(environment or os.environ)
    here = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([here, environment.get("PATH", os.defpath)])
    if subprocess.run([sys.executable, *arguments], env=environment).returncode:
        raise PipelineError(f"{' '.join(arguments[1:3])} failed; its messages are above")


def commit_time() -> str:
    """Return SOURCE_DATE_EPOCH if it is set, else the time of the last commit."""
    return os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct").strip()


def stage(tree: Path) -> list[Path]:
    """Copy the files that Git would commit to ``tree``, with fixed modes; return the paths."""
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    tracked = [Path(name) for name in sorted(filter(None, listed.split("\0")))]
    present = [path for path in dict.fromkeys(tracked) if path.is_file()]
    for path in present:
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    for directory in [tree, *tree.rglob("*/")]:
        if directory.is_dir():
            directory.chmod(0o755)
    return present


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PipelineError(
            "the package is built from a Git clone, but git failed in this folder; "
            "clone the repository and run again"
        ) from error
    return done.stdout


def check_wheel(wheel: Path, tracked: list[Path]) -> None:
    """Raise PipelineError unless the wheel holds the whole package and nothing else.

    Args:
        wheel: The built file.
        tracked: The paths of the sources, relative to the root of the repository.
    """
    artifacts = read_setup()["options.package_data"]["disaster_tweets.artifacts"].split()
    expected = {"disaster_tweets/artifacts/__init__.py"}
    expected |= {f"disaster_tweets/artifacts/{name}" for name in artifacts}
    expected |= {
        path.relative_to(SOURCES.parent).as_posix()
        for path in tracked
        if path.is_relative_to(SOURCES)
    }
    with zipfile.ZipFile(wheel) as archive:
        members = {name for name in archive.namelist() if ".dist-info/" not in name}
        for problem, names in (
            ("lacks", expected - members),
            ("must not hold", members - expected),
        ):
            if names:
                raise PipelineError(f"{wheel.name}: {problem} {', '.join(sorted(names))}")
        described = manifest.parse(archive.read("disaster_tweets/artifacts/manifest.json"))
        for name, entry in described["artifacts"].items():
            content = archive.read(f"disaster_tweets/artifacts/{name}")
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise PipelineError(
                    f"{wheel.name}: {name} is not the file that the manifest describes; run "
                    "dvc repro --all-pipelines"
                )


def normalize_sdist(sdist: Path, time: int) -> None:
    """Rewrite the sdist with fixed times, owners and order; setuptools does not fix them."""
    content = BytesIO()
    with (
        tarfile.open(sdist) as source,
        tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            member.mtime = time
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.pax_headers = {}
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
    with sdist.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=time) as packed:
        packed.write(content.getvalue())


if __name__ == "__main__":
    run_stage(main)
