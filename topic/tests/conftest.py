"""The fixtures of tests/conftest.py, for the tests of the topic too."""

from tests.conftest import golden, manifest, raw_data, wheel

__all__ = ["golden", "manifest", "raw_data", "wheel"]
