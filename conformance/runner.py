"""The command: runs the cases against an adapter, and prints a line for each."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from conformance.case import Case, Result, Run, all_cases

MAX_TRACE = 200
"""The entries of a trace that are printed: the last ones."""


async def run_cases(
    cases: Sequence[Case],
    command: str,
    jobs: int,
    show: Callable[[Result], None],
    check: Callable[[str, dict[str, Any]], None] | None = None,
) -> list[Result]:
    """Run *cases*, *jobs* at a time, and call *show* with each result."""
    turns = asyncio.Semaphore(jobs)

    async def run(case: Case) -> Result:
        async with turns:
            result = await Run(case, command, check).run()
        show(result)
        return result

    return await asyncio.gather(*(run(case) for case in cases))


def show(result: Result, *, verbose: bool = False) -> None:
    """Print the line of a case, and the trace if it failed."""
    word = "FAIL" if result.failure else "skip" if result.skipped else "ok"
    print(f"{word:<4} {result.seconds:5.1f} s  {result.case.name}: {result.case.promise}", flush=True)
    if result.skipped:
        print(f"              the adapter lacks: {', '.join(result.skipped)}")
    if result.failure:
        print(f"     {result.failure}")
    if result.failure or verbose:
        entries = result.trace.entries
        if len(entries) > MAX_TRACE:
            print(f"       … {len(entries) - MAX_TRACE} earlier entries")
        for entry in entries[-MAX_TRACE:]:
            print(f"     {entry}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 if all cases passed, 1 if one failed, 2 for a case that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Prove a client (docs/clients.md).")
    parser.add_argument("--adapter", help='the command of the adapter, such as "node conformance/adapters/confab.mjs"')
    parser.add_argument("--jobs", type=int, default=6 * (os.cpu_count() or 2), help="cases at a time")
    parser.add_argument("--list", action="store_true", help="list the cases and their promises")
    parser.add_argument("--verbose", action="store_true", help="print every trace")
    parser.add_argument("cases", nargs="*", help="names of cases; all of them unless given")
    options = parser.parse_args(arguments)
    known = {case.name: case for case in all_cases()}
    unknown = [name for name in options.cases if name not in known]
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; --list shows all")
    cases = [known[name] for name in options.cases] or list(known.values())
    if options.list:
        for case in cases:
            needs = f" (needs {', '.join(case.needs)})" if case.needs else ""
            print(f"{case.name}: {case.promise}{needs}")
        return 0
    if not options.adapter:
        parser.error("--adapter is required")
    with contextlib.suppress(KeyboardInterrupt):
        results = asyncio.run(
            run_cases(cases, options.adapter, options.jobs, lambda result: show(result, verbose=options.verbose))
        )
        failed = [result.case.name for result in results if result.failure]
        skipped = sum(bool(result.skipped) for result in results)
        passed = len(results) - len(failed) - skipped
        print(f"{passed} passed, {len(failed)} failed, {skipped} skipped{': ' * bool(failed)}{', '.join(failed)}")
        return 1 if failed else 0
    return 130
