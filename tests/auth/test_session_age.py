"""The lifetime of a session: SESSION_DAYS after signing in at most, and 30 days without a refresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from backend.auth.sweeping import sweep
from backend.models import UserSession
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory

Register = Callable[..., dict[str, Any]]
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(utcnow().replace(microsecond=0), tick=False) as traveller:
        yield traveller


def refresh(app: Flask, answer: dict[str, Any]) -> TestResponse:
    return Client(app).post("/api/auth/refresh", {"refresh_token": answer["refresh_token"]})


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def ends_at(app: Flask, answer: dict[str, Any]) -> str:
    (session,) = Client(app, answer["access_token"]).get("/api/auth/sessions").get_json()
    return str(session["expires_at"])


def keep_in_use(app: Flask, answer: dict[str, Any], clock: Any, days: int) -> dict[str, Any]:
    for _ in range(days // 10):
        clock.shift(10 * DAY)
        answer = refresh(app, answer).get_json()
    return answer


def test_a_session_in_use_ends_90_days_after_signing_in(app: Flask, register: Register, clock: Any) -> None:
    end = utcnow() + 90 * DAY
    answer = keep_in_use(app, register(), clock, 80)
    assert ends_at(app, answer) == end.isoformat().replace("+00:00", "Z")
    clock.move_to(end - timedelta(seconds=1))
    answer = refresh(app, answer).get_json()
    assert Client(app, answer["access_token"]).get("/api/users/me").status_code == 200
    clock.move_to(end)
    assert code(Client(app, answer["access_token"]).get("/api/users/me")) == (401, "token_expired")
    assert code(refresh(app, answer)) == (401, "token_expired")


def test_an_unused_session_ends_after_30_days(app: Flask, register: Register, clock: Any) -> None:
    answer = register()
    assert ends_at(app, answer).startswith((utcnow() + 30 * DAY).isoformat()[:19])
    clock.shift(30 * DAY)
    assert code(refresh(app, answer)) == (401, "token_expired")


def test_access_tokens_do_not_outlive_their_session(app: Flask, register: Register, clock: Any) -> None:
    end = utcnow() + 90 * DAY
    answer = keep_in_use(app, register(), clock, 80)
    for before, lifetime in ((timedelta(minutes=20), 900), (timedelta(minutes=5), 300), (timedelta(seconds=1), 1)):
        clock.move_to(end - before)
        answer = refresh(app, answer).get_json()
        claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
        assert (answer["expires_in"], claims["exp"] - int(utcnow().timestamp())) == (lifetime, lifetime)


@pytest.mark.parametrize(("days", "idle"), [(7, 7), (30, 30), (400, 30)])
def test_the_days_are_configured(
    make_limited: Callable[..., Flask], register: Register, clock: Any, days: int, idle: int
) -> None:
    register()
    app = make_limited(rate_limits=False, session_days=days)
    body = {"email": "test@example.com", "password": "password123"}
    answer = Client(app).post("/api/auth/login", body).get_json()
    sessions = Client(app, answer["access_token"]).get("/api/auth/sessions").get_json()
    assert sessions[0]["expires_at"].startswith((utcnow() + idle * DAY).isoformat()[:19])
    end = utcnow() + days * DAY
    answer = keep_in_use(app, answer, clock, days - 1)
    clock.move_to(end)
    assert code(refresh(app, answer)) == (401, "token_expired")


def test_sessions_of_releases_without_a_limit_end(app: Flask, make: Factory, register: Register) -> None:
    """They end at the next sweep and at the next refresh, as do sessions that began with more SESSION_DAYS."""
    answer, client = register(), make.client()
    with app.app_context():
        old = {"created_at": utcnow() - 90 * DAY, "expires_at": utcnow() + DAY}
        db.session.execute(update(UserSession).values(**old))
        db.session.commit()
    assert code(refresh(app, answer)) == (401, "token_expired")
    assert client.get("/api/users/me").status_code == 200
    with app.app_context():
        sweep()
    assert code(client.get("/api/users/me")) == (401, "token_revoked")
    assert code(refresh(app, answer)) == (401, "token_expired")
