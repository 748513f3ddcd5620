"""The pages, in a real browser: they render, they keep to their Content-Security-Policy, and they need no other host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.browser import Browser
from tests.client import Client
from tests.conftest import wipe

POLICY = "Content-Security-Policy"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(sqlite_app: Flask) -> Iterator[str]:
    """The application behind a real port."""
    server = make_server("127.0.0.1", 0, sqlite_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with sqlite_app.app_context():
        wipe()


def test_the_front_page(chromium: Browser, url: str, sqlite_app: Flask) -> None:
    page = chromium.open(f"{url}/")
    assert page.evaluate("document.querySelector('h1').textContent") == "Confab"
    text = page.evaluate("document.body.innerText")
    public_url = sqlite_app.config["CONFAB"].public_url
    assert f"curl -X POST {public_url}/api/auth/register" in text
    assert f"ws://{public_url.removeprefix('http://')}/ws/" in text
    links = page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    assert {"/docs", "/api/health", "/openapi.json"} <= set(links)
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    # The style sheet was applied.
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") == "12px"
    assert page.complaints == []
    assert [r for r in page.requests if not r.startswith((url, "data:"))] == []


def test_the_front_page_by_night(chromium: Browser, url: str) -> None:
    page = chromium.open(f"{url}/")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    assert page.evaluate(ground) == "rgb(246, 247, 251)"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.evaluate(ground) == "rgb(16, 20, 31)"


def test_swagger_ui_by_night(chromium: Browser, url: str) -> None:
    page = chromium.open(f"{url}/docs")
    page.wait_for("document.querySelector('.opblock .opblock-summary-description')")
    text = "getComputedStyle(document.querySelector('.opblock .opblock-summary-description')).color"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    by_day = page.evaluate(text)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.wait_for(f"{text} !== '{by_day}'")


def test_swagger_ui(chromium: Browser, url: str) -> None:
    page = chromium.open(f"{url}/docs")
    page.wait_for("document.querySelectorAll('.opblock').length > 3")
    assert page.evaluate("document.querySelector('.info .title').innerText").startswith("Confab")
    assert page.evaluate("!!document.querySelector('button.authorize')")
    assert page.evaluate("document.querySelectorAll('main, [role=main]').length") == 1
    page.click(".opblock-summary-control[aria-label*='get /api/health'], #operations-service-check_alive button")
    page.click("#operations-service-check_alive button.execute")
    page.wait_for(
        "document.querySelector('#operations-service-check_alive .live-responses-table').innerText.includes('healthy')"
    )
    assert page.complaints == []
    assert [r for r in page.requests if not r.startswith((url, "data:", "blob:"))] == []


def test_a_breach_of_the_policy_would_be_seen(chromium: Browser, url: str) -> None:
    """The test of the tests above: an inline script and another host's picture are refused, and complained about."""
    page = chromium.open(f"{url}/")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked = 1'}));"
        "document.body.append(Object.assign(new Image(), {src: 'https://other.example/x.png'}))"
    )
    page.wait_for("!window.hacked")
    assert len(page.complaints) >= 2


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_carries_nothing_inline(sqlite_app: Flask, path: str) -> None:
    response = Client(sqlite_app).get(path)
    assert response.mimetype == "text/html"
    assert "unsafe" not in response.headers[POLICY]
    assert response.headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"
    assert '<meta name="description" content="' in response.text
    assert "next release" not in response.text
    for inline in ("<style", " style=", " onclick=", "javascript:", "<script>"):
        assert inline not in response.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/home.css", "text/css"),
        ("/static/docs.js", "text/javascript"),
        ("/static/logo.svg", "image/svg+xml"),
        ("/static/swagger/swagger-ui-bundle.js", "text/javascript"),
        ("/static/swagger/swagger-ui.css", "text/css"),
        ("/favicon.ico", "image/vnd.microsoft.icon"),
    ],
)
def test_files_have_their_type_and_are_sent_once(sqlite_app: Flask, path: str, kind: str) -> None:
    client = Client(sqlite_app)
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, kind)
    assert response.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path", ["../routes.py", "..%2froutes.py", "%2e%2e/routes.py", "/etc/passwd", "", "swagger", "nothing"]
)
def test_nothing_but_the_files_is_served(sqlite_app: Flask, path: str) -> None:
    response = Client(sqlite_app).get(f"/static/{path}")
    assert (response.status_code, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
def test_a_page_does_not_print_the_host_that_was_asked(make_app: Callable[..., Flask], path: str) -> None:
    app = make_app({"PUBLIC_URL": "https://chat.example:8443/"})
    asked = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    page = Client(app).get(path, headers=asked)
    assert page.status_code == 200
    assert "evil.example" not in page.text
    if path == "/":
        assert "https://chat.example:8443/api/auth/register" in page.text
        assert "wss://chat.example:8443/ws/" in page.text
    assert page.headers["Cache-Control"] == "no-cache"


def test_swagger_ui_comes_with_its_license(sqlite_app: Flask) -> None:
    assert "Apache License" in Client(sqlite_app).get("/static/swagger/LICENSE").text


def test_authorize_signs_in_through_token(chromium: Browser, url: str, sqlite_app: Flask) -> None:
    """The padlock of Swagger UI: the password flow of OAuth 2, and a guarded call with what it brought."""
    account = {"email": "docs@example.com", "password": "password123"}
    assert Client(sqlite_app).post("/api/auth/register", account).status_code == 201
    page = chromium.open(f"{url}/docs")
    page.click("button.authorize")
    page.type("#oauth_username", account["email"])
    page.type("#oauth_password", account["password"])
    # The form of the password flow is the one with a username.
    page.evaluate(
        "document.querySelector('#oauth_username').closest('.auth-container').querySelector('.authorize').click()"
    )
    page.wait_for(
        "[...document.querySelectorAll('.auth-container button')].some(button => button.textContent === 'Logout')"
    )
    assert f"{url}/token" in page.requests
    page.click(".auth-container .btn-done, .modal-ux .btn-done")
    page.click("#operations-users-get_me button")
    page.click("#operations-users-get_me button.execute")
    page.wait_for(
        f"document.querySelector('#operations-users-get_me .live-responses-table').innerText.includes('{account['email']}')"
    )
    assert page.complaints == []
    assert [r for r in page.requests if not r.startswith((url, "data:", "blob:"))] == []
