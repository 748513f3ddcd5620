"""Runs, rounds and ratios.

A *round* runs every arm once, one after the other (peer, Confab, peer, Confab, ...), so that a
disturbance that lasts longer than a run affects all arms alike. A ratio is calculated within each
round; the result is the median of the rounds.
"""

import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.machine import Meter, Usage

WARM_UP = 1.5
MAX_REPEATS = 3


@dataclass
class Run:
    rate: float  # per second
    p50: float  # milliseconds
    p99: float
    usage: Usage | None = None


Arm = Callable[[float], Awaitable[Run]]


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def make_run(elapsed: float, latencies: list[float], count: int | None = None) -> Run:
    """Return the run's rate and percentiles. *count* is the number of operations, by default that of the latencies."""
    in_order = sorted(latencies)
    if not in_order:
        raise RuntimeError("no call was answered in time, so nothing was measured")
    done = len(in_order) if count is None else count
    return Run(done / elapsed, percentile(in_order, 0.5) * 1e3, percentile(in_order, 0.99) * 1e3)


class Rounds:
    """The measured rounds. Each maps the name of an arm to its Run."""

    def __init__(self, rounds: list[dict[str, Run]]):
        self.rounds = rounds

    def median(self, arm: str, field: str = "rate") -> float:
        return statistics.median(getattr(r[arm], field) for r in self.rounds)

    def ratio(self, above: str, below: str, field: str = "rate") -> tuple[float, float, float]:
        """Return median, minimum and maximum of *above* / *below* over the rounds."""
        ratios = [getattr(r[above], field) / getattr(r[below], field) for r in self.rounds]
        return statistics.median(ratios), min(ratios), max(ratios)

    def notes(self) -> list[str]:
        """Return notes on disturbances, for the reader of the numbers."""
        runs = [(name, run) for r in self.rounds for name, run in r.items() if run.usage]
        found = []
        if tainted := sum(run.usage.tainted for _, run in runs):
            found.append(f"{tainted} of {len(runs)} runs tainted by other work on the machine")
        busy = dict.fromkeys(name for name, run in runs if run.usage.load > 95)
        return found + [f"the load generator was busy throughout: {name} may be faster than this" for name in busy]


async def measure_rounds(arms: dict[str, Arm], roots: list[int], seconds: float, runs: int) -> Rounds:
    """Warm every arm up, then measure *runs* rounds. Tainted rounds are repeated, three times at most."""
    for arm in arms.values():
        await arm(min(WARM_UP, seconds))
    meter, rounds, clean = Meter(roots), [], 0
    while clean < runs and len(rounds) < runs + MAX_REPEATS:
        rounds.append({name: await _metered(arm, seconds, meter) for name, arm in arms.items()})
        clean += _taint_score(rounds[-1]) == 0
    return Rounds(sorted(rounds, key=_taint_score)[:runs])


async def _metered(arm: Arm, seconds: float, meter: Meter) -> Run:
    meter.start()
    run = await arm(seconds)
    run.usage = meter.stop()
    return run


def _taint_score(one_round: dict[str, Run]) -> int:
    return sum(run.usage.taint_score for run in one_round.values())
