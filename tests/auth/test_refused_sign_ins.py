"""Refused sign-ins in the log: who and why, and nothing of what was typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backend.models import AuditEvent, User
from backend.models.base import db, utcnow
from backend.refusals import RefusalLog
from tests.auth.conftest import EMAIL, PASSWORD
from tests.auth.test_otp import ask, verify
from tests.auth.test_totp import enrol
from tests.client import Client
from tests.factories import Factory
from tests.log_lines import Lines, log_lines
from tests.outgoing import Outgoing

WRONG = "correct-horse-battery"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """The lines about refusals, as they are written to standard error."""
    monkeypatch.setattr("backend.auth.refusals.REFUSALS", RefusalLog())
    with log_lines("confab.refusals") as found:
        yield found


def user_id(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(select(User.id).where(User.email == EMAIL)).one()


def test_a_wrong_password_is_a_line(app: Flask, client: Client, register: Any, lines: Lines) -> None:
    register()
    response = client.post("/api/auth/login", {"email": EMAIL, "password": WRONG})
    assert response.status_code == 401
    [line] = lines()
    assert line["level"] == "warning"
    assert line["logger"] == "confab.refusals"
    expected = {
        "event": "sign_in.refused",
        "code": "invalid_credentials",
        "method": "password",
        "user_id": user_id(app),
        "address": "127.0.0.1",
        "request_id": response.headers["X-Request-ID"],
        "count": 1,
    }
    assert {name: line[name] for name in expected} == expected
    assert line.keys() == expected.keys() | {"time", "level", "logger", "message"}


def test_the_form_and_an_unknown_account_too(client: Client, lines: Lines) -> None:
    form = {"username": "nobody@example.com", "password": WRONG}
    response = client.post("/token", data=form, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    [line] = lines()
    assert (line["code"], line["user_id"]) == ("invalid_credentials", None)
    assert "nobody" not in json.dumps(line)
    assert WRONG not in json.dumps(line)


def test_a_wrong_code_by_text_names_the_holder_of_the_number(
    app: Flask, make: Factory, client: Client, lines: Lines
) -> None:
    holder = make.user(mobile="+46701740605", mobile_verified_at=utcnow())
    for mobile in ("+46701740605", "+46701740606"):
        response = client.post("/api/auth/verify-otp", {"mobile": mobile, "code": "123456"})
        assert response.status_code == 401
    assert [(line["code"], line["method"], line["user_id"]) for line in lines()] == [
        ("invalid_otp", "otp", holder.id),
        ("invalid_otp", "otp", None),
    ]
    assert not any(secret in json.dumps(lines()) for secret in ("174060", "123456"))


def failed_sign_ins(app: Flask) -> list[Any]:
    with app.app_context():
        failed = select(AuditEvent.target, AuditEvent.data).where(AuditEvent.action == "login.failed")
        return [tuple(row) for row in db.session.execute(failed.order_by(AuditEvent.id))]


def test_a_wrong_code_by_text_is_recorded_for_the_account_that_it_would_have_opened(
    app: Flask, make: Factory, client: Client
) -> None:
    """Or for the caller, who would have got the number."""
    holder, caller = make.user(mobile="+46701740605", mobile_verified_at=utcnow()), make.client()
    body = {"mobile": "+46701740605", "code": "123456"}
    for each in (client, caller):
        assert each.post("/api/auth/verify-otp", body).status_code == 401
    assert client.post("/api/auth/verify-otp", body | {"mobile": "+46701740606"}).status_code == 401
    own = f"user:{caller.user.id}"  # type: ignore[attr-defined]
    assert failed_sign_ins(app) == [(f"user:{holder.id}", {"by": "otp"}), (own, {"by": "otp"}), (None, {"by": "otp"})]


def test_a_wrong_second_factor_after_a_code_by_text_is_recorded(
    app: Flask, make: Factory, client: Client, outgoing: Outgoing
) -> None:
    make.user(mobile="+46701740606", mobile_verified_at=utcnow())
    holder = make.client(make.user(mobile="+46701740605", mobile_verified_at=utcnow()))
    enrol(holder, None)
    response = verify(client, ask(client, outgoing), totp_code="000000")
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_totp")
    assert failed_sign_ins(app) == [(f"user:{holder.user.id}", {"by": "totp"})]  # type: ignore[attr-defined]


def test_a_limit_that_refuses_is_a_line(
    app: Flask, client: Client, register: Any, make_limited: Callable[..., Flask], lines: Lines
) -> None:
    register()
    limited = Client(make_limited())
    statuses = [limited.post("/api/auth/login", {"email": EMAIL, "password": WRONG}).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert [(line["code"], line["user_id"]) for line in lines()] == [
        ("invalid_credentials", user_id(app)),
        ("rate_limited", user_id(app)),
    ]


def test_a_second_factor_that_is_missing_is_no_warning(app: Flask, client: Client, register: Any, lines: Lines) -> None:
    enrol(Client(app, register()["access_token"]))
    for body, code, level in (({}, "totp_required", "info"), ({"totp_code": "000000"}, "invalid_totp", "warning")):
        response = client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD, **body})
        assert response.json["code"] == code
        line = lines()[-1]
        assert (line["code"], line["level"], line["user_id"]) == (code, level, user_id(app))


def test_a_sign_in_that_succeeds_writes_nothing(client: Client, register: Any, lines: Lines) -> None:
    register()
    assert client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}).status_code == 200
    assert lines() == []
