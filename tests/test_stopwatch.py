"""The stopwatch of tests that limit how long something takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from tests.processes import end, freeze_tree, spawn, wait_until
from tests.stopwatch import Stopwatch

BUSY = "while True: pass"
IDLE = "import signal\nsignal.pause()"


@contextmanager
def running(code: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another program, which has begun to run *code*."""
    process = spawn([sys.executable, "-c", f"print('begun', flush=True)\n{code}"], log=log)
    try:
        wait_until(lambda: b"begun" in log.read_bytes(), "the other program to run")
        yield process
    finally:
        end(process)


@pytest.fixture
def one_processor() -> Iterator[None]:
    """This thread and the programs that it starts share one processor."""
    former = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(former)})
    yield
    os.sched_setaffinity(0, former)


@pytest.mark.usefixtures("one_processor")
def test_the_time_that_other_programs_take_is_left_out(tmp_path: Path) -> None:
    with running(IDLE, tmp_path / "server") as server, running(BUSY, tmp_path / "other"):
        started, watch, used = time.monotonic(), Stopwatch(server.pid), time.thread_time()
        while time.thread_time() - used < 0.5:
            pass
        elapsed = time.monotonic() - started
        assert 0.4 < watch.seconds < elapsed - 0.1


@pytest.mark.usefixtures("one_processor")
def test_the_time_that_other_programs_take_from_a_server_is_left_out(tmp_path: Path) -> None:
    with running(BUSY, tmp_path / "server") as server, running(BUSY, tmp_path / "other"):
        started, watch = time.monotonic(), Stopwatch(server.pid)
        Event().wait(1)
        assert watch.seconds < time.monotonic() - started - 0.2


def test_the_time_for_which_a_server_hangs_counts(tmp_path: Path) -> None:
    with running(BUSY, tmp_path / "server") as server:
        freeze_tree(server.pid)
        watch = Stopwatch(server.pid)
        Event().wait(0.3)
        assert watch.seconds > 0.29


def test_a_server_that_has_ended_adds_nothing(tmp_path: Path) -> None:
    with running(BUSY, tmp_path / "server") as server:
        started, watch = time.monotonic(), Stopwatch(server.pid)
    assert watch.seconds <= time.monotonic() - started


def test_without_a_server_it_measures_this_process() -> None:
    started, watch = time.monotonic(), Stopwatch()
    Event().wait(0.1)
    assert 0.09 < watch.seconds <= time.monotonic() - started
