"""A failed test is reported with what the servers logged while it ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT

APPLICATION = """
import sys

def app(environ, start_response):
    print("asked for", environ["PATH_INFO"], file=sys.stderr, flush=True)
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""
TESTS = f"""
import pytest
import requests

from tests.servers import Server, stand_in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(root=stand_in(tmp_path_factory.mktemp("served"), {APPLICATION!r})) as server:
        yield server


@pytest.mark.parametrize("name", ["passing", "failing"])
def test_one(server, name):
    assert requests.get(server.url + "/" + name, timeout=5).ok
    assert name == "passing"
"""


def test_the_log_of_a_shared_server_is_shown_with_the_test_that_failed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = ["-m", "pytest", "-p", "tests.plugin_server_logs", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [sys.executable, *command, "--rootdir", tmp_path, tmp_path],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    shown = done.stdout.partition("- log of http://127.0.0.1:")[2].splitlines()
    assert [line for line in shown if line.startswith("asked for")] == ["asked for /failing"]
