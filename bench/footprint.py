"""Start-up time and idle memory. The peer's values are printed for comparison; only Confab has targets."""

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench import report
from bench.context import Bench
from bench.load_http import Connection, build
from bench.machine import pss_kb
from bench.servers import Server
from tests.processes import descendants

SETTLE = 3  # seconds between the first answer and measuring the memory
LAUNCHES = 3


@dataclass
class Launch:
    seconds: float
    root_mb: float  # gunicorn's master, or the whole server if it has no workers
    worker_mb: float


async def coldstart(bench: Bench) -> None:
    """Measure the time from the start of gunicorn, on a database at head, to the first answer."""
    peer, confab = await _launches(bench)
    seconds = [launch.seconds for launch in confab]
    spread = min(seconds), max(seconds)
    report.verdict("coldstart", statistics.median(seconds), 2, at_least=False, unit=" s", spread=spread)
    report.detail(f"bare FastAPI: {_median(peer, 'seconds'):.2f} s")


async def memory(bench: Bench) -> None:
    """Measure the PSS of a worker that has answered a request and is idle."""
    peer, confab = await _launches(bench)
    sizes = [launch.worker_mb for launch in confab]
    if not all(sizes):
        raise RuntimeError("gunicorn's master has no worker process")
    spread = min(sizes), max(sizes)
    report.verdict("memory of a worker", statistics.median(sizes), 120, at_least=False, unit=" MB", spread=spread)
    report.detail(f"gunicorn's master in addition: {_median(confab, 'root_mb'):.1f} MB")
    report.detail(f"bare FastAPI: {_median(peer, 'root_mb'):.1f} MB")


def _median(launches: list[Launch], field: str) -> float:
    return statistics.median(getattr(launch, field) for launch in launches)


_results: dict[int, tuple[list[Launch], list[Launch]]] = {}


async def _launches(bench: Bench) -> tuple[list[Launch], list[Launch]]:
    """Launch the peer and Confab alternately. Both workloads use the same launches."""
    if id(bench) not in _results:
        pairs = [(await _launch(bench.make_peer), await _launch(bench.confab.make)) for _ in range(LAUNCHES)]
        _results[id(bench)] = tuple(map(list, zip(*pairs, strict=True)))
    return _results[id(bench)]


async def _launch(make: Callable[[], Server]) -> Launch:
    with make() as server:
        connection = Connection(server.url)
        await connection.exchange(build("GET", server.probe))
        await asyncio.sleep(SETTLE)
        root, *workers = descendants(server.pid)
        found = Launch(server.start_seconds, pss_kb(root) / 1024, sum(map(pss_kb, workers)) / 1024)
        connection.close()
    return found
