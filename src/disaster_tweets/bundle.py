"""Find and verify the files of a model, however the package is installed."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from disaster_tweets.errors import DISTRIBUTION, ArtifactError, InputError
from disaster_tweets.manifest import NAME as MANIFEST
from disaster_tweets.manifest import Manifest, parse
from disaster_tweets.tokenizer import SPECIAL_TOKENS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from importlib_resources.abc import Traversable

MODEL, VOCABULARY, CALIBRATION = "model.bin", "vocab.txt", "calibration.npy"
GOLDEN = "golden.json"

_BLOCK = 1 << 16  # bytes read at a time; faster than one large read


class Bundle(NamedTuple):
    """The verified files of one model.

    Attributes:
        manifest: The content of manifest.json.
        vocabulary: The word pieces; a piece's index is its id.
        calibration: The table for `calibration.calibrate`, float64.
        model: The path of the model file, which the system can map and share; its bytes if it
            has no path, as inside a zip.
    """

    manifest: Manifest
    vocabulary: list[str]
    calibration: npt.NDArray[np.float64]
    model: Path | bytes


def bundled() -> Traversable:
    """Return the folder of the model in this package."""
    beside = Path(__file__).with_name("artifacts")
    if beside.is_dir():  # the layout of a wheel; saves the slow import below
        return beside
    import importlib_resources

    return importlib_resources.files("disaster_tweets.artifacts")


def bundled_manifest() -> Manifest:
    """Return the manifest of the bundled model, without reading the model.

    Raises:
        ArtifactError: The manifest is missing or malformed.
    """
    return read_manifest(bundled())


def full_path(path: str | os.PathLike[str] | None) -> str | None:
    """Return the full path of the folder of a model, or None for the bundled model.

    Raises:
        ArtifactError: No folder can have this path.
        InputError: The path is empty or of another type.
    """
    if path is None:
        return None
    given = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(given, str):
        raise InputError(
            f"path is {type(path).__name__}, not str or os.PathLike; {_PASS_A_FOLDER}"
        )
    if not given:  # Path would take it for the current folder
        raise InputError(f"path is empty; {_PASS_A_FOLDER}")
    try:
        return str(Path(given).resolve())
    except (OSError, ValueError, RuntimeError):  # too long, or with an impossible character
        raise _no_folder(given) from None


def open_folder(path: str | os.PathLike[str] | None) -> Traversable:
    """Return the folder at ``path``, or the folder of the bundled model for None.

    Raises:
        ArtifactError: There is no such folder, or it holds no manifest.
    """
    if path is None:
        return bundled()
    folder = Path(path)
    try:
        if not folder.is_dir():
            raise _no_folder(str(folder))
        holds_model = (folder / MANIFEST).exists()
    except PermissionError:
        holds_model = True  # reading it will say what is forbidden
    except (OSError, ValueError):
        raise _no_folder(str(folder)) from None
    if not holds_model:
        raise ArtifactError(
            f"{folder}: holds no model, as {MANIFEST} is missing; {_PASS_A_FOLDER}"
        )
    return folder


_PASS_A_FOLDER = f"pass a folder that holds {MANIFEST} and the files that it names"


def _no_folder(path: str) -> ArtifactError:
    name = path if path.isprintable() else ascii(path)
    return ArtifactError(f"{name}: no such folder; pass one that holds {MANIFEST}")


def read(folder: Traversable) -> Bundle:
    """Read the model in ``folder``, and compare each file with the manifest.

    Each process checks CRC-32, which detects accidental damage in a third of the time of
    SHA-256 or less. `verified` checks SHA-256.

    Raises:
        ArtifactError: A file is missing, truncated or altered; the message names it.
    """
    manifest = read_manifest(folder)
    model, vocabulary, calibration = (
        intact(folder, name, manifest) for name in (MODEL, VOCABULARY, CALIBRATION)
    )
    return Bundle(
        manifest=manifest,
        vocabulary=read_vocabulary(vocabulary),
        calibration=_read_table(calibration),
        model=model if isinstance(model, Path) else model.read_bytes(),
    )


def read_manifest(folder: Traversable) -> Manifest:
    """Return the checked content of ``folder``/manifest.json; ArtifactError if invalid."""
    file = folder / MANIFEST
    with _named(file):
        raw = file.read_bytes()
    return parse(raw, str(file))


def intact(folder: Traversable, name: str, manifest: Manifest) -> Traversable:
    """Return the file of an artifact; raise ArtifactError unless its CRC-32 is correct."""
    file, expected = folder / name, manifest["artifacts"][name]
    checksum = size = 0
    for block in _blocks(file):
        checksum = zlib.crc32(block, checksum)
        size += len(block)
    _compare(file, size, expected["size"], checksum, expected["crc32"])
    return file


def verified(folder: Traversable, name: str, manifest: Manifest) -> Traversable:
    """Return the file of an artifact; raise ArtifactError unless its SHA-256 is correct."""
    import hashlib

    file, expected = folder / name, manifest["artifacts"][name]
    digest, size = hashlib.sha256(), 0
    for block in _blocks(file):
        digest.update(block)
        size += len(block)
    _compare(file, size, expected["size"], digest.hexdigest(), expected["sha256"])
    return file


def read_vocabulary(file: Traversable) -> list[str]:
    """Return the word pieces in a file, one per line; raise ArtifactError if it is invalid."""
    try:
        pieces = file.read_bytes().decode("utf-8").split("\n")[:-1]
    except UnicodeDecodeError:
        raise _refused(file, "not valid UTF-8") from None
    missing = [token for token in SPECIAL_TOKENS if token not in pieces]
    if missing:
        raise _refused(file, f"lacks {', '.join(sorted(missing))}")
    return pieces


def _read_table(file: Traversable) -> npt.NDArray[np.float64]:
    """Return the array in a NumPy file; raise ArtifactError if it is invalid."""
    import io

    import numpy as np

    try:
        table = np.load(io.BytesIO(file.read_bytes()), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise _refused(file, f"not a table of NumPy ({error})") from None
    if table.dtype.str != "<f8" or table.ndim != 1 or len(table) < 2:
        raise _refused(file, "not a table of float64")
    numbers: npt.NDArray[np.float64] = table.astype(np.float64)  # in native byte order
    return numbers


def _blocks(file: Traversable) -> Iterator[bytes]:
    with _named(file), file.open("rb") as content:
        while block := content.read(_BLOCK):
            yield block


def _compare(
    file: Traversable, size: int, right_size: int, checksum: object, right_checksum: object
) -> None:
    if size != right_size:
        from disaster_tweets.counting import plural

        raise _refused(file, f"{plural(size, 'byte')} instead of {right_size:,}")
    if checksum != right_checksum:
        raise _refused(file, "its content was altered")


@contextmanager
def _named(file: Traversable) -> Iterator[None]:
    """Turn a read error into an ArtifactError that names the file."""
    try:
        yield
    except (OSError, KeyError) as error:  # KeyError: the file is not in the zip
        reason = error.strerror if isinstance(error, OSError) else None
        raise _refused(file, reason or "No such file") from None


def _refused(file: Traversable, reason: str) -> ArtifactError:
    return ArtifactError(f"{file}: {reason}; reinstall {DISTRIBUTION}")
