"""The adapters of the conformance kit, and copies of them with a planted fault."""

from __future__ import annotations

import asyncio
import gc
import shlex
import shutil
import sys
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from conformance.case import Case, Result, Run, all_cases
from conformance.runner import run_cases
from tests.openapi.node import ROOT as ROOT_OF_NODE
from tests.realtime.client import ContractViolation, check, from_client, from_server
from tests.servers import ROOT
from tests.threads import in_thread

T = TypeVar("T")

JOBS = 6
"""Cases at a time. They mostly wait, but each starts a process: with twelve, servers of other tests waited three seconds for a
processor."""

PATIENCE = 0.5
"""A client with a fault is waited for in vain, so expectations wait for a shorter time."""

NODE = ROOT_OF_NODE / "bin" / "node"
LIBRARY = ROOT / "backend" / "web" / "static" / "confab"
REFERENCE = f"{shlex.quote(sys.executable)} -m conformance.adapters.reference"


@dataclass(frozen=True)
class Fault:
    """A change of one or two lines of a client: each of a file, from a text to another. `cases` notice it."""

    name: str
    changes: list[tuple[str, str, str]]
    cases: list[str]


def read_faults(name: str) -> list[Fault]:
    """The faults of a file in this folder."""
    described = tomllib.loads((Path(__file__).parent / name).read_text())["fault"]
    return [
        Fault(each["name"], [(c["path"], c["old"], c["new"]) for c in each["change"]], each["cases"])
        for each in described
    ]


def plant(fault: Fault, source: Path, folder: Path) -> Path:
    """A copy of *source* below *folder* with *fault* in it. Raises ValueError unless each text of it occurs once."""
    copy = folder / fault.name.replace(" ", "-")
    shutil.copytree(source, copy / source.name, ignore=shutil.ignore_patterns("__pycache__", "cases"))
    for name, old, new in fault.changes:
        path = copy / source.name / name
        text = path.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{fault.name}: {name} has {old!r} {text.count(old)} times")
        path.write_text(text.replace(old, new))
    return copy


def faulty_reference(fault: Fault, folder: Path) -> str:
    """The command of the reference client with *fault*."""
    copy = plant(fault, ROOT / "conformance", folder)
    # -P: the folder in which the tests run is not searched for modules.
    return f"env PYTHONPATH={shlex.quote(str(copy))} {shlex.quote(sys.executable)} -P -m conformance.adapters.reference"


def confab(library: Path) -> str:
    """The command of the adapter for confab.js in the file *library*."""
    return f"env CONFAB={shlex.quote(str(library))} {shlex.quote(str(NODE))} {ROOT}/conformance/adapters/confab.mjs"


def faulty_confab(fault: Fault, folder: Path) -> str:
    """The command of confab.js with *fault*."""
    return confab(plant(fault, LIBRARY, folder) / LIBRARY.name / "confab.js")


def confab_in_tabs(library: Path, address: str) -> str:
    """The command of the adapter for confab.js in tabs of the browser at *address*."""
    python = shlex.quote(sys.executable)
    return f"env CONFAB={shlex.quote(str(library))} CHROMIUM={address} {python} -m conformance.adapters.browser"


async def run_faults(planted: list[tuple[Fault, str]], jobs: int) -> list[tuple[Fault, Case, str | None]]:
    """Run the command of each fault with each of its cases, *jobs* at a time, and return the failures."""
    cases = {case.name: case for case in all_cases()}
    turns = asyncio.Semaphore(jobs)

    async def run(fault: Fault, command: str, case: Case) -> tuple[Fault, Case, str | None]:
        async with turns:
            return fault, case, (await Run(case, command, patience=PATIENCE).run()).failure

    return await asyncio.gather(
        *(run(fault, command, cases[name]) for fault, command in planted for name in fault.cases)
    )


def run_every_case(command: str) -> tuple[list[Result], list[str]]:
    """The results of all cases, and the frames of both sides that the schema does not allow."""
    violations: list[str] = []

    def note(direction: str, frame: dict[str, Any]) -> None:
        if frame.get("type") == "weather":
            return  # the case about frames of a later version
        try:
            check(frame, from_server if direction == "out" else from_client)
        except ContractViolation as violation:
            violations.append(str(violation))

    return apart(lambda: asyncio.run(run_cases(all_cases(), command, JOBS, lambda result: None, note))), violations


def apart(call: Callable[[], T]) -> T:
    """Make a call that runs scripted servers in a thread of its own."""
    with warnings.catch_warnings():
        # A connection that arrives as a scripted server ends is closed by the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        result = in_thread(call)
        gc.collect()
    return result
