"""Rate limits: which calls count for whom, and what happens without Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from backend.http import rate_limits as limits
from backend.identity.guards import login_required
from backend.models import ApiToken
from backend.models.base import db, utcnow
from backend.rate_limiting.limits import RateLimit
from backend.security.hashing import hash_password, hash_secret, new_secret
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory

LOGIN = "/api/auth/login"
SESSIONS = "/api/auth/sessions"


@pytest.fixture
def client(limited_app: Flask) -> Client:
    return Client(limited_app)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


def login(client: Client, address: str = "203.0.113.1", **fields: Any) -> TestResponse:
    body = {"password": "wrong password", **fields}
    return client.post(LOGIN, body, environ_base={"REMOTE_ADDR": address})


def statuses(call: Callable[[], TestResponse], times: int) -> list[int]:
    return [call().status_code for _ in range(times)]


def assert_limited(response: TestResponse, seconds: int, amount: int) -> None:
    assert (response.status_code, response.mimetype) == (429, "application/problem+json")
    assert response.get_json()["code"] == "rate_limited"
    assert 0 < int(response.headers["Retry-After"]) <= seconds
    assert response.headers["X-RateLimit-Limit"] == str(amount)
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(response.headers["X-RateLimit-Reset"]) - time.time() <= seconds + 1


def script(app: Flask, user_id: int, *scopes: str) -> Client:
    secret = f"confab_{new_secret()}"
    with app.app_context():
        db.session.add(ApiToken(user_id=user_id, name="script", token=hash_secret(secret), scopes=list(scopes)))
        db.session.commit()
    return Client(app, secret)


PASSWORD_CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/auth/change-password", {"current_password": "wrong password", "new_password": "another password"}),
    ("POST", "/api/auth/confirm", {"password": "wrong password"}),
    ("POST", "/api/auth/totp", {"password": "wrong password"}),
    ("DELETE", "/api/auth/totp", {"password": "wrong password"}),
    ("POST", "/api/auth/totp/recovery-codes", {"password": "wrong password", "totp_code": "123456"}),
    ("DELETE", "/api/users/me", {"password": "wrong password"}),
    ("PATCH", "/api/users/me", {"username": "other", "password": "wrong password"}),
    ("PATCH", "/api/users/me", {"email": "other@example.com", "password": "wrong password"}),
]


def test_an_api_token_uses_up_no_password_tries(limited_app: Flask, make: Factory) -> None:
    owner = make.client(make.user(hashed_password=hash_password(PASSWORD)))
    user_id = owner.user.id  # type: ignore[attr-defined]
    owner.use(limited_app)
    for token in (script(limited_app, user_id, "read", "write"), script(limited_app, user_id, "read")):
        for call in PASSWORD_CALLS * 2:
            assert token.request(*call).status_code == 403
    stale = Client(limited_app, make.token(owner.user, is_fresh=False))  # type: ignore[attr-defined]
    for call in PASSWORD_CALLS[2:] * 2:
        assert stale.request(*call).get_json()["code"] == "reauthentication_required"
    assert owner.post("/api/auth/confirm", {"password": PASSWORD}).status_code == 204
    shown = owner.post("/api/auth/confirm", {"password": "wrong password"}).headers
    assert (shown["X-RateLimit-Limit"], shown["X-RateLimit-Remaining"]) == ("10", "8")


def test_refused_calls_of_an_api_token_count_against_the_token(
    limited_app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DEFAULT", RateLimit("default", "3 per minute"))
    user = make.user()
    owner, token = Client(limited_app, make.token(user)), script(limited_app, user.id, "health")
    assert statuses(lambda: token.get("/api/users/me"), 4) == [403, 403, 403, 429]
    assert statuses(lambda: owner.get("/api/users/me"), 4) == [200, 200, 200, 429]
    assert statuses(lambda: script(limited_app, user.id, "read").get("/api/users/me"), 1) == [429]


def test_refused_calls_of_a_session_count_against_its_user(
    limited_app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DEFAULT", RateLimit("default", "3 per minute"))
    client = Client(limited_app, make.token(make.user()))
    assert statuses(lambda: client.get("/api/audit"), 4) == [403, 403, 403, 429]


def test_an_account_has_10_tries_a_minute(client: Client, clock: Any) -> None:
    assert statuses(lambda: login(client, email=EMAIL), 10) == [401] * 10
    assert_limited(login(client, email=EMAIL), 60, 10)
    assert login(client, email="other@example.com").status_code == 401
    clock.shift(60)
    assert login(client, email=EMAIL).status_code == 401


def test_all_spellings_and_routes_of_a_name_share_one_limit(client: Client, make: Factory) -> None:
    make.user("ada", email=EMAIL)
    spellings = [{"email": EMAIL}, {"email": " TEST@example.com "}, {"username": EMAIL}]
    assert [login(client, f"203.0.113.{n}", **spellings[n % 3]).status_code for n in range(6)] == [401] * 6
    forms = [{"username": name, "password": "wrong"} for name in (EMAIL, "Test@Example.com")]
    assert [client.post("/token", data=form).status_code for form in forms * 2] == [400] * 4
    assert_limited(login(client, "203.0.113.99", email=EMAIL), 60, 10)
    assert_limited(client.post("/token", data=forms[0]), 60, 10)


def test_an_unknown_account_has_the_same_limit(client: Client) -> None:
    assert statuses(lambda: login(client, email="Nobody@example.com"), 5) == [401] * 5
    assert statuses(lambda: login(client, email="NOBODY@EXAMPLE.COM"), 5) == [401] * 5
    assert login(client, email="nobody@example.com").status_code == 429


def test_successful_logins_count(client: Client) -> None:
    client.post("/api/auth/register", {"email": EMAIL, "password": PASSWORD})
    assert statuses(lambda: login(client, email=EMAIL, password=PASSWORD), 10) == [200] * 10
    assert_limited(login(client, email=EMAIL, password=PASSWORD), 60, 10)


def test_an_address_has_60_logins_a_minute_on_both_routes(client: Client) -> None:
    here = {"REMOTE_ADDR": "203.0.113.7"}
    assert [login(client, "203.0.113.7", email=f"{n}@example.com").status_code for n in range(30)] == [401] * 30
    form = {"password": "x"}
    assert statuses(lambda: client.post("/token", data=form, environ_base=here), 30) == [400] * 30
    assert_limited(login(client, "203.0.113.7", email="last@example.com"), 60, 60)
    assert_limited(client.post("/token", data=form, environ_base=here), 60, 60)
    assert login(client, "203.0.113.8", email="last@example.com").status_code == 401


def test_malformed_bodies_count_and_are_answered(client: Client) -> None:
    bodies = [(b"{", "application/json", 400), (b"{}", "application/json", 422), (b"", "text/plain", 415)]
    for n in range(60):
        data, kind, status = bodies[n % 3]
        assert client.post(LOGIN, data=data, content_type=kind).status_code == status
    assert client.post(LOGIN, data=b"{", content_type="application/json").status_code == 429


def test_a_refused_address_uses_up_no_limit_of_an_account(client: Client) -> None:
    for _ in range(70):
        client.post(LOGIN, data=b"{", content_type="application/json", environ_base={"REMOTE_ADDR": "203.0.113.1"})
    for _ in range(15):
        assert login(client, email=EMAIL).status_code == 429
    assert login(client, "203.0.113.2", email=EMAIL).status_code == 401


def test_an_address_registers_20_accounts_an_hour(client: Client, clock: Any) -> None:
    def register() -> TestResponse:
        return client.post("/api/auth/register", {"email": "nonsense"})

    assert statuses(register, 20) == [422] * 20
    assert_limited(register(), 3600, 20)
    clock.shift(3599)
    assert register().status_code == 429
    clock.shift(1)
    assert register().status_code == 422


def test_a_user_has_600_calls_a_minute_over_all_routes(limited_app: Flask, make: Factory) -> None:
    one, two = make.user(), make.user()
    tokens = [make.token(one), make.token(one)]

    def call(n: int) -> TestResponse:
        client = Client(limited_app, tokens[n % 2])
        address = {"REMOTE_ADDR": f"203.0.113.{n % 200}"}
        if n % 3:
            return client.get(SESSIONS, environ_base=address)
        return client.delete(f"{SESSIONS}/{10**6}", environ_base=address)

    answers = [call(n) for n in range(30)]
    with limited_app.app_context():
        assert limits.allow_user(one.id, 540) == (540, None)  # as the frames of a socket count
    answers += [call(n) for n in range(30)]
    assert {answer.status_code for answer in answers} == {200, 404}
    remaining = [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers]
    assert remaining == [*range(599, 569, -1), *range(29, -1, -1)]
    assert "Retry-After" not in answers[0].headers
    assert_limited(call(1), 60, 600)
    assert Client(limited_app, make.token(two)).get(SESSIONS).status_code == 200


def test_an_address_without_a_signed_in_user(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT", RateLimit("default", "5 per minute"))
    client.token = "guess"
    assert statuses(lambda: client.get(SESSIONS), 5) == [401] * 5
    assert_limited(client.get(SESSIONS), 60, 5)
    assert client.get(SESSIONS, environ_base={"REMOTE_ADDR": "203.0.113.5"}).status_code == 401


def test_refreshes_count_by_address(client: Client) -> None:
    body = {"refresh_token": "guess"}
    answer = client.post("/api/auth/refresh", body)
    assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (401, "600")
    assert answer.headers["X-RateLimit-Remaining"] == "599"


def test_calls_without_a_limit_of_their_own(
    make_limited: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DEFAULT", RateLimit("default", "2 per minute"))
    app = make_limited(is_new=True)
    for path in ("/api/bare", "/api/healthy", "/bare"):
        app.add_url_rule(path, path, lambda: "")
    client = Client(app)
    assert statuses(lambda: client.get("/api/bare"), 3) == [200, 200, 429]
    assert statuses(lambda: client.get("/bare"), 3) == [200] * 3
    assert statuses(lambda: client.get("/api/healthy"), 3) == [200] * 3
    assert statuses(lambda: client.get("/api/nothing"), 3) == [404] * 3


def test_an_address_has_one_count_for_all_that_it_does_without_signing_in(
    make_limited: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask-Limiter counts views without a guard, and the guard counts tokens that are no good: together."""
    monkeypatch.setattr(limits, "DEFAULT", RateLimit("default", "4 per minute"))
    app = make_limited(is_new=True)
    app.add_url_rule("/api/bare", "bare", lambda: "")
    client = Client(app, "guess")
    paths = ["/api/bare", SESSIONS] * 3
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 401, 200, 401, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["3", "2", "1", "0", "0", "0"]


@pytest.mark.parametrize("is_limited_first", [True, False])
def test_a_view_may_have_a_guard_and_a_limit(
    make_limited: Callable[..., Flask], make: Factory, is_limited_first: bool
) -> None:
    def view() -> str:
        return ""

    limit = limits.limited(RateLimit("guarded-and-limited", "2 per minute"))
    decorated = limit(login_required(view)) if is_limited_first else login_required(limit(view))
    app = make_limited(is_new=True)
    app.add_url_rule("/api/both", "both", decorated)
    client = Client(app, make.token(make.user()))
    assert statuses(lambda: client.get("/api/both"), 3) == [200, 200, 429]
    assert client.get(SESSIONS).headers["X-RateLimit-Remaining"] == ("597" if is_limited_first else "596")


def test_applications_of_one_process_have_limits_of_their_own(make_limited: Callable[..., Flask]) -> None:
    """There is one Flask-Limiter for all applications. What one of them is told does not change another."""
    first = Client(make_limited())
    unlimited, second = Client(make_limited(rate_limits=False)), Client(make_limited())

    def register(client: Client) -> TestResponse:
        return client.post("/api/auth/register", {"email": "nonsense"})

    assert statuses(lambda: register(unlimited), 21) == [422] * 21
    assert statuses(lambda: register(first), 21) == [422] * 20 + [429]
    assert "X-RateLimit-Limit" not in register(unlimited).headers
    assert register(second).headers["X-RateLimit-Remaining"] == "19"


def test_the_library_logs_no_refusals(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The request's own line has the status. Another one would have the address, and come as often as a stranger likes."""
    caplog.set_level(logging.INFO)
    assert statuses(lambda: client.post("/api/auth/register", {"email": "nonsense"}), 21)[-1] == 429
    assert [record.name for record in caplog.records if record.name.startswith("flask")] == []


def test_limits_can_be_switched_off(make_limited: Callable[..., Flask]) -> None:
    client = Client(make_limited(rate_limits=False))
    assert statuses(lambda: login(client, email=EMAIL), 15) == [401] * 15
    assert "X-RateLimit-Limit" not in login(client, email=EMAIL).headers


def forwarded(client: Client, header: str) -> TestResponse:
    return client.post(LOGIN, data=b"{", content_type="application/json", headers={"X-Forwarded-For": header})


@pytest.mark.parametrize(("proxies", "spoofable"), [(0, 1), (1, 2), (2, 3)])
def test_forwarded_addresses_count_only_from_trusted_proxies(
    make_limited: Callable[..., Flask], proxies: int, spoofable: int
) -> None:
    """Our proxies write the last *proxies* entries; the caller may have forged the entries before them."""
    client = Client(make_limited(trusted_proxies=proxies))
    ours = ["198.51.100.1", "198.51.100.2"][:proxies]
    for n in range(60):
        assert forwarded(client, ", ".join([f"203.0.113.{n}", *ours])).status_code == 400
    assert forwarded(client, ", ".join(["203.0.113.99", *ours])).status_code == 429
    if proxies:
        others = ["198.51.100.9", *ours[1:]]
        assert forwarded(client, ", ".join(["203.0.113.1", *others])).status_code == 400


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("nonsense" * 20, ("nonsense" * 20)[:64]),
        ("", "unknown"),
    ],
)
def test_what_counts_as_an_address(limited_app: Flask, remote: str, counted: str) -> None:
    with limited_app.test_request_context("/", environ_base={"REMOTE_ADDR": remote}):
        assert limits.address() == counted
