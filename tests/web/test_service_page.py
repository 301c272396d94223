"""The examples of docs/service.md run and print the output on the page."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORT = 5000  # the port on the page


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl")
def test_the_examples_of_the_page_print_what_it_shows() -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"port {PORT} of this machine is in use")
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "docs" / "transcripts.py", "--check"),
            ROOT / "docs" / "service.md",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
