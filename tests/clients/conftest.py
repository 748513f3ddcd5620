"""The client library in the tabs of a browser, and in processes of Node, against a running server."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, TimeoutError

from tests.client import Client
from tests.realtime.client import Api
from tests.realtime.conftest import Deployment, deployment, deployments, open_deployment

__all__ = ["deployment", "deployments", "open_deployment"]

WAIT = 20_000
PASSWORD = "password123"
BLANK = "/confab.js"
"""A document of the server without a client of its own. The page at / is one more tab, with the session of the tests."""

START = """async ([account, options]) => {
  const { Confab } = await import('/confab.js');
  const chat = (window.chat = new Confab(options));
  window.states = [];
  window.received = [];
  chat.state.subscribe((state) => states.push([state.status, state.reason]));
  chat.on('message', (message) => received.push(message.content));
  const started = chat.start();
  if (account) await chat.auth.login(account);
  window.started = started;
}"""
"""Open the library in a page; sign in if an account is given."""


class Tab:
    """A page with a client, in `window.chat`."""

    def __init__(self, page: Page, url: str):
        self.page = page
        self.url = url
        self.sockets: list[str] = []
        self.refreshes: list[str] = []
        page.on("websocket", lambda socket: self.sockets.append(socket.url))
        page.on(
            "request", lambda request: self.refreshes.append(request.url) if "/auth/refresh" in request.url else None
        )

    def open(self, account: dict[str, str] | None = None, **options: Any) -> Tab:
        """Load the page and start the client."""
        self.page.goto(self.url + BLANK)
        self.page.evaluate(START, [account, options])
        return self

    def until(self, condition: str, argument: Any = None, wait: float = WAIT) -> None:
        """Wait until an expression about `chat` is true, at most *wait* milliseconds."""
        try:
            self.page.wait_for_function(condition, arg=argument, timeout=wait)
        except TimeoutError as error:
            seen = self.run("() => [window.chat?.state.value, window.states?.slice(-6)]")
            raise AssertionError(f"{condition}: not within {wait / 1000:g} s. The client is {seen}.") from error

    def live(self) -> Tab:
        self.until("chat.state.value.status === 'live'")
        return self

    def run(self, code: str, argument: Any = None) -> Any:
        return self.page.evaluate(code, argument)

    def contents(self, conversation: str) -> list[str]:
        return self.run("id => chat.conversation(id).messages.value.map((message) => message.content)", conversation)

    def until_contents(self, conversation: str, contents: list[str]) -> None:
        """Wait until the conversation has these messages alone, in this order."""
        self.until(
            "([id, wanted]) => JSON.stringify(chat.conversation(id).messages.value.map((m) => m.content)) === wanted",
            [conversation, _json(contents)],
        )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The wait for a condition evaluates text in the page, which the policy of the pages forbids."""
    return {**browser_context_args, "bypass_csp": True}


@pytest.fixture
def open_tab(context: BrowserContext, deployment: Deployment) -> Callable[[], Tab]:
    """Opens tabs of one browser."""
    return lambda: Tab(context.new_page(), deployment.url)


@pytest.fixture
def person(deployment: Deployment) -> Callable[[], Person]:
    """Creates accounts with a password."""

    return lambda: register_here(deployment)


def register(url: str, **fields: str) -> Person:
    """Create an account with a password, by a request to the server."""
    account = _new_account()
    answer = requests.post(f"{url}/api/auth/register", json={**account, **fields}, timeout=15).json()
    return Person(Api(url, answer["access_token"], answer["user"]["id"]), account)


def register_here(deployment: Deployment, **fields: str) -> Person:
    """Create an account with a password by the application in this process, whose hashes take no time.

    The server sends nothing of it: neither an event nor a mail.
    """
    account = _new_account()
    answer = Client(deployment.app).post("/api/auth/register", {**account, **fields})
    assert answer.status_code == 201, answer.text
    created = answer.get_json()
    return Person(Api(deployment.url, created["access_token"], created["user"]["id"]), account)


def _new_account() -> dict[str, str]:
    return {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD}


@dataclass
class Person:
    """An account: the API as it calls it, and what it signs in with."""

    api: Api
    account: dict[str, str]
