"""confab.js passes the cases of tabs in Chromium, and each of them catches the faults that it is about."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.web.client_library import joined_library
from conformance.adapters.browser import FLAGS, address_in
from conformance.case import all_cases
from conformance.runner import run_cases
from tests.clients.adapters import LIBRARY, apart, confab_in_tabs, plant, read_faults, run_faults
from tests.packages import headless_chromium_binary

CASES = [case for case in all_cases() if "tabs" in case.needs]
JOBS = 4
"""Cases at a time. Each has two pages of one browser."""

START_SECONDS = 30


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a browser for all cases: each has a storage of its own there."""
    folder = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen(
        [headless_chromium_binary(), f"--user-data-dir={folder}", *FLAGS], start_new_session=True
    )
    try:
        yield apart(lambda: asyncio.run(asyncio.wait_for(address_in(folder), START_SECONDS)))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_every_case_of_tabs_passes(address: str, tmp_path: Path) -> None:
    """With the library in the form in which it is served."""
    library = tmp_path / "confab.js"
    library.write_bytes(joined_library())
    command = confab_in_tabs(library, address)
    results = apart(lambda: asyncio.run(run_cases(CASES, command, JOBS, lambda result: None)))
    assert {result.case.name: result.failure or result.skipped for result in results} == {
        case.name: [] for case in CASES
    }


def test_every_planted_fault_of_tabs_is_caught(address: str, tmp_path: Path) -> None:
    names = {case.name for case in CASES}
    planted = [
        (fault, confab_in_tabs(plant(fault, LIBRARY, tmp_path) / LIBRARY.name / "confab.js", address))
        for fault in read_faults("confab_faults.toml")
        if names & set(fault.cases)
    ]
    results = apart(lambda: asyncio.run(run_faults(planted, JOBS)))
    assert {case.name for _, case, _ in results} == names
    assert [f"{fault.name}: {case.name}" for fault, case, failure in results if failure is None] == []
    # The adapter ran: the failure is not one of its own.
    assert [f"{f.name}: {failure}" for f, _, failure in results if "The adapter" in str(failure)] == []
