"""The state of the machine during a run: cores, CPU time and memory of process trees.

The servers and their PostgreSQL have one core, the load generator another. A run is *tainted* if
other processes used the servers' core. It is repeated, and counts only if no clean run replaces it.
"""

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import descendants

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
TICKS = os.sysconf("SC_CLK_TCK")
MAX_OTHER_ON_SERVER_CORE = 9  # percent of one core
MAX_OTHER = 70


@contextmanager
def pinned(core: int):
    """Run the block, and the processes that it starts, on *core*."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pss_kb(pid: int) -> int:
    """Return the PSS of one process in kB, or 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def tree_pss_kb(root: int) -> int:
    return sum(map(pss_kb, descendants(root)))


def _stat(pid) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _cpu_seconds(root: int) -> float:
    ticks = 0
    for pid in descendants(root):
        try:
            fields = _stat(pid)
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _busy_seconds() -> dict[int, float]:
    """Return the busy seconds of each core since boot."""
    busy = {}
    for line in Path("/proc/stat").read_text().splitlines():
        if found := re.match(r"cpu(\d+) ", line):
            fields = [int(x) for x in line.split()[1:9]]
            busy[int(found[1])] = (sum(fields) - fields[3] - fields[4]) / TICKS
    return busy


@dataclass
class Usage:
    """CPU use during a run, in percent of one core."""

    load: int  # this process, the load generator
    servers: int
    other: int  # all other processes, on all cores
    other_on_server_core: int

    @property
    def tainted(self) -> bool:
        return self.other_on_server_core > MAX_OTHER_ON_SERVER_CORE or self.other > MAX_OTHER

    @property
    def taint_score(self) -> int:
        return 3 * max(0, self.other_on_server_core) + max(0, self.other) if self.tainted else 0


class Meter:
    """Measures the CPU use of this process and of the process trees under *roots*."""

    def __init__(self, roots: list[int]):
        self.roots = roots

    def start(self) -> None:
        self._before = self._read()

    def stop(self) -> Usage:
        before, after = self._before, self._read()
        elapsed, load, servers = (b - a for a, b in zip(before[:3], after[:3], strict=True))
        busy = {core: after[3][core] - before[3][core] for core in after[3]}

        def percent(seconds: float) -> int:
            return round(100 * seconds / elapsed)

        return Usage(
            load=percent(load),
            servers=percent(servers),
            other=percent(sum(busy.values()) - load - servers),
            other_on_server_core=percent(busy[SERVER_CORE] - servers),
        )

    def _read(self) -> tuple[float, float, float, dict[int, float]]:
        servers = sum(map(_cpu_seconds, self.roots))
        return time.perf_counter(), time.process_time(), servers, _busy_seconds()
