"""Each case notices the faults that it is about, which are planted into copies of both clients."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.case import all_cases
from tests.clients.adapters import JOBS, Fault, apart, faulty_confab, faulty_reference, read_faults, run_faults

CLIENTS: list[tuple[str, Callable[[Fault, Path], str], set[str]]] = [
    ("reference_faults.toml", faulty_reference, set()),
    ("confab_faults.toml", faulty_confab, {"tabs"}),
]
"""The faults of each client, the command with one of them, and the capabilities that its adapter lacks. The faults of cases that
need these are planted in test_confab_tabs.py.
"""

ALL = os.environ.get("CLIENT_FAULTS") == "all"
"""Whether each case meets the faults of both clients, as in `make conformance ARGS=faults`.

In the suite a case meets the faults of one client: the cases take turns.
"""

each_client = pytest.mark.parametrize(("faults", "command", "lacks"), CLIENTS, ids=["reference", "confab"])


def cases_of(lacks: set[str]) -> set[str]:
    """The cases whose faults are planted in the client that lacks these capabilities."""
    cases = [case for case in all_cases() if not lacks & set(case.needs)]
    return {case.name for number, case in enumerate(cases) if ALL or number % len(CLIENTS) == bool(lacks)}


@each_client
def test_every_planted_fault_is_caught(
    faults: str, command: Callable[[Fault, Path], str], lacks: set[str], tmp_path: Path
) -> None:
    own = cases_of(lacks)
    planted = [
        (replace(fault, cases=[name for name in fault.cases if name in own]), command(fault, tmp_path))
        for fault in read_faults(faults)
        if own & set(fault.cases)
    ]
    results = apart(lambda: asyncio.run(run_faults(planted, JOBS)))
    assert {case.name for _, case, _ in results} == own
    missed = [f"{fault.name}: {case.name}" for fault, case, failure in results if failure is None]
    assert missed == []
    # The adapter ran: the failure is not that it could not be started.
    assert [f"{f.name}: {failure}" for f, _, failure in results if "did not answer say hello" in str(failure)] == []


@each_client
def test_every_case_catches_a_fault(
    faults: str, command: Callable[[Fault, Path], str], lacks: set[str], tmp_path: Path
) -> None:
    """A case that no fault fails would prove nothing."""
    caught = {name for fault in read_faults(faults) for name in fault.cases}
    assert {case.name for case in all_cases()} - caught == set()


@each_client
def test_every_fault_can_be_planted(
    faults: str, command: Callable[[Fault, Path], str], lacks: set[str], tmp_path: Path
) -> None:
    """Whoever changes a client sees in a second which fault has to follow."""
    for fault in read_faults(faults):
        assert command(fault, tmp_path)


def test_a_text_that_is_not_in_the_client_is_refused(tmp_path: Path) -> None:
    absent = Fault("absent", [("adapters/client.py", "no such line", "")], [])
    with pytest.raises(ValueError, match="0 times"):
        faulty_reference(absent, tmp_path)
