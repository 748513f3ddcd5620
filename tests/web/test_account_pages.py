"""The pages behind the links of mails and invites, in a real browser: #/verify?token=…, #/reset?token=… and #/join/CODE."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect

from tests.client import Client
from tests.outgoing import Outgoing
from tests.web.page_log import PageLog

PASSWORD, OTHER = "password123", "correct horse battery"
REFUSED = "Failed to load resource: the server responded with a status of"
numbers = count(1)


@pytest.fixture
def sent(sqlite_app: Flask) -> Iterator[Outgoing]:
    outgoing = Outgoing(sqlite_app)
    yield outgoing
    outgoing.restore()


@pytest.fixture
def register(sqlite_app: Flask) -> Callable[[], tuple[str, Client]]:
    """Create an account; returns its email, and a client with its session."""

    def call() -> tuple[str, Client]:
        email = f"user{next(numbers)}@example.com"
        answer = Client(sqlite_app).post("/api/auth/register", {"email": email, "password": PASSWORD})
        assert answer.status_code == 201
        return email, Client(sqlite_app, answer.get_json()["access_token"])

    return call


@pytest.fixture
def invite(register: Callable[[], tuple[str, Client]]) -> Callable[..., tuple[int, str]]:
    """Create a private room with an invite; returns the id of the room and the code."""

    def call(name: str = "Kitchen", **fields: Any) -> tuple[int, str]:
        _, owner = register()
        room = owner.post("/api/rooms", {"name": name, "is_public": False}).get_json()["id"]
        return room, owner.post(f"/api/rooms/{room}/invites", fields).get_json()["code"]

    return call


def enable_totp(client: Client) -> pyotp.TOTP:
    factor = pyotp.TOTP(client.post("/api/auth/totp", {}).get_json()["secret"])
    former = factor.at(int(time.time()) - 30)  # a code serves once, and the present one is for the test
    assert client.post("/api/auth/totp/confirm", {"totp_code": former}).status_code == 200
    return factor


def may_sign_in(app: Flask, email: str, password: str) -> bool:
    return Client(app).post("/api/auth/login", {"email": email, "password": password}).status_code == 200


def submit(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button").click()


def unexpected(log: PageLog) -> list[str]:
    """The complaints of the browser, without its line for each refused call."""
    return [text for text in log.complaints if not text.startswith(REFUSED)]


def test_verify_confirms_the_address_with_the_password(
    page: Page, log: PageLog, url: str, sent: Outgoing, register: Callable[[], tuple[str, Client]]
) -> None:
    email, client = register()
    token = sent.token("verify", email)
    page.goto(f"{url}/#/verify?token={token}")
    expect(page.get_by_role("heading", name="Confirm your email address")).to_be_focused()
    submit(page, Password="not the password")
    error = page.get_by_role("alert")
    expect(error).to_have_text("This is not the password of the account to which the link was mailed.")
    expect(error).to_be_focused()
    assert token in page.url, "the link still works"
    submit(page, Password=PASSWORD)
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("You can close this page.")
    expect(error).to_be_hidden()
    assert page.locator(".panel").inner_text().split("\n\n") == [
        "Your address is confirmed",
        "You can close this page.",
    ]
    assert client.get("/api/users/me").get_json()["email_verified"] is True
    assert page.url == f"{url}/"
    assert page.title() == "Your address is confirmed - Confab"
    assert unexpected(log) == []
    assert log.foreign_requests(url) == []


def test_reset_sets_a_new_password(
    page: Page, log: PageLog, url: str, sqlite_app: Flask, sent: Outgoing, register: Callable[[], tuple[str, Client]]
) -> None:
    email, client = register()
    client.post("/api/auth/forgot-password", {"email": email})
    token = sent.token("reset", email)
    page.goto(f"{url}/#/reset?token={token}")
    submit(page, **{"New password": "short"})
    field = page.get_by_label("New password")
    expect(page.get_by_role("alert")).to_have_text("Some fields are not valid.")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("At least 8 characters Must have 8 to 72 bytes in UTF-8.")
    assert field.get_attribute("aria-invalid") == "true"
    submit(page, **{"New password": OTHER})
    expect(page.get_by_role("heading", name="Your new password is set")).to_be_focused()
    assert page.url == f"{url}/"
    assert may_sign_in(sqlite_app, email, OTHER)
    assert not may_sign_in(sqlite_app, email, PASSWORD)
    assert unexpected(log) == []


@pytest.mark.parametrize(
    ("link", "fields", "detail"),
    [
        ("verify?token=unknown", {"Password": PASSWORD}, "This link is invalid or has expired. Request a new one."),
        ("reset?token=unknown", {"New password": PASSWORD}, "This link is invalid or has expired. Request a new one."),
    ],
)
def test_a_dead_link_says_so_and_leaves_the_address(
    page: Page, url: str, link: str, fields: dict[str, str], detail: str
) -> None:
    page.goto(f"{url}/#/{link}")
    submit(page, **fields)
    expect(page.get_by_role("alert")).to_have_text(detail)
    assert page.url == f"{url}/"


@pytest.mark.parametrize("link", ["join/{}", "join?code={}"])
def test_join_signs_in_and_joins(
    page: Page,
    log: PageLog,
    url: str,
    link: str,
    invite: Callable[..., tuple[int, str]],
    register: Callable[[], tuple[str, Client]],
) -> None:
    (room, code), (email, client) = invite(), register()
    page.goto(f"{url}/#/{link.format(code)}")
    submit(page, Email=email, Password="not the password")
    expect(page.get_by_role("alert")).to_have_text("The account and password do not match.")
    assert code in page.url
    submit(page, Email=email, Password=PASSWORD)
    expect(page.get_by_role("heading", name="You are a member of Kitchen")).to_be_focused()
    assert page.url == f"{url}/"
    assert [row["id"] for row in client.get("/api/rooms?mine=true").get_json()] == [room]
    assert len(client.get("/api/auth/sessions").get_json()) == 1, "the session of the page was ended"
    assert unexpected(log) == []


def test_join_creates_an_account_that_uses_the_invite_up(
    page: Page, url: str, sqlite_app: Flask, invite: Callable[..., tuple[int, str]]
) -> None:
    room, code = invite(max_uses=1)
    page.goto(f"{url}/#/join/{code}")
    page.get_by_label("Create an account for me").check()
    assert page.get_by_label("Password").get_attribute("autocomplete") == "new-password"
    submit(page, Email="invited@example.com", Password=PASSWORD)
    expect(page.get_by_role("heading", name="You are a member of Kitchen")).to_be_focused()
    assert page.url == f"{url}/"
    answer = Client(sqlite_app).post("/api/auth/login", {"email": "invited@example.com", "password": PASSWORD})
    client = Client(sqlite_app, answer.get_json()["access_token"])
    assert [row["id"] for row in client.get("/api/rooms?mine=true").get_json()] == [room]
    assert len(client.get("/api/auth/sessions").get_json()) == 1, "the session of the page was ended"


def test_join_says_that_an_account_exists(
    page: Page, url: str, invite: Callable[..., tuple[int, str]], register: Callable[[], tuple[str, Client]]
) -> None:
    (_, code), (email, client) = invite(), register()
    page.goto(f"{url}/#/join/{code}")
    page.get_by_label("Create an account for me").check()
    submit(page, Email=email, Password=PASSWORD)
    expect(page.get_by_role("alert")).to_have_text("An account with this email exists. Sign in, or reset its password.")
    page.get_by_label("I have an account").check()
    submit(page)
    expect(page.get_by_role("heading", name="You are a member of Kitchen")).to_be_visible()
    assert len(client.get("/api/rooms?mine=true").get_json()) == 1


def test_a_dead_invite_says_so(page: Page, url: str, register: Callable[[], tuple[str, Client]]) -> None:
    email, client = register()
    page.goto(f"{url}/#/join/unknown")
    submit(page, Email=email, Password=PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("invite")
    assert page.url == f"{url}/"
    assert len(client.get("/api/auth/sessions").get_json()) == 1, "the session of the page was ended"


def test_join_asks_for_the_code_of_a_second_factor(
    page: Page, url: str, invite: Callable[..., tuple[int, str]], register: Callable[[], tuple[str, Client]]
) -> None:
    (_, code), (email, client) = invite(), register()
    factor = enable_totp(client)
    page.goto(f"{url}/#/join/{code}")
    expect(page.get_by_label("Code of your second factor")).to_be_hidden()
    submit(page, Email=email, Password=PASSWORD)
    expect(page.get_by_label("Code of your second factor")).to_be_focused()
    expect(page.get_by_role("alert")).to_be_hidden()
    submit(page, **{"Code of your second factor": "000000"})
    expect(page.get_by_role("alert")).to_have_text("The code of the second factor is wrong, or was used before.")
    submit(page, **{"Code of your second factor": factor.now()})
    expect(page.get_by_role("heading", name="You are a member of Kitchen")).to_be_focused()


def test_a_new_account_needs_no_second_factor(
    page: Page, url: str, invite: Callable[..., tuple[int, str]], register: Callable[[], tuple[str, Client]]
) -> None:
    """The field that another account needed is gone."""
    (_, code), (email, client) = invite(), register()
    enable_totp(client)
    page.goto(f"{url}/#/join/{code}")
    submit(page, Email=email, Password=PASSWORD)
    expect(page.get_by_label("Code of your second factor")).to_be_visible()
    page.get_by_label("Create an account for me").check()
    expect(page.get_by_label("Code of your second factor")).to_be_hidden()
    submit(page, Email="factorless@example.com", Password=PASSWORD)
    expect(page.get_by_role("heading", name="You are a member of Kitchen")).to_be_focused()


def test_the_keyboard_alone_suffices(
    page: Page, url: str, invite: Callable[..., tuple[int, str]], register: Callable[[], tuple[str, Client]]
) -> None:
    (_, code), (email, client) = invite(), register()
    page.goto(f"{url}/#/join/{code}")
    expect(page.get_by_role("heading", name="Join a room")).to_be_focused()
    for expected, keys in (("I have an account", "ArrowDown"), ("", "ArrowUp")):
        if expected:
            page.keyboard.press("Tab")
            expect(page.get_by_label(expected)).to_be_focused()
        page.keyboard.press(keys)
    expect(page.get_by_label("I have an account")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong password")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Join")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("alert")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)  # what was there is selected
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are a member of Kitchen")).to_be_focused()
    assert len(client.get("/api/rooms?mine=true").get_json()) == 1


ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.mark.parametrize("link", ["verify?token=", "reset?token=", "join?code=", "join/"])
def test_html_in_a_link_is_not_run(page: Page, log: PageLog, url: str, link: str) -> None:
    page.goto(f"{url}/#/{link}{ATTACK}<script>window.hacked=1</script>")
    if link.startswith("join"):
        page.get_by_label("Create an account for me").check()
        page.get_by_label("Email").fill("attacked@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    assert unexpected(log) == []


def test_html_in_an_answer_is_shown_as_text(
    page: Page,
    log: PageLog,
    url: str,
    invite: Callable[..., tuple[int, str]],
    register: Callable[[], tuple[str, Client]],
) -> None:
    (_, code), (email, _) = invite(ATTACK), register()
    page.goto(f"{url}/#/join/{code}")
    submit(page, Email=email, Password=PASSWORD)
    expect(page.get_by_role("heading", name=f"You are a member of {ATTACK}")).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert unexpected(log) == []


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (None, "The server cannot be reached. Check your connection, and try again."),
        ({"status": 502, "body": "<h1>Bad Gateway</h1>"}, "The server answered 502. Try again later."),
        (
            {
                "status": 429,
                "json": {"detail": "Too many requests.", "code": "rate_limited"},
                "headers": {"Retry-After": "9"},
            },
            "Too many requests. (Retry-After: 9)",
        ),
    ],
)
def test_a_server_that_does_not_answer(page: Page, url: str, answer: dict[str, Any] | None, shown: str) -> None:
    def respond(route: Route) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(**answer)

    page.route("**/api/auth/reset-password", respond)
    page.goto(f"{url}/#/reset?token=kept")
    submit(page, **{"New password": PASSWORD})
    expect(page.get_by_role("alert")).to_have_text(shown)
    assert page.url.endswith("token=kept")
    expect(page.locator("form")).not_to_have_attribute("aria-busy", "true")


def test_a_second_press_sends_nothing_while_the_first_is_answered(page: Page, url: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/auth/reset-password", hold)
    page.goto(f"{url}/#/reset?token=one")
    with page.expect_request("**/api/auth/reset-password"):
        submit(page, **{"New password": PASSWORD})
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    page.get_by_role("button").click()
    held[0].fulfill(status=204)
    expect(page.get_by_role("heading", name="Your new password is set")).to_be_visible()
    assert len(held) == 1


def test_other_addresses_show_the_front_page(page: Page, log: PageLog, url: str) -> None:
    page.goto(f"{url}/#/verify?token=a")
    expect(page.locator("main:visible")).to_have_count(1)
    expect(page.get_by_role("heading", name="First calls")).to_be_hidden()
    page.evaluate("location.hash = '#/nowhere'")
    expect(page.get_by_role("heading", name="First calls")).to_be_visible()
    expect(page.locator("main")).to_have_count(1)
    assert page.title() == "Confab"
    page.evaluate("location.hash = '#/reset?token=b'")
    expect(page.get_by_role("heading", name="Set a new password")).to_be_focused()
    assert log.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("link", ["verify?token=a", "reset?token=a", "join/a"])
def test_it_fits_a_narrow_screen_and_is_easy_to_hit_and_to_read(page: Page, url: str, link: str, scheme: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{url}/#/{link}")
    expect(page.locator(".account h1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for target in page.locator(".account :is(a, button, .choice, .field input):visible").all():
        box = target.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24
    for text in page.locator(".account :is(h1, .lead, label, legend, button, .home, .hint):visible").all():
        assert text.evaluate(CONTRAST) >= 4.5, text.inner_text()


CONTRAST = """element => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(ground).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
"""The contrast of an element's text with its background (WCAG 2.2, 1.4.3)."""
