"""The fixtures of tests/pipeline, for the stages of the topic too."""

from tests.pipeline.conftest import built, cleaner, project
from tests.pipeline.downloads import downloads, server

__all__ = ["built", "cleaner", "downloads", "project", "server"]
