"""The page of examples/, served from another origin than the server."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clients.conftest import PASSWORD, WAIT, register_here
from tests.processes import free_port
from tests.realtime.conftest import Deployment, Deployments
from tests.servers import ROOT

PAGE = ROOT / "examples" / "page.html"
SERVER = "http://127.0.0.1:8000"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not logged."""


@pytest.fixture(scope="module")
def example(deployments: Deployments, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Deployment]]:
    """The address of the page on a web server of the application, and the server of its messages."""
    folder = tmp_path_factory.mktemp("example")
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        with deployments() as open_deployment:
            deployment = open_deployment("sqlite", CORS_ORIGINS=origin)
            text = PAGE.read_text()
            assert text.count(SERVER) == 2
            (folder / "page.html").write_text(text.replace(SERVER, deployment.url))
            yield f"{origin}/page.html", deployment
    finally:
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


def test_two_people_talk_through_the_page(browser: Browser, example: tuple[str, Deployment]) -> None:
    address, deployment = example
    people = [register_here(deployment, first_name=name) for name in ("Ann", "Bob")]
    ann, bob = (person.api for person in people)
    ann.room(bob, name="Kitchen")
    contexts = [browser.new_context(), browser.new_context()]
    pages = [context.new_page() for context in contexts]
    faults: list[str] = []
    for page, person in zip(pages, people, strict=True):
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
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


def test_a_wrong_password_is_told(browser: Browser, example: tuple[str, Deployment]) -> None:
    address, _ = example
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_contain_text("password", timeout=WAIT)
    context.close()
