"""The page of examples/, served from another origin than the server."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clients.conftest import PASSWORD, WAIT, register
from tests.processes import free_port
from tests.realtime.conftest import OpenDeployment, open_deployment
from tests.servers import ROOT

__all__ = ["open_deployment"]

PAGE = ROOT / "examples" / "page.html"
SERVER = "http://127.0.0.1:8000"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not logged."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """A web server of the application, in front of an empty folder."""
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), partial(Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_have_text("live", timeout=WAIT)


def say(page: Page, content: str) -> None:
    page.get_by_label("Message").fill(content)
    page.get_by_role("button", name="Send").click()


def test_two_people_talk_through_the_page(
    browser: Browser, open_deployment: OpenDeployment, site: ThreadingHTTPServer, tmp_path: Path
) -> None:
    origin = f"http://127.0.0.1:{site.server_address[1]}"
    deployment = open_deployment("sqlite", CORS_ORIGINS=origin)
    text = PAGE.read_text()
    assert text.count(SERVER) == 2
    (tmp_path / "page.html").write_text(text.replace(SERVER, deployment.url))
    people = [register(deployment.url, first_name=name) for name in ("Ann", "Bob")]
    ann, bob = (person.api for person in people)
    ann.room(bob, name="Kitchen")
    contexts = [browser.new_context(), browser.new_context()]
    pages = [context.new_page() for context in contexts]
    faults: list[str] = []
    for page, person in zip(pages, people, strict=True):
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{origin}/page.html")
        expect(page.get_by_role("status")).to_have_text("signed-out", timeout=WAIT)
        sign_in(page, person.account["email"])
        page.get_by_role("button", name="Kitchen (0)").click()
    first, second = pages
    say(first, "hello")
    expect(second.get_by_role("listitem")).to_have_text(["Ann: hello"], timeout=WAIT)
    say(second, "<b>hi</b>")
    for page in pages:
        expect(page.get_by_role("listitem")).to_have_text(["Ann: hello", "Bob: <b>hi</b>"], timeout=WAIT)
        expect(page.get_by_role("button", name="Kitchen (0)")).to_be_visible(timeout=WAIT)
    first.reload()
    first.get_by_role("button", name="Kitchen (0)").click()
    expect(first.get_by_role("listitem")).to_have_text(["Ann: hello", "Bob: <b>hi</b>"], timeout=WAIT)
    assert faults == []
    for context in contexts:
        context.close()


def test_a_wrong_password_is_told(
    browser: Browser, open_deployment: OpenDeployment, site: ThreadingHTTPServer, tmp_path: Path
) -> None:
    origin = f"http://127.0.0.1:{site.server_address[1]}"
    deployment = open_deployment("sqlite", CORS_ORIGINS=origin)
    (tmp_path / "page.html").write_text(PAGE.read_text().replace(SERVER, deployment.url))
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{origin}/page.html")
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_contain_text("password", timeout=WAIT)
    context.close()
