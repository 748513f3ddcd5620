"""POST /api/auth/register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from backend.models import ConversationEntry, RefreshToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security import hashing
from backend.users import creation
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.conftest import BCRYPT_ROUNDS
from tests.races import at_once

Register = Callable[..., dict[str, Any]]
URL = "/api/auth/register"


def body(**fields: Any) -> dict[str, Any]:
    return {"email": EMAIL, "password": PASSWORD, **fields}


def verify_mobile(app: Flask, user_id: int) -> None:
    with app.app_context():
        db.session.execute(update(User).where(User.id == user_id).values(mobile_verified_at=utcnow()))
        db.session.commit()


def mobile_of(app: Flask, user_id: int) -> str | None:
    with app.app_context():
        return db.session.get_one(User, user_id).mobile


def test_the_answer_signs_in_the_new_user(client: Client) -> None:
    response = client.post(URL, body(first_name="Test", last_name="User"))
    answer = response.get_json()
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert answer.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 900)
    assert answer["user"] == answer["user"] | {
        "email": EMAIL,
        "username": "test",
        "full_name": "Test User",
        "first_name": "Test",
        "last_name": "User",
        "mobile": None,
        "is_superuser": False,
        "email_verified": False,
        "mobile_verified": False,
        "is_active": True,
        "roles": [],
    }
    assert "hashed_password" not in answer["user"]
    client.token = answer["access_token"]
    assert client.get("/api/auth/sessions").status_code == 200


def test_a_new_user_has_the_lobby_in_the_inbox(app: Flask, register: Register) -> None:
    user = register()["user"]
    with app.app_context():
        assert db.session.scalars(select(ConversationEntry.user_id)).all() == [user["id"]]


def test_no_secret_is_stored(app: Flask, register: Register) -> None:
    answer = register()
    with app.app_context():
        kept = [
            str(value)
            for table in (User, UserSession, RefreshToken)
            for row in db.session.execute(select(table.__table__))
            for value in row
        ]
    assert PASSWORD not in kept
    assert answer["refresh_token"] not in kept
    assert answer["access_token"] not in kept


def test_the_bcrypt_cost_is_12() -> None:
    assert BCRYPT_ROUNDS == 12


def test_the_bcrypt_cost_is_configured(app: Flask, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "BCRYPT_ROUNDS", 5)
    register()
    with app.app_context():
        hashed = db.session.scalar(select(User.hashed_password))
    assert hashed.startswith("$2b$05$")
    assert bcrypt.checkpw(PASSWORD.encode(), hashed.encode())


def test_names_may_be_left_out_or_null(register: Register) -> None:
    user = register(first_name=None, last_name="  ", username=None, mobile=None)["user"]
    assert (user["first_name"], user["last_name"], user["full_name"]) == (None, None, None)


def test_an_email_is_taken_in_every_spelling(client: Client, register: Register) -> None:
    register("Straße@Example.com")
    response = client.post(URL, body(email=" STRASSE@EXAMPLE.COM "))
    assert (response.status_code, response.get_json()["code"]) == (409, "email_taken")


def test_a_username_is_taken_even_the_name_email(client: Client, register: Register) -> None:
    register(username="my_email")
    response = client.post(URL, body(email="other@example.com", username="my_email"))
    assert (response.status_code, response.get_json()["code"]) == (409, "username_taken")


def test_a_mobile_is_taken_in_every_spelling(app: Flask, client: Client, register: Register) -> None:
    holder = register(mobile="+46 70-174 06 05")["user"]
    assert holder["mobile"] == "+46701740605"
    verify_mobile(app, holder["id"])
    response = client.post(URL, body(email="other@example.com", mobile="+46 (0)70 174 0605"))
    assert (response.status_code, response.get_json()["code"]) == (409, "mobile_taken")
    assert mobile_of(app, holder["id"]) == "+46701740605"


def test_a_number_that_nobody_verified_blocks_nobody(app: Flask, register: Register) -> None:
    holder = register(mobile="+46701740605")["user"]
    later = register("later@example.com", mobile="+46 70-174 06 05")["user"]
    assert (later["mobile"], later["mobile_verified"]) == ("+46701740605", False)
    assert mobile_of(app, holder["id"]) is None


def test_a_registration_that_fails_takes_the_number_of_nobody(app: Flask, client: Client, register: Register) -> None:
    holder = register(mobile="+46701740605")["user"]
    response = client.post(URL, body(mobile="+46701740605", username="another"))
    assert (response.status_code, response.get_json()["code"]) == (409, "email_taken")
    assert mobile_of(app, holder["id"]) == "+46701740605"


def test_of_many_registrations_with_one_number_at_once_all_succeed(app: Flask) -> None:
    emails = [f"user{n}@example.com" for n in range(4)]
    fields = {"password": PASSWORD, "mobile": "+46701740605"}
    answers = at_once([lambda email=email: Client(app).post(URL, fields | {"email": email}) for email in emails])
    assert [answer.status_code for answer in answers] == [201] * 4
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User).where(User.mobile == "+46701740605")) == 1


def test_of_several_taken_fields_the_email_is_reported(client: Client, register: Register) -> None:
    register(username="ann", email="ann@example.com", mobile="+46701234567")
    body = {"email": "ann@example.com", "password": "password123", "username": "ann", "mobile": "+46701234567"}
    response = client.post("/api/auth/register", body)
    assert (response.status_code, response.get_json()["code"]) == (409, "email_taken")


def test_a_derived_username_that_is_taken_gets_a_number(register: Register) -> None:
    names = [register(f"sam@{n}.example.com")["user"]["username"] for n in range(3)]
    assert names[0] == "sam"
    assert len(set(names)) == 3
    assert all(name.startswith("sam") for name in names)


@pytest.mark.parametrize("username", ["_", "a", "A.b-c_9", "9lives", "x" * 100])
def test_a_username_may_be_chosen(register: Register, username: str) -> None:
    assert register(username=username)["user"]["username"] == username


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com",
        "first.last+tag@sub.example.co",
        "åsa@exämple.se",
        f"{'l' * 64}@example.com",
        "o'hara@x-y.example",
    ],
)
def test_valid_emails(register: Register, email: str) -> None:
    assert register(email)["user"]["email"] == email


LONG = f"a@{'d' * 60}.{'d' * 60}.{'d' * 60}.{'d' * 60}.{'d' * 15}"


@pytest.mark.parametrize(
    "email",
    [
        *(
            "",
            "a",
            "a@b",
            "@example.com",
            "a@",
            "a@@example.com",
            "a b@example.com",
            "a@example..com",
            ".a@example.com",
        ),
        *(
            "a.@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@example-.com",
            "a@exa_.com",
            "a@example.com.",
            '"a"@b.se',
        ),
        *("a@example.com\nBcc: b@example.com", "a\u200b@example.com", "a\x07@example.com", "a\x00@example.com"),
        *(
            "a\ud800@example.com",
            f"{'l' * 65}@example.com",
            f"a@{'d' * 64}.com",
            LONG,
            "ß" * 60 + "@" + "ß" * 30 + ".se",
        ),
        *(7, True, None, ["a@example.com"], {"a": 1}),
    ],
)
def test_invalid_emails(client: Client, email: Any) -> None:
    response = client.post(URL, body(email=email))
    assert (response.status_code, list(response.get_json()["errors"])) == (422, ["email"])


@pytest.mark.parametrize("password", ["12345678", "x" * 72, "å" * 36, "🔑" * 18, "    \t    ", "pass\nword"])
def test_passwords_of_8_to_72_bytes(client: Client, register: Register, password: str) -> None:
    register(password=password)
    assert client.post("/api/auth/login", {"email": EMAIL, "password": password}).status_code == 200


@pytest.mark.parametrize(
    "password",
    ["", "1234567", "ååå", "x" * 73, "å" * 37, "x" * 5000, "1234567\x00", "1234567\udcff", 12345678, None, ["x" * 8]],
)
def test_passwords_that_bcrypt_would_truncate(client: Client, password: Any) -> None:
    response = client.post(URL, body(password=password))
    assert (response.status_code, list(response.get_json()["errors"])) == (422, ["password"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("username", v) for v in ("", "a b", "-a", ".a", "a@b", "å", "x" * 101, "a\n", "a\x00", 7)],
        *[
            ("mobile", v)
            for v in ("", "0701740605", "+46", "+46123", "+999999999999", "12" * 200, "+4670174060\x00", 46701740605)
        ],
        *[(name, v) for name in ("first_name", "last_name") for v in ("x" * 101, "a\x00", "\udfff", 1, [])],
        *[("is_superuser", True), ("hashed_password", "x"), ("", "x"), ("\udc00", 1), ("email\x00", "x")],
    ],
)
def test_other_errors_name_their_field(client: Client, field: str, value: Any) -> None:
    response = client.post(URL, body(**{field: value}))
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")
    assert len(response.get_json()["errors"]) == 1
    if field.isidentifier():
        assert field in response.get_json()["errors"]


def test_an_invalid_field_creates_no_account(app: Flask, client: Client) -> None:
    assert client.post(URL, body(unknown=1)).status_code == 422
    with app.app_context():
        assert db.session.scalars(select(User.id)).all() == []


def test_all_invalid_fields_are_reported_at_once(client: Client) -> None:
    assert client.post(URL, {"password": "short"}).get_json()["errors"].keys() == {"email", "password"}


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
    ],
)
def test_invalid_bodies_of_a_registration(client: Client, data: bytes, kind: str, status: int, code: str) -> None:
    response = client.post(URL, data=data, content_type=kind)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_another_database_error_is_not_reported_as_a_taken_name(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "colliding_column", lambda _: "id")
    with app.app_context():
        creation.add_user(username="ada")
        with pytest.raises(IntegrityError):
            creation.add_user(username="ada")
