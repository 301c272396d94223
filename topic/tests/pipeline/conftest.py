"""The fixtures of tests/pipeline, for the tests of the topic's stages."""

from tests.pipeline.conftest import built, cleaner, project
from tests.pipeline.downloads import checkout, server

__all__ = ["built", "checkout", "cleaner", "project", "server"]
