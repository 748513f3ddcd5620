"""The client library tells of each message that it was sent, also if it is sent twice under one client_message_id."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.clients.adapters import LIBRARY
from tests.openapi.node import run

PROGRAM = Path(__file__).parent / "sending.mjs"
ORDERS = re.findall(r"^  async '(.+)'\(\)", PROGRAM.read_text(), re.MULTILINE)


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_sent_again_is_told_to_be_sent(order: str) -> None:
    done = run("node", PROGRAM, LIBRARY, order)
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["done"] != "never"
    assert {message["id"] for message in answer["done"]} == {5}
    assert set(answer["states"]) == {"sent"}
    assert (answer["held"], answer["kept"]) == (0, 0)
