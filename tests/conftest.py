"""What the tests share: the wheel under test, and the real data where it is there."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel that tox built and installed."""
    packages = [Path(p) for p in os.environ.get("TOX_PACKAGE", "").split(os.pathsep)]
    wheels = [path.resolve() for path in packages if path.suffix == ".whl"]
    if not wheels:
        pytest.skip("needs the built wheel: run the tests through tox")
    return wheels[0]


@pytest.fixture(scope="session")
def raw_data() -> Path:
    """The folder with the Kaggle files: the mirror that is set, or data/raw."""
    for folder in (os.environ.get("DISASTER_TWEETS_MIRROR", ""), ROOT / "data" / "raw"):
        if folder and (Path(folder) / "train.csv").is_file():
            return Path(folder)
    pytest.skip("needs the real tweets: set DISASTER_TWEETS_MIRROR, or run dvc repro")
