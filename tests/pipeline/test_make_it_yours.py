"""The repository as a template: another topic, from a table of texts to its wheel."""

from __future__ import annotations

import configparser
import csv
import os
import random
import re
import string
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import yaml

from .conftest import ROOT, TINY, Project, checksums, make_backbone

SCRIPT = ROOT / "scripts" / "make_it_yours.py"
WORDS = {
    "Complaint": "refund broken late rude useless faulty cracked awful damaged leaking".split(),
    "Praise": "lovely perfect quick gift friendly sturdy bright soft charming cheap".split(),
}
FILLERS = "the my it and so again parcel box shop order colour shoes really was arrived".split()
OPTIONS = {
    "--name": "shop complaints",
    "--positive": "Complaint",
    "--question": "Is this review a complaint?",
    "--example": "The parcel was late and the box broken",
    "--counter-example": "Lovely colour and so quick",
}


class Copy(NamedTuple):
    """The new repository, its wheel, and an environment that has this and our package."""

    project: Project
    wheel: Path
    python: Path


def reviews(rows: int) -> list[tuple[str, str]]:
    """Return made-up reviews with their labels, of which a tenth is wrong."""
    generator = random.Random(20200101)
    table = []
    for i in range(rows):
        label, other = ("Complaint", "Praise")[:: 1 if i % 2 else -1]
        words = generator.choices(WORDS[label], k=3) + generator.choices(FILLERS, k=4)
        generator.shuffle(words)
        wrong = generator.random() < 0.1
        table.append((f"{' '.join(words)} #{i}", other if wrong else label))
    return table


def write_table(path: Path, rows: list[tuple[str, ...]], *header: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def make_it_yours(
    table: Path, folder: Path, *more: str, **changed: str
) -> subprocess.CompletedProcess[str]:
    options = OPTIONS | {
        f"--{name.replace('_', '-')}": value for name, value in changed.items()
    }
    arguments = [part for option in options.items() for part in option]
    return subprocess.run(
        [sys.executable, SCRIPT, table, folder, *arguments, *more],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, reference: ModuleType) -> Copy:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout: it lists what is copied")
    home = tmp_path_factory.mktemp("yours")
    table = write_table(home / "reviews.csv", reviews(300), "review", "verdict")
    made = make_it_yours(table, home / "complaints")
    assert made.returncode == 0, made.stderr

    backbone = home / "mirror" / "all-MiniLM-L6-v2"
    pieces = [*string.printable[:62].lower()[:36], *"#@:/.", *WORDS["Praise"]]
    pieces += [*(f"##{sign}" for sign in pieces[:36]), *WORDS["Complaint"], *FILLERS]
    make_backbone(
        backbone,
        reference,
        [*pieces, "fire", "flood", "town", *(f"filler{i}" for i in range(100))],
    )
    project = Project(home / "complaints", home / "mirror")
    project.environment["SHOP_COMPLAINTS_MIRROR"] = str(home / "mirror")
    del project.environment["DISASTER_TWEETS_MIRROR"]
    project.change_params(download_backbone={"checksums": checksums(backbone)}, **TINY)

    # What the script says to do next, apart from the set-up and from tox.
    project.dvc("repro")
    project.run(sys.executable, "docs/generate.py")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=First model")
    project.run(sys.executable, "-m", "shop_complaints.pipeline.package")
    (wheel,) = (project.folder / "dist").glob("*.whl")
    return Copy(project, wheel, environment(home / "environment", wheel))


def environment(folder: Path, wheel: Path) -> Path:
    """Make an environment that sees all of this one, and the wheel; return its Python."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = folder / scripts / Path(sys.executable).name
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    here = sysconfig.get_path("purelib")
    (packages / "outer.pth").write_text(f"import site; site.addsitedir({here!r})\n", "utf-8")
    install = ("install", "--quiet", "--no-deps", "--no-index", str(wheel))
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    return python


def test_the_script_says_what_comes_next(tmp_path: Path) -> None:
    table = write_table(tmp_path / "reviews.csv", reviews(100), "review", "verdict")
    made = make_it_yours(table, tmp_path / "new" / "complaints")

    assert (made.returncode, made.stderr) == (0, "")
    for step in ("scripts/workspace.py setup", "dvc repro", "docs/generate.py", "tox"):
        assert step in made.stdout
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["complaints"]
    assert (tmp_path / "new/complaints/data/raw/train.csv").read_bytes() == table.read_bytes()


def test_it_trains_the_whole_backbone_on_labels_alone(tmp_path: Path) -> None:
    table = write_table(tmp_path / "reviews.csv", reviews(100), "review", "verdict")
    made = make_it_yours(table, tmp_path / "complaints", name="complaints")
    assert made.returncode == 0, made.stderr

    ours, params = (
        yaml.safe_load((folder / "params.yaml").read_text("utf-8"))
        for folder in (ROOT, tmp_path / "complaints")
    )
    assert list(params) == ["download_backbone", "prepare", "train", "export", "evaluate"]
    assert params["prepare"]["columns"] == {"text": "review", "label": "verdict"}
    assert params["evaluate"]["model_version"] == "1.0"
    whole = {
        "layers": [0, 1, 2, 3, 4, 5],
        "feed_forward": 1536,
        "filters": 0,
        "hidden": 0,
        "dropout": 0.1,
        "epochs": 2,
        "learning_rate": 4e-5,
    }
    del ours["train"]["features"]  # of an assistant, which a copy has not
    assert params["train"] == ours["train"] | whole
    pipeline = (tmp_path / "complaints" / "dvc.yaml").read_text("utf-8")
    sources = tmp_path / "complaints" / "src" / "complaints" / "pipeline"
    said = pipeline + "".join(path.read_text("utf-8") for path in sources.glob("*.py"))
    for word in ("teacher", "soft_label", "distil", "crisislex", "data/events", "tweets"):
        assert word not in said.lower(), word
    copied = {path.name for path in (tmp_path / "complaints").rglob("*")}
    assert not copied & {"soft_labels.csv", "regression.json", "test_teacher.py"}
    for name in ("NOTICE", "setup.cfg", "docs/pipeline.md", "docs/MODEL_CARD.template.md"):
        told = (tmp_path / "complaints" / name).read_text("utf-8").lower()
        assert not re.findall("teacher|mpnet|crisislex|soft_labels", told), name


def test_nothing_in_its_wheel_tells_of_the_old_topic(copy: Copy) -> None:
    assert (
        copy.wheel.name
        == f"shop_complaints_model-{version('disaster-tweets-model')}-py3-none-any.whl"
    )
    with zipfile.ZipFile(copy.wheel) as archive:
        said = [name for name in archive.namelist() if "disaster" in name.lower()]
        said += [n for n in archive.namelist() if b"disaster" in archive.read(n).lower()]
    assert said == []


def test_nothing_that_its_repository_tracks_does(copy: Copy) -> None:
    tracked = copy.project.git("ls-files").splitlines()
    assert "data/raw/train.csv.dvc" in tracked
    assert not [
        name
        for name in tracked
        if b"disaster" in name.encode() + (copy.project.folder / name).read_bytes().lower()
    ]


def test_its_classifier_answers_beside_ours_in_the_example_host(copy: Copy) -> None:
    host = ROOT / "examples" / "text-classifier-host" / "text_classifier_host.py"
    texts = OPTIONS["--example"], OPTIONS["--counter-example"]
    done = subprocess.run([copy.python, host, *texts], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^(\w+) ([\w-]+-model) [\d.]+$", done.stdout, re.M) == [
        ("disaster_tweets", "disaster-tweets-model"),
        ("shop_complaints", "shop-complaints-model"),
    ]
    theirs = re.findall(r"^shop_complaints\t(\w+)\tP\(complaint\)=", done.stdout, re.M)
    assert theirs == ["complaint", "praise"]
    assert len(re.findall(r"^disaster_tweets\t\w+\tP\(disaster\)=", done.stdout, re.M)) == 2


def test_its_command_predicts(copy: Copy) -> None:
    command = copy.python.with_name("shop-complaints")
    done = subprocess.run([command, "predict", OPTIONS["--example"]], capture_output=True)
    readme = (copy.project.folder / "README.md").read_bytes()

    assert done.stdout.split(b"\t")[1:] == [b"complaint", f"{OPTIONS['--example']}\n".encode()]
    assert b"```\n" + done.stdout + b"```\n" in readme


def test_its_own_tests_pass(copy: Copy) -> None:
    names = ("docs", "imports", "plugins", "scores", "tokenizer", "verification", "wheel")
    done = subprocess.run(
        # Their environments would need an index of packages.
        [copy.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not TestHost"]
        + [f"tests/test_{name}.py" for name in names],
        cwd=copy.project.folder,
        env=os.environ | {"TOX_PACKAGE": str(copy.wheel)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_its_pipeline_is_up_to_date(copy: Copy) -> None:
    assert "Data and pipelines are up to date." in copy.project.dvc("repro")
    clone = copy.project.folder.with_name("clone")
    copy.project.git("clone", "--quiet", ".", str(clone))
    dry = Project(clone, clone).dvc("repro", "--allow-missing", "--dry")
    assert "Data and pipelines are up to date." in dry


def test_it_keeps_the_form_of_the_code(copy: Copy) -> None:
    copy.project.run(sys.executable, "-m", "ruff", "check", ".")
    copy.project.run(sys.executable, "-m", "ruff", "format", "--check", ".")


GOOD = reviews(100)


@pytest.mark.parametrize(
    ("rows", "changed", "message"),
    [
        (GOOD[:50], {}, r"reviews\.csv: 50 texts .*; at least 100"),
        ([(t, "Praise") for t, _ in GOOD], {}, r"must hold exactly two labels"),
        ([*GOOD, ("text", "Question")], {}, r"exactly two labels; .*'verdict': 3"),
        ([*GOOD[:3], ("", "Praise"), *GOOD], {}, r"row 4 needs a text and a label"),
        ([*GOOD[:3], ("a", "b", "c")], {}, r"row 4 needs"),
        (
            GOOD,
            {"positive": "complaint"},
            r"--positive 'complaint': .*\['Complaint', 'Praise'\]",
        ),
        (GOOD, {"name": "import"}, r"--name 'import': choose words"),
        (GOOD, {"name": "json"}, r"--name 'json': choose words"),
        (GOOD, {"name": "disaster tweets"}, r"--name 'disaster tweets': that is the name of"),
        (GOOD, {"name": "!"}, r"--name '!': choose words"),
        (GOOD, {"example": 'say "no"'}, r"--example: give one line of text without quotes"),
        (GOOD, {"question": " "}, r"--question: give one line"),
        (GOOD, {"text_column": "text"}, r"--text-column: .* no column 'text', only"),
    ],
)
def test_what_cannot_work_is_told_in_one_line_and_nothing_is_left(
    tmp_path: Path, rows: list[tuple[str, ...]], changed: dict[str, str], message: str
) -> None:
    table = write_table(tmp_path / "reviews.csv", rows, "review", "verdict")
    made = make_it_yours(table, tmp_path / "complaints", **changed)

    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr.startswith("error: ")
    assert len(made.stderr.splitlines()) == 1
    assert re.search(message, made.stderr), made.stderr
    assert list(tmp_path.iterdir()) == [table]


def test_numbers_as_labels_need_names(tmp_path: Path) -> None:
    rows = [(text, str(int(label == "Complaint"))) for text, label in GOOD]
    table = write_table(tmp_path / "reviews.csv", rows, "review", "verdict")

    unnamed = make_it_yours(table, tmp_path / "complaints", positive="1")
    assert "error: label '0': name both with --labels NEGATIVE POSITIVE" in unnamed.stderr
    named = make_it_yours(
        table, tmp_path / "complaints", "--labels", "praise", "complaint", positive="1"
    )
    assert named.returncode == 0, named.stderr
    params = (tmp_path / "complaints" / "params.yaml").read_text("utf-8")
    assert 'labels: {negative: "0", positive: "1"}' in params


def test_a_table_of_a_spreadsheet_will_do(tmp_path: Path) -> None:
    table = write_table(tmp_path / "reviews.csv", GOOD, "review", "verdict")
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    made = make_it_yours(table, tmp_path / "complaints", example="The box is a disaster")
    assert made.returncode == 0, made.stderr
    params = (tmp_path / "complaints" / "params.yaml").read_text("utf-8")
    assert 'columns: {text: "review", label: "verdict"}' in params


def test_one_word_is_a_name(tmp_path: Path) -> None:
    table = write_table(tmp_path / "reviews.csv", GOOD, "review", "verdict")
    made = make_it_yours(table, tmp_path / "complaints", name="Complaints")
    assert made.returncode == 0, made.stderr
    setup = configparser.ConfigParser()
    setup.read(tmp_path / "complaints" / "setup.cfg", "utf-8")
    scripts = setup["options.entry_points"]["console_scripts"].split("\n")
    assert scripts == ["", "complaints = complaints.cli:main"]


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    table = write_table(tmp_path / "reviews.csv", GOOD, "review", "verdict")
    (tmp_path / "complaints").mkdir()
    made = make_it_yours(table, tmp_path / "complaints")

    assert made.returncode == 1
    assert "complaints: is there already; name a new folder" in made.stderr
    assert list((tmp_path / "complaints").iterdir()) == []
