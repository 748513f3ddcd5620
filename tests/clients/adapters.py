"""The adapters of the conformance kit, and copies of them with a planted fault."""

from __future__ import annotations

import shlex
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT

REFERENCE = f"{shlex.quote(sys.executable)} -m conformance.adapters.reference"


@dataclass(frozen=True)
class Fault:
    """A change of one or two lines of a client. `cases` notice it."""

    name: str
    path: str
    changes: list[tuple[str, str]]
    cases: list[str]


def read_faults(name: str) -> list[Fault]:
    """The faults of a file in this folder."""
    described = tomllib.loads((Path(__file__).parent / name).read_text())["fault"]
    return [
        Fault(each["name"], each["path"], [(c["old"], c["new"]) for c in each["change"]], each["cases"])
        for each in described
    ]


def plant(fault: Fault, source: Path, folder: Path) -> Path:
    """A copy of *source* below *folder* with *fault* in it. Raises ValueError unless each text of it occurs once."""
    copy = folder / fault.name.replace(" ", "-")
    shutil.copytree(source, copy / source.name, ignore=shutil.ignore_patterns("__pycache__", "cases"))
    path = copy / source.name / fault.path
    text = path.read_text()
    for old, new in fault.changes:
        if text.count(old) != 1:
            raise ValueError(f"{fault.name}: {fault.path} has {old!r} {text.count(old)} times")
        text = text.replace(old, new)
    path.write_text(text)
    return copy


def faulty_reference(fault: Fault, folder: Path) -> str:
    """The command of the reference client with *fault*."""
    copy = plant(fault, ROOT / "conformance", folder)
    # -P: the folder in which the tests run is not searched for modules.
    return f"env PYTHONPATH={shlex.quote(str(copy))} {shlex.quote(sys.executable)} -P -m conformance.adapters.reference"
