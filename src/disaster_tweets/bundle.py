"""Finds the model's files, wherever the package is installed, and verifies them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import importlib_resources

from disaster_tweets import manifest
from disaster_tweets.errors import ArtifactError

if TYPE_CHECKING:
    from importlib_resources.abc import Traversable

MODEL, VOCABULARY, GOLDEN = "model.tflite", "vocab.txt", "golden.json"


@dataclass(frozen=True)
class Bundle:
    """The verified files of one model.

    Attributes:
        manifest: The content of manifest.json.
        vocabulary: The word pieces; a piece's index is its id.
        model: The flatbuffer's path, so that the system maps and shares it, or its bytes
            where it has no path of its own, as inside a zip.
    """

    manifest: manifest.Manifest
    vocabulary: list[str]
    model: Path | bytes


def bundled() -> Traversable:
    """Return the folder of the model that this package carries."""
    return importlib_resources.files("disaster_tweets.artifacts")


def bundled_manifest() -> manifest.Manifest:
    """Return the manifest of the bundled model, without reading the model.

    Raises:
        ArtifactError: It is missing or malformed.
    """
    return read_manifest(bundled())


def open_folder(path: str | os.PathLike[str] | None) -> Traversable:
    """Return the folder at ``path``, or the bundled model's for None.

    Raises:
        ArtifactError: There is no such folder.
    """
    if path is None:
        return bundled()
    folder = Path(path)
    if not folder.is_dir():
        raise ArtifactError(f"{folder}: no such folder; pass one that holds {manifest.NAME}")
    return folder


def read(folder: Traversable) -> Bundle:
    """Read the model in ``folder`` and verify each file against the manifest.

    Raises:
        ArtifactError: A file is missing, truncated or altered; the message names it.
    """
    description = read_manifest(folder)
    contents = {name: read_verified(folder, name, description) for name in (MODEL, VOCABULARY)}
    model = folder / MODEL
    return Bundle(
        manifest=description,
        vocabulary=contents[VOCABULARY].decode("utf-8").split("\n")[:-1],
        model=model if isinstance(model, Path) else contents[MODEL],
    )


def read_manifest(folder: Traversable) -> manifest.Manifest:
    """Return the checked content of ``folder``/manifest.json; ArtifactError if it is not."""
    file = folder / manifest.NAME
    return manifest.parse(_read(file), str(file))


def read_verified(folder: Traversable, name: str, description: manifest.Manifest) -> bytes:
    """Return the content of one artifact; ArtifactError unless it is the manifest's."""
    file = folder / name
    content, expected = _read(file), description["artifacts"][name]
    if len(content) != expected["size"]:
        problem = f"{len(content)} bytes instead of {expected['size']}"
    elif hashlib.sha256(content).hexdigest() != expected["sha256"]:
        problem = "its content was altered"
    else:
        return content
    raise ArtifactError(f"{file}: {problem}; reinstall disaster-tweets-model")


def _read(file: Traversable) -> bytes:
    try:
        return file.read_bytes()
    except (OSError, KeyError) as error:  # KeyError: not in the zip
        reason = error.strerror if isinstance(error, OSError) else None
        raise ArtifactError(
            f"{file}: {reason or 'No such file'}; reinstall disaster-tweets-model"
        ) from None
