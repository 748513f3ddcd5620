"""POST /api/auth/refresh: rotation, reuse and the grace period."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from backend.models import RefreshToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret
from tests.client import Client
from tests.races import hold_row

Register = Callable[..., dict[str, Any]]


@pytest.fixture
def clock() -> Any:
    """A clock that stands still until it is moved."""
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


def refresh(client: Client, token: Any) -> TestResponse:
    return client.post("/api/auth/refresh", {"refresh_token": token})


def code(response: TestResponse) -> str:
    return str(response.get_json()["code"])


def is_alive(client: Client, answer: dict[str, Any]) -> bool:
    return Client(client.app, answer["access_token"]).get("/api/auth/sessions").status_code == 200


def test_a_new_pair_of_the_same_session(client: Client, register: Register) -> None:
    first = register()
    response = refresh(client, first["refresh_token"])
    second = response.get_json()
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert second.keys() == first.keys()
    assert (second["token_type"], second["expires_in"]) == ("bearer", 900)
    assert second["user"]["id"] == first["user"]["id"]
    assert second["refresh_token"] != first["refresh_token"]
    assert is_alive(client, first)
    sessions = Client(client.app, second["access_token"]).get("/api/auth/sessions").get_json()
    assert [session["is_current"] for session in sessions] == [True]


def test_each_token_refers_to_its_successor(app: Flask, client: Client, register: Register) -> None:
    tokens = [register()["refresh_token"]]
    for _ in range(3):
        tokens.append(refresh(client, tokens[-1]).get_json()["refresh_token"])
    hashes = [hash_secret(token) for token in tokens]
    with app.app_context():
        rows = {row.token: row for row in db.session.scalars(select(RefreshToken))}
        assert [rows[h].successor for h in hashes] == [*hashes[1:], None]
        assert [rows[h].is_used for h in hashes] == [True, True, True, False]


def test_a_reuse_within_the_grace_period_returns_one_more_pair(client: Client, register: Register, clock: Any) -> None:
    old = register()["refresh_token"]
    first = refresh(client, old).get_json()
    clock.shift(10)
    again = refresh(client, old)
    assert again.status_code == 200
    assert again.get_json()["refresh_token"] != first["refresh_token"]
    for pair in (first, again.get_json()):
        assert refresh(client, pair["refresh_token"]).status_code == 200
        assert is_alive(client, pair)


def test_a_reuse_after_the_grace_period_ends_the_session(client: Client, register: Register, clock: Any) -> None:
    register_answer = register()
    old = register_answer["refresh_token"]
    newest = refresh(client, old).get_json()
    clock.shift(10.001)
    response = refresh(client, old)
    assert (response.status_code, code(response)) == (401, "token_reused")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert code(refresh(client, newest["refresh_token"])) == "token_revoked"
    assert code(refresh(client, old)) == "token_revoked"
    for pair in (register_answer, newest):
        client.token = pair["access_token"]
        assert code(client.get("/api/auth/sessions")) == "token_revoked"


def test_the_grace_period_counts_from_the_first_use(client: Client, register: Register, clock: Any) -> None:
    old = register()["refresh_token"]
    refresh(client, old)
    clock.shift(6)
    assert refresh(client, old).status_code == 200
    clock.shift(6)
    assert code(refresh(client, old)) == "token_reused"


def test_a_reuse_ends_only_its_own_session(client: Client, register: Register, clock: Any) -> None:
    stolen = register()["refresh_token"]
    other = client.post("/api/auth/login", {"email": "test@example.com", "password": "password123"}).get_json()
    refresh(client, stolen)
    clock.shift(11)
    assert code(refresh(client, stolen)) == "token_reused"
    assert is_alive(client, other)


def test_a_session_lives_30_days_from_its_last_refresh(client: Client, register: Register, clock: Any) -> None:
    token = register()["refresh_token"]
    for _ in range(2):
        clock.shift(timedelta(days=29, hours=23))
        answer = refresh(client, token).get_json()
        token = answer["refresh_token"]
    sessions = Client(client.app, answer["access_token"]).get("/api/auth/sessions").get_json()
    assert sessions[0]["expires_at"].startswith((utcnow() + timedelta(days=30)).isoformat()[:19])
    clock.shift(timedelta(days=30))
    response = refresh(client, token)
    assert (response.status_code, code(response)) == (401, "token_expired")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_with_an_earlier_end(app: Flask, client: Client, register: Register) -> None:
    token = register()["refresh_token"]
    with app.app_context():
        db.session.execute(update(UserSession).values(expires_at=utcnow()))
        db.session.commit()
    assert code(refresh(client, token)) == "token_expired"


def test_expired_tokens_of_a_chain_are_deleted(app: Flask, client: Client, register: Register, clock: Any) -> None:
    tokens = [register()["refresh_token"]]
    for _ in range(3):
        clock.shift(timedelta(days=16))
        tokens.append(refresh(client, tokens[-1]).get_json()["refresh_token"])
    with app.app_context():
        kept = set(db.session.scalars(select(RefreshToken.token)))
    assert kept == {hash_secret(token) for token in tokens[2:]}


def test_an_expired_token_of_another_session_stays_known(client: Client, register: Register, clock: Any) -> None:
    """Its client learns that the token expired, and not that it never existed."""
    expiring = register()["refresh_token"]
    other = client.post("/api/auth/login", {"email": "test@example.com", "password": "password123"}).get_json()
    for days in (20, 11):
        clock.shift(timedelta(days=days))
        other = refresh(client, other["refresh_token"]).get_json()
    assert code(refresh(client, expiring)) == "token_expired"


@pytest.mark.parametrize("values", [{"is_active": False}, {"deleted_at": utcnow()}])
def test_tokens_of_accounts_that_may_not_sign_in(
    app: Flask, client: Client, register: Register, values: dict[str, Any]
) -> None:
    token = register()["refresh_token"]
    with app.app_context():
        db.session.execute(update(User).values(**values))
        db.session.commit()
    assert code(refresh(client, token)) == "token_revoked"


def test_after_logout(client: Client, register: Register) -> None:
    answer = register()
    client.token = answer["access_token"]
    client.post("/api/auth/logout")
    client.token = None
    response = refresh(client, answer["refresh_token"])
    assert (response.status_code, code(response)) == (401, "token_revoked")


def test_invalid_refresh_tokens(client: Client, register: Register) -> None:
    answer = register()
    for token in ("", "x", answer["access_token"], hash_secret(answer["refresh_token"]), "x" * 100_000):
        response = refresh(client, token)
        assert (response.status_code, code(response)) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_no_access_token_is_required(client: Client, register: Register) -> None:
    token = register()["refresh_token"]
    client.token = "expired"
    assert refresh(client, token).status_code == 200


@pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": 1}, {"refresh_token": "a\x00"}])
def test_invalid_bodies_of_a_refresh(client: Client, body: dict[str, Any]) -> None:
    response = client.post("/api/auth/refresh", body)
    assert (response.status_code, list(response.get_json()["errors"])) == (422, ["refresh_token"])


def test_a_refresh_token_that_is_deleted_meanwhile(app: Flask, client: Client, register: Register) -> None:
    """Another refresh of the session deletes those that have expired."""
    answer = register()
    with app.app_context():
        session_id = db.session.scalars(select(UserSession.id)).one()
    with hold_row(app, UserSession, id=session_id) as held:
        late = held.start(lambda: refresh(client, answer["refresh_token"]))
        held.wait_until_blocked()
        held.execute(delete(RefreshToken))
    assert (late.result().status_code, code(late.result())) == (401, "unauthorized")
