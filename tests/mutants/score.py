"""The mutants of one module against the tests that reach them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mutants.config import Module, read_equivalents
from tests.mutants.mutate import Mutant, mutants_of, sample
from tests.mutants.pool import Pool
from tests.mutants.reach import Reach, read_reach

FIRST = 12
"""The number of tests that run first: what noticed other mutants, and the quickest ones. Most mutants need no more."""


@dataclass
class Score:
    """What became of the mutants of one module."""

    module: str
    target: int
    total: int
    tried: int = 0
    equivalent: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    """Lines of equivalent.toml that fit no mutant."""
    is_sample: bool = False

    @property
    def percent(self) -> float:
        """The share of mutants that a test noticed."""
        return 100 * (self.tried - len(self.survivors)) / max(self.tried, 1)

    @property
    def is_good(self) -> bool:
        """The target is reached, and the list of equivalent mutants is current."""
        return self.percent >= self.target and not self.stale


def run_module(pool: Pool, project: Path, cache: Path, module: Module, size: int | None) -> Score:
    """Run the tests against the mutants of *module* (at most *size*), and print what goes on."""
    print(f"{module.path}", flush=True)
    began = time.monotonic()
    reach = read_reach(project, cache, module)
    for test in reach.failed:
        print(f"  left out, because it fails without a mutant: {test}", flush=True)
    mutants = mutants_of((project / module.path).read_text())
    equivalents = read_equivalents(module.path)
    counted = [mutant for mutant in mutants if (mutant.before, mutant.after) not in equivalents]
    score = Score(module.path, module.target, len(counted), equivalent=len(mutants) - len(counted))
    score.stale = stale_entries(module.path, mutants)
    chosen = sample(counted, size, module.path)
    score.tried, score.is_sample = len(chosen), len(chosen) < len(counted)
    _run(pool, module.path, reach, chosen, score)
    for entry in score.stale:
        print(f"  equivalent.toml has a change that is no mutant: {entry}", flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"  {score.percent:.0f} % of {score.tried} noticed, in {minutes:.1f} minutes", flush=True)
    return score


def stale_entries(path: str, mutants: list[Mutant]) -> list[str]:
    """The entries of equivalent.toml for the module at *path* that are none of its *mutants*."""
    changes = {(mutant.before, mutant.after) for mutant in mutants}
    return [f"{line} -> {change}" for line, change in read_equivalents(path) if (line, change) not in changes]


def _judge(pool: Pool, reach: Reach, path: str, mutant: Mutant, ids: list[str]) -> dict[str, Any]:
    """The outcome of a mutant, by the first of its tests and then, if they pass, by the others.

    What notices it must pass without it: a test that does not is left out from then on.
    """
    while True:
        ids = [test for test in ids if test not in pool.failing]
        answer = pool.run(_job({path: mutant.source}, ids[:FIRST], reach))
        if answer["outcome"] == "passed" and ids[FIRST:]:
            answer = pool.run(_job({path: mutant.source}, ids[FIRST:], reach))
        for test in answer["failed"]:
            if test not in pool.tried:
                pool.tried.add(test)
                pool.failing.update(pool.run(_job({}, [test], reach))["failed"])
        if not pool.failing & set(answer["failed"]):
            return answer


def _job(edits: dict[str, str], ids: list[str], reach: Reach) -> dict[str, Any]:
    limits = {test: int(20 + 5 * reach.seconds.get(test, 0)) for test in ids}
    total = 60 + 5 * sum(reach.seconds.get(test, 0) for test in ids)
    files = sorted({test.partition("::")[0] for test in ids})
    return {"edits": edits, "ids": ids, "files": files, "stops": True, "timeout": total, "test_timeouts": limits}


def _run(pool: Pool, path: str, reach: Reach, mutants: list[Mutant], score: Score) -> None:
    killers: list[str] = []  # what noticed one mutant often notices the next
    done = 0

    def ids_of(mutant: Mutant) -> list[str]:
        reaching = reach.tests(mutant.lines if mutant.in_function else None)
        first = [test for test in killers if test in reaching]
        return [*first, *(test for test in reaching if test not in first)]

    def attempt(mutant: Mutant) -> None:
        answer = _judge(pool, reach, path, mutant, ids_of(mutant))
        with pool.lock:
            on_answer(mutant, answer)

    def on_answer(mutant: Mutant, answer: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        if answer["outcome"] == "passed":
            score.survivors.append(mutant)
            print(f"  {path}:{mutant.lines.start} survived\n    - {mutant.before}\n    + {mutant.after}", flush=True)
        for test in answer["failed"]:
            if test in killers:
                killers.remove(test)
            killers.insert(0, test)
        if done % 10 == 0:
            print(f"  {done} of {len(mutants)}, {len(score.survivors)} survived", flush=True)

    reached = [mutant for mutant in mutants if reach.tests(mutant.lines if mutant.in_function else None)]
    for mutant in mutants:
        if mutant not in reached:
            score.survivors.append(mutant)
            print(
                f"  {path}:{mutant.lines.start} is reached by no test\n    - {mutant.before}\n    + {mutant.after}",
                flush=True,
            )
    executor = ThreadPoolExecutor(pool.count)
    try:
        list(executor.map(attempt, reached))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
