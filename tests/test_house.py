"""The files around the code: workflows, hooks, issue forms, changelog, citation and version."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets.cli import commands

from .conftest import ROOT, Run

pytestmark = pytest.mark.one_python

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(GITHUB.glob("ISSUE_TEMPLATE/[!c]*.yml"))
SCHEMAS: dict[str, list[Path]] = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
DVC = ("dvc.yaml", "dvc.lock")
# For each hook, files that it keeps out of Git, and files that it allows.
REFUSED = {
    "no-data": {"data/raw/texts.txt": b"", "models/texts.json": b"", "tests/texts.csv": b""},
    "no-weights": {"notes/classifier.safetensors": b""},
    "no-outputs": {"with.ipynb": b'{"outputs": [{"output_type": "stream"}]}'},
    "no-large-files": {"docs/large.png": bytes(500_000)},
    "no-large-made-up-files": {"tests/odd/large.csv": bytes(5_000)},
}
KEPT = {
    "data/raw/train.csv.dvc": b"",
    "reports/plots/roc.csv": b"",
    "topic/written.csv": bytes(500_000),
    "without.ipynb": b'{"outputs": [], "source": "\\"output_type\\""}',
    "docs/small.png": bytes(400_000),
    "tests/odd/small.csv": bytes(4_000),
}
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

by_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    return ini("setup.cfg")


@pytest.fixture(scope="module")
def tox() -> configparser.ConfigParser:
    return ini("tox.ini")


@pytest.fixture(scope="module")
def version(setup: configparser.ConfigParser) -> str:
    return setup["metadata"]["version"]


def ini(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / name, "utf-8")
    return parser


def load(path: Path) -> Any:
    """Return the content of a YAML file."""
    yaml = pytest.importorskip("ruamel.yaml", reason="needs check-jsonschema")
    return yaml.YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


def script(name: str, *arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a script of .ci."""
    return subprocess.run(
        [sys.executable, cwd / ".ci" / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


def run_hooks(folder: Path, home: Path) -> dict[str, tuple[bool, str]]:
    """Run the hooks of `REFUSED` over all files that Git tracks in a folder.

    Returns:
        For each hook, whether it passed, and what it printed.
    """
    for module in ("pre_commit", "pre_commit_hooks"):
        pytest.importorskip(module, reason=f"needs {module}")
    hooks = [hook["id"] for hook in load(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]]
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ
        | {"PATH": tools, "PRE_COMMIT_HOME": str(home)}
        | {"SKIP": ",".join(hook for hook in hooks if hook not in REFUSED)},
    )
    _, *parts = re.split(r"^.*\.\.(?=\S)", done.stdout, flags=re.M)
    said = {re.search(r"hook id: (\S+)", part)[1]: part for part in parts}
    return {
        hook: (said[hook].startswith(("Passed", "(no files")), said[hook]) for hook in REFUSED
    }


def tracked() -> list[Path]:
    """Return the files tracked by Git, relative to the root."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout")
    done = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [path for path in map(Path, done.stdout.split("\0")[:-1]) if (ROOT / path).is_file()]


class TestSchemas:
    @pytest.fixture
    def problems(self) -> Any:
        if importlib.util.find_spec("check_jsonschema") is None:
            pytest.skip("needs check-jsonschema")

        def problems(schema: str, *paths: Path) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths],
                capture_output=True,
                text=True,
            )
            return done.stdout + done.stderr if done.returncode else ""

        return problems

    @pytest.mark.parametrize("schema", SCHEMAS)
    def test_each_file_has_its_form(self, problems: Any, schema: str) -> None:
        assert SCHEMAS[schema]
        assert problems(schema, *SCHEMAS[schema]) == ""

    def test_a_wrong_form_is_noticed(self, problems: Any, tmp_path: Path) -> None:
        wrong = tmp_path / "tests.yml"
        text = (GITHUB / "workflows" / "tests.yml").read_text("utf-8")
        wrong.write_text(text.replace("runs-on:", "run-on:"), "utf-8")

        assert "run-on" in problems("vendor.github-workflows", *WORKFLOWS, wrong)


class TestWorkflows:
    def test_every_tox_environment_runs_on_a_python_it_takes(
        self, tox: configparser.ConfigParser
    ) -> None:
        matrix = load(GITHUB / "workflows" / "tests.yml")["jobs"]["tox"]["strategy"]["matrix"]
        pythons = {row["env"]: row["python"] for row in matrix["include"]}
        everywhere = set(matrix["env"])

        assert set(pythons) == set(re.split(r"[,\s]+", tox["tox"]["env_list"].strip()))
        assert everywhere == {env for env in pythons if env.startswith("py3")}
        for env, python in pythons.items():
            base = tox.get(f"testenv:{env}", "base_python", fallback=f"python{python}")
            assert base.partition(",")[0] == f"python{python}"
            if env in everywhere:
                assert env == f"py{python.replace('.', '')}"

    def test_pythons_are_those_of_the_classifiers(
        self, setup: configparser.ConfigParser, tox: configparser.ConfigParser
    ) -> None:
        announced = re.findall(r"Python :: 3\.(\d+)$", setup["metadata"]["classifiers"], re.M)

        assert sorted(re.findall(r"\bpy3(\d+)", tox["tox"]["env_list"])) == announced

    def test_wheel_and_editable_package_are_built_apart(
        self, tox: configparser.ConfigParser
    ) -> None:
        built: dict[str, set[str]] = {}
        for name in filter(lambda name: name.startswith("testenv"), tox.sections()):
            package = tox.get(name, "package", fallback=tox["testenv"]["package"])
            built.setdefault(package, set()).add(
                tox.get(name, "wheel_build_env", fallback=tox["testenv"]["wheel_build_env"])
            )
        assert set(built) == {"editable", "wheel"}
        assert not built["editable"] & built["wheel"]

    @by_workflow
    def test_actions_are_pinned_to_commits(self, path: Path) -> None:
        used = re.findall(r"uses: (.+)$", path.read_text("utf-8"), re.M)

        assert used
        for action in used:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)

    def test_an_action_has_one_version(self) -> None:
        text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
        used = set(re.findall(r"uses: (.+)$", text, re.M))

        assert len(used) == len({action.partition("@")[0] for action in used})

    @by_workflow
    def test_only_publishing_may_do_more_than_read(self, path: Path) -> None:
        workflow = load(path)
        granted = {
            name: job["permissions"]
            for name, job in workflow["jobs"].items()
            if "permissions" in job
        }

        assert workflow["permissions"] == {"contents": "read"}
        needed = {
            "docs": {"publish": {"id-token": "write", "pages": "write"}},
            "release": {"publish": {"id-token": "write"}},
        }
        assert granted == needed.get(path.stem, {})

    def test_what_is_published_was_tested(self) -> None:
        jobs = load(GITHUB / "workflows" / "release.yml")["jobs"]
        commands = {
            name: "\n".join(step.get("run", "") for step in job["steps"])
            for name, job in jobs.items()
        }

        assert (jobs["publish"]["needs"], jobs["test"]["needs"]) == ("test", "build")
        assert "--installpkg dist/" in commands["test"]
        assert commands["build"].count("pipeline.package") == 1
        assert commands["publish"].strip() == ""

    def test_dependabot_looks_where_something_is(self) -> None:
        updates = load(GITHUB / "dependabot.yml")["updates"]
        places = {(update["package-ecosystem"], update["directory"]) for update in updates}

        assert ("github-actions", "/") in places
        assert (("docker", "/") in places) == (ROOT / "Dockerfile").exists()
        for constraints in ROOT.glob("tests/*/constraints.txt"):
            assert ("pip", f"/{constraints.parent.relative_to(ROOT).as_posix()}") in places

    def test_dependabot_does_not_retrain(self) -> None:
        (root,) = (
            update
            for update in load(GITHUB / "dependabot.yml")["updates"]
            if (update["package-ecosystem"], update["directory"]) == ("pip", "/")
        )

        assert root["open-pull-requests-limit"] == 0


class TestHooks:
    def test_nothing_is_downloaded(self, setup: configparser.ConfigParser) -> None:
        repositories = load(ROOT / ".pre-commit-config.yaml")["repos"]
        hooks = [hook for repository in repositories for hook in repository["hooks"]]

        assert {repository["repo"] for repository in repositories} == {"local"}
        assert {hook["language"] for hook in hooks} == {"fail", "pygrep", "system"}
        for hook in hooks:
            if hook["language"] != "system":
                continue
            program, argument, *_ = hook["entry"].removeprefix("python -m ").split()
            if program == "python":
                assert (ROOT / argument).is_file()
            else:
                required = program.partition(".")[0].replace("_", "-")
                assert re.search(
                    rf"^{required}\b", setup["options.extras_require"]["dev"], re.M
                )

    def test_tox_and_hooks_lint_alike(
        self, setup: configparser.ConfigParser, tox: configparser.ConfigParser
    ) -> None:
        extra = setup["options.extras_require"]["dev"].split()

        assert set(tox["testenv:lint"]["deps"].split()) <= set(extra)

    def test_what_git_tracks_may_be_there(self, tmp_path: Path) -> None:
        tracked()
        refused = {
            hook: said
            for hook, (passed, said) in run_hooks(ROOT, tmp_path).items()
            if not passed
        }

        assert refused == {}

    def test_data_weights_outputs_and_large_files_are_refused(self, tmp_path: Path) -> None:
        written = {
            name: content for files in REFUSED.values() for name, content in files.items()
        }
        for name, content in (written | KEPT).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
        for command in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *command], cwd=tmp_path, check=True)
        found = {
            hook: (passed, {name for name in written | KEPT if name in said})
            for hook, (passed, said) in run_hooks(tmp_path, tmp_path / "home").items()
        }

        assert found == {hook: (False, {*files}) for hook, files in REFUSED.items()}


class TestLineEndings:
    """A clone on Windows gets other line ends unless an attribute prevents it."""

    def test_what_is_hashed_keeps_its_bytes(self) -> None:
        files = [ROOT / place / name for place in (".", "topic") for name in DVC]
        named = {
            path
            for file in files
            if file.is_file()  # a new repository has no lock files
            for path in re.findall(r"^ *- (?:path: )?([\w./-]+)", file.read_text("utf-8"), re.M)
        }
        paths = [
            path.as_posix()
            for path in tracked()
            if path.as_posix() in named or path.parts[0] == "artifacts"  # like the manifest
        ]
        done = subprocess.run(
            ["git", "-C", ROOT, "check-attr", "-z", "text", *paths],
            capture_output=True,
            text=True,
            check=True,
        )
        text = dict(zip(paths, done.stdout.split("\0")[2::3], strict=True))

        assert {"src/disaster_tweets/text.py", "pipeline/prepare.py", "topic/sources.py"} <= {
            *text
        }
        assert [path for path, value in text.items() if value != "unset"] == []


class TestVersion:
    def test_the_command_says_it(self, run: Run, version: str) -> None:
        assert run("disaster-tweets", "--version").out.split()[-1] == version

    def test_it_is_written_in_one_place(self, version: str) -> None:
        written = re.compile(
            rf"\b(__version__|version)\b[\"']?\s*[:=]\s*[\"']?{re.escape(version)}"
        )
        sources = (ROOT / "src" / "disaster_tweets").rglob("*.py")
        names = ("pyproject.toml", "setup.cfg", "CITATION.cff", "Dockerfile", "README.md")
        places = [
            path.name
            for path in (*sources, *map(ROOT.joinpath, names))
            if written.search(path.read_text("utf-8"))
        ]

        assert places == ["setup.cfg"]

    def test_the_address_of_the_repository_is_written_in_one_place(
        self, setup: configparser.ConfigParser
    ) -> None:
        address = re.compile(
            rb"git(hub|lab)\.com[/:][\w.-]+/(?:disaster-tweets|disaster_tweets)"
        )
        places = {path for path in tracked() if address.search((ROOT / path).read_bytes())}

        assert places <= {Path("setup.cfg")}


class TestChangelog:
    def test_newest_release_is_this_version_or_older(self, version: str) -> None:
        newest, *_ = headings = re.findall(r"^## (.+)$", CHANGELOG, re.M)
        releases = [re.fullmatch(r"\[([\d.]+)\] - \d{4}-\d\d-\d\d", h) for h in headings[1:]]

        assert newest == "[Unreleased]"
        assert all(releases)
        numbers = [key(release[1]) for release in releases if release]
        assert numbers == sorted(set(numbers), reverse=True)
        assert numbers[:1] <= [key(version)]

    def test_every_section_has_a_known_heading_and_a_line(self) -> None:
        sections = re.findall(r"^### (.+)\n\n(.*)$", CHANGELOG, re.M)

        assert len(sections) == len(re.findall(r"^###", CHANGELOG, re.M)) > 0
        assert {heading for heading, _ in sections} <= KINDS
        assert all(line.startswith("- ") for _, line in sections)

    @pytest.mark.parametrize(
        ("section", "tag", "problem"),
        [
            ("[{}] - 2026-11-23", "v{}", ""),
            ("[{}] - 2026-11-23", "v{}.1", "setup.cfg has version {}"),
            ("[{}] - 2026-11-23", "{}", "the tag must be v{}, not {}"),
            ("[Unreleased]", "v{}", "has no section '## [{}]"),
        ],
    )
    def test_a_release_needs_its_tag_and_its_section(
        self, tmp_path: Path, version: str, section: str, tag: str, problem: str
    ) -> None:
        shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
        shutil.copy(ROOT / "setup.cfg", tmp_path)
        (tmp_path / "CHANGELOG.md").write_text(f"## {section.format(version)}\n", "utf-8")
        done = script("check_release.py", tag.format(version), cwd=tmp_path)

        assert done.returncode == bool(problem)
        assert problem.format(version, version) in done.stderr
        assert len(done.stderr.splitlines()) == bool(problem)


@pytest.mark.parametrize(
    "name",
    [
        "CHANGELOG.md",
        "SECURITY.md",
        ".github/ISSUE_TEMPLATE/bug.yml",
        ".github/ISSUE_TEMPLATE/prediction.yml",
    ],
)
def test_commands_that_a_document_names_exist(name: str) -> None:
    named = set(re.findall(r"`disaster-tweets (\w+)", (ROOT / name).read_text("utf-8")))

    assert named
    assert named <= set(commands.list_commands())


def key(version: str) -> tuple[int, ...]:
    """Return a version as a list of numbers, for sorting."""
    return tuple(map(int, version.split(".")))
