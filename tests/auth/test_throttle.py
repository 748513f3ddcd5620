"""Password tries: their limits reveal nothing about an account, and strangers do not lock out its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from backend.models import User
from backend.models.base import utcnow
from backend.security.hashing import hash_password
from tests.auth.conftest import EMAIL, PASSWORD
from tests.auth.test_limits import assert_limited, login
from tests.client import Client
from tests.factories import Factory

NAME = "ada"
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")


@pytest.fixture
def client(limited_app: Flask) -> Client:
    return Client(limited_app)


@pytest.fixture
def ada(make: Factory) -> User:
    return make.user(NAME, email=EMAIL, hashed_password=hash_password(PASSWORD))


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


def told(response: TestResponse) -> tuple[Any, ...]:
    """Everything in an answer from which a stranger could learn something."""
    names = [name for name, _ in response.headers if name not in ("X-Request-ID", "X-RateLimit-Reset")]
    body = response.get_json() | {"request_id": None}
    return response.status_code, body, names, [response.headers.get(name) for name in HEADERS]


def form(client: Client, name: str) -> TestResponse:
    return client.post("/token", data={"username": name, "password": "wrong password"})


WAYS: list[list[Callable[[Client, str, str], TestResponse]]] = [
    [lambda client, email, _: login(client, email=email)],
    [lambda client, _, username: login(client, username=username)],
    [lambda client, email, _: login(client, email=email), lambda client, _, username: login(client, username=username)],
    [lambda client, email, _: login(client, email=email), lambda client, email, _: login(client, username=email)],
    [lambda client, email, _: login(client, email=email), lambda client, email, _: form(client, email.upper())],
    [lambda client, email, _: form(client, email), lambda client, _, username: form(client, username)],
]


@pytest.mark.parametrize("ways", WAYS)
def test_no_limit_reveals_an_account(
    make_limited: Callable[..., Flask], ada: User, ways: list[Callable[[Client, str, str], TestResponse]], clock: Any
) -> None:
    """The two names of an account, two unknown names, and the names of two accounts: 25 tries get the same answers."""
    answers = []
    for email, username in ((EMAIL, NAME), ("nobody@example.com", "eve"), ("nobody@example.com", NAME), (EMAIL, "eve")):
        client = Client(make_limited())
        answers.append([told(ways[n % len(ways)](client, email, username)) for n in range(25)])
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert 429 in [answer[0] for answer in answers[0]]


def test_an_account_has_10_tries_over_all_its_names(client: Client, ada: User, clock: Any) -> None:
    names = [{"email": EMAIL}, {"username": NAME}]
    assert [login(client, f"203.0.113.{n}", **names[n % 2]).status_code for n in range(10)] == [401] * 10
    assert login(client, email=EMAIL).status_code == 401
    assert_limited(login(client, username=NAME, password=PASSWORD), 60, 10)
    assert_limited(login(client, email=EMAIL, password=PASSWORD), 60, 10)
    clock.shift(60)
    assert login(client, email=EMAIL, password=PASSWORD).status_code == 200


def sign_in(client: Client, **fields: Any) -> str:
    response = login(client, email=EMAIL, password=PASSWORD, **fields)
    assert response.status_code == 200
    return response.headers["X-Device-Token"]


def use_up(client: Client) -> None:
    """The tries of strangers: ten with each name."""
    for n in range(10):
        login(client, f"198.51.100.{n}", email=EMAIL)
        login(client, f"198.51.100.{n}", username=NAME)


def test_strangers_do_not_lock_out_the_owner(client: Client, ada: User, clock: Any) -> None:
    token = sign_in(client)
    clock.shift(60)
    use_up(client)
    assert login(client, email=EMAIL, password=PASSWORD).status_code == 429
    for shown in ({"Cookie": f"confab_device={token}"}, {"X-Device-Token": token}):
        answers = [
            client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}, headers=shown),
            client.post("/token", data={"username": NAME, "password": PASSWORD}, headers=shown),
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert [answer.headers["X-Device-Token"] for answer in answers] == [token, token]


def test_a_device_is_limited_too(client: Client, ada: User, clock: Any) -> None:
    token = sign_in(client)

    def guess(**names: str) -> TestResponse:
        return client.post("/api/auth/login", {"password": "wrong", **names}, headers={"X-Device-Token": token})

    answers = [guess(email=EMAIL) if n % 2 else guess(username=NAME) for n in range(10)]
    assert [answer.status_code for answer in answers] == [401] * 10
    assert_limited(guess(email=EMAIL), 60, 10)
    assert login(client, email=EMAIL, password=PASSWORD).status_code == 200


def test_the_cookie_of_a_device(client: Client, ada: User) -> None:
    plain = login(client, email=EMAIL, password=PASSWORD)
    secure = client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}, base_url="https://chat.example")
    for response, is_secure in ((plain, False), (secure, True)):
        cookies = response.headers.getlist("Set-Cookie")
        assert [cookie.partition("; Path=")[2].partition(";")[0] for cookie in cookies] == ["/api/auth/login", "/token"]
        for cookie in cookies:
            assert cookie.startswith(f"confab_device={response.headers['X-Device-Token']};")
            assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
            assert ("Secure" in cookie.split("; ")) is is_secure
    refused = login(client, email=EMAIL)
    assert not {"Set-Cookie", "X-Device-Token"} & set(refused.headers.keys())


def test_a_browser_stores_the_cookie(limited_app: Flask, client: Client, ada: User, clock: Any) -> None:
    browser = limited_app.test_client()
    body = {"email": EMAIL, "password": PASSWORD}
    assert browser.post("/api/auth/login", json=body).status_code == 200
    clock.shift(60)
    use_up(client)
    assert browser.post("/api/auth/login/", json=body).status_code == 200
    assert browser.post("/token", data={"username": EMAIL, "password": PASSWORD}).status_code == 200


def test_every_sign_in_gives_a_device_its_token(client: Client, ada: User, make: Factory, clock: Any) -> None:
    registered = client.post("/api/auth/register", {"email": "new@example.com", "password": PASSWORD})
    own = Client(client.app, registered.get_json()["access_token"])
    changed = own.post("/api/auth/change-password", {"current_password": PASSWORD, "new_password": "another password"})
    assert changed.status_code == 204
    for n in range(11):
        login(client, f"198.51.100.{n}", email="new@example.com")
    statuses = {}
    for response in (registered, changed):
        token = response.headers["X-Device-Token"]
        body = {"email": "new@example.com", "password": "another password"}
        statuses[token] = client.post("/api/auth/login", body, headers={"X-Device-Token": token}).status_code
    assert list(statuses.values()) == [429, 200]  # the first one ended with the password for which it was issued


def test_device_tokens_of_others_do_not_help(client: Client, ada: User, make: Factory, clock: Any) -> None:
    own = sign_in(client)
    make.user("eve", email="eve@example.com", hashed_password=hash_password(PASSWORD))
    eves = login(client, email="eve@example.com", password=PASSWORD).headers["X-Device-Token"]
    user_id, device, mac = own.split(".")
    eves_device, eves_mac = eves.split(".")[1:]
    forged = [
        eves,
        f"{user_id}.{eves_device}.{eves_mac}",
        f"{user_id}.{eves_device}.{mac}",
        f"{user_id}.{device}.{'0' * 64}",
        f"{user_id}.{device}",
        f"{'9' * 40}.{device}.{mac}",
        "x" * 5000,
        f"١.{device}.{mac}",
    ]
    clock.shift(60)
    use_up(client)
    for token in forged:
        headers = {"Cookie": f"confab_device={token}"} if not token.isascii() else {"X-Device-Token": token}
        answer = client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}, headers=headers)
        assert answer.status_code == 429, token


def test_a_device_token_grants_no_access(client: Client, ada: User) -> None:
    token = sign_in(client)
    assert Client(client.app, token).get("/api/users/me").status_code == 401
    wrong = client.post("/api/auth/login", {"email": EMAIL, "password": "wrong"}, headers={"X-Device-Token": token})
    assert wrong.status_code == 401
    assert client.post("/api/auth/refresh", {"refresh_token": token}).status_code == 401
