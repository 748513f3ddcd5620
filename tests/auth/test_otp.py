"""POST /api/auth/send-otp and /verify-otp."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backend.auth import otp
from backend.models import ApiToken, AuditEvent, ConversationEntry, OtpCode, RefreshToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret, new_secret
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.races import at_once

SEND, VERIFY = "/api/auth/send-otp", "/api/auth/verify-otp"
MOBILE, OTHER = "+46701740605", "+46701740606"


def ask(client: Client, outgoing: Outgoing, mobile: str = MOBILE) -> str:
    """Request a code, and read it."""
    response = client.post(SEND, {"mobile": mobile})
    assert (response.status_code, response.get_json()) == (202, {"status": "accepted"})
    return outgoing.code(mobile)


def verify(client: Client, code: str, mobile: str = MOBILE, **fields: Any) -> TestResponse:
    return client.post(VERIFY, {"mobile": mobile, "code": code, **fields})


def refused(response: TestResponse, code: str = "invalid_otp", status: int = 401) -> bool:
    return (response.status_code, response.get_json()["code"]) == (status, code)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def get(app: Flask, user_id: int) -> User:
    with app.app_context():
        return db.session.get_one(User, user_id)


def test_an_unknown_number_becomes_an_account(app: Flask, client: Client, outgoing: Outgoing) -> None:
    response = verify(client, ask(client, outgoing), device_info="phone")
    answer = response.get_json()
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert answer.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    user = answer["user"]
    assert (user["mobile"], user["mobile_verified"], user["email"]) == (MOBILE, True, None)
    client.token = answer["access_token"]
    assert [s["device_info"] for s in client.get("/api/auth/sessions").get_json()] == ["phone"]
    with app.app_context():
        entries = select(ConversationEntry.conversation_id).where(ConversationEntry.user_id == user["id"])
        assert db.session.scalars(entries).all() == ["lobby"]
        actions = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["account.created", "login.ok"]
    assert outgoing.subjects() == []


def test_a_known_number_signs_in_to_its_account(client: Client, outgoing: Outgoing) -> None:
    first = verify(client, ask(client, outgoing)).get_json()["user"]
    with time_machine.travel(utcnow() + timedelta(days=1), tick=False):
        again = verify(client, ask(client, outgoing)).get_json()["user"]
        assert again["last_seen_at"] == utcnow().isoformat().replace("+00:00", "Z") > first["last_seen_at"]
    assert again["id"] == first["id"]


@pytest.mark.parametrize("written", ["+46 70 174 06 05", "+46-701740605", " +46701740605"])
def test_all_spellings_of_a_number_are_one(client: Client, outgoing: Outgoing, written: str) -> None:
    assert client.post(SEND, {"mobile": written}).status_code == 202
    assert verify(client, outgoing.code(MOBILE), written).get_json()["user"]["mobile"] == MOBILE


def test_a_number_of_a_range_that_is_not_known_to_be_assigned(client: Client, outgoing: Outgoing) -> None:
    """Ranges are assigned all the time, and fictional numbers serve in tests."""
    number = "+15551234567"
    assert client.post(SEND, {"mobile": number}).status_code == 202
    assert verify(client, outgoing.code(number), number).get_json()["user"]["mobile"] == number


@pytest.mark.parametrize(
    "mobile", ["", "0701740605", "+1 5551234", "+46", "+999123456", "x", "+467017406050000", "+46\x00", None, 46]
)
@pytest.mark.parametrize("path", [SEND, VERIFY])
def test_invalid_numbers(client: Client, path: str, mobile: Any) -> None:
    body = {"mobile": mobile, "code": "123456"} if path == VERIFY else {"mobile": mobile}
    assert refused(client.post(path, body), "validation_failed", 422)


@pytest.mark.parametrize("mobile", ["+449098790001", "+448451234567"])
def test_numbers_that_charge_the_sender_get_no_code(client: Client, mobile: str) -> None:
    assert refused(client.post(SEND, {"mobile": mobile}), "validation_failed", 422)


def test_countries_can_be_configured(app: Flask, make_limited: Callable[..., Flask]) -> None:
    client = Client(make_limited(sms_countries=("47", "358")))
    assert refused(client.post(SEND, {"mobile": MOBILE}), "validation_failed", 422)
    assert client.post(SEND, {"mobile": "+4740612345"}).status_code == 202


def test_a_code_works_once(client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    assert verify(client, code).status_code == 200
    assert refused(verify(client, code))


def test_a_new_code_invalidates_the_old(client: Client, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter([111111, 222222])
    monkeypatch.setattr(otp.secrets, "randbelow", lambda _: next(codes, 0))
    old, new = ask(client, outgoing), ask(client, outgoing)
    assert (old, new) == ("111111", "222222")
    assert refused(verify(client, old))
    assert verify(client, new).status_code == 200


def test_a_code_keeps_its_leading_zeros(client: Client, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otp.secrets, "randbelow", lambda _: 42)
    client.post(SEND, {"mobile": MOBILE})
    monkeypatch.undo()
    assert outgoing.code(MOBILE) == "000042"
    assert refused(verify(client, "42"))
    assert verify(client, "000042").status_code == 200


def test_codes_have_six_digits(client: Client, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otp.secrets, "randbelow", lambda number: number - 1)
    client.post(SEND, {"mobile": MOBILE})
    monkeypatch.undo()
    outgoing.outbox.drain()
    assert outgoing.texts[0][1].startswith("999999 is your Confab code.")


@pytest.mark.parametrize(("seconds", "count"), [(299, 1), (300, 0)])
def test_a_text_is_not_sent_after_its_code_has_expired(
    client: Client, outgoing: Outgoing, seconds: int, count: int
) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client.post(SEND, {"mobile": MOBILE})
        clock.shift(seconds)
        outgoing.outbox.drain()
    assert len(outgoing.texts) == count


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (300, 401)])
def test_a_code_is_valid_for_5_minutes(client: Client, outgoing: Outgoing, seconds: int, status: int) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        code = ask(client, outgoing)
        clock.shift(seconds)
        assert verify(client, code).status_code == status


@pytest.mark.parametrize(("wrong", "status"), [(4, 200), (5, 401)])
def test_a_code_has_5_tries(client: Client, outgoing: Outgoing, wrong: int, status: int) -> None:
    code = ask(client, outgoing)
    assert all(refused(verify(client, other_than(code))) for _ in range(wrong))
    assert verify(client, code).status_code == status


def test_tries_are_counted_anew_for_a_new_code(client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    assert all(refused(verify(client, other_than(code))) for _ in range(5))
    assert verify(client, ask(client, outgoing)).status_code == 200


def test_a_code_is_valid_only_for_its_number(client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    ask(client, outgoing, OTHER)
    assert refused(verify(client, code, OTHER)) or code == outgoing.code(OTHER)


@pytest.mark.parametrize("code", ["", "1" * 21, None, 123456, "\x00", ["123456"]])
def test_invalid_codes(client: Client, code: Any) -> None:
    assert refused(client.post(VERIFY, {"mobile": MOBILE, "code": code}), "validation_failed", 422)


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "１２３４５６"])
def test_codes_in_other_forms_are_wrong(client: Client, outgoing: Outgoing, code: str) -> None:
    ask(client, outgoing)
    assert refused(verify(client, code))


@pytest.mark.parametrize("values", [{"is_active": False}, {"deleted_at": utcnow()}])
def test_accounts_that_may_not_sign_in(app: Flask, client: Client, outgoing: Outgoing, values: dict[str, Any]) -> None:
    user = verify(client, ask(client, outgoing)).get_json()["user"]
    with app.app_context():
        db.session.execute(update(User).where(User.id == user["id"]).values(**values))
        db.session.commit()
    code = ask(client, outgoing)
    assert refused(verify(client, code))
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_nobody_signs_in_with_an_unverified_number(
    app: Flask, client: Client, make: Factory, outgoing: Outgoing
) -> None:
    holder = make.user(mobile=MOBILE)
    answer = verify(client, ask(client, outgoing)).get_json()
    assert answer["user"]["id"] != holder.id
    assert get(app, holder.id).mobile is None
    assert get(app, answer["user"]["id"]).mobile == MOBILE


def test_with_a_token_the_number_is_verified(app: Flask, make: Factory, outgoing: Outgoing) -> None:
    client = make.client(make.user(mobile=MOBILE))
    answer = verify(client, ask(client, outgoing)).get_json()
    assert answer.keys() == {"user"}, "no token that could outlive the session"
    assert (answer["user"]["id"], answer["user"]["mobile_verified"]) == (client.user.id, True)  # type: ignore[attr-defined]
    assert answer["user"] == client.get("/api/users/me").get_json()
    assert outgoing.subjects() == ["A number was added"]
    again = verify(client, ask(client, outgoing))
    assert (again.status_code, outgoing.subjects()) == (200, ["A number was added"])
    with app.app_context():
        verified = select(AuditEvent.actor_id).where(AuditEvent.action == "mobile.verified")
        assert db.session.scalars(verified).all() == [client.user.id]  # type: ignore[attr-defined]
    assert len(client.get("/api/auth/sessions").get_json()) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(RefreshToken)) == 0
    opened = verify(Client(app), ask(client, outgoing)).get_json()
    assert opened["user"]["id"] == answer["user"]["id"]


@pytest.mark.parametrize("is_first", [True, False])
def test_with_a_token_an_unverified_holder_loses_it(
    app: Flask, make: Factory, outgoing: Outgoing, is_first: bool
) -> None:
    if is_first:
        client, holder = make.client(), make.user(mobile=MOBILE)
    else:
        holder, client = make.user(mobile=MOBILE), make.client()
    assert verify(client, ask(client, outgoing)).get_json()["user"]["mobile"] == MOBILE
    assert get(app, holder.id).mobile is None


def test_a_number_that_another_account_verified(client: Client, make: Factory, outgoing: Outgoing) -> None:
    verify(client, ask(client, outgoing))
    assert refused(verify(make.client(), ask(client, outgoing)), "mobile_taken", 409)


def test_a_bad_token_is_refused(app: Flask, client: Client, make: Factory, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    client.token = "guess"
    assert refused(verify(client, code), "unauthorized")
    with app.app_context():
        rows = [("write", "confab_" + new_secret()), ("read", "confab_" + new_secret())]
        user = make.user()
        for scope, secret in rows:
            db.session.add(ApiToken(user_id=user.id, name=scope, token=hash_secret(secret), scopes=[scope]))
        db.session.commit()
    client.token = rows[0][1]
    assert refused(verify(client, code), "reauthentication_required", 403)
    client.token = rows[1][1]
    assert refused(verify(client, code), "insufficient_scope", 403)
    client.token = None
    assert verify(client, code).status_code == 200


def test_codes_are_stored_as_keyed_hashes(app: Flask, client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    with app.app_context():
        row = db.session.scalars(select(OtpCode)).one()
        assert len(row.code) == 64
        assert row.code not in {hash_secret(code), hash_secret(f"{MOBILE}:{code}")}
        assert row.expires_at - row.updated_at == timedelta(minutes=5)


def test_of_many_requests_with_the_right_code_one_succeeds(app: Flask, client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    answers = at_once([lambda: verify(Client(app), code) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(UserSession)) == 1


def test_no_more_than_5_of_many_guesses_count(app: Flask, client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    at_once([lambda: verify(Client(app), other_than(code)) for _ in range(8)])
    with app.app_context():
        guesses = db.session.scalars(select(OtpCode.guesses)).one()
        assert list((guesses or {}).values()) == [5]
    assert refused(verify(client, code))


def test_of_many_codes_requested_at_once_one_is_valid(app: Flask, outgoing: Outgoing) -> None:
    answers = at_once([lambda: Client(app).post(SEND, {"mobile": MOBILE}) for _ in range(8)])
    assert {answer.status_code for answer in answers} == {202}
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(OtpCode).where(OtpCode.used_at.is_(None))) == 1


def test_an_account_that_registers_the_number_meanwhile_loses_it(
    app: Flask, client: Client, make: Factory, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the query for a holder and the new account another account registers the number, unverified: it loses it."""
    real, code = otp.add_user, ask(client, outgoing)
    rivals: list[int] = []

    def late(**fields: Any) -> User:
        if not rivals:
            with db.session.begin_nested():
                rivals.append(real(username="rival", mobile=MOBILE).id)
        return real(**fields)

    monkeypatch.setattr(otp, "add_user", late)
    assert verify(client, code).get_json()["user"]["id"] != rivals[0]
    assert get(app, rivals[0]).mobile is None


def test_a_number_that_is_registered_again_and_again(
    client: Client, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(**_: Any) -> User:
        raise otp.MobileTaken

    code = ask(client, outgoing)
    monkeypatch.setattr(otp, "add_user", taken)
    assert refused(verify(client, code), "mobile_taken", 409)


@pytest.mark.parametrize(
    "statement", [update(User).values(is_active=False), update(UserSession).values(is_active=False)]
)
def test_an_account_that_loses_its_rights_meanwhile(
    make: Factory, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch, statement: Any
) -> None:
    client = make.client()
    code, real = ask(client, outgoing), otp.verify_number

    def slow(*args: Any) -> Any:
        with db.engine.begin() as connection:
            connection.execute(statement)
        return real(*args)

    monkeypatch.setattr(otp, "verify_number", slow)
    assert refused(verify(client, code), "token_revoked")


def test_a_number_that_another_account_takes_meanwhile(
    make: Factory, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, rival = make.client(), make.user()
    code = ask(client, outgoing)

    def late() -> Any:
        db.session.execute(update(User).where(User.id == rival.id).values(mobile=MOBILE))
        return utcnow()

    monkeypatch.setattr(otp, "utcnow", late)
    assert refused(verify(client, code), "mobile_taken", 409)
