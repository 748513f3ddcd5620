"""The service worker in a real browser: the page starts without the server, and an update replaces it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import BaseWSGIServer, make_server

from backend.web.bundle import made
from tests.web.page_log import PageLog

MAIN = """
import {{ answer }} from './part/answer.js';
document.getElementById('root').textContent = `version {version}: ${{answer}}`;
globalThis.later = () => import('./part/later.js').then((module) => module.default);
const policy = trustedTypes.createPolicy('confab-worker', {{ createScriptURL: () => '/sw.js' }});
navigator.serviceWorker.register(policy.createScriptURL('/sw.js'));
"""
CONTROLLED = """() => new Promise((resolve) => {
  const { serviceWorker } = navigator;
  if (serviceWorker.controller) resolve();
  else serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true });
})"""
"""Waits until the service worker answers the requests of the page."""

UPDATE = """async () => {
  const found = await (await navigator.serviceWorker.getRegistration()).update();
  const worker = found.installing ?? found.waiting ?? found.active;
  while (!['activated', 'redundant'].includes(worker.state)) {
    await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }));
  }
  return worker.state;
}"""
"""What a browser does by itself some time after it opened the page. Returns the state of the worker at the end."""


class Serving:
    """The application on a port that stays the same while it is stopped and started."""

    def __init__(self, app: Flask):
        self.app = app
        self.port = 0
        self.kept_worker: bytes | None = None
        """The service worker that it serves in place of its own."""
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server: BaseWSGIServer = make_server("127.0.0.1", self.port, self.answer, threaded=True)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self.kept_worker is None or environ["PATH_INFO"] != "/sw.js":
            return self.app(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/javascript"), ("Cache-Control", "no-cache")])
        return [self.kept_worker]

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def write_version(folder: Path, version: int) -> None:
    (folder / "app/main.js").write_text(MAIN.format(version=version))
    (folder / "app/part/answer.js").write_text(f"export const answer = {version * 42};\n")
    (folder / "app/part/later.js").write_text(f"export default 'later {version}';\n")
    made.cache_clear()


@pytest.fixture
def serving(sqlite_app: Flask, small_page: Path) -> Iterator[Serving]:
    write_version(small_page, 1)
    serving = Serving(sqlite_app)
    yield serving
    serving.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A context with service workers, and without what other tests kept."""
    context = browser.new_context(service_workers="allow")
    yield context
    context.close()


def open_and_keep(page: Page, url: str) -> None:
    page.goto(f"{url}/")
    expect(page.locator("#root")).to_have_text("version 1: 42")
    page.evaluate(CONTROLLED)


def test_the_page_starts_without_the_server(context: BrowserContext, serving: Serving) -> None:
    page = context.new_page()
    log = PageLog(page)
    open_and_keep(page, serving.url)
    serving.stop()
    try:
        again = context.new_page()
        again.goto(f"{serving.url}/#/c/room:7")
        expect(again.locator("#root")).to_have_text("version 1: 42")
        assert again.evaluate("later()") == "later 1", "a module that is imported later is kept as well"
        assert again.evaluate("fetch('/static/logo.svg').then((response) => response.status)") == 200
        assert again.evaluate("fetch('/api/health').catch((error) => error.name)") == "TypeError"
        with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
            again.goto(f"{serving.url}/docs")
    finally:
        serving.start()
    assert log.complaints == []
    assert log.foreign_requests(serving.url) == []


def test_an_update_comes_with_the_start_after_it(context: BrowserContext, serving: Serving, small_page: Path) -> None:
    old = context.new_page()
    open_and_keep(old, serving.url)
    write_version(small_page, 2)
    page = context.new_page()
    page.goto(f"{serving.url}/")
    expect(page.locator("#root")).to_have_text("version 1: 42")
    assert page.evaluate(UPDATE) == "activated"
    page.reload()
    expect(page.locator("#root")).to_have_text("version 2: 84")
    assert page.evaluate("later()") == "later 2"
    assert old.evaluate("later()") == "later 1", "an open tab still finds the files of its version"


def test_a_worker_keeps_three_versions(context: BrowserContext, serving: Serving, small_page: Path) -> None:
    page = context.new_page()
    open_and_keep(page, serving.url)
    names = page.evaluate("caches.keys()")
    page.evaluate("caches.open('of something else')")
    for version in (2, 3, 4):
        write_version(small_page, version)
        assert page.evaluate(UPDATE) == "activated"
        names += [
            name for name in page.evaluate("caches.keys()") if name.startswith("confab-page-") and name not in names
        ]
    assert len(names) == 4
    assert sorted(page.evaluate("caches.keys()")) == sorted([*names[-3:], "of something else"])


def test_a_worker_takes_no_file_of_another_version(context: BrowserContext, serving: Serving, small_page: Path) -> None:
    """During an update the worker may come from one server, and its files from another."""
    page = context.new_page()
    open_and_keep(page, serving.url)
    write_version(small_page, 2)
    serving.kept_worker = page.request.get(f"{serving.url}/sw.js").body()
    write_version(small_page, 3)
    assert page.evaluate(UPDATE) == "redundant"
    page.reload()
    expect(page.locator("#root")).to_have_text("version 1: 42")
    serving.kept_worker = None
    assert page.evaluate(UPDATE) == "activated"
    page.reload()
    expect(page.locator("#root")).to_have_text("version 3: 126")


def test_a_start_during_development_asks_the_server_first(
    context: BrowserContext, make_app: Callable[..., Flask], small_page: Path
) -> None:
    write_version(small_page, 1)
    serving = Serving(make_app({"APP_ENV": "development"}))
    try:
        page = context.new_page()
        open_and_keep(page, serving.url)
        write_version(small_page, 2)
        page.reload()
        expect(page.locator("#root")).to_have_text("version 2: 84")
    finally:
        serving.stop()
    page.reload()
    expect(page.locator("#root")).to_have_text(re.compile("version [12]: "))
