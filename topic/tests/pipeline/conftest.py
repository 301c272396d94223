"""The fixtures of tests/pipeline, for the stages of the topic too."""

from tests.pipeline.conftest import built, cleaner, project
from tests.pipeline.downloads import checkout, server

__all__ = ["built", "checkout", "cleaner", "project", "server"]
