"""The client library shows the last version of each message, whatever arrives while messages are loaded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.clients.adapters import LIBRARY
from tests.openapi.node import run

PROGRAM = Path(__file__).parent / "loading.mjs"
ORDERS = re.findall(r"^  async '(.+)'\(\)", PROGRAM.read_text(), re.MULTILINE)


@pytest.mark.parametrize("order", ORDERS)
def test_the_last_version_is_shown(order: str) -> None:
    done = run("node", PROGRAM, LIBRARY, order)
    assert done.stderr == ""
    assert json.loads(done.stdout) == ["1", "2 edited", "3"]
