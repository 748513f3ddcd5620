"""`make mutants` runs the tests against mutants of the modules in modules.toml, and against the recorded slips.

    make mutants                                                  all of them
    make mutants ARGS="backend/batching.py backend/inbox/sync.py" the mutants of these modules
    make mutants ARGS="slips"                                     the recorded slips

Exits with 1 if a module has a lower score than its target, a slip is not noticed, or an entry of equivalent.toml fits no mutant.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.mutants import config
from tests.mutants.pool import ROOT, Pool, copy_project
from tests.mutants.reach import refresh
from tests.mutants.score import Score, run_module
from tests.mutants.slips import read_slips

TABLE = "| {:45} | {:>9} | {:>8} | {:>9} | {:>6} | {:>6} |"


def run_slips(pool: Pool, project: Path, only: str) -> int:
    """Run the tests of every recorded slip whose name begins with *only*, print the outcomes, and return how many were missed."""
    slips = [slip for slip in read_slips() if slip.name.startswith(only)]
    count = 0
    for slip in slips:
        try:
            edits = slip.edits(project, project.parent / "scratch")
        except ValueError as error:
            problem = str(error)
        else:
            answer = pool.run(
                {"edits": edits, "ids": None, "files": slip.tests, "stops": False, "timeout": 300, "test_timeouts": {}}
            )
            missed = slip.missed(answer)
            problem = f"not noticed by {', '.join(missed)}\n{answer['output']}" if missed else ""
        count += bool(problem)
        print(f"  {'MISSED' if problem else 'caught'}  {slip.name}: {slip.sentence}  {problem}", flush=True)
    print(f"{len(slips) - count} of {len(slips)} slips were noticed", flush=True)
    return count


def print_table(scores: list[Score]) -> None:
    """Print the score of each module and of all, as a table of Markdown."""
    print(TABLE.format("module", "mutants", "survived", "equivalent", "score", "target"))
    print("|---|--:|--:|--:|--:|--:|")
    for score in scores:
        tried = f"{score.tried} of {score.total}" if score.is_sample else str(score.tried)
        row = (
            score.module,
            tried,
            len(score.survivors),
            score.equivalent,
            f"{score.percent:.0f} %",
            f"{score.target} %",
        )
        print(TABLE.format(*row))
    tried, survived = sum(score.tried for score in scores), sum(len(score.survivors) for score in scores)
    percent = 100 * (tried - survived) / max(tried, 1)
    print(TABLE.format("all", tried, survived, sum(score.equivalent for score in scores), f"{percent:.0f} %", ""))


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="modules; or `slips`, or `slips:BEGINNING-OF-A-NAME`")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--sample", type=int, help="at most so many mutants of each module, always the same ones")
    parser.add_argument(
        "--without-servers", action="store_true", help="leave out the tests that drive a running server"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / ".mutants")
    given = parser.parse_args()
    os.nice(max(0, 10 - os.nice(0)))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and folders are removed
    given.cache = given.cache.resolve()
    given.cache.mkdir(exist_ok=True)
    modules = config.read_modules(given.what)
    if given.without_servers:
        modules = [replace(module, server_tests=[]) for module in modules]
    began, scores, missed = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory(prefix="confab-mutants-") as folder:
        project = Path(folder) / "project"
        copy_project(project)
        refresh(project, given.cache, modules, given.jobs)
        with Pool(project, given.jobs) as pool:
            for module in modules:
                scores.append(run_module(pool, project, given.cache, module, given.sample or module.sample))
            for what in given.what or ["slips"]:
                if what.startswith("slips"):
                    missed += run_slips(pool, project, what.partition(":")[2])
    if scores:
        print_table(scores)
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")
    return int(missed > 0 or any(not score.is_good for score in scores))


if __name__ == "__main__":
    sys.exit(main())
