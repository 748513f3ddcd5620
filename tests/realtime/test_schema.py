"""The schema, the documentation and the code of the protocol agree."""

from __future__ import annotations

import re

import pytest

from backend.realtime.commands import CommandHandler
from backend.realtime.transport.frames import REASONS, Close
from tests.realtime.client import SCHEMA
from tests.realtime.recorder import make_server
from tests.servers import ROOT

PAGE = (ROOT / "docs/realtime.md").read_text()


def documented(heading: str) -> set[str]:
    """The names in the first column of the table under *heading*."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
    return {name for row in rows[1:] for name in re.findall(r"[\w.]+", row)}


def in_schema(side: str) -> set[str]:
    return {name.removeprefix(f"{side}.") for name in SCHEMA["$defs"] if name.startswith(f"{side}.")}


def test_every_frame_is_documented() -> None:
    assert documented("What you send") == in_schema("client")
    assert documented("What you get") == in_schema("server")


@pytest.mark.parametrize("side", ["client", "server"])
def test_the_schema_of_a_side_allows_every_frame_of_it(side: str) -> None:
    allowed = [choice["$ref"].removeprefix(f"#/$defs/{side}.") for choice in SCHEMA["$defs"][side]["oneOf"]]
    assert sorted(allowed) == sorted(in_schema(side))


def test_every_command_is_in_the_schema() -> None:
    assert set(CommandHandler(make_server().hub, is_rate_limited=False).types) == in_schema("client")


def test_every_close_code_is_documented() -> None:
    assert {str(code.value) for code in Close} <= documented("Close codes")
    assert set(REASONS) == set(Close)
