"""Fresh sessions: calls for which a stolen token must not suffice, and how a user confirms their identity."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backend.auth.otp import store_code
from backend.models import ApiToken, AuditEvent, OtpCode, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password, hash_secret, new_secret
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.races import at_once

CONFIRM, TOKENS, TOTP, ME = "/api/auth/confirm", "/api/auth/tokens", "/api/auth/totp", "/api/users/me"
VERIFY = "/api/auth/verify-otp"
MOBILE = "+46701740605"
STALE = (403, "reauthentication_required")
Register = Callable[..., dict[str, Any]]

NEEDS_FRESH: list[tuple[str, str, Any]] = [
    ("POST", VERIFY, {"mobile": MOBILE, "code": "123456"}),
    ("PATCH", ME, {"email": "new@example.com"}),
    ("PATCH", ME, {"email": "new@example.com", "password": PASSWORD}),
    ("PATCH", ME, {"username": "another"}),
    ("POST", TOTP, {"password": PASSWORD}),
    ("POST", f"{TOTP}/confirm", {"totp_code": "123456"}),
    ("POST", f"{TOTP}/recovery-codes", {"password": PASSWORD}),
    ("DELETE", TOTP, {"password": PASSWORD}),
    ("POST", TOKENS, {"name": "x"}),
    ("GET", f"{ME}/export", None),
    ("DELETE", ME, {"password": PASSWORD}),
]


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"] if response.status_code >= 400 else ""


def is_fresh(client: Client) -> bool:
    response = client.post(TOKENS, {"name": "x"})
    assert code(response) in (STALE, (201, ""))
    return response.status_code == 201


def script(app: Flask, user_id: int, *scopes: str) -> Client:
    secret = "confab_" + new_secret()
    with app.app_context():
        db.session.add(ApiToken(user_id=user_id, name="script", token=hash_secret(secret), scopes=list(scopes)))
        db.session.commit()
    return Client(app, secret)


def send_code(app: Flask, sent: str = "123456") -> None:
    with app.app_context():
        store_code(MOBILE, sent)
        db.session.commit()


def verify_mobile(app: Flask, user: User) -> None:
    with app.app_context():
        db.session.execute(update(User).where(User.id == user.id).values(mobile=MOBILE, mobile_verified_at=utcnow()))
        db.session.commit()


def enable_totp(client: Client) -> pyotp.TOTP:
    totp = pyotp.TOTP(client.post(TOTP, {}).get_json()["secret"])
    assert client.post(f"{TOTP}/confirm", {"totp_code": totp.at(int(time.time()) - 30)}).status_code == 200
    return totp


def events(app: Flask, action: str) -> list[Any]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEvent.data).where(AuditEvent.action == action)))


@pytest.fixture
def secured(make: Factory) -> User:
    return make.user(email=EMAIL, hashed_password=hash_password(PASSWORD))


@pytest.mark.parametrize(("method", "path", "body"), NEEDS_FRESH)
def test_what_needs_a_fresh_session(
    app: Flask, make: Factory, secured: User, method: str, path: str, body: Any
) -> None:
    send_code(app)
    stale = make.client(secured, is_fresh=False)
    response = stale.request(method, path, body)
    assert code(response) == STALE
    assert CONFIRM in response.get_json()["detail"]
    fresh = make.client(secured).request(method, path, body)
    assert code(fresh) != STALE
    needs_a_factor = path.startswith(f"{TOTP}/") or (method, path) == ("DELETE", TOTP)
    assert fresh.status_code == 404 if needs_a_factor else fresh.status_code < 300


@pytest.mark.parametrize(("method", "path", "body"), NEEDS_FRESH)
def test_an_api_token_is_never_fresh(app: Flask, secured: User, method: str, path: str, body: Any) -> None:
    assert code(script(app, secured.id, "read", "write").request(method, path, body)) == STALE
    too_little = "write" if method == "GET" else "read"
    assert code(script(app, secured.id, too_little).request(method, path, body)) == (403, "insufficient_scope")


def test_an_api_token_cannot_change_username_or_email(app: Flask, make: Factory, secured: User) -> None:
    """Not even to the present value: a token that may not read must not be able to guess it."""
    token = script(app, secured.id, "read", "write")
    for body in ({"username": "other"}, {"username": secured.username}, {"email": "new@example.com"}, {"email": EMAIL}):
        assert code(token.patch(ME, {"bio": "x", **body})) == STALE
    assert token.patch(ME, {"bio": "x"}).status_code == 200


def test_the_first_password_needs_a_fresh_session(make: Factory) -> None:
    user, body = make.user(), {"new_password": PASSWORD}
    assert code(make.client(user, is_fresh=False).post("/api/auth/change-password", body)) == STALE
    assert make.client(user).post("/api/auth/change-password", body).status_code == 204


def test_a_stale_session_changes_fields_that_nobody_signs_in_with(make: Factory, secured: User) -> None:
    stale = make.client(secured, is_fresh=False)
    assert stale.patch(ME, {"bio": "x", "username": secured.username, "email": EMAIL}).status_code == 200
    body = {"current_password": PASSWORD, "new_password": "another password"}
    assert stale.post("/api/auth/change-password", body).status_code == 204


def test_a_session_is_fresh_for_10_minutes_and_refreshing_does_not_help(
    app: Flask, client: Client, register: Register
) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        answer = register()
        client.token = answer["access_token"]
        clock.shift(599)
        assert is_fresh(client)
        clock.shift(1)
        assert not is_fresh(client)
        renewed = client.post("/api/auth/refresh", {"refresh_token": answer["refresh_token"]}).get_json()
        client.token = renewed["access_token"]
        assert not is_fresh(client)
        assert client.post(CONFIRM, {"password": PASSWORD}).status_code == 204
        assert is_fresh(client)
        clock.shift(599)
        assert is_fresh(client)
        clock.shift(1)
        assert not is_fresh(client)
        answer = client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}).get_json()
        assert is_fresh(Client(app, answer["access_token"]))
        assert not is_fresh(client), "another session proves nothing for this one"


def test_a_session_of_an_earlier_release_is_stale(app: Flask, make: Factory) -> None:
    client = make.client()
    with app.app_context():
        db.session.execute(update(UserSession).values(authenticated_at=None))
        db.session.commit()
    assert not is_fresh(client)


def test_confirming_with_the_password(app: Flask, make: Factory, secured: User) -> None:
    stale = make.client(secured, is_fresh=False)
    assert code(stale.post(CONFIRM, {"password": "wrong password"})) == (403, "invalid_password")
    assert code(make.client(is_fresh=False).post(CONFIRM, {"password": PASSWORD})) == (403, "invalid_password")
    assert not is_fresh(stale)
    assert stale.post(CONFIRM, {"password": PASSWORD}).get_data() == b""
    assert is_fresh(stale)
    assert events(app, "session.confirmed") == [{"by": ["password"]}]
    assert events(app, "session.confirm_failed") == [{"by": "password"}] * 2


def test_confirming_with_a_code_by_text(app: Flask, make: Factory) -> None:
    user = make.user()
    stale = make.client(user, is_fresh=False)
    send_code(app)
    assert code(stale.post(CONFIRM, {"code": "123456"})) == (403, "invalid_otp"), "the number is not the account's"
    verify_mobile(app, user)
    assert code(stale.post(CONFIRM, {"code": "654321"})) == (403, "invalid_otp")
    assert not is_fresh(stale)
    assert stale.post(CONFIRM, {"code": "123456"}).status_code == 204
    assert is_fresh(stale)
    assert code(stale.post(CONFIRM, {"code": "123456"})) == (403, "invalid_otp"), "it serves once"
    assert events(app, "session.confirmed") == [{"by": ["otp"]}]


def test_a_code_has_5_tries_for_confirming_too(app: Flask, make: Factory) -> None:
    user = make.user()
    stale = make.client(user, is_fresh=False)
    verify_mobile(app, user)
    send_code(app)
    assert [code(stale.post(CONFIRM, {"code": "654321"}))[1] for _ in range(5)] == ["invalid_otp"] * 5
    assert code(stale.post(CONFIRM, {"code": "123456"})) == (403, "invalid_otp")


def test_a_second_factor_is_required_if_it_is_on(app: Flask, make: Factory, secured: User) -> None:
    with time_machine.travel(int(time.time()) // 30 * 30 + 5, tick=False) as clock:
        totp = enable_totp(make.client(secured))
        clock.shift(30)
        stale = make.client(secured, is_fresh=False)
        wrong = f"{(int(totp.now()) + 1) % 10**6:06}"
        response = stale.post(CONFIRM, {"password": PASSWORD})
        assert code(response) == (403, "invalid_totp")
        assert "totp_code" in response.get_json()["detail"]
        assert code(stale.post(CONFIRM, {"password": PASSWORD, "totp_code": wrong})) == (403, "invalid_totp")
        assert code(stale.post(CONFIRM, {"password": "wrong password", "totp_code": totp.now()})) == (
            403, "invalid_password",
        )  # fmt: skip
        assert not is_fresh(stale)
        assert stale.post(CONFIRM, {"password": PASSWORD, "totp_code": totp.now()}).status_code == 204
        assert is_fresh(stale)
        again = make.client(secured, is_fresh=False)
        assert code(again.post(CONFIRM, {"totp_code": totp.now()})) == (403, "invalid_totp"), "each code works once"
        clock.shift(30)
        assert again.post(CONFIRM, {"totp_code": totp.now()}).status_code == 204
        assert is_fresh(again)
    assert events(app, "session.confirmed") == [{"by": ["password", "totp"]}, {"by": ["totp"]}]


def test_a_code_by_text_is_valid_until_the_second_factor_is_right(app: Flask, make: Factory, secured: User) -> None:
    totp = enable_totp(make.client(secured))
    verify_mobile(app, secured)
    send_code(app)
    stale = make.client(secured, is_fresh=False)
    for _ in range(6):
        assert code(stale.post(CONFIRM, {"code": "123456"})) == (403, "invalid_totp")
    assert stale.post(CONFIRM, {"code": "123456", "totp_code": totp.now()}).status_code == 204


def test_the_second_factor_makes_the_other_sessions_stale(make: Factory, secured: User) -> None:
    other, stranger, mine = make.client(secured), make.client(), make.client(secured)
    enable_totp(mine)
    assert (is_fresh(mine), is_fresh(other), is_fresh(stranger)) == (True, False, True)


def test_a_totp_code_without_a_second_factor(make: Factory, secured: User) -> None:
    stale = make.client(secured, is_fresh=False)
    assert code(stale.post(CONFIRM, {"totp_code": "123456"})) == (403, "invalid_totp")
    assert not is_fresh(stale)
    assert stale.post(CONFIRM, {"password": PASSWORD, "totp_code": "123456"}).status_code == 204


@pytest.mark.parametrize("body", [{}, {"password": None}, {"secret": "x"}, {"code": ""}, {"totp_code": 1}])
def test_invalid_bodies_confirm_nothing(make: Factory, body: Any) -> None:
    assert code(make.client().post(CONFIRM, body)) == (422, "validation_failed")


def test_confirming_needs_a_session(app: Flask, client: Client, secured: User) -> None:
    assert code(client.post(CONFIRM, {"password": PASSWORD})) == (401, "unauthorized")
    token = script(app, secured.id, "read", "write", "admin")
    assert code(token.post(CONFIRM, {"password": PASSWORD})) == (403, "forbidden")


def test_a_session_that_ends_meanwhile_is_not_confirmed(
    make: Factory, secured: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.auth import confirmation

    real = confirmation.check_password

    def slow(password: str, hashed: str | None) -> bool:
        with db.engine.begin() as connection:
            connection.execute(update(UserSession).values(is_active=False))
        return real(password, hashed)

    monkeypatch.setattr(confirmation, "check_password", slow)
    stale = make.client(secured, is_fresh=False)
    assert code(stale.post(CONFIRM, {"password": PASSWORD})) == (401, "token_revoked")


def test_of_many_confirmations_with_one_code_one_succeeds(app: Flask, make: Factory) -> None:
    user = make.user()
    verify_mobile(app, user)
    send_code(app)
    clients = [make.client(user, is_fresh=False) for _ in range(6)]
    answers = at_once([lambda c=c: c.post(CONFIRM, {"code": "123456"}) for c in clients])
    assert sorted(answer.status_code for answer in answers) == [204] + [403] * 5


def test_guesses_are_limited_and_an_api_token_cannot_make_any(
    app: Flask, make_limited: Callable[..., Flask], make: Factory, secured: User
) -> None:
    limited = make_limited()
    for path, body in ((CONFIRM, {"password": "x"}), (ME, {"email": "b@example.com", "password": "x"})):
        token = script(app, secured.id, "read", "write")
        token.use(limited)
        assert {token.request("POST" if path == CONFIRM else "PATCH", path, body).status_code for _ in range(11)} == {
            403
        }
    client = Client(limited, make.token(secured))
    body = {"password": "wrong password"}
    assert [client.post(CONFIRM, body).status_code for _ in range(11)] == [403] * 10 + [429]
    assert [client.post(CONFIRM, {"totp_code": "123456"}).status_code for _ in range(11)] == [403] * 10 + [429]


def test_a_stolen_token_cannot_add_a_number(app: Flask, make: Factory, secured: User, outgoing: Outgoing) -> None:
    """The thief has no password: their number must neither sign in to the account, nor use up the tries of the number."""
    stolen = make.client(secured, is_fresh=False)
    stolen.post("/api/auth/send-otp", {"mobile": MOBILE})
    sent = outgoing.code(MOBILE)
    for _ in range(6):
        assert code(stolen.post(VERIFY, {"mobile": MOBILE, "code": sent})) == STALE
    with app.app_context():
        assert db.session.scalar(select(User.mobile).where(User.id == secured.id)) is None
        assert db.session.execute(select(OtpCode.tries, OtpCode.guesses)).one() == (0, {})
    assert Client(app).post(VERIFY, {"mobile": MOBILE, "code": sent}).get_json()["user"]["id"] != secured.id


def test_a_password_in_the_body_must_be_right(make: Factory, secured: User) -> None:
    """Clients of the previous release send it, and a wrong one is refused."""
    fresh, wrong = make.client(secured), {"password": "wrong password"}
    assert code(fresh.patch(ME, {"email": "new@example.com"} | wrong)) == (403, "invalid_password")
    assert code(fresh.post(TOTP, wrong)) == (403, "invalid_password")
    assert fresh.patch(ME, {"username": "another", "password": PASSWORD}).status_code == 200
    enable_totp(fresh)
    for method, path in (("POST", f"{TOTP}/recovery-codes"), ("DELETE", TOTP)):
        assert code(fresh.request(method, path, wrong)) == (403, "invalid_password")
        assert code(fresh.request(method, path, {"totp_code": "000000"})) == (403, "invalid_totp")
    assert fresh.post(f"{TOTP}/recovery-codes").status_code == 200
    assert fresh.delete(TOTP).status_code == 204


def test_a_session_is_fresh_for_the_contracts_10_minutes() -> None:
    from backend.identity.identity import FRESH_FOR

    assert timedelta(minutes=10) == FRESH_FOR
