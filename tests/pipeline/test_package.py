"""The requirements of the wheel, which must fit the kind of model that ships."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.package import check_requirements
from pipeline.project import PipelineError

from ..conftest import ROOT, load_script

FOR_BOTH = ["click>=8.1", "numpy>=1.26"]
LINE = "ai-edge-litert>=2.1"


def write(*requirements: str) -> None:
    """Write a setup.cfg with these as install_requires."""
    lines = [f"    {line}" for line in requirements]
    required = "\n".join(["[options]", "install_requires =", *lines])
    extras = f"[options.extras_require]\ntrain =\n    {LINE}\n    keras>=3.13\n"
    Path("setup.cfg").write_text(f"{required}\n\n{extras}", encoding="utf-8")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_fits_passes() -> None:
    write(*FOR_BOTH)
    check_requirements("student")
    write(*FOR_BOTH, LINE)
    check_requirements("encoder")


def test_an_encoder_needs_its_runtime() -> None:
    write(*FOR_BOTH, "ai-edge-litert-nightly-tools", "other; extra == 'ai-edge-litert'")
    with pytest.raises(PipelineError) as caught:
        check_requirements("encoder")

    assert str(caught.value) == (
        "setup.cfg: the model that ships is an encoder, which ai-edge-litert runs; "
        "add the line 'ai-edge-litert>=2.1' to install_requires"
    )


@pytest.mark.parametrize("line", [LINE, "ai-edge-litert", "ai-edge-litert ; extra"])
def test_a_student_must_not_require_it(line: str) -> None:
    write(*FOR_BOTH, line)
    with pytest.raises(PipelineError) as caught:
        check_requirements("student")

    assert str(caught.value) == (
        "setup.cfg: the model that ships is a student, which NumPy runs; remove the line "
        f"{line!r} from install_requires"
    )


@pytest.mark.parametrize("kind", ["student", "encoder"])
@pytest.mark.parametrize("before", [[], [LINE]])
def test_the_workspace_writes_what_is_checked(
    kind: str, before: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = load_script(ROOT / "scripts" / "workspace.py")
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "manifest.json").write_text(json.dumps({"kind": kind}), "utf-8")
    write(*before, *FOR_BOTH)
    fits = bool(before) == (kind == "encoder")

    assert workspace.require_runtime() != fits
    check_requirements(kind)
    written = Path("setup.cfg").read_text("utf-8")
    write(*([LINE] if kind == "encoder" else []), *FOR_BOTH)
    assert Path("setup.cfg").read_text("utf-8") == written
    assert not workspace.require_runtime()


def test_the_workspace_finds_the_lines_of_this_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = load_script(ROOT / "scripts" / "workspace.py")
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    (tmp_path / "artifacts").mkdir()
    shutil.copy(ROOT / "setup.cfg", "setup.cfg")
    for kind in ("student", "encoder", "student"):
        manifest = json.dumps({"kind": kind})
        (tmp_path / "artifacts" / "manifest.json").write_text(manifest, "utf-8")
        workspace.require_runtime()
        check_requirements(kind)
