"""/api/auth/totp, and signing in with a second factor."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backend.models import ApiToken, AuditEvent, RecoveryCode, TotpFactor, User
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret, new_secret
from tests.auth.conftest import EMAIL, PASSWORD
from tests.auth.test_otp import ask, verify
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.races import at_once

URL, LOGIN = "/api/auth/totp", "/api/auth/login"
Register = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(int(time.time()) // 30 * 30 + 5, tick=False) as traveller:
        yield traveller


@pytest.fixture
def signed_in(client: Client, register: Register) -> Client:
    client.token = register()["access_token"]
    return client


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def enrol(client: Client, password: str | None = PASSWORD) -> tuple[pyotp.TOTP, list[str]]:
    """Switch on the second factor; the confirming code is used."""
    secret = client.post(URL, {"password": password}).get_json()["secret"]
    totp = pyotp.TOTP(secret)
    answer = client.post(f"{URL}/confirm", {"totp_code": totp.now()})
    assert answer.status_code == 200, answer.get_json()
    return totp, answer.get_json()["recovery_codes"]


def login(app: Flask, **fields: Any) -> TestResponse:
    return Client(app).post(LOGIN, {"email": EMAIL, "password": PASSWORD, **fields})


def test_enrolment(app: Flask, signed_in: Client, outgoing: Outgoing, clock: Any) -> None:
    assert signed_in.get(URL).get_json() == {"is_enabled": False, "confirmed_at": None, "recovery_codes_left": 0}
    response = signed_in.post(URL, {"password": PASSWORD})
    answer = response.get_json()
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert len(answer["secret"]) == 32
    assert answer["uri"] == f"otpauth://totp/Confab:test%40example.com?secret={answer['secret']}&issuer=Confab"
    assert answer["qr_code"].startswith("data:image/svg+xml")
    assert login(app).status_code == 200, "it takes effect with the confirmation"
    assert signed_in.get(URL).get_json()["is_enabled"] is False
    codes = signed_in.post(f"{URL}/confirm", {"totp_code": pyotp.TOTP(answer["secret"]).now()}).get_json()
    assert len(set(codes["recovery_codes"])) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){5}[a-z2-7]{4}", each) for each in codes["recovery_codes"])
    state = signed_in.get(URL).get_json()
    assert (state["is_enabled"], state["recovery_codes_left"]) == (True, 10)
    assert "Your second factor is on" in outgoing.subjects()
    assert code(login(app)) == (401, "totp_required")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"email": "ann@example.com", "mobile": "+46701740605"}, "ann%40example.com"),
        ({"email": None, "mobile": "+46701740605"}, "%2B46701740605"),
        ({"email": None, "mobile": None, "username": "ann"}, "ann"),
    ],
)
def test_the_app_shows_the_name_that_the_user_signs_in_with(
    app: Flask, signed_in: Client, values: dict[str, Any], name: str
) -> None:
    with app.app_context():
        db.session.execute(update(User).values(values))
        db.session.commit()
    assert signed_in.post(URL).get_json()["uri"].startswith(f"otpauth://totp/Confab:{name}?")


def test_the_state_is_that_of_the_caller(signed_in: Client, make: Factory) -> None:
    other = make.client()
    _, codes = enrol(signed_in)
    assert other.get(URL).get_json() == {"is_enabled": False, "confirmed_at": None, "recovery_codes_left": 0}
    secret = other.post(URL).get_json()["secret"]
    assert other.post(f"{URL}/confirm", {"totp_code": pyotp.TOTP(secret).now()}).status_code == 200
    assert signed_in.delete(URL, {"totp_code": codes[0]}).status_code == 204
    assert [each.get(URL).get_json()["recovery_codes_left"] for each in (signed_in, other)] == [0, 10]
    assert [each.get(URL).get_json()["is_enabled"] for each in (signed_in, other)] == [False, True]


def test_changes_of_the_second_factor_are_recorded(app: Flask, signed_in: Client) -> None:
    _, codes = enrol(signed_in)
    assert login(app, totp_code=codes[0]).status_code == 200
    assert signed_in.delete(URL).status_code == 204
    with app.app_context():
        recorded = select(AuditEvent.action).where(AuditEvent.action.startswith("totp.")).order_by(AuditEvent.id)
        assert db.session.scalars(recorded).all() == ["totp.enabled", "totp.recovery_used", "totp.disabled"]


def test_an_unconfirmed_enrolment_is_replaced(signed_in: Client) -> None:
    old, new = (signed_in.post(URL, {"password": PASSWORD}).get_json()["secret"] for _ in range(2))
    assert code(signed_in.post(f"{URL}/confirm", {"totp_code": pyotp.TOTP(old).now()})) == (403, "invalid_totp")
    assert signed_in.post(f"{URL}/confirm", {"totp_code": pyotp.TOTP(new).now()}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"password": None}, {"password": PASSWORD}, None])
def test_enrolment_in_a_fresh_session_needs_no_password(signed_in: Client, body: Any) -> None:
    assert signed_in.post(URL, body).status_code == 201


def test_calls_that_need_a_second_factor_or_none(signed_in: Client) -> None:
    body = {"password": PASSWORD}
    assert code(signed_in.post(f"{URL}/confirm", {"totp_code": "123456"})) == (404, "not_found")
    assert code(signed_in.delete(URL, body)) == (404, "not_found")
    assert code(signed_in.post(f"{URL}/recovery-codes", body)) == (404, "not_found")
    assert signed_in.post(URL, body).status_code == 201
    assert code(signed_in.delete(URL, body)) == (404, "not_found"), "it is not confirmed"
    assert code(signed_in.post(f"{URL}/recovery-codes", body)) == (404, "not_found")
    totp, _ = enrol(signed_in)
    assert code(signed_in.post(URL, body)) == (409, "totp_enabled")
    assert code(signed_in.post(f"{URL}/confirm", {"totp_code": totp.now()})) == (409, "totp_enabled")


def test_a_code_signs_in_once(app: Flask, signed_in: Client, clock: Any) -> None:
    totp, _ = enrol(signed_in)
    used = totp.now()
    assert code(login(app, totp_code=used)) == (401, "invalid_totp"), "this code confirmed the enrolment"
    clock.shift(30)
    assert login(app, totp_code=totp.now()).status_code == 200
    assert code(login(app, totp_code=totp.now())) == (401, "invalid_totp")
    assert code(login(app, totp_code=used)) == (401, "invalid_totp")
    clock.shift(30)
    spaced = f"{totp.now()[:3]} {totp.now()[3:]}"
    assert login(app, totp_code=spaced).status_code == 200


@pytest.mark.parametrize(("drift", "status"), [(-2, 401), (-1, 200), (1, 200), (2, 401)])
def test_clocks_may_deviate_by_one_step(app: Flask, signed_in: Client, clock: Any, drift: int, status: int) -> None:
    totp, _ = enrol(signed_in)
    clock.shift(300)
    assert login(app, totp_code=totp.at(int(time.time()) + 30 * drift)).status_code == status


@pytest.mark.parametrize("wrong", ["000000", "12345", "１２３４５６", "x", "0" * 40])
def test_wrong_codes(app: Flask, signed_in: Client, wrong: str) -> None:
    totp, _ = enrol(signed_in)
    assert wrong != totp.now()
    assert code(login(app, totp_code=wrong)) == (401, "invalid_totp")
    with app.app_context():
        failed = db.session.scalars(select(AuditEvent.data).where(AuditEvent.action == "login.failed")).all()
    assert failed == [{"by": "totp"}]


def test_a_wrong_password_is_answered_before_the_code(app: Flask, signed_in: Client) -> None:
    enrol(signed_in)
    assert code(login(app, password="wrong password")) == (401, "invalid_credentials")
    assert code(login(app, password="wrong password", totp_code="123456")) == (401, "invalid_credentials")


def test_an_account_without_a_second_factor_needs_no_code(app: Flask, signed_in: Client) -> None:
    assert login(app, totp_code="123456").status_code == 200


def test_recovery_codes_work_once(app: Flask, signed_in: Client) -> None:
    _, codes = enrol(signed_in)
    assert login(app, totp_code=codes[0]).status_code == 200
    assert code(login(app, totp_code=codes[0])) == (401, "invalid_totp")
    assert login(app, totp_code=codes[1].replace("-", "").upper()).status_code == 200
    assert signed_in.get(URL).get_json()["recovery_codes_left"] == 8
    fresh = signed_in.post(f"{URL}/recovery-codes", {"password": PASSWORD}).get_json()["recovery_codes"]
    assert code(login(app, totp_code=codes[2])) == (401, "invalid_totp")
    assert login(app, totp_code=fresh[0]).status_code == 200
    assert code(signed_in.post(f"{URL}/recovery-codes", {"password": "wrong password"})) == (403, "invalid_password")


def test_a_recovery_code_is_valid_for_one_account(app: Flask, signed_in: Client, make: Factory) -> None:
    _, codes = enrol(signed_in)
    with app.app_context():
        stranger = make.user()
        db.session.execute(update(RecoveryCode).values(user_id=stranger.id))
        db.session.commit()
    assert code(login(app, totp_code=codes[0])) == (401, "invalid_totp")


def test_of_many_sign_ins_with_one_code_one_succeeds(app: Flask, signed_in: Client, clock: Any) -> None:
    totp, codes = enrol(signed_in)
    clock.shift(30)
    for each in (totp.now(), codes[0]):
        answers = at_once([lambda each=each: login(app, totp_code=each) for _ in range(6)])
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5


def test_the_form_requires_the_code_too(app: Flask, signed_in: Client, clock: Any) -> None:
    totp, _ = enrol(signed_in)
    clock.shift(30)
    form = {"username": EMAIL, "password": PASSWORD}
    answers = [Client(app).post("/token", data=form | more) for more in ({}, {"totp_code": "000000"})]
    assert [(a.status_code, a.get_json()["error"], a.get_json()["code"]) for a in answers] == [
        (400, "invalid_grant", "totp_required"),
        (400, "invalid_grant", "invalid_totp"),
    ]
    assert Client(app).post("/token", data=form | {"totp_code": totp.now()}).status_code == 200


def test_codes_by_text_require_the_second_factor_too(
    app: Flask, client: Client, outgoing: Outgoing, clock: Any
) -> None:
    client.token = verify(client, ask(client, outgoing)).get_json()["access_token"]
    totp, _ = enrol(client)
    clock.shift(30)
    other = Client(app)
    sent = ask(other, outgoing)
    assert code(verify(other, sent)) == (401, "totp_required")
    assert code(verify(other, sent, totp_code="000000")) == (401, "invalid_totp")
    assert verify(other, sent, totp_code=totp.now()).status_code == 200
    assert code(verify(other, sent, totp_code=totp.at(int(time.time()) + 30))) == (401, "invalid_otp")
    sent = ask(other, outgoing)
    assert [code(verify(other, sent, totp_code="000000"))[1] for _ in range(6)] == ["invalid_totp"] * 5 + [
        "invalid_otp"
    ]


def test_switching_off_with_the_password(app: Flask, signed_in: Client, outgoing: Outgoing) -> None:
    totp, _ = enrol(signed_in)
    for body in ({"password": "wrong password"}, {"password": "wrong password", "totp_code": totp.now()}):
        assert code(signed_in.delete(URL, body)) == (403, "invalid_password")
    assert signed_in.delete(URL, {"password": PASSWORD}).status_code == 204
    assert login(app).status_code == 200
    assert "Your second factor is off" in outgoing.subjects()
    with app.app_context():
        assert (db.session.scalars(select(TotpFactor)).all(), db.session.scalars(select(RecoveryCode)).all()) == (
            [],
            [],
        )


def test_switching_off_without_a_password(client: Client, outgoing: Outgoing, clock: Any) -> None:
    client.token = verify(client, ask(client, outgoing)).get_json()["access_token"]
    totp, codes = enrol(client)
    assert code(client.delete(URL, {"totp_code": "000000"})) == (403, "invalid_totp")
    assert client.post(f"{URL}/recovery-codes", {"totp_code": codes[0]}).status_code == 200
    clock.shift(30)
    assert client.delete(URL, {"totp_code": totp.now()}).status_code == 204
    enrol(client)
    assert client.delete(URL).status_code == 204


def test_an_api_token_changes_nothing(app: Flask, signed_in: Client) -> None:
    secret = "confab_" + new_secret()
    with app.app_context():
        user_id = db.session.scalar(select(User.id))
        db.session.add(ApiToken(user_id=user_id, name="x", token=hash_secret(secret), scopes=["read", "write"]))
        db.session.commit()
    signed_in.token = secret
    assert signed_in.get(URL).status_code == 200
    calls = [("POST", URL), ("DELETE", URL), ("POST", f"{URL}/recovery-codes")]
    answers = [signed_in.request(method, path, {"password": PASSWORD}) for method, path in calls]
    answers.append(signed_in.post(f"{URL}/confirm", {"totp_code": "123456"}))
    assert [code(answer) for answer in answers] == [(403, "reauthentication_required")] * 4
    change = {"current_password": PASSWORD, "new_password": "x" * 8}
    assert code(signed_in.post("/api/auth/change-password", change)) == (403, "forbidden")


def test_the_secret_is_encrypted(app: Flask, signed_in: Client) -> None:
    totp, codes = enrol(signed_in)
    with app.app_context():
        row = db.session.scalars(select(TotpFactor)).one()
        hashes = set(db.session.scalars(select(RecoveryCode.code)))
    assert totp.secret not in row.secret
    assert {len(hashed) for hashed in hashes} == {64}
    assert hashes.isdisjoint(hash_secret(code.replace("-", "")) for code in codes)


def test_another_secret_key_decrypts_nothing(
    app: Flask, signed_in: Client, clock: Any, make_limited: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    totp, codes = enrol(signed_in)
    clock.shift(30)
    other = make_limited(secret_key="another key of at least thirty-two bytes")
    assert code(login(other, totp_code=totp.now())) == (401, "invalid_totp")
    assert "another SECRET_KEY" in caplog.text
    assert code(login(other, totp_code=codes[0])) == (401, "invalid_totp")
    assert login(app, totp_code=totp.now()).status_code == 200


def test_tries_without_the_password_do_not_count(
    app: Flask, signed_in: Client, make_limited: Callable[..., Flask], clock: Any
) -> None:
    totp, _ = enrol(signed_in)
    limited = make_limited()
    for _ in range(11):
        for _ in range(10):
            login(limited, password="wrong password", totp_code="000000")
        clock.shift(61)
    assert login(limited, totp_code=totp.now()).status_code == 200


def test_tries_are_limited(app: Flask, signed_in: Client, make_limited: Callable[..., Flask], clock: Any) -> None:
    totp, _ = enrol(signed_in)
    limited = make_limited()
    answers = [login(limited, totp_code="000000") for _ in range(10)]
    assert {code(answer) for answer in answers} == {(401, "invalid_totp")}
    assert code(login(limited, totp_code=totp.now())) == (429, "rate_limited")
    for _ in range(9):
        clock.shift(60)
        for _ in range(10):
            login(limited, totp_code="000000")
    clock.shift(60)
    refused = login(limited, totp_code=totp.now())
    assert (code(refused), refused.headers["X-RateLimit-Limit"]) == ((429, "rate_limited"), "100")


def test_an_operator_switches_it_off(app: Flask, signed_in: Client) -> None:
    enrol(signed_in)
    run = app.test_cli_runner().invoke
    assert run(args=["totp", "off", "nobody"]).exit_code == 1
    assert run(args=["totp", "off", "Test@Example.com"]).exit_code == 0
    assert run(args=["totp", "off", "test"]).exit_code == 0
    assert login(app).status_code == 200


def test_a_password_that_changes_meanwhile(app: Flask, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.auth import passwords

    real = passwords.check_password

    def slow(password: str, hashed: str | None) -> bool:
        right = real(password, hashed)
        with db.engine.begin() as connection:
            connection.execute(update(User).values(hashed_password="another", updated_at=utcnow()))
        return right

    monkeypatch.setattr(passwords, "check_password", slow)
    assert code(signed_in.post(URL, {"password": PASSWORD})) == (401, "token_revoked")
