"""The programs beside these tests, which run parts of the client library in Node and print JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.clients.adapters import LIBRARY
from tests.openapi.node import run

FOLDER = Path(__file__).parent


def orders_of(name: str) -> list[str]:
    """The orders of events that a program can arrange: its functions with a name in quotes."""
    return re.findall(r"^  async '(.+)'\(\)", (FOLDER / name).read_text(), re.MULTILINE)


def result_of(name: str, *given: str) -> Any:
    """What a program prints for the sources of the library. Raises AssertionError if it reports an error."""
    done = run("node", FOLDER / name, LIBRARY, *given)
    assert done.stderr == ""
    return json.loads(done.stdout)
