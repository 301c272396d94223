"""Fail unless a tag, the version in setup.cfg and the changelog name the same release."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def problem(tag: str) -> str | None:
    """Return the reason why ``tag`` cannot be released from this checkout, or None."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    version = setup["metadata"]["version"]
    if tag != f"v{version}":
        return f"setup.cfg has version {version}: the tag must be v{version}, not {tag}"
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M):
        return f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD': add it"
    return None


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1]))
