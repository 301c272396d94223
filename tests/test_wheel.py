"""The content of the wheel: the package, the files in the manifest, and nothing else."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from disaster_tweets.runtime import ENCODER, STUDENT

from .conftest import ROOT, fingerprint

PACKAGE = ROOT / "src" / "disaster_tweets"
ARTIFACTS = {"model.bin", "vocab.txt", "calibration.npy", "golden.json"}  # in the manifest


@pytest.fixture
def archive(wheel: Path) -> zipfile.ZipFile:
    with zipfile.ZipFile(wheel) as opened:
        yield opened


def kind(archive: zipfile.ZipFile) -> str:
    """Return the kind of the model in the wheel."""
    manifest = json.loads(archive.read("disaster_tweets/artifacts/manifest.json"))
    found: str = manifest["kind"]
    return found


def test_members(archive: zipfile.ZipFile) -> None:
    sources = {
        f"disaster_tweets/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.suffix in (".css", ".html", ".js", ".json", ".py", ".svg", ".typed")
    }
    artifacts = {
        f"disaster_tweets/artifacts/{name}"
        for name in ("__init__.py", "manifest.json", *ARTIFACTS)
    }
    metadata = {
        f"disaster_tweets_model.dist-info/{name}"
        for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")
    } | {f"disaster_tweets_model.dist-info/licenses/{name}" for name in ("LICENSE", "NOTICE")}
    members = {re.sub(r"-[\d.]+\.dist-info", ".dist-info", name) for name in archive.namelist()}
    assert members == sources | artifacts | metadata


def test_artifacts_are_those_of_the_manifest(archive: zipfile.ZipFile) -> None:
    folder = "disaster_tweets/artifacts"
    manifest = json.loads(archive.read(f"{folder}/manifest.json"))
    assert set(manifest["artifacts"]) == ARTIFACTS
    for name, entry in manifest["artifacts"].items():
        assert entry == fingerprint(archive.read(f"{folder}/{name}"))


def test_sizes_are_within_budget(wheel: Path, archive: zipfile.ZipFile) -> None:
    unpacked, packed = {STUDENT: (11e6, 7e6), ENCODER: (26e6, 22e6)}[kind(archive)]
    artifacts = [i.file_size for i in archive.infolist() if "/artifacts/" in i.filename]
    assert sum(artifacts) < unpacked
    assert wheel.stat().st_size < packed


def test_the_model_version_is_not_newer_than_the_package(archive: zipfile.ZipFile) -> None:
    manifest = json.loads(archive.read("disaster_tweets/artifacts/manifest.json"))
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    version = re.search(r"^Version: (\d+)\.(\d+)", archive.read(metadata).decode(), re.M)
    assert version is not None
    shipped = tuple(int(part) for part in manifest["model_version"].split("."))
    assert shipped <= (int(version[1]), int(version[2]))


def test_runtime_dependencies_are_three_and_what_runs_an_encoder(
    archive: zipfile.ZipFile,
) -> None:
    expected = ["click", "importlib-resources", "numpy"]
    if kind(archive) == ENCODER:
        expected.insert(0, "ai-edge-litert")
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    required = re.findall(
        r"^Requires-Dist: ([\w-]+)[^;\n]*$", archive.read(metadata).decode(), re.M
    )
    assert sorted(required) == expected
