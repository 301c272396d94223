"""`disaster-tweets score --jobs`: several processes write the same as one, and all end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from disaster_tweets.batch import workers

from .test_score import refused, score, summary
from .test_score_resume import LAUNCH, part

ROWS = 9000  # several chunks for each of three workers
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def write(path: Path, rows: int, broken: int = 0, columns: str = "n,text") -> Path:
    """Write a table with each text three times, and some missing texts."""
    lines = (
        f"{n},{'' if n % 501 == 7 else f'Lemon cake {n // 3}'}{',x' * (n == broken)}\n"
        for n in range(1, rows + 1)
    )
    path.write_text(f"{columns}\n" + "".join(lines), "utf-8", newline="")
    return path


def content(target: Path) -> list[bytes]:
    rejected = target.with_name(f"{target.name}.rejected")
    return [path.read_bytes() for path in (target, rejected) if path.exists()]


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let workers score from the first text on; return the number of texts of each task."""
    texts: list[int] = []
    submit = workers.Workers.score

    def spy(self: Any, new: list[str]) -> Future[Any]:
        texts.append(len(new))
        return submit(self, new)

    monkeypatch.setattr(workers, "TEXTS_BEFORE_WORKERS", 0)
    monkeypatch.setattr(workers.Workers, "are_ready", lambda self: True)
    monkeypatch.setattr(workers.Workers, "score", spy)
    return texts


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source") / "in.csv", ROWS, broken=4321)


@pytest.fixture(scope="module")
def whole(source: Path) -> list[bytes]:
    """The output of one process, with one rejected row."""
    target = source.with_name("whole.csv")
    score(source, "-o", target, "--jobs", "1", "--on-error", "skip")
    assert len(content(target)) == 2
    return content(target)


class TestManyRows:
    def test_are_written_as_one_process_writes_them(
        self, source: Path, whole: list[bytes], tmp_path: Path, helped: list[int]
    ) -> None:
        target = tmp_path / "out.csv"
        done = score(source, "-o", target, "--jobs", "3", "--on-error", "skip")
        assert summary(done.err)[0] == ROWS
        assert content(target) == whole
        assert len(helped) > 3
        assert sum(helped) < ROWS / 2  # repeated texts come from the cache

    def test_of_several_files_too(self, tmp_path: Path, helped: list[int]) -> None:
        sources = [write(tmp_path / f"{n}.csv", 2500 + n) for n in range(3)]
        one, three = tmp_path / "one.csv", tmp_path / "three.csv"
        score(*sources, "-o", one, "--jobs", "1")
        assert not helped
        score(*sources, "-o", three, "--jobs", "3")
        assert helped
        assert content(three) == content(one)

    def test_of_a_short_file_need_no_help(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def begin(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr(workers, "Workers", begin)
        short = write(tmp_path / "in.csv", ROWS)  # 3,000 texts
        assert score(short, "-o", tmp_path / "out.csv", "--jobs", "3").status == 0


class TestTrouble:
    def test_a_broken_row_ends_the_run_behind_the_rows_before_it(
        self, source: Path, whole: list[bytes], tmp_path: Path, helped: list[int]
    ) -> None:
        target = tmp_path / "out.csv"
        refused(score(source, "-o", target, "--jobs", "3"), f"{source}, row 4321 (line 4322)")
        assert helped
        written = part(target).read_bytes()
        assert len(written.splitlines()) == 1 + 4321 // 1024 * 1024
        assert whole[0].startswith(written)
        rest = ("--resume", "--on-error", "skip")
        assert score(source, "-o", target, "--jobs", "3", *rest).status == 0
        assert content(target) == whole

    def test_a_file_that_cannot_be_read_ends_the_run_behind_those_before_it(
        self, tmp_path: Path, helped: list[int]
    ) -> None:
        first, target = write(tmp_path / "1.csv", 2000), tmp_path / "out.csv"
        second = write(tmp_path / "2.csv", 3000)
        read = workers.ChunkScorer.__call__

        def altered_meanwhile(self: Any, chunks: Iterator[Any], left: Any) -> Iterator[Any]:
            write(second, 3000, columns="n,post")
            yield from read(self, chunks, left)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(workers.ChunkScorer, "__call__", altered_meanwhile)
            refused(score(first, second, "-o", target, "--jobs", "3"), str(second), "header")
        assert helped
        assert len(part(target).read_bytes().splitlines()) == 2001

    def test_a_worker_that_is_killed_leaves_its_work_to_the_first_process(
        self,
        source: Path,
        whole: list[bytes],
        tmp_path: Path,
        helped: list[int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        submit = workers.Workers.score

        def kill_one(self: Any, texts: list[str]) -> Future[Any]:
            if len(helped) == 2:
                multiprocessing.active_children()[0].kill()
            return submit(self, texts)

        monkeypatch.setattr(workers.Workers, "score", kill_one)
        target = tmp_path / "out.csv"
        done = score(source, "-o", target, "--jobs", "3", "--on-error", "skip")
        assert (done.status, len(done.err.splitlines())) == (0, 1)
        assert content(target) == whole

    @pytest.mark.parametrize("error", [OSError, ImportError, NotImplementedError])
    def test_a_system_without_processes_scores_all_the_same(
        self,
        source: Path,
        whole: list[bytes],
        tmp_path: Path,
        helped: list[int],
        monkeypatch: pytest.MonkeyPatch,
        error: type[Exception],
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", refuse)
        target = tmp_path / "out.csv"
        done = score(source, "-o", target, "--jobs", "3", "--on-error", "skip")
        assert (done.status, helped) == (0, [])
        assert content(target) == whole


@linux
class TestEnd:
    @pytest.mark.parametrize(
        ("end", "status"),
        [
            (lambda process: os.killpg(process.pid, signal.SIGINT), 130),
            (lambda process: os.killpg(process.pid, signal.SIGTERM), 143),
            (subprocess.Popen.terminate, 143),
            (subprocess.Popen.kill, -9),
        ],
        ids=["Ctrl-C", "SIGTERM to all", "SIGTERM", "SIGKILL"],
    )
    def test_no_process_is_left(
        self, tmp_path: Path, end: Callable[[subprocess.Popen[str]], None], status: int
    ) -> None:
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        with source.open("w", encoding="utf-8") as file:
            file.write("text\n")
            file.writelines(f"Lemon cake {n}\n" for n in range(2_000_000))
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH.format(""), source, "-o", target, "--jobs", "2"],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        wait_until(lambda: len(living(process.pid)) > 3)  # one more process tracks semaphores
        written = part(target).stat().st_size
        wait_until(lambda: part(target).stat().st_size > written)
        end(process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == status
        if status > 0:
            assert err.startswith("Interrupted after ")
            assert len(err.splitlines()) == 1
        wait_until(lambda: not living(process.pid))
        assert part(target).exists()


def living(group: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text("utf-8").rpartition(") ")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
