"""`disaster-tweets score`: the files of an interrupted run, and the resumed run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import two_labels
from .test_score import SUMMARY, refused, score

ROWS = 3000  # more than between two checkpoints
# In a shell, background programs ignore Ctrl-C, and their child processes inherit this.
LAUNCH = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
{}
os.execv(sys.executable, [sys.executable, "-m", "disaster_tweets", "score", *sys.argv[1:]])
"""
FILE_LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (130_000,) * 2)"
posix = pytest.mark.skipif(os.name == "nt", reason="the signals and limits of POSIX")


def start(*arguments: str | Path, limit: str = "") -> subprocess.Popen[str]:
    code = (
        ["-c", LAUNCH.format(limit)] if os.name != "nt" else ["-m", "disaster_tweets", "score"]
    )
    return subprocess.Popen(
        [sys.executable, *code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )


def start_and_wait_for_a_checkpoint(source: Path, target: Path) -> subprocess.Popen[str]:
    process = start(source, "-o", target)
    deadline = time.monotonic() + 60
    while not checkpoint(target):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def checkpoint(target: Path) -> bool:
    """Return whether rows are on disk and counted in the state."""
    try:
        output, state = part(target).stat(), part(target, ".json").stat()
    except FileNotFoundError:
        return False
    return output.st_size > 1000 and state.st_mtime_ns >= output.st_mtime_ns


def part(target: Path, suffix: str = "") -> Path:
    return target.with_name(f"{target.name}.part{suffix}")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "in.csv"
    rows = (f"{number},Lemon cake {number} on the way\n" for number in range(ROWS))
    source.write_text("n,text\n" + "".join(rows), "utf-8", newline="")
    return source


@pytest.fixture(scope="module")
def whole(source: Path) -> bytes:
    """Return the output of an uninterrupted run."""
    score(source, "-o", source.with_name("whole.csv"))
    return source.with_name("whole.csv").read_bytes()


@posix
class TestSignals:
    @pytest.mark.parametrize(
        ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
    )
    def test_one_line_and_a_way_to_go_on(
        self, source: Path, whole: bytes, tmp_path: Path, number: int, status: int
    ) -> None:
        target = tmp_path / "out.csv"
        process = start_and_wait_for_a_checkpoint(source, target)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

        assert (process.returncode, out) == (status, "")
        assert not target.exists()
        found, _, advice = err.partition(" rows; ")
        assert advice == "continue with the same command and --resume\n"
        assert 0 < int(found.removeprefix("Interrupted after ").replace(",", "")) < ROWS
        assert score(source, "-o", target, "--resume").status == 0
        assert target.read_bytes() == whole


class Interrupted:
    """The files of a killed run."""

    def __init__(self, source: Path, target: Path) -> None:
        self.source, self.target = source, target
        self.state = part(target, ".json")
        process = start_and_wait_for_a_checkpoint(source, target)
        process.kill()
        process.communicate()
        self._files = {path: path.read_bytes() for path in (source, part(target), self.state)}
        self.time = source.stat().st_mtime_ns

    def restore(self) -> None:
        self.target.unlink(missing_ok=True)
        for path, before in self._files.items():
            path.write_bytes(before)
        os.utime(self.source, ns=(self.time, self.time))


@pytest.fixture(scope="module")
def once(source: Path) -> Interrupted:
    return Interrupted(source, source.with_name("out.csv"))


class TestResume:
    @pytest.fixture
    def left(self, once: Interrupted) -> Iterator[Interrupted]:
        once.restore()
        yield once
        once.restore()  # other tests read the same input

    def test_nothing_in_its_way(self, left: Interrupted, whole: bytes) -> None:
        with part(left.target).open("ab") as file:
            file.write(b"half a ro")  # written after the checkpoint
        assert score(left.source, "-o", left.target, "--resume").status == 0

        assert left.target.read_bytes() == whole
        assert not left.state.exists()

    def test_not_asked_for(self, left: Interrupted) -> None:
        before = part(left.target).read_bytes()
        completed = score(left.source, "-o", left.target)

        refused(completed)
        assert completed.err.endswith(
            f"{part(left.target)} is left from an interrupted run; "
            "continue it with --resume or delete it\n"
        )
        assert part(left.target).read_bytes() == before

    def test_of_another_input(self, left: Interrupted) -> None:
        raw = left.source.read_bytes()
        for change in (raw + b"1,cake\n", raw.replace(b"cake", b"tart", 1)):
            left.source.write_bytes(change)
            os.utime(left.source, ns=(left.time, left.time))
            refused(score(left.source, "-o", left.target, "--resume"), str(left.source))
        left.restore()
        os.utime(left.source, (1, 1))
        refused(score(left.source, "-o", left.target, "--resume"), str(left.source))
        left.restore()
        more = left.source.with_name("more.csv")
        more.write_text("n,text\n1,cake\n", "utf-8")
        refused(score(left.source, more, "-o", left.target, "--resume"))
        assert not left.target.exists()

    @pytest.mark.parametrize(
        "options",
        [
            pytest.param(("--threshold", "0.9"), marks=two_labels),
            ("--text-column", "n"),
            ("--label-column", "other"),
            ("--probability-column", "other"),
        ],
    )
    def test_with_other_options(self, left: Interrupted, options: tuple[str, ...]) -> None:
        refused(score(left.source, "-o", left.target, "--resume", *options))
        assert not left.target.exists()

    def test_with_options_that_change_no_row(self, left: Interrupted) -> None:
        arguments = ("-o", left.target, "--resume", "--jobs", "1", "--quiet")

        assert score(left.source, *arguments) == (0, "", "")

    def test_past_a_row_that_stopped_it(self, tmp_path: Path) -> None:
        source, target, skip = tmp_path / "in.csv", tmp_path / "out.csv", ("--on-error", "skip")
        source.write_text("text\n" + "cake\n" * ROWS + "1,2\n" * 3 + "bread\n", "utf-8")
        score(source, "-o", tmp_path / "whole.csv", *skip)

        assert score(source, "-o", target).status == 1
        assert part(target).exists()
        assert score(source, "-o", target, "--resume").status == 1
        assert score(source, "-o", target, "--resume", *skip).status == 0
        for name in ("out.csv", "out.csv.rejected"):
            whole = tmp_path / name.replace("out", "whole")
            assert (tmp_path / name).read_bytes() == whole.read_bytes()

    def test_of_another_model(self, left: Interrupted, manifest: dict[str, Any]) -> None:
        state = left.state.read_text("utf-8")
        digest = manifest["artifacts"]["model.bin"]["sha256"]
        assert digest in state
        left.state.write_text(state.replace(digest, digest[::-1]), "utf-8")

        refused(score(left.source, "-o", left.target, "--resume"), "model")

    @pytest.mark.parametrize("state", ["", "{", "{}", "[]", "null", "\0"], ids=repr)
    def test_a_state_that_is_none(self, left: Interrupted, state: str) -> None:
        left.state.write_text(state, "utf-8")

        refused(score(left.source, "-o", left.target, "--resume"), left.state.name)

    def test_an_output_that_was_cut(self, left: Interrupted) -> None:
        with part(left.target).open("r+b") as file:
            file.truncate(500)

        refused(score(left.source, "-o", left.target, "--resume"), part(left.target).name)

    def test_nothing_to_resume(self, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("cake\n", "utf-8")
        completed = score(tmp_path / "in.txt", "-o", tmp_path / "out.csv", "--resume")
        notice, last = completed.err.splitlines()

        assert completed.status == 0
        assert SUMMARY.fullmatch(last)
        assert "out.csv.part" in notice

    def test_nothing_to_resume_is_not_said_when_quiet(self, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("cake\n", "utf-8")
        arguments = ("-o", tmp_path / "out.csv", "--resume", "--quiet")

        assert score(tmp_path / "in.txt", *arguments).err == ""
        assert (tmp_path / "out.csv").exists()


@posix
def test_a_disk_that_is_full(source: Path, whole: bytes, tmp_path: Path) -> None:
    """A limit on the size of files simulates a full disk: a later write fails."""
    target = tmp_path / "out.csv"
    process = start(source, "-o", target, limit=FILE_LIMIT)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"Error: {part(target)}")
    assert len(err.splitlines()) == 1
    assert not target.exists()
    assert score(source, "-o", target, "--resume").status == 0
    assert target.read_bytes() == whole


def test_the_old_output_stays_until_the_end(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\ncake\ncake,2\n", "utf-8")
    target.write_text("old", "utf-8")

    assert score(source, "-o", target).status == 1
    assert target.read_text("utf-8") == "old"
    for left in (part(target), part(target, ".json")):
        left.unlink(missing_ok=True)
    assert score(source, "-o", target, "--on-error", "skip").status == 0
    assert re.match(r"text,probability,label\ncake,[01]\.", target.read_text("utf-8"))
