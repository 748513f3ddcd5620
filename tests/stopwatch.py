"""Measures how long something takes, apart from what other programs on the machine add."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from tests.processes import descendants


class Stopwatch:
    """Runs from its creation. `seconds` leaves out the time for which this process and a server waited for a processor.

    *server* is the pid of a server, if one takes part. Of its processes, the one that waited longest counts. So a limit of time
    holds for Confab, also while other programs keep every processor of the machine busy for seconds.
    """

    def __init__(self, server: int | None = None):
        self._server = server
        self._started, self._own, self._others = time.monotonic(), _waited(os.getpid()), self._waits()

    @property
    def seconds(self) -> float:
        own = _waited(os.getpid()) - self._own
        others = [waited - self._others.get(pid, 0.0) for pid, waited in self._waits().items()]
        return time.monotonic() - self._started - own - max([0.0, *others])

    def _waits(self) -> dict[int, float]:
        return {} if self._server is None else {pid: _waited(pid) for pid in descendants(self._server)}


def _waited(pid: int) -> float:
    """For how many seconds the main thread of a process has been ready to run, and waited for a processor, so far."""
    with suppress(OSError):  # the process has ended, or the kernel does not count it
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0
