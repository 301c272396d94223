"""Print which tox environments and hosts ran; fail if one did not run that could have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Read the results of tox and of the hosts' tests; return the exit status."""
    results, hosts = map(Path, sys.argv[1:])
    return max(summarize_environments(results), summarize_hosts(hosts))


def summarize_environments(path: Path) -> int:
    """Print the outcome of each environment in the file of ``tox run --result-json``."""
    environments = json.loads(path.read_text("utf-8"))["testenvs"]
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
            version = environments[name].get("python", {}).get("version_info", [])
            print(f"{name}: passed, Python {'.'.join(map(str, version[:2]))}")
            continue
        python = re.sub(r"^py3(\d+)$", r"python3.\1", name)
        if commands or python == name or shutil.which(python):
            print(f"{name}: FAILED, or skipped although it could run")
            status = 1
        else:
            print(f"{name}: skipped, no {python} here")
    return status


def summarize_hosts(path: Path) -> int:
    """Print which hosts the tests ran in; a host without a passed test counts as failed."""
    outcomes = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    print(f"hosts: {len(outcomes)}")
    for host, counts in sorted(outcomes.items()):
        print(f"- {host}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    return int(not outcomes or not all(counts.get("passed") for counts in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
