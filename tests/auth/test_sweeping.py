"""Which data is deleted when it has expired, and which is kept longer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from backend.models import AccountToken, OtpCode, RefreshToken, RevokedToken, User, UserSession, WsTicket
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password
from backend.state import confab_state
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(make: Factory) -> User:
    return make.user("ada", email=EMAIL, hashed_password=hash_password(PASSWORD))


def login(app: Flask, device: str | None = "phone") -> dict[str, Any]:
    body = {"email": EMAIL, "password": PASSWORD, "device_info": device}
    answer: dict[str, Any] = Client(app).post("/api/auth/login", body).get_json()
    return answer


def logout(app: Flask, answer: dict[str, Any]) -> None:
    assert Client(app, answer["access_token"]).post("/api/auth/logout").status_code == 204


def sweep(app: Flask) -> None:
    """Sweep, as every worker does once an hour."""
    confab_state(app).outbox.sweep()


def rows(app: Flask, column: Any) -> list[Any]:
    with app.app_context():
        return list(db.session.scalars(select(column).order_by(column)))


def refusal(app: Flask, answer: dict[str, Any]) -> str:
    response = Client(app).post("/api/auth/refresh", {"refresh_token": answer["refresh_token"]})
    return str(response.get_json()["code"])


@pytest.mark.parametrize("how", ["logout", "age"])
def test_an_ended_session_is_kept_for_30_days(app: Flask, ada: User, clock: Any, how: str) -> None:
    first, _ = login(app), login(app)
    if how == "logout":
        logout(app, first)
    else:
        clock.shift(30 * DAY)
        login(app)
    clock.shift(30 * DAY - timedelta(seconds=1))
    sweep(app)
    assert refusal(app, first) == {"logout": "token_revoked", "age": "token_expired"}[how]
    clock.shift(timedelta(seconds=2))
    sweep(app)
    assert refusal(app, first) == "unauthorized"
    assert len(rows(app, UserSession.id)) == len(rows(app, RefreshToken.id)) == 1


def test_live_sessions_are_kept(app: Flask, ada: User, clock: Any) -> None:
    answers = [login(app) for _ in range(3)]
    for _ in range(8):
        clock.shift(10 * DAY)
        answers = [
            Client(app).post("/api/auth/refresh", {"refresh_token": a["refresh_token"]}).get_json() for a in answers
        ]
        sweep(app)
    assert [Client(app, a["access_token"]).get("/api/users/me").status_code for a in answers] == [200] * 3


def test_a_device_is_remembered_for_a_year(app: Flask, ada: User, outgoing: Outgoing, clock: Any) -> None:
    def told() -> int:
        return outgoing.subjects().count("A sign-in from a new device")

    for device in ("phone", "laptop", "laptop", None):
        logout(app, login(app, device))
    assert told() == 2
    clock.shift(364 * DAY)
    sweep(app)
    assert len(rows(app, UserSession.id)) == 3, "the last session of each device"
    assert rows(app, RefreshToken.id) == []
    assert set(rows(app, UserSession.ip_address)) == {None}, "addresses are deleted earlier"
    login(app, "laptop")
    assert told() == 2
    clock.shift(2 * DAY)
    sweep(app)
    login(app, "phone")
    assert told() == 3


def test_an_account_without_recent_sessions_is_told_of_a_new_device(
    app: Flask, ada: User, outgoing: Outgoing, clock: Any
) -> None:
    logout(app, login(app, "phone"))
    logout(app, login(app, "phone"))
    clock.shift(1000 * DAY)
    sweep(app)
    assert len(rows(app, UserSession.id)) == 1
    login(app, "burglar")
    assert outgoing.subjects().count("A sign-in from a new device") == 1


def test_expired_secrets_are_deleted(app: Flask, ada: User, make: Factory, clock: Any) -> None:
    client = make.client(ada)
    token = client.post("/api/auth/tokens", {"name": "x"}).get_json()
    client.post("/api/auth/ws-ticket")
    client.delete(f"/api/auth/tokens/{token['id']}")
    with app.app_context():
        for secret, used_at in (("used", utcnow()), ("waiting", None)):
            kept = {"user_id": ada.id, "purpose": "verify_email", "email": EMAIL, "expires_at": utcnow() + 3 * DAY}
            db.session.add(AccountToken(token=secret, used_at=used_at, **kept))
        db.session.add(OtpCode(mobile="+46701740605", code="x", expires_at=utcnow(), used_at=utcnow()))
        db.session.commit()
    sweep(app)
    assert rows(app, AccountToken.token) == ["used", "waiting"]
    clock.shift(DAY + timedelta(minutes=1))
    sweep(app)
    assert rows(app, AccountToken.token) == ["waiting"]
    assert rows(app, OtpCode.id) == rows(app, WsTicket.id) == []
    clock.shift(3 * DAY)
    sweep(app)
    assert rows(app, AccountToken.token) == []
    clock.shift(360 * DAY)
    sweep(app)
    assert len(rows(app, RevokedToken.id)) == 1
    clock.shift(DAY)
    sweep(app)
    assert rows(app, RevokedToken.id) == []


def test_many_rows_are_swept_in_small_transactions(
    app: Flask, ada: User, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.bulk.BATCH_SIZE", 2)
    for _ in range(7):
        login(app)
    with app.app_context():
        db.session.execute(update(UserSession).values(created_at=utcnow() - 100 * DAY))
        db.session.commit()
    sweep(app)
    with app.app_context():
        assert set(db.session.scalars(select(UserSession.expires_at))) == {utcnow()}
    clock.shift(31 * DAY)
    sweep(app)
    assert len(rows(app, UserSession.id)) == 1


def test_a_failed_sweep_does_not_stop_the_others(
    app: Flask, ada: User, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.outbox import queue

    def fail() -> None:
        raise RuntimeError("the queue cannot be swept")

    for answer in (login(app), login(app)):
        logout(app, answer)
    clock.shift(31 * DAY)
    monkeypatch.setattr(queue, "sweep", fail)
    sweep(app)
    assert len(rows(app, UserSession.id)) == 1
