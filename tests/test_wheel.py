"""What the wheel holds: the package, the model that the manifest describes, and no more."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from disaster_tweets.runtime import ENCODER, STUDENT

from .conftest import ROOT, fingerprint

PACKAGE = ROOT / "src" / "disaster_tweets"


@pytest.fixture
def archive(wheel: Path) -> zipfile.ZipFile:
    with zipfile.ZipFile(wheel) as opened:
        yield opened


def test_members(archive: zipfile.ZipFile) -> None:
    sources = {
        f"disaster_tweets/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.suffix in (".css", ".html", ".js", ".py", ".svg", ".typed")
    }
    artifacts = {
        f"disaster_tweets/artifacts/{name}"
        for name in ("__init__.py", "golden.json", "manifest.json", "model.tflite", "vocab.txt")
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
    assert set(manifest["artifacts"]) == {"model.tflite", "vocab.txt", "golden.json"}
    for name, entry in manifest["artifacts"].items():
        assert entry == fingerprint(archive.read(f"{folder}/{name}"))


def test_sizes_are_within_budget(wheel: Path, archive: zipfile.ZipFile) -> None:
    kind = json.loads(archive.read("disaster_tweets/artifacts/manifest.json"))["kind"]
    unpacked, packed = {STUDENT: (11e6, 8e6), ENCODER: (26e6, 22e6)}[kind]
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


def test_runtime_dependencies_are_the_four(archive: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    required = re.findall(
        r"^Requires-Dist: ([\w-]+)[^;\n]*$", archive.read(metadata).decode(), re.M
    )
    assert sorted(required) == ["ai-edge-litert", "click", "importlib-resources", "numpy"]
