"""The application on a real port, and what the browser reports of its pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import make_server

from tests.conftest import wipe
from tests.web.page_log import PageLog


@pytest.fixture
def log(page: Page) -> PageLog:
    return PageLog(page)


@pytest.fixture(scope="module")
def url(sqlite_app: Flask) -> Iterator[str]:
    """The application on a real port."""
    server = make_server("127.0.0.1", 0, sqlite_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with sqlite_app.app_context():
        wipe()
