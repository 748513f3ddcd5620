"""Accounts with an intruder: what a reset, a verified address and a change with `revoke` remove."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from backend.auth.otp import store_code
from backend.events import Event
from backend.models import AccountToken, AuditEvent, User
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password
from backend.state import confab_state
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing

Register = Callable[..., dict[str, Any]]
VERIFY, RESET, CHANGE = "/api/auth/verify-email", "/api/auth/reset-password", "/api/auth/change-password"
MOBILE, NEW = "+46701740605", "the owner's password"


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"] if response.status_code >= 400 else ""


def by_text(app: Flask, token: str | None = None) -> TestResponse:
    with app.app_context():
        store_code(MOBILE, "123456")
        db.session.commit()
    return Client(app, token).post("/api/auth/verify-otp", {"mobile": MOBILE, "code": "123456"})


def login(app: Flask, password: str) -> TestResponse:
    return Client(app).post("/api/auth/login", {"email": EMAIL, "password": password})


class Intruder:
    """The intruder who registered or entered the account: with a session, an API token, a number and a second factor."""

    def __init__(self, app: Flask, answer: dict[str, Any]):
        self.app, self.answer = app, answer
        self.session = Client(app, answer["access_token"])
        self.script = Client(app, self.session.post("/api/auth/tokens", {"name": "door"}).get_json()["token"])
        assert by_text(app, answer["access_token"]).status_code == 200
        factor = pyotp.TOTP(self.session.post("/api/auth/totp").get_json()["secret"])
        sent = {"totp_code": factor.at(int(time.time()))}
        assert self.session.post("/api/auth/totp/confirm", sent).status_code == 200

    def has_a_way_in(self) -> bool:
        refreshed = Client(self.app).post("/api/auth/refresh", {"refresh_token": self.answer["refresh_token"]})
        opened = by_text(self.app)
        is_in_by_text = opened.status_code == 401 or opened.get_json()["user"]["id"] == self.answer["user"]["id"]
        clients = (self.session, self.script)
        return (
            refreshed.status_code == 200
            or is_in_by_text
            or any(c.get("/api/rooms").status_code == 200 for c in clients)
        )


def reset(app: Flask, outgoing: Outgoing) -> None:
    assert Client(app).post("/api/auth/forgot-password", {"email": EMAIL}).status_code == 202
    body = {"token": outgoing.token("reset", EMAIL), "password": NEW}
    assert Client(app).post(RESET, body).status_code == 204


@pytest.mark.parametrize("order", ["reset", "link, reset", "confirm, reset", "reset, confirm"])
def test_an_owners_reset_removes_all_credentials_of_an_intruder(
    app: Flask, register: Register, outgoing: Outgoing, order: str
) -> None:
    """Somebody registers your address and adds credentials. When you take the account over, none of them is left."""
    intruder = Intruder(app, register())
    link = {"token": outgoing.token("verify", EMAIL)}
    assert intruder.has_a_way_in()
    for step in order.split(", "):
        if step == "link":
            assert code(Client(app).post(VERIFY, link)) == (401, "unauthorized")
        elif step == "reset":
            reset(app, outgoing)
        elif "reset" in order.split(", ")[:1]:
            assert Client(app).post(VERIFY, link | {"password": NEW}).status_code == 204
        else:
            assert intruder.session.post(VERIFY, link).status_code == 204
    assert not intruder.has_a_way_in()
    user = login(app, NEW).get_json()["user"]
    assert (user["id"], user["email_verified"], user["mobile"]) == (intruder.answer["user"]["id"], True, None)


def test_a_reset_keeps_credentials_added_after_the_address_was_verified(
    app: Flask, register: Register, outgoing: Outgoing
) -> None:
    answer = register()
    token = answer["access_token"]
    assert Client(app, token).post(VERIFY, {"token": outgoing.token("verify", EMAIL)}).status_code == 204
    owner = Intruder(app, answer)
    reset(app, outgoing)
    assert owner.script.get("/api/rooms").status_code == 200
    assert owner.session.get("/api/rooms").status_code == 401
    assert code(by_text(app)) == code(login(app, NEW)) == (401, "totp_required")


def test_a_link_alone_verifies_nothing(app: Flask, client: Client, register: Register, outgoing: Outgoing) -> None:
    own = Client(app, register()["access_token"])
    other = Client(app, register("other@example.com")["access_token"])
    script = Client(app, own.post("/api/auth/tokens", {"name": "x"}).get_json()["token"])
    link = {"token": outgoing.token("verify", EMAIL)}
    for stranger in (client, other, script):
        for body in (link, link | {"password": "wrong password"}, link | {"password": None}):
            response = stranger.post(VERIFY, body)
            assert code(response) == (401, "unauthorized")
            assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "password" in response.get_json()["detail"]
    assert own.get("/api/users/me").get_json()["email_verified"] is False
    assert client.post(VERIFY, link | {"password": PASSWORD}).status_code == 204
    assert own.get("/api/users/me").get_json()["email_verified"] is True
    assert code(client.post(VERIFY, link | {"password": PASSWORD})) == (400, "invalid_token")


def test_an_account_without_a_password_is_verified_in_its_session(
    app: Flask, client: Client, make: Factory, outgoing: Outgoing
) -> None:
    own = make.client(make.user(email=EMAIL))
    own.post("/api/auth/resend-verification")
    link = {"token": outgoing.token("verify", EMAIL)}
    assert code(client.post(VERIFY, link | {"password": ""})) == (401, "unauthorized")
    assert code(client.post(VERIFY, link | {"password": "anything"})) == (401, "unauthorized")
    assert own.post(VERIFY, link).status_code == 204


def test_a_second_link_does_not_change_the_time_of_verification(
    app: Flask, register: Register, outgoing: Outgoing
) -> None:
    """The first proof counts: credentials added between two links are kept."""
    own = Client(app, register()["access_token"])
    first = outgoing.token("verify", EMAIL)
    own.post("/api/auth/resend-verification")
    second = outgoing.token("verify", EMAIL)
    assert first != second
    assert own.post(VERIFY, {"token": first}).status_code == 204
    script = Client(app, own.post("/api/auth/tokens", {"name": "x"}).get_json()["token"])
    assert own.post(VERIFY, {"token": second}).status_code == 204
    reset(app, outgoing)
    assert script.get("/api/rooms").status_code == 200


def test_passwords_are_guessed_with_a_link_10_times_a_minute(
    make_limited: Callable[..., Flask], register: Register, outgoing: Outgoing
) -> None:
    register()
    body = {"token": outgoing.token("verify", EMAIL), "password": "wrong password"}
    client = Client(make_limited())
    assert [client.post(VERIFY, body).status_code for _ in range(11)] == [401] * 10 + [429]


def test_a_link_that_is_redeemed_while_the_password_is_checked(
    app: Flask, client: Client, register: Register, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.auth import verification

    def slow(password: str, hashed: str | None) -> bool:
        with db.engine.begin() as connection:
            connection.execute(db.update(AccountToken).values(used_at=utcnow()))
        return True

    register()
    monkeypatch.setattr(verification, "check_password", slow)
    body = {"token": outgoing.token("verify", EMAIL), "password": PASSWORD}
    assert code(client.post(VERIFY, body)) == (400, "invalid_token")


def test_a_change_with_revoke_deletes_api_tokens_and_the_number(
    app: Flask, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    intruder = Intruder(app, register())
    own = intruder.session
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert own.post(CHANGE, change).status_code == 204
    assert intruder.script.get("/api/rooms").status_code == 200
    said: list[Event] = []
    monkeypatch.setattr(confab_state(app).bus, "publish", said.extend)
    again = {"current_password": NEW, "new_password": PASSWORD, "revoke": True}
    assert own.post(CHANGE, again).status_code == 204
    assert ("control.credentials_revoked", intruder.answer["user"]["id"]) in [
        (event.type, event.user_id) for event in said
    ]
    assert code(intruder.script.get("/api/rooms")) == (401, "token_revoked")
    me = own.get("/api/users/me").get_json()
    assert (me["mobile"], me["mobile_verified"]) == (None, False)
    assert by_text(app).get_json()["user"]["id"] != me["id"]
    assert own.get("/api/auth/totp").get_json()["is_enabled"] is True
    with app.app_context():
        data = db.session.scalars(select(AuditEvent.data).where(AuditEvent.action == "password.changed")).all()
    assert data == [{"sessions": 0}, {"sessions": 0, "api_tokens": 1, "mobile": True}]


def test_a_first_password_may_revoke_too(app: Flask, make: Factory) -> None:
    user = make.user(email=EMAIL)
    own = make.client(user)
    script = Client(app, own.post("/api/auth/tokens", {"name": "x"}).get_json()["token"])
    assert own.post(CHANGE, {"new_password": NEW, "revoke": True}).status_code == 204
    assert script.get("/api/rooms").status_code == 401
    assert login(app, NEW).status_code == 200


@pytest.mark.parametrize("revoke", [1, "true", "yes", None, []])
def test_invalid_values_of_revoke(make: Factory, revoke: Any) -> None:
    own = make.client(make.user(hashed_password=hash_password(PASSWORD)))
    body = {"current_password": PASSWORD, "new_password": NEW, "revoke": revoke}
    assert code(own.post(CHANGE, body)) == (422, "validation_failed")


def test_a_wrong_password_revokes_nothing(app: Flask, register: Register) -> None:
    intruder = Intruder(app, register())
    body = {"current_password": "wrong password", "new_password": NEW, "revoke": True}
    assert code(intruder.session.post(CHANGE, body)) == (403, "invalid_password")
    assert intruder.script.get("/api/rooms").status_code == 200
    with app.app_context():
        assert db.session.scalar(select(User.mobile)) == MOBILE
