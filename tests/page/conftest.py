"""A server for all tests of the page, people with accounts, and their browsers, whose faults fail the test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.clients.conftest import Person, register
from tests.realtime.conftest import Deployment, Deployments, deployments
from tests.web.page_log import PageLog

__all__ = ["Opens", "People", "Person", "deployments"]

WAIT = 20_000
expect.set_options(timeout=WAIT)

IGNORED = re.compile(
    "Service Worker registration blocked by Playwright|Failed to load resource: (the server .* status of 4|net::)"
)
"""What Playwright says itself, and what browsers say of answers of 4xx and of requests without network: the page handles both."""

SIGN_IN = """async (account) => {
  const { chat } = await import(new URL('chat.js', document.querySelector('script[type=module]').src));
  await chat.auth.login(account);
}"""

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
        return register(site.url, first_name=first_name, last_name=last_name, **fields)

    return make


@pytest.fixture
def ann(person: People) -> Person:
    return person("Ann")


@pytest.fixture
def bob(person: People) -> Person:
    return person("Bob")


@pytest.fixture
def open_page(browser: Browser, site: Deployment) -> Iterator[Opens]:
    """Opens the page in a browser of its own: `open_page(ann, "c/room:7")`, signed in as *ann*, or as nobody.

    Options are those of Playwright's contexts, such as `viewport`. A second tab of the same browser: `page.context.new_page()`.
    At the end, no page may have reported a fault or made a request to another server.
    """
    with ExitStack() as stack:
        logs: list[PageLog] = []

        def open_(who: Person | None = None, path: str = "", **options: Any) -> Page:
            context: BrowserContext = browser.new_context(**{"service_workers": "block", **options})
            stack.callback(context.close)
            context.set_default_timeout(WAIT)
            context.on("page", lambda page: logs.append(PageLog(page)))
            page = context.new_page()
            page.goto(f"{site.url}/#/{path}")
            if who:
                page.locator("form, main").first.wait_for()
                page.evaluate(SIGN_IN, who.account)
                page.get_by_role("navigation", name="Conversations").wait_for(state="attached")
            return page

        yield open_
        faults = [text for log in logs for text in log.complaints if not IGNORED.search(text)]
        assert faults == []
        assert [url for log in logs for url in log.foreign_requests(site.url)] == []
