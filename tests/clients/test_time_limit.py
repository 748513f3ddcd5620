"""The client library ends a request without an answer after 30 s; a download may take longer."""

from __future__ import annotations

import json
from pathlib import Path

from tests.clients.adapters import LIBRARY
from tests.openapi.node import run

PROGRAM = Path(__file__).parent / "time_limit.mjs"


def test_a_download_that_has_begun_has_no_time_limit() -> None:
    done = run("node", PROGRAM, LIBRARY)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {"answer": "network", "download": ["whole", "download"]}
