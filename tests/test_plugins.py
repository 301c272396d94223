"""The plugin contract: our plugin, discovery, and a host with ours and broken plugins."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from disaster_tweets.classifier import Classifier
from disaster_tweets.plugins import contract
from disaster_tweets.plugins.discovery import GROUP, INFO_GROUP, Plugin, discover
from disaster_tweets.topic import EXAMPLES, LABELS

from .conftest import ROOT, load_script, two_labels

CONTRACT_PAGE = ROOT / "docs" / "plugin-contract.md"

TEXTS = [*EXAMPLES[:2], "", "☕" * 200]
HEAVY = {"ai_edge_litert", "numpy", "tensorflow"}


def python(*arguments: str) -> str:
    completed = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    )
    return completed.stdout


def fenced(language: str) -> list[str]:
    """Return the code blocks of the contract page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", CONTRACT_PAGE.read_text("utf-8"), re.DOTALL)


class TestContract:
    def test_the_entry_points_of_the_installed_package_lead_here(self) -> None:
        (load,) = entry_points(group="text_classifiers", name="disaster_tweets")
        (info,) = entry_points(group="text_classifiers.info", name="disaster_tweets")

        assert load.load() is contract.load
        assert info.load() is contract.info

    def test_load_is_cached(self) -> None:
        assert contract.load() is contract.load()

    def test_it_says_what_the_classifier_says(self) -> None:
        plugin, classifier = contract.load(), Classifier.load()
        predictions = classifier.predict(TEXTS)

        assert tuple(plugin.classes_) == classifier.classes_
        labels, probabilities = plugin.predict(TEXTS), plugin.predict_proba(TEXTS)
        assert list(labels) == [p.label for p in predictions]
        assert labels.dtype.kind == "U"
        np.testing.assert_array_equal(probabilities, classifier.predict_proba(TEXTS))
        assert probabilities.dtype == np.float32

    @pytest.mark.parametrize("member", ["predict", "predict_proba"])
    @pytest.mark.parametrize(
        ("texts", "message"), [("one text", "not a str"), (["a", None], "1"), (["a", 7], "1")]
    )
    def test_what_is_not_a_list_of_texts_is_refused(
        self, member: str, texts: Any, message: str
    ) -> None:
        with pytest.raises(TypeError, match=message):
            getattr(contract.load(), member)(texts)

    def test_the_card_is_plain_and_true(self) -> None:
        info = contract.info()

        assert json.loads(json.dumps(info)) == info
        assert info["contract"] == 1
        assert info["name"] == "disaster_tweets"
        assert info["version"] == version("disaster-tweets-model")
        assert info["labels"] == list(contract.load().classes_) == list(LABELS)
        assert set(info["sha256"]) >= {"model.bin", "vocab.txt", "calibration.npy"}

    @two_labels
    def test_the_card_names_the_positive_label_and_the_threshold(self) -> None:
        info = contract.info()

        assert info["positive_label"] == LABELS[1]
        assert info["threshold"] == Classifier.load().threshold
        assert info["thresholds"] == Classifier.load().manifest["thresholds"]

    def test_four_labels(self, four_labels_installed: Path) -> None:
        info, plugin = contract.info(), contract.load()
        classifier = Classifier.load(four_labels_installed)
        texts = [*TEXTS, "It was late and it was broken"]
        probabilities = plugin.predict_proba(texts)

        assert info["contract"] == 1
        assert info["labels"] == list(plugin.classes_) == list(classifier.classes_)
        assert (info["positive_label"], info["threshold"]) == (None, None)
        assert json.loads(json.dumps(info)) == info
        np.testing.assert_array_equal(probabilities, classifier.predict_proba(texts))
        assert probabilities.shape == (len(texts), 4)
        np.testing.assert_array_equal(
            plugin.predict(texts), plugin.classes_[probabilities.argmax(axis=1)]
        )
        assert [p.label for p in classifier.predict(texts)] == list(plugin.predict(texts))
        assert plugin.predict([]).shape == (0,)
        assert plugin.predict_proba([]).shape == (0, 4)

    def test_the_card_has_the_keys_that_the_contract_page_lists(self) -> None:
        rows = re.findall(
            r"^\| `(\w+)` \| (required|optional) \|", CONTRACT_PAGE.read_text("utf-8"), re.M
        )

        assert set(contract.info()) == {key for key, _ in rows}
        assert {key for key, need in rows if need == "required"} >= {"contract", "labels"}


class TestDiscovery:
    @pytest.fixture
    def install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """Put a distribution with a plugin ``neighbour`` on the path, as pip would."""
        modules: list[str] = []

        def install(source: str, *, distribution: str = "one", card: bool = True) -> None:
            module = f"neighbour_{distribution}"
            modules.append(module)
            folder = tmp_path / distribution
            metadata = folder / f"{distribution}-2.5.dist-info"
            metadata.mkdir(parents=True)
            (folder / f"{module}.py").write_text(textwrap.dedent(source), "utf-8")
            (metadata / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n", "utf-8"
            )
            lines = [f"[{GROUP}]", f"neighbour = {module}:load"]
            if card:
                lines += [f"[{INFO_GROUP}]", f"neighbour = {module}:info"]
            (metadata / "entry_points.txt").write_text("\n".join(lines), "utf-8")
            monkeypatch.syspath_prepend(folder)

        yield install
        for module in modules:
            sys.modules.pop(module, None)

    def test_our_own_plugin_is_listed(self) -> None:
        assert Plugin(
            name="disaster_tweets",
            distribution="disaster-tweets-model",
            version=version("disaster-tweets-model"),
            info=contract.info(),
        ) in list(discover())

    def test_the_cards_cost_neither_numpy_nor_a_model(self) -> None:
        loaded = python(
            "-c",
            "import sys; from disaster_tweets.plugins.discovery import discover\n"
            "assert any(plugin.name == 'disaster_tweets' for plugin in discover())\n"
            "print(*{name.partition('.')[0] for name in sys.modules})",
        )

        assert not HEAVY & set(loaded.split())

    def test_a_good_neighbour(self, install: Callable[..., None]) -> None:
        install(
            """
            def info():
                return {"contract": 1, "name": "neighbour", "a new key": [1, 2]}

            def load():
                raise AssertionError("discovery loads no model")
            """
        )
        (neighbour,) = (plugin for plugin in discover() if plugin.name == "neighbour")

        assert neighbour == Plugin(
            name="neighbour",
            distribution="one",
            version="2.5",
            info={"contract": 1, "name": "neighbour", "a new key": [1, 2]},
        )

    def test_a_neighbour_without_a_card_is_fine(self, install: Callable[..., None]) -> None:
        install("def load(): ...", card=False)

        assert Plugin("neighbour", "one", "2.5") in discover()

    def test_two_distributions_may_offer_one_name(self, install: Callable[..., None]) -> None:
        install("def load(): ...\ndef info(): return {'contract': 1}", distribution="two")
        install("def load(): ...\ndef info(): return {'contract': 3}", distribution="one")
        first, second = (plugin for plugin in discover() if plugin.name == "neighbour")

        assert (first.distribution, second.distribution) == ("one", "two")
        assert first.error
        assert "contract 3" in first.error
        assert second == Plugin("neighbour", "two", "2.5", info={"contract": 1})

    @pytest.mark.parametrize(
        ("source", "error"),
        [
            ("raise ValueError('two\\n  lines')", "ValueError: two lines"),
            ("raise ValueError", "ValueError"),
            ("class Panic(BaseException): ...\nraise Panic('of Rust')", "Panic: of Rust"),
            ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
            ("def info(): return {'contract': 1}", "has no attribute 'load'"),
            ("load = 1\ndef info(): return {'contract': 1}", "load is not callable"),
            ("def load(): ...\ndef info(): 1 / 0", "ZeroDivisionError: division by zero"),
            ("def load(): ...\ndef info(): return [1]", "info returned list, not a dict"),
            ("def load(): ...\ndef info(): return {}", "info returned no 'contract'"),
            ("def load(): ...\ndef info(): return {'contract': 1, 'x': {1}}", "TypeError"),
            (
                "def info(): return {'contract': 2}",
                "contract 2 is not known to this version; upgrade disaster-tweets-model",
            ),
        ],
    )
    def test_what_a_broken_neighbour_does_is_one_line(
        self, install: Callable[..., None], source: str, error: str
    ) -> None:
        install(source)
        (neighbour,) = (plugin for plugin in discover() if plugin.name == "neighbour")

        assert neighbour.info is None
        assert neighbour.error
        assert error in neighbour.error
        assert len(neighbour.error.splitlines()) == 1
        assert any(p.name == "disaster_tweets" and not p.error for p in discover())

    def test_the_user_may_interrupt(self, install: Callable[..., None]) -> None:
        install("raise KeyboardInterrupt")

        with pytest.raises(KeyboardInterrupt):
            discover()


FAULTY_PROJECT = """
[project]
name = "faulty"
version = "1.0.0"

[project.entry-points.text_classifiers]
contract_2 = "faulty:load_never"
fails_at_load = "faulty:fails_at_load"
fails_at_predict_proba = "faulty:fails_at_predict_proba"
leaves_at_load = "faulty:leaves_at_load"
wrong_shapes = "faulty:WrongShapes"
weather = "faulty:Weather"

[project.entry-points."text_classifiers.info"]
contract_2 = "faulty:info_2"
fails_at_load = "faulty:info"
fails_at_predict_proba = "faulty:info"

[tool.setuptools]
py-modules = ["faulty"]
"""

FAULTY_MODULE = """
import sys


def info():
    return {"contract": 1}


def info_2():
    return {"contract": 2}


def load_never():
    print("a host must not load an unknown contract")
    sys.exit(4)


def fails_at_load():
    raise OSError("the model file is missing")


def leaves_at_load():
    sys.exit(5)


class WrongShapes:
    def __init__(self):
        import numpy

        self.classes_ = numpy.array(["no", "yes"])

    def predict(self, texts):
        return self.classes_[[1 for _ in texts]]

    def predict_proba(self, texts):
        import numpy

        return numpy.ones((len(texts), 3), "float32")


class Weather:
    def __init__(self):
        import numpy

        self.classes_ = numpy.array(["rain", "snow", "sun"])

    def predict(self, texts):
        return self.classes_[[len(text) % 3 for text in texts]]

    def predict_proba(self, texts):
        import numpy

        return numpy.eye(3, dtype="float32")[[len(text) % 3 for text in texts]]


class fails_at_predict_proba(WrongShapes):
    def predict_proba(self, texts):
        raise MemoryError("out of\\nmemory")
"""


# What the host says of each broken plugin: one line.
BROKEN = [
    "broken broken-plugin 1.0.0: skipped: RuntimeError: this plugin is broken on purpose; its "
    "message has two lines",
    "contract_2 faulty 1.0.0: skipped: ValueError: contract 2 is not known, only 1",
    "fails_at_load faulty 1.0.0: skipped: OSError: the model file is missing",
    "fails_at_predict_proba faulty 1.0.0: skipped: MemoryError: out of memory",
    "leaves_at_load faulty 1.0.0: skipped: SystemExit: 5",
    "wrong_shapes faulty 1.0.0: skipped: ValueError: shapes (2,), (2, 3), not ((2,), (2, 2))",
]


class Environment(NamedTuple):
    """A new virtual environment."""

    folder: Path

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, with only its own packages."""
        scripts = self.folder / ("Scripts" if os.name == "nt" else "bin")
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [scripts / command, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=variables,
            cwd=self.folder,  # not in the checkout, where a build may leave metadata
        )

    def python(self, *arguments: str) -> str:
        completed = self.run("python", *arguments)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """This project's wheel, the host and broken plugins, installed together."""
    folder = tmp_path_factory.mktemp("host").resolve()
    projects = folder / "projects"
    # Copies, because a build leaves files beside the sources.
    for name in ("text-classifier-host", "broken-plugin"):
        shutil.copytree(ROOT / "examples" / name, projects / name)
    write_project(projects / "faulty", FAULTY_PROJECT, FAULTY_MODULE)
    write_project(projects / "shouting", fenced("toml")[0], fenced("python")[0])
    wheels = [wheel, *(build(project, folder) for project in projects.iterdir())]

    venv = Environment(folder / "venv")
    python("-m", "venv", str(venv.folder))
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check")
    venv.python("-m", "pip", "install", *offline, *map(str, wheels))

    # The dependencies come from this environment. The packages of the new environment win,
    # because they are earlier on the path.
    purelib = venv.python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(purelib.strip(), "dependencies.pth").write_text("\n".join(sorted(here)), "utf-8")
    return venv


def write_project(folder: Path, pyproject: str, source: str) -> None:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(pyproject, "utf-8")
    (folder / f"{folder.name}.py").write_text(source, "utf-8")


def build(project: Path, folder: Path) -> Path:
    # With this environment's setuptools: the one of a new environment may be too old, and pip
    # would have to download another.
    backend = "import sys; from setuptools.build_meta import build_wheel as build; "
    subprocess.run(
        [sys.executable, "-c", f"{backend}build(sys.argv[1])", folder],
        check=True,
        capture_output=True,
        cwd=project,
    )
    (wheel,) = folder.glob(f"{project.name.replace('-', '_')}*.whl")
    return wheel


class TestHost:
    def test_the_package_is_the_environments_own(self, environment: Environment) -> None:
        imported, described = environment.python(
            "-c",
            "import disaster_tweets, importlib.metadata as metadata; "
            "print(disaster_tweets.__file__); "
            "print(metadata.distribution('disaster-tweets-model').locate_file(''))",
        ).splitlines()

        assert Path(imported).is_relative_to(environment.folder)
        assert Path(described).is_relative_to(environment.folder)

    def test_good_classifiers_answer_beside_broken_ones(self, environment: Environment) -> None:
        texts = ["BREAD AND JAM are on the small table", "all is well\nhere"]
        completed = environment.run("text-classifier-host", *texts)
        shown = completed.stdout.splitlines()

        assert completed.returncode == 0
        assert completed.stderr.splitlines() == BROKEN
        assert "must not load" not in completed.stdout
        assert f"disaster_tweets disaster-tweets-model {contract.info()['version']}" in shown
        for key, value in contract.info().items():
            assert f"  {key}: {json.dumps(value)}" in shown
        answers = [line.split("\t") for line in shown if "\t" in line]
        predictions = Classifier.load().predict(texts)
        of_ours = LABELS[1:] if len(LABELS) == 2 else LABELS
        ours = [
            [
                "disaster_tweets",
                prediction.label,
                *(f"P({label})={prediction.probabilities[label]:.4f}" for label in of_ours),
                repr(text),
            ]
            for text, prediction in zip(texts, predictions, strict=True)
        ]
        shouting = [
            ["shouting", "calm", f"P(shouting)={11 / 36:.4f}", repr(texts[0])],
            ["shouting", "calm", "P(shouting)=0.0000", repr(texts[1])],
        ]
        # All three probabilities, because there are more than two labels.
        weather = [
            ["weather", "rain", "P(rain)=1.0000", "P(snow)=0.0000", "P(sun)=0.0000"],
            ["weather", "snow", "P(rain)=0.0000", "P(snow)=1.0000", "P(sun)=0.0000"],
        ]
        for answer, text in zip(weather, texts, strict=True):
            answer.append(repr(text))
        first, second, third = sorted([ours, shouting, weather])
        assert answers == [*first, *second, *third]

    def test_status_1_where_none_answers(self, environment: Environment) -> None:
        host = ROOT / "examples" / "text-classifier-host" / "text_classifier_host.py"
        # -S: without the installed packages, and so without plugins.
        completed = environment.run("python", "-S", str(host), "text")

        assert completed.returncode == 1
        assert completed.stdout == ""
        assert completed.stderr == "no text classifier answered\n"

    def test_the_host_of_the_contract_page(self, environment: Environment) -> None:
        lines = environment.python("-c", fenced("python")[1]).splitlines()

        assert "shouting ['shouting' 'calm']" in lines
        assert any(line.startswith("disaster_tweets ['") for line in lines)
        assert "contract_2 skipped: ValueError('unknown contract')" in lines

    def test_discovery_lists_the_same_neighbours(self, environment: Environment) -> None:
        listed = environment.python(
            "-c",
            "from disaster_tweets.plugins.discovery import discover\n"
            "for plugin in discover(): print(plugin.name, bool(plugin.error))",
        )

        # Sorted by name, because other plugins may be installed.
        assert listed.splitlines() == sorted(listed.splitlines())
        assert set(listed.splitlines()) == {
            "broken True",
            "contract_2 True",
            "disaster_tweets False",
            "fails_at_load False",
            "fails_at_predict_proba False",
            "leaves_at_load False",
            "shouting False",
            "weather False",
            "wrong_shapes False",
        }


def test_the_host_shows_all_probabilities_of_four_labels(four_labels_installed: Path) -> None:
    host = load_script(ROOT / "examples" / "text-classifier-host" / "text_classifier_host.py")
    (plugin,) = entry_points(group=GROUP, name="disaster_tweets")
    answers = host.score(plugin, TEXTS, contract.info()["positive_label"])

    assert [answer.split("\t") for answer in answers] == [
        [p.label, *(f"P({label})={value:.4f}" for label, value in p.probabilities.items())]
        for p in Classifier.load(four_labels_installed).predict(TEXTS)
    ]


@pytest.mark.parametrize("name", ["text-classifier-host", "broken-plugin"])
def test_the_examples_do_not_know_this_package(name: str) -> None:
    for path in (ROOT / "examples" / name).rglob("*"):
        if path.suffix in {".md", ".py", ".toml"}:
            text = path.read_text("utf-8")
            assert not re.search(r"(import|from) disaster_tweets\b", text), path
            assert "disaster-tweets-model" not in text, path
