"""Each case notices the fault that it is about: one that is planted into the reference client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.case import Case, Run, all_cases
from tests.clients.adapters import Fault, faulty_reference, read_faults
from tests.clients.test_reference import JOBS

FAULTS = read_faults("reference_faults.toml")
PATIENCE = 0.5
"""A client with a fault is waited for in vain, so expectations wait for a shorter time."""


async def run_all(folder: Path) -> list[tuple[Fault, Case, str | None]]:
    """Every fault with each of its cases, and the failure."""
    cases = {case.name: case for case in all_cases()}
    turns = asyncio.Semaphore(JOBS)

    async def run(fault: Fault, command: str, case: Case) -> tuple[Fault, Case, str | None]:
        async with turns:
            return fault, case, (await Run(case, command, patience=PATIENCE).run()).failure

    every = [(fault, faulty_reference(fault, folder)) for fault in FAULTS]
    return await asyncio.gather(*(run(fault, command, cases[name]) for fault, command in every for name in fault.cases))


def test_every_planted_fault_is_caught(tmp_path: Path) -> None:
    results = asyncio.run(run_all(tmp_path))
    missed = [f"{fault.name}: {case.name}" for fault, case, failure in results if failure is None]
    assert missed == []
    # The adapter ran: the failure is not that it could not be started.
    assert [f"{f.name}: {failure}" for f, _, failure in results if "did not answer say hello" in str(failure)] == []


def test_every_case_catches_a_fault() -> None:
    """A case that no fault fails would prove nothing."""
    caught = {name for fault in FAULTS for name in fault.cases}
    assert {case.name for case in all_cases()} - caught == set()


def test_a_fault_is_planted_exactly_once(tmp_path: Path) -> None:
    absent = Fault("absent", "adapters/client.py", [("no such line", "")], [])
    with pytest.raises(ValueError, match="0 times"):
        faulty_reference(absent, tmp_path)
