"""The exploration notebook, which runs with and without the real tweets."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT

nbclient = pytest.importorskip("nbclient", reason="needs the extra notebook")
nbformat = pytest.importorskip("nbformat", reason="needs the extra notebook")

NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"
FIGURES = {
    *("balance-plot", "noise-plot", "repeats-plot", "lengths-plot", "keywords-plot"),
    *("scores-plot", "why-plot", "slices-plot", "label-noise-plot", "calibration-plot"),
    *("threshold-plot", "costs-plot"),
}

# The kernel runs this after the last cell. It returns no tweet, because a failing test would
# print it.
FINDINGS = """
import json, sys
made_up = json.loads((root / "notebooks" / "sample.json").read_text("utf-8"))
print(json.dumps({
    "python": sys.executable,
    "source": source,
    "texts": len(judged),
    "measured": measured,
    "noise": noise.sum().to_dict(),
    "contradictory": texts["contradictory"].sum(),
    "false_alarms": len(false_alarms),
    "missed": len(missed),
    "suspects": len(suspects),
    "of_the_sample": tweets["text"].isin([row["text"] for row in made_up]).sum(),
}, default=int))
"""


class Executed(NamedTuple):
    """The results of a run from top to bottom."""

    figures: set[str]  # the ids of cells that drew a figure
    captions: set[str]  # the ids of cells that showed text
    headline: str
    stderr: str
    findings: dict[str, Any]


Execute = Callable[[Path], Executed]


def committed() -> Any:
    return nbformat.read(NOTEBOOK, 4)


def code_cells() -> dict[str, str]:
    return {cell.id: cell.source for cell in committed().cells if cell.cell_type == "code"}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make this interpreter the kernel ``python3``, whatever kernels are installed."""
    prefix = tmp_path_factory.mktemp("kernel")
    subprocess.run(
        [sys.executable, "-m", "ipykernel", "install", "--prefix", prefix, "--name", "python3"],
        check=True,
        capture_output=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        patch.setenv("IPYTHONDIR", str(prefix / "ipython"))
        yield


@pytest.fixture
def execute(kernel: None, monkeypatch: pytest.MonkeyPatch) -> Execute:
    """Run the committed notebook in a folder. Without a mirror, it reads the sample."""
    monkeypatch.delenv("DISASTER_TWEETS_MIRROR", raising=False)

    def execute(folder: Path) -> Executed:
        notebook = committed()
        notebook.cells.append(nbformat.v4.new_code_cell(FINDINGS))
        nbclient.NotebookClient(
            notebook,
            timeout=300,
            kernel_name=notebook.metadata.kernelspec.name,
            resources={"metadata": {"path": str(folder)}},
        ).execute()
        outputs = [
            (cell.id, output)
            for cell in notebook.cells
            if cell.cell_type == "code"
            for output in cell.outputs
        ]
        shown = [(where, output.data) for where, output in outputs if "data" in output]
        headline = next(d["text/markdown"] for w, d in shown if w == "load")
        return Executed(
            figures={where for where, data in shown if "image/png" in data},
            captions={where for where, data in shown if "text/markdown" in data},
            headline=headline,
            stderr="".join(o.text for _, o in outputs if o.get("name") == "stderr"),
            findings=json.loads(notebook.cells[-1].outputs[-1].text),
        )

    return execute


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder of the notebook in a copy of the repository that holds no data."""
    (tmp_path / "topic").mkdir()
    shutil.copy(ROOT / "topic" / "written.csv", tmp_path / "topic")
    return Path(shutil.copytree(NOTEBOOK.parent, tmp_path / "notebooks"))


class TestCommitted:
    def test_no_output_is_committed(self) -> None:
        cells = committed().cells
        code = [cell for cell in cells if cell.cell_type == "code"]

        assert len(code) > 10
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
        assert all(cell.metadata == {} and "attachments" not in cell for cell in cells)

    def test_the_file_is_a_valid_notebook(self) -> None:
        nbformat.validate(json.loads(NOTEBOOK.read_text("utf-8")))

    def test_the_kernel_is_the_one_that_every_host_has(self) -> None:
        assert committed().metadata.kernelspec.name == "python3"

    def test_no_function_is_defined(self) -> None:
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        for source in code_cells().values():
            assert not [n for n in ast.walk(ast.parse(source)) if isinstance(n, definitions)]


class TestRun:
    def test_without_the_real_tweets_on_the_sample(
        self, execute: Execute, elsewhere: Path
    ) -> None:
        executed = execute(elsewhere)
        sample = json.loads((elsewhere / "sample.json").read_text("utf-8"))
        found = executed.findings

        assert f"Data: a made-up sample of {len(sample)} tweets" in executed.headline
        assert "real tweets of" not in executed.headline
        assert executed.figures == FIGURES
        assert "Warning" not in executed.stderr
        assert executed.captions >= FIGURES
        assert found["python"] == sys.executable
        assert found["of_the_sample"] == len(sample)
        assert found["measured"]["texts"] == found["texts"] > 500
        # Each section has results.
        assert min(found["noise"].values()) > 0
        for what in ("contradictory", "false_alarms", "missed", "suspects"):
            assert found[what] > 1

    def test_with_the_real_tweets_the_model_is_judged_on_the_same_sentences(
        self,
        execute: Execute,
        elsewhere: Path,
        raw_data: Path,
        manifest: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("DISASTER_TWEETS_MIRROR", str(raw_data))
        executed = execute(elsewhere)
        found = executed.findings

        assert f"real tweets of {raw_data / 'train.csv'}" in executed.headline
        assert executed.figures == FIGURES
        assert "Warning" not in executed.stderr
        # The sample is made up. It has no tweet of the real data.
        assert found["of_the_sample"] == 0
        written = manifest["sources"]["written"]
        assert found["texts"] == found["measured"]["texts"] == written["texts"]
        accuracy = found["measured"]["accuracy"]["value"]
        assert accuracy == pytest.approx(written["accuracy"], abs=1e-3)


class TestFirstCell:
    @pytest.fixture
    def first_cell(self) -> Callable[[], dict[str, Any]]:
        def run() -> dict[str, Any]:
            names: dict[str, Any] = {}
            exec(code_cells()["install"], names)
            return names

        return run

    def test_it_says_how_to_install_the_package(
        self, first_cell: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name: None if name == "disaster_tweets" else name,
        )
        with pytest.raises(ModuleNotFoundError) as error:
            first_cell()

        assert str(error.value).startswith("disaster_tweets cannot be imported")
        assert 'pip install ".[notebook]"' in str(error.value)

    def test_it_finds_the_folder_of_the_notebook(
        self, first_cell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = shutil.copytree(NOTEBOOK.parent, tmp_path / "clone" / "notebooks")
        monkeypatch.chdir(folder)

        assert first_cell()["root"] == tmp_path / "clone"

    def test_without_the_sample_it_says_where_to_get_it(
        self, first_cell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(
            FileNotFoundError, match=r"sample\.json is not in .* clone the repo"
        ):
            first_cell()
