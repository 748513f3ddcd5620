"""Attacks by strangers: finding out who has an account, guessing, using one secret in place of another, forging tokens."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from backend.auth import routes_otp
from backend.identity.access_tokens import issue_access_token
from backend.models.base import utcnow
from backend.rate_limiting.limits import RateLimit
from backend.security import hashing
from backend.state import confab_state
from tests.auth.conftest import EMAIL, PASSWORD
from tests.auth.test_otp import MOBILE, ask, other_than, verify
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.queries import count_queries

Register = Callable[..., dict[str, Any]]
VOLATILE = {"request_id": None}
PLACE = re.compile(r"(?<=INTO audit_events) \(.*", re.DOTALL)
"""An event without a target omits the column."""


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


@pytest.fixture
def known(client: Client, register: Register, outgoing: Outgoing) -> None:
    """An account with an email and one with a number, both verified."""
    register()
    client.post("/api/auth/verify-email", {"token": outgoing.token("verify", EMAIL)})
    verify(client, ask(client, outgoing))


ENUMERABLE = [
    ("/api/auth/login", {"email": EMAIL, "password": "wrong password"}, {"email": "nobody@example.com"}),
    ("/api/auth/login", {"username": "test", "password": "wrong password"}, {"username": "nobody"}),
    ("/api/auth/send-otp", {"mobile": MOBILE}, {"mobile": "+46701740699"}),
    ("/api/auth/verify-otp", {"mobile": MOBILE, "code": "000000"}, {"mobile": "+46701740699"}),
    ("/api/auth/forgot-password", {"email": EMAIL}, {"email": "nobody@example.com"}),
]


@pytest.mark.parametrize(("path", "body", "unknown"), ENUMERABLE)
def test_no_answer_reveals_whether_an_account_exists(
    app: Flask, client: Client, known: None, path: str, body: dict[str, str], unknown: dict[str, str]
) -> None:
    """The status, headers, body and SQL statements are the same, so the duration is the same too."""
    answers, statements = [], []
    for fields in (body, body | unknown):
        with count_queries(app) as queries:
            answers.append(client.post(path, fields))
        statements.append([PLACE.sub("", query) for query in queries])
    one, two = answers
    assert one.status_code == two.status_code
    assert (one.get_json() or {}) | VOLATILE == (two.get_json() or {}) | VOLATILE
    assert {k: v for k, v in one.headers if k != "X-Request-ID"} == {
        k: v for k, v in two.headers if k != "X-Request-ID"
    }
    assert statements[0] == statements[1]


def test_a_login_takes_the_same_time(app: Flask, client: Client, known: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares medians with real hashes: the difference is far smaller than the time of one hash."""
    monkeypatch.setattr(hashing, "BCRYPT_ROUNDS", 9)
    client.post("/api/auth/register", {"email": "slow@example.com", "password": PASSWORD})

    def seconds(email: str) -> float:
        started = time.perf_counter()
        assert client.post("/api/auth/login", {"email": email, "password": "wrong password"}).status_code == 401
        return time.perf_counter() - started

    pairs = [(seconds("slow@example.com"), seconds("nobody@example.com")) for _ in range(9)]
    there, not_there = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.5 < there / not_there < 2


def test_a_taken_email_costs_the_same_hash(client: Client, known: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract lets register reveal that an email is taken, but not sooner than another answer, and 20 times an hour at
    most.
    """
    from backend.auth import service

    hashed = []
    real = service.hash_new_password
    monkeypatch.setattr(service, "hash_new_password", lambda *given: hashed.append(1) or real(*given))
    for email, status in ((EMAIL, 409), ("new@example.com", 201)):
        assert client.post("/api/auth/register", {"email": email, "password": PASSWORD}).status_code == status
    assert len(hashed) == 2


SPENT = [
    (routes_otp.SEND_OTP_NUMBER[0], 3, 3600),
    (routes_otp.SEND_OTP_NUMBER[1], 10, 86_400),
    (routes_otp.VERIFY_OTP_NUMBER, 10, 60),
]


@pytest.mark.parametrize(("limit", "amount", "seconds"), SPENT)
def test_the_limits_of_the_contract(limit: RateLimit, amount: int, seconds: int) -> None:
    assert (limit.amount, limit.item.get_expiry()) == (amount, seconds)


def test_a_number_gets_3_an_hour_and_10_a_day(app: Flask, make_limited: Callable[..., Flask]) -> None:
    client = Client(make_limited())

    def send(n: int) -> int:
        address = {"REMOTE_ADDR": f"203.0.113.{n}"}
        return client.post("/api/auth/send-otp", {"mobile": MOBILE}, environ_base=address).status_code

    with time_machine.travel(utcnow(), tick=False) as clock:
        sent = []
        for hour in range(5):
            sent.append([send(hour * 4 + n) for n in range(4)])
            clock.shift(3600)
    assert sent == [[202, 202, 202, 429]] * 3 + [[202] + [429] * 3, [429] * 4]


@pytest.mark.parametrize(
    ("name", "mobiles"),
    [
        ("SEND_OTP", [f"+4670174{n:04}" for n in range(605, 609)]),
        ("SEND_OTP_PREFIX", [f"+4670174{n:04}" for n in range(605, 609)]),
        ("SEND_OTP_COUNTRY", ["+46701740605", "+46731740605", "+46761740605", "+46721740605"]),
        ("SEND_OTP_ALL", ["+46701740605", "+4740612345", "+4520123456", "+358412345678"]),
    ],
)
def test_budgets_against_pumping(
    app: Flask, make_limited: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, name: str, mobiles: list[str]
) -> None:
    """Attackers who are paid for each text use many numbers: limits count by address, by block of numbers, by country, and in
    total.
    """
    limit: RateLimit = getattr(routes_otp, name)
    monkeypatch.setattr(routes_otp, name, RateLimit(limit.name, "3 per hour"))
    client = Client(make_limited())
    if name == "SEND_OTP":
        client_calls = [client.post("/api/auth/send-otp", {"mobile": mobile}) for mobile in mobiles * 16]
        assert [r.status_code for r in client_calls].count(429) > 0
        return
    statuses = [
        client.post("/api/auth/send-otp", {"mobile": m}, environ_base={"REMOTE_ADDR": f"203.0.113.{n}"}).status_code
        for n, m in enumerate(mobiles)
    ]
    assert statuses == [202, 202, 202, 429]


def test_a_number_that_is_refused_uses_up_no_shared_budget(
    app: Flask, make_limited: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_otp, "SEND_OTP_ALL", RateLimit("send-otp-all", "4 per hour"))
    client = Client(make_limited())
    one = [client.post("/api/auth/send-otp", {"mobile": MOBILE}).status_code for _ in range(10)]
    assert one == [202] * 3 + [429] * 7
    assert client.post("/api/auth/send-otp", {"mobile": "+4740612345"}).status_code == 202


def test_a_code_is_guessed_10_times_a_minute(make_limited: Callable[..., Flask], outgoing: Outgoing) -> None:
    limited = make_limited()
    confab_state(limited).outbox = outgoing.outbox
    client = Client(limited)
    sent = ask(client, outgoing)
    guesses = [
        client.post(
            "/api/auth/verify-otp",
            {"mobile": MOBILE, "code": other_than(sent)},
            headers={
                "X-Forwarded-For": f"198.51.100.{n}",
                "X-Real-IP": f"198.51.100.{n}",
                "Forwarded": f"for=10.0.0.{n}",
            },
        ).status_code
        for n in range(11)
    ]
    assert guesses == [401] * 10 + [429]


def test_no_secret_is_accepted_in_place_of_another(
    app: Flask, client: Client, register: Register, outgoing: Outgoing
) -> None:
    """Each secret is tried with every call but its own."""
    answer = register()
    client.token = answer["access_token"]
    client.post("/api/auth/forgot-password", {"email": EMAIL})
    ticket = client.post("/api/auth/ws-ticket").get_json()["ticket"]
    held = {
        "access": answer["access_token"],
        "refresh": answer["refresh_token"],
        "reset": outgoing.token("reset", EMAIL),
        "verify": outgoing.token("verify", EMAIL),
        "ticket": ticket,
        "api": client.post("/api/auth/tokens", {"name": "x"}).get_json()["token"],
    }
    doors: dict[str, Callable[[str], TestResponse]] = {
        "bearer": lambda s: Client(app, s).get("/api/users/me"),
        "refresh": lambda s: Client(app).post("/api/auth/refresh", {"refresh_token": s}),
        "reset": lambda s: Client(app).post("/api/auth/reset-password", {"token": s, "password": PASSWORD}),
        "verify": lambda s: Client(app).post("/api/auth/verify-email", {"token": s, "password": PASSWORD}),
        "otp": lambda s: Client(app).post("/api/auth/verify-otp", {"mobile": MOBILE, "code": s[:20]}),
        "login": lambda s: Client(app).post("/api/auth/login", {"email": EMAIL, "password": s}),
    }
    own = {("access", "bearer"), ("api", "bearer"), ("refresh", "refresh"), ("reset", "reset"), ("verify", "verify")}
    for kind, secret in held.items():
        for door, opens in doors.items():
            if (kind, door) not in own:
                assert opens(secret).status_code in (400, 401), (kind, door)
    assert all(doors[door](held[kind]).status_code in (200, 204) for kind, door in sorted(own) if kind != "access")


def test_access_tokens_that_were_not_issued_here(app: Flask, client: Client, register: Register) -> None:
    answer = register()
    key = app.config["CONFAB"].jwt_secret_key
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert Client(app, jwt.encode(claims, key, "HS256")).get("/api/users/me").status_code == 200
    forged = [
        jwt.encode(claims, "", "none"),
        jwt.encode(claims, key, "HS512"),
        jwt.encode(claims, app.config["CONFAB"].secret_key, "HS256"),
        jwt.encode(claims | {"type": "refresh"}, key, "HS256"),
        jwt.encode(claims | {"aud": "other"}, key, "HS256"),
        *(
            jwt.encode({k: v for k, v in claims.items() if k != name}, key, "HS256")
            for name in claims.keys() - {"fresh"}
        ),
    ]
    for token in forged:
        assert code(Client(app, token).get("/api/users/me")) == (401, "unauthorized")
    with app.app_context():
        strange = issue_access_token(answer["user"]["id"] + 1, claims["sid"])
    assert code(Client(app, strange).get("/api/users/me")) == (401, "token_revoked")


MEGABYTE = "x" * 1_000_000


@pytest.mark.parametrize("password", [MEGABYTE, "\x00" * 8, "pass\x00word", "\ud800" * 8, "x" * 73])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/auth/register", "password"),
        ("/api/auth/login", "password"),
        ("/api/auth/reset-password", "password"),
        ("/api/auth/change-password", "current_password"),
        ("/api/auth/change-password", "new_password"),
        ("/api/auth/totp", "password"),
    ],
)
def test_passwords_that_bcrypt_cannot_take(
    client: Client, register: Register, path: str, field: str, password: str
) -> None:
    client.token = register()["access_token"]
    bodies: dict[str, dict[str, str]] = {
        "/api/auth/register": {"email": "other@example.com"},
        "/api/auth/login": {"email": EMAIL},
        "/api/auth/reset-password": {"token": "x"},
        "/api/auth/change-password": {"current_password": PASSWORD, "new_password": PASSWORD},
        "/api/auth/totp": {},
    }
    started = time.perf_counter()
    response = client.post(path, bodies[path] | {field: password})
    assert response.status_code in (401, 403, 422)
    assert time.perf_counter() - started < 3


def test_all_72_bytes_of_a_password_count(client: Client, register: Register) -> None:
    register(password="x" * 71 + "y")
    for password, status in (("x" * 71 + "y", 200), ("x" * 72, 401), ("x" * 71, 401), ("x" * 71 + "yz", 401)):
        assert client.post("/api/auth/login", {"email": EMAIL, "password": password}).status_code == status


def test_an_access_token_alone_changes_no_second_factor(app: Flask, client: Client, make: Factory) -> None:
    """An attacker with an access token alone can neither switch one on, nor set a password, nor read the secret again."""
    from backend.security.hashing import hash_password

    user = make.user(email=EMAIL, hashed_password=hash_password(PASSWORD))
    make.client(user).post("/api/auth/totp", {})
    stolen = make.client(user, is_fresh=False)
    assert code(stolen.post("/api/auth/totp", {})) == (403, "reauthentication_required")
    change = {"new_password": "stolen password"}
    assert code(stolen.post("/api/auth/change-password", change)) == (403, "invalid_password")
    assert "secret" not in stolen.get("/api/auth/totp").get_json()
