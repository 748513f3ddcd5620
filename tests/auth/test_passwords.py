"""Changing a password, resetting it by mail, and verifying an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backend.auth import passwords
from backend.events import Event
from backend.models import AccountToken, ApiToken, AuditEvent, TotpFactor, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password, hash_secret, new_secret
from backend.state import confab_state
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.races import at_once

Register = Callable[..., dict[str, Any]]
CHANGE, FORGOT, RESET = "/api/auth/change-password", "/api/auth/forgot-password", "/api/auth/reset-password"
VERIFY, RESEND = "/api/auth/verify-email", "/api/auth/resend-verification"
NEW = "a new password"


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"] if response.status_code >= 400 else ""


def login(app: Flask, password: str, agent: str = "browser") -> TestResponse:
    return Client(app).post("/api/auth/login", {"email": EMAIL, "password": password}, headers={"User-Agent": agent})


def alive(app: Flask, answer: dict[str, Any]) -> bool:
    session = Client(app, answer["access_token"]).get("/api/auth/sessions")
    refresh = Client(app).post("/api/auth/refresh", {"refresh_token": answer["refresh_token"]})
    assert (session.status_code == 200) is (refresh.status_code == 200)
    return session.status_code == 200


def ask(app: Flask, outgoing: Outgoing, email: str = EMAIL) -> str:
    assert Client(app).post(FORGOT, {"email": email}).get_json() == {"status": "accepted"}
    return outgoing.token("reset", EMAIL)


def reset(app: Flask, token: str, password: str = NEW) -> TestResponse:
    return Client(app).post(RESET, {"token": token, "password": password})


def set_user(app: Flask, **values: Any) -> None:
    with app.app_context():
        db.session.execute(update(User).values(**values))
        db.session.commit()


def test_a_change_ends_every_other_session(app: Flask, client: Client, register: Register, outgoing: Outgoing) -> None:
    mine, other = register(), login(app, PASSWORD).get_json()
    token = ask(app, outgoing)
    client.token = mine["access_token"]
    assert client.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW}).status_code == 204
    assert (alive(app, mine), alive(app, other)) == (True, False)
    assert (login(app, PASSWORD).status_code, login(app, NEW).status_code) == (401, 200)
    assert "Your password was changed" in outgoing.subjects()
    assert code(reset(app, token)) == (400, "invalid_token"), "an older mail must not undo the change"
    with app.app_context():
        data = db.session.scalars(select(AuditEvent.data).where(AuditEvent.action == "password.changed")).all()
    assert data == [{"sessions": 1}]


@pytest.mark.parametrize("fields", [{}, {"current_password": None}, {"current_password": "wrong password"}])
def test_a_change_needs_the_password(app: Flask, client: Client, register: Register, fields: dict[str, Any]) -> None:
    client.token = register()["access_token"]
    assert code(client.post(CHANGE, {"new_password": NEW, **fields})) == (403, "invalid_password")
    assert login(app, PASSWORD).status_code == 200


@pytest.mark.parametrize("password", ["short", "x" * 73, "ä" * 37, "password\x00", "password\ud800", 12345678, None])
def test_invalid_new_passwords(client: Client, register: Register, password: Any) -> None:
    client.token = register()["access_token"]
    body = {"current_password": PASSWORD, "new_password": password}
    assert code(client.post(CHANGE, body)) == (422, "validation_failed")
    assert code(client.post(RESET, {"token": "x", "password": password})) == (422, "validation_failed")


@pytest.mark.parametrize("hashed", [None, ""])
def test_a_first_password(app: Flask, make: Factory, hashed: str | None) -> None:
    client = make.client(make.user(email=EMAIL, hashed_password=hashed))
    assert client.post(CHANGE, {"new_password": PASSWORD}).status_code == 204
    assert login(app, PASSWORD).status_code == 200
    assert code(client.post(CHANGE, {"new_password": NEW})) == (403, "invalid_password")


def test_a_password_is_not_checked_for_an_account_without_one(make: Factory) -> None:
    client = make.client(make.user(hashed_password=None))
    assert client.post("/api/auth/totp", {"password": PASSWORD}).status_code == 201


def test_of_two_simultaneous_changes_one_is_made(app: Flask, register: Register) -> None:
    token = register()["access_token"]

    def change(n: int) -> int:
        body = {"current_password": PASSWORD, "new_password": f"password {n}"}
        return Client(app, token).post(CHANGE, body).status_code

    statuses = at_once([lambda n=n: change(n) for n in range(4)])
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 401, 403}
    assert [login(app, f"password {n}").status_code for n in range(4)].count(200) == 1


def test_a_password_is_guessed_10_times_a_minute(make_limited: Callable[..., Flask], register: Register) -> None:
    client = Client(make_limited(), register()["access_token"])
    body = {"current_password": "wrong password", "new_password": NEW}
    assert [client.post(CHANGE, body).status_code for _ in range(11)] == [403] * 10 + [429]
    assert client.post("/api/auth/totp", {"password": PASSWORD}).status_code == 429


def test_a_reset_ends_every_session(app: Flask, register: Register, outgoing: Outgoing) -> None:
    mine = register()
    token = ask(app, outgoing, " TEST@example.com ")
    assert login(app, PASSWORD).status_code == 200, "the request alone changes nothing"
    assert reset(app, token).status_code == 204
    assert not alive(app, mine)
    assert (login(app, PASSWORD).status_code, login(app, NEW).status_code) == (401, 200)
    assert code(reset(app, token, PASSWORD)) == (400, "invalid_token")
    assert "Your password was changed" in outgoing.subjects()
    with app.app_context():
        data = db.session.scalars(select(AuditEvent.data).where(AuditEvent.action == "password.reset")).all()
    assert [(each or {})["sessions"] for each in data] == [2]


def test_a_reset_invalidates_the_other_links(app: Flask, register: Register, outgoing: Outgoing) -> None:
    register()
    old, new = ask(app, outgoing), ask(app, outgoing)
    assert old != new
    assert reset(app, old).status_code == 204
    assert code(reset(app, new)) == (400, "invalid_token")


@pytest.mark.parametrize("way", ["change", "command"])
def test_a_new_password_invalidates_earlier_links(
    app: Flask, client: Client, register: Register, outgoing: Outgoing, way: str
) -> None:
    """Whoever read an earlier mail must not undo the change."""
    client.token = register()["access_token"]
    token, verifying = ask(app, outgoing), outgoing.token("verify", EMAIL)
    if way == "change":
        change = {"current_password": PASSWORD, "new_password": NEW}
        assert client.post(CHANGE, change).status_code == 204
    else:
        command = ["users", "set-password", EMAIL, "--password-stdin"]
        assert app.test_cli_runner().invoke(args=command, input=NEW).exit_code == 0
        assert code(client.get("/api/users/me")) == (401, "token_revoked")
        with app.app_context():
            changed = select(AuditEvent.actor_id, AuditEvent.data).where(AuditEvent.action == "password.changed")
            assert db.session.execute(changed).one() == (None, {"by": "command"})
    assert "Your password was changed" in outgoing.subjects()
    assert code(reset(app, token, "a third password")) == (400, "invalid_token")
    assert login(app, NEW).status_code == 200
    client.token = None
    assert client.post(VERIFY, {"token": verifying, "password": NEW}).status_code == 204, "it proves the address alone"


def test_an_account_without_a_password_may_reset_it(app: Flask, make: Factory, outgoing: Outgoing) -> None:
    make.user(email=EMAIL)
    assert reset(app, ask(app, outgoing)).status_code == 204
    assert login(app, NEW).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(3599, 204), (3600, 400)])
def test_a_reset_link_is_valid_for_an_hour(
    app: Flask, register: Register, outgoing: Outgoing, seconds: int, status: int
) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        register()
        token = ask(app, outgoing)
        clock.shift(seconds)
        assert reset(app, token).status_code == status


@pytest.mark.parametrize("values", [{"is_active": False}, {"deleted_at": utcnow()}, {"email": "other@example.com"}])
def test_links_of_accounts_that_changed_since(
    app: Flask, client: Client, register: Register, outgoing: Outgoing, values: dict[str, Any]
) -> None:
    register()
    tokens = ask(app, outgoing), outgoing.token("verify", EMAIL)
    set_user(app, **values)
    assert code(reset(app, tokens[0])) == (400, "invalid_token")
    assert code(client.post(VERIFY, {"token": tokens[1]})) == (400, "invalid_token")


@pytest.mark.parametrize("values", [{"is_active": False}, {"deleted_at": utcnow()}])
def test_accounts_that_get_no_mail(app: Flask, client: Client, make: Factory, outgoing: Outgoing, values: Any) -> None:
    client = make.client(make.user(email=EMAIL))
    client.post(RESEND)
    client.post(FORGOT, {"email": EMAIL})
    client.post(FORGOT, {"email": "nobody@example.com"})
    set_user(app, **values)
    assert outgoing.subjects() == []


@pytest.mark.parametrize("token", ["", "x", "\x00", "ÿ" * 100, "x" * 1024])
def test_tokens_that_were_not_mailed(client: Client, register: Register, token: str) -> None:
    register()
    expected = (422, "validation_failed") if "\x00" in token else (400, "invalid_token")
    assert code(client.post(RESET, {"token": token, "password": NEW})) == expected
    assert code(client.post(VERIFY, {"token": token})) == expected


def test_of_many_resets_with_one_link_one_succeeds(app: Flask, register: Register, outgoing: Outgoing) -> None:
    register()
    token = ask(app, outgoing)
    answers = at_once([lambda n=n: reset(app, token, f"password {n}") for n in range(5)])
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 4
    assert [login(app, f"password {n}").status_code for n in range(5)].count(200) == 1


def test_a_token_that_is_redeemed_while_the_hash_is_made(
    app: Flask, register: Register, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    register()
    token, real = ask(app, outgoing), passwords.hash_new_password

    def slow(*given: str) -> str:
        with db.engine.begin() as connection:
            connection.execute(update(AccountToken).values(used_at=utcnow()))
        return real(*given)

    monkeypatch.setattr(passwords, "hash_new_password", slow)
    assert code(reset(app, token)) == (400, "invalid_token")
    assert login(app, PASSWORD).status_code == 200


def test_a_reset_of_an_unverified_address_removes_other_credentials(
    app: Flask, client: Client, register: Register, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody registers with your address and adds credentials to the account: they are removed when you take it over."""
    client.token = register(mobile="+46701740605")["access_token"]
    client.post("/api/auth/totp", {"password": PASSWORD})
    secret = "confab_" + new_secret()
    with app.app_context():
        user_id = db.session.scalar(select(User.id))
        db.session.add(ApiToken(user_id=user_id, name="door", token=hash_secret(secret), scopes=["read"]))
        db.session.execute(update(User).values(mobile_verified_at=utcnow()))
        db.session.execute(update(TotpFactor).values(confirmed_at=utcnow()))
        db.session.execute(update(UserSession).values(is_active=False))  # all open sockets are the token's
        db.session.commit()
    said: list[Event] = []
    monkeypatch.setattr(confab_state(app).bus, "publish", said.extend)
    assert reset(app, ask(app, outgoing)).status_code == 204
    assert [(event.type, event.user_id) for event in said] == [("control.credentials_revoked", user_id)]
    answer = login(app, NEW).get_json()
    assert (answer["user"]["email_verified"], answer["user"]["mobile"]) == (True, None)
    assert Client(app, secret).get("/api/users/me").status_code == 401


def test_a_reset_of_a_verified_address_keeps_the_second_factor(
    app: Flask, client: Client, register: Register, outgoing: Outgoing
) -> None:
    client.token = register()["access_token"]
    client.post(VERIFY, {"token": outgoing.token("verify", EMAIL)})
    client.post("/api/auth/totp", {"password": PASSWORD})
    with app.app_context():
        db.session.execute(update(TotpFactor).values(confirmed_at=utcnow()))
        db.session.commit()
    assert reset(app, ask(app, outgoing)).status_code == 204
    assert code(login(app, NEW)) == (401, "totp_required")


def test_the_mail_of_a_registration_verifies_the_address(
    client: Client, register: Register, outgoing: Outgoing
) -> None:
    answer = register()
    assert answer["user"]["email_verified"] is False
    token = outgoing.token("verify", EMAIL)
    client.token = answer["access_token"]
    assert client.post(VERIFY, {"token": token}).status_code == 204
    assert code(client.post(VERIFY, {"token": token})) == (400, "invalid_token")
    assert client.get("/api/users/me").get_json()["email_verified"] is True
    assert client.post(RESEND).status_code == 202
    assert outgoing.subjects() == ["Confirm your email address"]


def test_a_verification_can_be_sent_again(app: Flask, make: Factory, outgoing: Outgoing) -> None:
    client = make.client(make.user(email=EMAIL))
    assert client.post(RESEND).get_json() == {"status": "accepted"}
    assert client.post(VERIFY, {"token": outgoing.token("verify", EMAIL)}).status_code == 204


@pytest.mark.parametrize(("days", "status"), [(2.99, 204), (3, 400)])
def test_a_verification_is_valid_for_3_days(
    client: Client, register: Register, outgoing: Outgoing, days: float, status: int
) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        register()
        token = outgoing.token("verify", EMAIL)
        clock.shift(days * 86_400)
        assert client.post(VERIFY, {"token": token, "password": PASSWORD}).status_code == status


def test_an_erased_account_gets_no_verification(app: Flask, make: Factory, outgoing: Outgoing) -> None:
    client = make.client(make.user(email=EMAIL))
    client.post(RESEND)
    set_user(app, email=None)
    assert outgoing.subjects() == []
    assert client.post(RESEND).status_code == 202
    assert outgoing.subjects() == []


def test_a_new_device_is_reported_by_mail(app: Flask, register: Register, outgoing: Outgoing) -> None:
    register()
    assert outgoing.subjects() == ["Confirm your email address"]
    evil = "Evil/1.0 <http://evil.example/a?b=c> Bcc: x"
    for agent in ("Firefox/140.0 (X11)", "Firefox/141.0 (X11)", "Firefox/142.0.1 (X11)"):
        assert login(app, PASSWORD, agent).status_code == 200
    assert outgoing.subjects().count("A sign-in from a new device") == 1
    set_user(app, email_verified_at=utcnow())  # only a mail to a verified address contains the name of the device
    body = {"email": EMAIL, "password": PASSWORD, "device_info": evil}
    assert Client(app).post("/api/auth/login", body).status_code == 200
    outgoing.outbox.drain()
    text = outgoing.mails[-1].text
    assert "Device: Evil/1.0 http//evil.example/abc Bcc x\nAddress: 127.0.0.1\n" in text


def test_the_first_sign_in_of_an_account_is_from_no_new_device(app: Flask, make: Factory, outgoing: Outgoing) -> None:
    make.user(email=EMAIL, hashed_password=hash_password(PASSWORD))
    assert login(app, PASSWORD).status_code == 200
    assert outgoing.subjects() == []


def test_a_device_of_another_user_is_new(app: Flask, make: Factory, register: Register, outgoing: Outgoing) -> None:
    register()
    other = make.user(hashed_password=hash_password(PASSWORD))
    body = {"email": other.email, "password": PASSWORD, "device_info": "shared computer"}
    assert Client(app).post("/api/auth/login", body).status_code == 200
    assert "A sign-in from a new device" not in outgoing.subjects()
    assert Client(app).post("/api/auth/login", body | {"email": EMAIL}).status_code == 200
    assert outgoing.subjects().count("A sign-in from a new device") == 1


def test_the_number_of_notices_is_limited(app: Flask, register: Register, outgoing: Outgoing) -> None:
    register()
    for n in range(8):
        assert login(app, PASSWORD, "agent " + "x" * n).status_code == 200
    assert outgoing.subjects().count("A sign-in from a new device") == 5


def test_the_number_of_requests_is_limited(app: Flask, make_limited: Callable[..., Flask], make: Factory) -> None:
    limited = make_limited()
    for email in (EMAIL, "nobody@example.com"):
        answers = [Client(limited).post(FORGOT, {"email": email}).status_code for _ in range(6)]
        assert answers == [202] * 5 + [429]
    client = Client(limited, make.token(make.user()))
    assert [client.post(RESEND).status_code for _ in range(6)] == [202] * 5 + [429]


def test_mailed_tokens_are_stored_as_hashes(app: Flask, register: Register, outgoing: Outgoing) -> None:
    register()
    token = ask(app, outgoing)
    with app.app_context():
        hashes = db.session.scalars(select(AccountToken.token).where(AccountToken.purpose == "reset_password")).all()
        assert hashes == [hash_secret(token)]
        assert db.session.scalar(select(func.count()).where(AuditEvent.action == "password.reset_requested")) == 1
