"""A server of Confab on SQLite and Chromium beside it, for what is measured in a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.packages import chromium_binary
from tests.servers import ROOT, Server, environment


@contextmanager
def browser_and_server(**settings: str) -> Iterator[tuple[Browser, str]]:
    """Chromium, and the address of a server with an empty database and *settings*. Both end with the block."""
    with TemporaryDirectory() as folder:
        settings = {"RATE_LIMITS": "off", "LOG_LEVEL": "error", "INSTANCE_DIR": folder, **settings}
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        subprocess.run(command, env=environment(settings), cwd=ROOT, check=True, capture_output=True)
        with sync_playwright() as playwright, Server(settings) as server:
            browser = playwright.chromium.launch(executable_path=str(chromium_binary()))
            yield browser, server.url
            browser.close()
