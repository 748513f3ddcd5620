"""A server for all tests of the page, people with accounts, and their browsers, whose faults fail the test."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.client import Client
from tests.clients.conftest import Person, register_here
from tests.plugin_slow_browser import slow_down
from tests.processes import wait_until
from tests.realtime.conftest import Deployment, Deployments, deployments
from tests.web.page_log import PageLog

__all__ = ["Opens", "People", "Person", "deployments"]

WAIT = 20_000
expect.set_options(timeout=WAIT)

IGNORED = re.compile(
    "Service Worker registration blocked by Playwright|Failed to load resource: (the server .* status of 4|net::)"
)
"""What Playwright says itself, and what browsers say of answers of 4xx and of requests without network: the page handles both."""

KEEP_SESSION = """({ origin, session }) => {
  if (location.origin !== origin) return;
  const opening = indexedDB.open(`confab ${origin}`, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('values').put(session, ['session']);
  opening.onsuccess = () => opening.result.close();
}"""
"""Keeps a session where the page looks for it, if the database of the client is new. The page opens that database afterwards."""

STATUS = """async () => {
  const { chat } = await import(new URL('chat.js', document.querySelector('script[type=module]').src));
  return chat.state.value.status;
}"""

HAS_FAILED = pytest.StashKey[bool]()

People = Callable[..., Person]
Opens = Callable[..., Page]


@pytest.fixture(scope="session")
def site(deployments: Deployments) -> Iterator[Deployment]:
    """The server. The page looks the same whatever the database is, so that one kind is enough."""
    with deployments() as make:
        yield make("sqlite", RATE_LIMITS="off")


@pytest.fixture
def person(site: Deployment) -> People:
    """Creates an account: `person("Ann", "Larsson")`."""

    def make(first_name: str = "Ann", last_name: str = "Larsson", **fields: str) -> Person:
        return register_here(site, first_name=first_name, last_name=last_name, **fields)

    return make


@pytest.fixture
def ann(person: People) -> Person:
    return person("Ann")


@pytest.fixture
def bob(person: People) -> Person:
    return person("Bob")


def wait_for_live(page: Page) -> None:
    """Wait until the client of *page* is connected and has caught up. The page looks the same a moment before that.

    What could not be loaded before that moment is loaded again by itself.
    """
    wait_until(lambda: page.evaluate(STATUS) == "live", "the connection")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let `open_page` know that the test failed."""
    report = yield
    item.stash[HAS_FAILED] = item.stash.get(HAS_FAILED, False) or report.failed
    return report


@pytest.fixture
def open_page(browser: Browser, site: Deployment, request: pytest.FixtureRequest) -> Iterator[Opens]:
    """Opens the page in a browser of its own: `open_page(ann, "c/room:7")`, signed in as *ann*, or as nobody.

    Options are those of Playwright's contexts, such as `viewport`. A second tab of the same browser: `page.context.new_page()`.
    At the end, no page may have reported a fault or made a request to another server. After a failure each page is printed.
    """
    with ExitStack() as stack:
        logs: list[PageLog] = []

        def open_(who: Person | None = None, path: str = "", **options: Any) -> Page:
            context: BrowserContext = browser.new_context(**{"service_workers": "block", **options})
            stack.callback(context.close)
            context.set_default_timeout(WAIT)
            context.on("page", lambda page: logs.append(PageLog(page)))
            page = context.new_page()
            if request.config.getoption("slow_browser"):
                slow_down(context, page)
            if who:
                argument = {"origin": site.url, "session": _session(site, who, page.evaluate("navigator.userAgent"))}
                context.add_init_script(f"({KEEP_SESSION})({json.dumps(argument)})")
            page.goto(f"{site.url}/#/{path}")
            if who:
                page.get_by_role("navigation", name="Conversations").wait_for(state="attached")
            return page

        yield open_
        if request.node.stash.get(HAS_FAILED, False):
            for log in logs:
                print(log.describe())
        faults = [text for log in logs for text in log.complaints if not IGNORED.search(text)]
        assert faults == []
        assert [url for log in logs for url in log.foreign_requests(site.url)] == []


def _session(site: Deployment, who: Person, user_agent: str) -> dict[str, Any]:
    """Sign in, and return the session as the client of the page keeps it."""
    answer = Client(site.app).post("/api/auth/login", who.account, headers={"User-Agent": user_agent})
    assert answer.status_code == 200, answer.text
    tokens = answer.get_json()
    return {
        "key": secrets.token_hex(8),
        "user": tokens["user"],
        "access": tokens["access_token"],
        "refresh": tokens["refresh_token"],
        "renewAt": 1000 * (time.time() + tokens["expires_in"] - 60),
    }
