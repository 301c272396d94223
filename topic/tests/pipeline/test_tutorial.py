"""The commands of docs/model/tutorial.md, which run in order and print what the page shows.

The steps before the pipeline run in a copy of the files that a clone of this repository would
have, with its model. The pipeline runs on made-up tweets. Its numbers differ from those of the
page, but all other output is the same.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from pipeline import package
from tests.conftest import ROOT, free_port, load_script
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the examples are for a POSIX shell"
)

PAGE = (ROOT / "docs" / "model" / "tutorial.md").read_text("utf-8")
WORKSPACE = ROOT / "scripts" / "workspace.py"
SECTIONS = re.split(r"^(?=## )", PAGE, flags=re.MULTILINE)
PORT = "5000"  # the port that the page shows
SECONDS = 60  # the time that a server has to stop

SHOWN_ONLY = re.compile(r"(<!-- shown only: (.*) -->\n```)console\n\$ (.*)\n((?:.*\n)*?)```\n")
UNTIL_CTRL_C = re.compile(r"<!-- until Ctrl-C -->\n```console\n\$ (.*)\n((?:.*\n)+?)\^C\n```\n")
LOG_ENTRY = re.compile(r'"(time|seconds|response_bytes|process)": [^,}]+')
EPOCHS = re.compile(r"(?:(Epoch .*\n.*\n))+")
# The kind of model that ships, in the output of export and evaluate.
SHIPS = re.compile(r"^(?:student|encoder)(?= ships$)| \(ships\)", re.MULTILINE)
VALIDATION = re.compile(r" - val_accuracy: [\d.]+ - val_loss: [\d.]+")
PREDICTED = re.compile(r"\t(?:not_)?disaster\t")
HASH = re.compile(r"\b[0-9a-f]{64}\b")
DURATION = re.compile(r"\b\d+m?s\b")
NUMBER = re.compile(r"(?<![\w.-])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")

Renew = Callable[[str, Path], str]


def titled(*numbers: int) -> list[str]:
    """Return the sections of the page with these numbers."""
    found = [section for section in SECTIONS if section.startswith("## ")]
    return [found[number - 1] for number in numbers]


def without_ends(text: str) -> str:
    """Return a text without spaces at the ends of lines. Editors remove these spaces."""
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def without_numbers(text: str) -> str:
    """Return a section without the parts that depend on the model, such as numbers."""
    # The made-up project has a calibration split, so Keras also prints measures of that split.
    text = VALIDATION.sub("", SHIPS.sub("", EPOCHS.sub(r"\1", text)))
    replaced = {HASH: "HASH", DURATION: "TIME", NUMBER: "NUMBER", PREDICTED: "\tLABEL\t"}
    for pattern, name in replaced.items():
        text = pattern.sub(name, text)
    return re.sub(r" +", " ", without_ends(text))


@pytest.fixture(scope="module")
def transcripts() -> ModuleType:
    """The module docs/transcripts.py, which runs the examples of a page."""
    return load_script(ROOT / "docs" / "transcripts.py")


@pytest.fixture
def renew(transcripts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renew:
    """Return a section with the output of its examples in a folder, and a new TMPDIR."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))

    def renew(section: str, folder: Path) -> str:
        first = f"```console\n$ cd {shlex.quote(str(folder))}\n```\n"
        shown = SHOWN_ONLY.sub(lambda match: match[0].replace("console", "text", 1), section)
        new: str = transcripts.renewed(first + shown)
        return new.removeprefix(first).replace("```text", "```console")

    return renew


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that a new clone would have if all changes were committed."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout")
    folder = tmp_path / "checkout"
    monkeypatch.chdir(ROOT)
    package.stage(folder)
    monkeypatch.delenv("DISASTER_TWEETS_MIRROR", raising=False)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@pytest.fixture
def clone(built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A new clone of the made-up project, in an environment in which it can predict."""
    built.git("clone", "--quiet", str(built.folder), str(tmp_path / "clone"))
    project = Project(tmp_path / "clone", Path(built.environment["DISASTER_TWEETS_MIRROR"]))
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    return project


def runtime_dependencies(folder: Path) -> Path:
    """Link the packages that the wheel requires into a folder: the test needs no network."""
    folder.mkdir()
    names, done = ["disaster-tweets-model"], set()
    while names:
        found = distribution(names.pop())
        if found.name in done:
            continue
        done.add(found.name)
        required = [Requirement(line) for line in found.requires or []]
        names += [r.name for r in required if not r.marker or r.marker.evaluate({"extra": ""})]
        if len(done) > 1:  # the page itself installs the wheel
            for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
                (folder / top).symlink_to(found.locate_file(top))
    return folder


def test_every_example_is_one_that_runs_or_says_why_not() -> None:
    fences = re.findall(r"^```(.*)\n(.*)", PAGE, re.MULTILINE)[::2]
    assert len(fences) > 15
    for language, first in fences:
        assert language == "console"
        assert first.startswith("$ ")
    assert {command: reason for _, reason, command, _ in SHOWN_ONLY.findall(PAGE)} == {
        "python3 scripts/workspace.py setup": "it installs from the network; "
        "tests/workspace runs it",
        "python3 scripts/workspace.py check": "it describes .venv; tests/workspace runs it",
        ". .venv/bin/activate": "tests run in an environment of their own",
    }
    assert PAGE.count("<!-- shown only: ") == 3
    assert [command for command, _ in UNTIL_CTRL_C.findall(PAGE)] == ["disaster-tweets serve"]
    assert [section[:5] for section in SECTIONS[1:-1]] == [f"## {n}." for n in range(1, 10)]


def test_the_set_up_is_that_of_the_container() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    shown = {command: printed for _, _, command, printed in SHOWN_ONLY.findall(PAGE)}
    assert container["updateContentCommand"] in shown
    assert container["postAttachCommand"] in shown

    source = WORKSPACE.read_text("utf-8")
    report = shown[container["postAttachCommand"]]
    assert report.endswith("\nREADY\n")
    parts = re.findall(r"^ok {7}(\S+(?: \S+)*?)(?:  |$)", report, re.MULTILINE)
    assert len(parts) == len(report.splitlines()) - 2
    for part in parts:
        assert f'"{part}"' in source


def test_the_steps_before_the_pipeline_print_what_the_page_shows(
    renew: Renew, transcripts: ModuleType, checkout: Path
) -> None:
    pytest.importorskip("nbclient", reason="needs the extra notebook")
    for section in titled(1, 2, 3, 5):
        new = renew(section, checkout)
        assert transcripts.nearly_equal(without_ends(section), without_ends(new)), new


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl")
def test_the_page_is_served_until_ctrl_c(
    renew: Renew, transcripts: ModuleType, checkout: Path
) -> None:
    pytest.importorskip("granian", reason="needs the extra web")
    (section,) = titled(4)
    command, shown = UNTIL_CTRL_C.search(section).groups()
    port = str(free_port())
    program, *arguments = shlex.split(command)
    server = subprocess.Popen(
        [Path(sysconfig.get_path("scripts"), program), *arguments, "--port", port],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=checkout,
        text=True,
    )
    try:
        printed = server.stdout.readline()
        assert printed == shown.splitlines(keepends=True)[0].replace(PORT, port)
        examples = UNTIL_CTRL_C.sub("", section)
        new = renew(examples.replace(PORT, port), checkout)
    finally:
        server.send_signal(signal.SIGINT)
        try:
            printed += server.communicate(timeout=SECONDS)[0]
        finally:
            server.kill()
    assert transcripts.nearly_equal(examples, new.replace(port, PORT)), new
    assert LOG_ENTRY.sub(r"\1", printed.replace(port, PORT)) == LOG_ENTRY.sub(r"\1", shown)
    assert server.returncode == 0


def test_the_steps_of_the_pipeline_print_what_the_page_shows(
    renew: Renew, clone: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The set-up runs these stages.
    stages = re.search(r"^data: fetching with DVC: (.+)$", PAGE, re.MULTILINE)[1].split(", ")
    clone.dvc("repro", "--quiet", "--single-item", "--keep-going", *stages)
    for section in titled(6, 7, 8):
        new = renew(section, clone.folder)
        assert without_numbers(new) == without_numbers(section)

    (section,) = titled(9)
    monkeypatch.setenv("PYTHONPATH", str(runtime_dependencies(tmp_path / "required")))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    new = renew(section, clone.folder)
    assert without_numbers(new) == without_numbers(section)
    # TensorFlow compiles functions into a temporary folder and leaves their cache.
    assert {path.name for path in (tmp_path / "tmp").iterdir()} <= {"__pycache__"}


def test_without_the_data_the_wheel_can_be_built_all_the_same(
    renew: Renew, clone: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISASTER_TWEETS_MIRROR", str(tmp_path / "no-mirror"))
    (section,) = titled(8)
    assert without_numbers(renew(section, clone.folder)) == without_numbers(section)


def test_nothing_but_numbers_may_differ() -> None:
    shown = "Epoch 1/2\n9/9 - 80s - loss: 0.4889\nEpoch 2/2\n9/9 - 1s - loss: 0.35\nend\n"
    got = "Epoch 1/1\n6/6 - 9ms - loss: 1e-05\nend\n"
    assert without_numbers(got) == without_numbers(shown)
    for wrong in (
        shown.replace("loss", "cost"),
        shown.replace("end\n", ""),
        shown.replace("end", "the end"),
        f"{shown}one line more\n",
    ):
        assert without_numbers(wrong) != without_numbers(shown)
    (section,) = titled(7)
    for word in ("evaluate", "resamples", "Stage 'student'", "auc.low", ".csv", "up to date."):
        assert without_numbers(section.replace(word, "x")) != without_numbers(section)
