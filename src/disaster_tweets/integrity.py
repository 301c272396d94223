"""Verify the integrity of the installed distribution: files, manifest, artifacts and scores."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, FileHash, PackagePath, distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disaster_tweets import bundle
from disaster_tweets.classifier import Classifier
from disaster_tweets.counting import plural
from disaster_tweets.errors import DISTRIBUTION, ArtifactError
from disaster_tweets.topic import TEXT, TEXTS

if TYPE_CHECKING:
    from importlib_resources.abc import Traversable


def verify() -> tuple[list[str], list[str]]:
    """Verify the installed distribution.

    Returns:
        A line for each completed check, and a line for each problem, which names the file.
    """
    checked: list[str] = []
    problems: list[str] = []
    _verify_files(checked, problems)
    try:
        folder = bundle.bundled()
        manifest = bundle.read_manifest(folder)
        checked.append("manifest: its form is valid")
        for name in manifest["artifacts"]:
            bundle.verified(folder, name, manifest)
        checked.append(f"artifacts: {len(manifest['artifacts'])} match the manifest")
        golden = _read_golden(bundle.verified(folder, bundle.GOLDEN, manifest))
        tolerance = manifest["golden_tolerance"]
        moved = list(_moved_scores(golden, tolerance))
        problems += moved
        if not moved:
            agree = f"within {tolerance}" if tolerance else "the same to the bit"
            checked.append(
                f"scores: {plural(len(golden), f'golden {TEXT}', f'golden {TEXTS}')}, {agree}"
            )
    except ArtifactError as error:
        problems.append(str(error))
    return checked, problems


def _verify_files(checked: list[str], problems: list[str]) -> None:
    # Another install may come first, for example build output in the current folder.
    candidates = list(distributions(name=DISTRIBUTION))
    installed = next(filter(_is_beside_the_package, candidates), None)
    if installed is None and not all(map(_lists_the_package, candidates)):
        checked.append("files: an editable install, whose sources RECORD does not cover")
        return
    if installed is None or not _lists_the_package(installed):
        problems.append(f"RECORD: missing or incomplete; install {DISTRIBUTION} with pip")
        return
    recorded = list(_recorded(installed))
    altered = list(_altered(recorded))
    problems += altered
    if not altered:
        checked.append(f"files: {len(recorded)} match RECORD")


def _is_beside_the_package(installed: Distribution) -> bool:
    folder = Path(str(installed.locate_file("disaster_tweets"))).resolve()
    return folder == Path(__file__).resolve().parent


def _lists_the_package(installed: Distribution) -> bool:
    """Say whether RECORD lists the package; that of an editable install does not."""
    return "disaster_tweets/__init__.py," in (installed.read_text("RECORD") or "")


def _recorded(installed: Distribution) -> Iterator[tuple[PackagePath, FileHash]]:
    """Yield each file in RECORD that has a hash.

    `Distribution.files` would leave out missing files from Python 3.12 on.
    """
    for name, digest, _ in csv.reader((installed.read_text("RECORD") or "").splitlines()):
        if digest:
            file = PackagePath(name)
            file.dist = installed
            yield file, FileHash(digest)


def _altered(recorded: list[tuple[PackagePath, FileHash]]) -> Iterator[str]:
    for file, expected in recorded:
        found = [_hash(content, expected.mode) for content in _contents(file)]
        if not found:
            yield f"{file}: missing; reinstall {DISTRIBUTION}"
        elif expected.value not in found:
            yield f"{file}: differs from RECORD; reinstall {DISTRIBUTION}"


def _contents(file: PackagePath) -> Iterator[bytes]:
    """Yield the content of a file in RECORD from each place where it may lie, normally one.

    ``pip install --target`` moves scripts and the like into the target folder, while RECORD
    still has ``../../bin``. That path may hold the script of another install.
    """
    inside = PackagePath(*(part for part in file.parts if part != ".."))
    inside.dist = file.dist
    for place in {file, inside}:
        with suppress(OSError, KeyError):  # KeyError: the file is not in the zip
            yield place.read_binary()


def _hash(content: bytes, algorithm: str) -> str:
    """Return a hash in the form of RECORD."""
    digest = hashlib.new(algorithm, content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _read_golden(file: Traversable) -> list[dict[str, Any]]:
    try:
        golden = json.loads(file.read_bytes())
    except ValueError:
        golden = None
    if not (
        isinstance(golden, list)
        and golden
        and all(isinstance(each, dict) and isinstance(each.get("text"), str) for each in golden)
    ):
        raise ArtifactError(f"{file}: not a list of {TEXTS}; reinstall {DISTRIBUTION}")
    return golden


def _moved_scores(golden: list[dict[str, Any]], tolerance: float) -> Iterator[str]:
    """Yield a line for each text whose score differs from the recorded score.

    The score is the probability of the second label with two labels, and of the recorded
    label with more.
    """
    classifier = Classifier.load()
    labels = classifier.classes_
    predictions = classifier.predict([each["text"] for each in golden])
    for index, (each, prediction) in enumerate(zip(golden, predictions, strict=True)):
        label: Any = labels[1] if len(labels) == 2 else each.get("label")
        score = prediction.probabilities.get(label, math.nan)
        expected = each.get("probability")
        if not isinstance(expected, float) or not abs(score - expected) <= tolerance:
            more = f", more than {tolerance} away" if tolerance else ""
            yield (
                f"{bundle.GOLDEN}: {TEXT} {index} scores {score} instead of {expected}{more}; "
                f"reinstall {DISTRIBUTION} and what it needs"
            )
