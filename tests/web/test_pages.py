"""The pages in a real browser: they render, obey their Content-Security-Policy, and need no other host."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.client import Client
from tests.web.page_log import PageLog

POLICY = "Content-Security-Policy"
expect.set_options(timeout=30_000)  # the time limit of clicks and navigations


def test_swagger_ui(page: Page, log: PageLog, url: str) -> None:
    page.goto(f"{url}/docs")
    expect(page.locator(".opblock").nth(3)).to_be_visible()
    expect(page.locator(".info .title")).to_have_text(re.compile(r"^\s*Confab"))
    expect(page.locator("button.authorize")).to_be_visible()
    expect(page.locator("main, [role=main]")).to_have_count(1)
    page.emulate_media(color_scheme="light")
    description = page.locator(".opblock .opblock-summary-description").first
    light = description.evaluate("element => getComputedStyle(element).color")
    page.emulate_media(color_scheme="dark")
    expect(description).not_to_have_css("color", light)
    operation = page.locator("#operations-service-check_alive")
    operation.locator(".opblock-summary-control").click()
    operation.locator("button.execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("healthy")
    assert log.complaints == []
    assert log.foreign_requests(url) == []


def test_a_policy_violation_would_be_detected(page: Page, log: PageLog, url: str) -> None:
    """Checks the test above: an inline script and a picture of another host are refused and reported."""
    page.route("**/swagger/*.js", lambda route: route.abort())  # the policy needs no Swagger UI
    page.goto(f"{url}/docs")
    with page.expect_console_message(lambda message: "other.example" in message.text):
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked = 1'}));"
            "document.body.append(Object.assign(new Image(), {src: 'https://other.example/x.png'}))"
        )
    assert page.evaluate("window.hacked") is None
    for breach in ("inline script", "other.example"):
        assert [text for text in log.complaints if breach in text] != []


def test_a_request_to_another_host_would_be_detected(page: Page, log: PageLog, url: str) -> None:
    """On a page without a policy. The request does not leave this machine."""
    with page.expect_event("requestfailed") as failed:
        page.set_content("<img src='https://192.0.2.1/x.png'>")
    assert failed.value.failure == "net::ERR_NAME_NOT_RESOLVED"
    assert log.foreign_requests(url) == ["https://192.0.2.1/x.png"]


def test_a_script_error_would_be_detected(page: Page, log: PageLog) -> None:
    with page.expect_event("pageerror"):
        page.set_content("<script>throw new Error('It broke.')</script>")
    assert log.complaints == ["It broke."]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_contains_no_inline_script_or_style(sqlite_app: Flask, path: str) -> None:
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
        ("/static/docs.css", "text/css"),
        ("/static/docs.js", "text/javascript"),
        ("/static/logo.svg", "image/svg+xml"),
        ("/static/swagger/swagger-ui-bundle.js", "text/javascript"),
        ("/static/swagger/swagger-ui.css", "text/css"),
        ("/favicon.ico", "image/vnd.microsoft.icon"),
    ],
)
def test_files_have_their_type_and_are_cached(sqlite_app: Flask, path: str, kind: str) -> None:
    client = Client(sqlite_app)
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, kind)
    assert response.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path", ["../routes.py", "..%2froutes.py", "%2e%2e/routes.py", "/etc/passwd", "", "swagger", "nothing"]
)
def test_only_the_files_are_served(sqlite_app: Flask, path: str) -> None:
    response = Client(sqlite_app).get(f"/static/{path}")
    assert (response.status_code, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/asyncapi.json", "/realtime.schema.json"])
def test_a_page_does_not_contain_the_requested_host(make_app: Callable[..., Flask], path: str) -> None:
    app = make_app({"PUBLIC_URL": "https://chat.example:8443/"})
    asked = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    page = Client(app).get(path, headers=asked)
    assert page.status_code == 200
    assert "evil.example" not in page.text
    assert page.headers["Cache-Control"] == "no-cache"


def test_swagger_ui_is_served_with_its_license(sqlite_app: Flask) -> None:
    assert "Apache License" in Client(sqlite_app).get("/static/swagger/LICENSE").text


def test_authorize_asks_for_the_password_first_and_for_no_client(page: Page, url: str) -> None:
    page.goto(f"{url}/docs")
    forms = page.locator(".modal-ux-content .auth-container")
    for button in ("button.authorize", "#operations-users-get_me .authorization__btn"):
        page.locator(button).first.click()
        expect(forms.first.locator("h4")).to_contain_text("password (OAuth2, password)")
        expect(forms.nth(1).locator("h4")).to_contain_text("bearer")
        expect(page.locator("#oauth_username")).to_be_focused()
        expect(page.locator("#oauth_username")).to_be_in_viewport()
        for hidden in ("#client_id_password", "#client_secret_password", "#password_type", ".scope-def"):
            expect(forms.first.locator(hidden)).to_be_hidden()
        expect(forms.first.locator("label:visible")).to_have_text(["username:", "password:"])
        page.locator(".modal-ux .close-modal").click()
        expect(forms).to_have_count(0)


def test_authorize_signs_in_through_token(page: Page, log: PageLog, url: str, sqlite_app: Flask) -> None:
    """Swagger UI's Authorize button: the password flow of OAuth 2 without credentials of a client, then a call with the token."""
    account = {"email": "docs@example.com", "password": "password123"}
    assert Client(sqlite_app).post("/api/auth/register", account).status_code == 201
    page.goto(f"{url}/docs")
    page.locator("button.authorize").click()
    page.locator("#oauth_username").fill(account["email"])
    page.locator("#oauth_password").fill(account["password"])
    # The form of the password flow is the one with a username.
    form = page.locator(".auth-container", has=page.locator("#oauth_username"))
    with page.expect_request(f"{url}/token") as asked:
        form.locator("button.authorize").click()
    expect(page.locator(".auth-container button", has_text="Logout")).to_be_visible()
    assert "authorization" not in asked.value.all_headers()
    assert parse_qs(asked.value.post_data or "") == {
        "grant_type": ["password"],
        "username": [account["email"]],
        "password": [account["password"]],
    }
    page.locator(".btn-done").first.click()
    operation = page.locator("#operations-users-get_me")
    operation.locator(".opblock-summary-control").click()
    operation.locator("button.execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text(account["email"])
    assert log.complaints == []
    assert log.foreign_requests(url) == []
