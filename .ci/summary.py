"""Print which tox environments ran; fail where one did not although it could have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Read the file that ``tox run --result-json`` wrote; return the exit status."""
    environments = json.loads(Path(sys.argv[1]).read_text("utf-8"))["testenvs"]
    listed = subprocess.run(
        [sys.executable, "-m", "tox", "list", "--no-desc", "-q"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    status = 0
    for name in listed:
        commands = environments.get(name, {}).get("test", [])
        if commands and all(command["retcode"] == 0 for command in commands):
            version = environments[name].get("python", {}).get("version", "").split(" ")[0]
            print(f"{name}: passed {version}")
            continue
        python = re.sub(r"^py3(\d+)$", r"python3.\1", name)
        if commands or python == name or shutil.which(python):
            print(f"{name}: FAILED, or skipped although it could run")
            status = 1
        else:
            print(f"{name}: skipped, no {python} here")
    return status


if __name__ == "__main__":
    sys.exit(main())
