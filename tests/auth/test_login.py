"""POST /api/auth/login."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import bcrypt
import pytest
from flask import Flask
from sqlalchemy import select, update

from backend.auth import service
from backend.auth.sessions import Device
from backend.errors import InvalidCredentials
from backend.models import User, UserSession
from backend.models.base import db, utcnow
from backend.security import hashing
from backend.security.hashing import check_password, hash_password
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory

Register = Callable[..., dict[str, Any]]
URL = "/api/auth/login"


def refused(client: Client, **fields: Any) -> bool:
    response = client.post(URL, {"password": PASSWORD, **fields})
    return (response.status_code, response.get_json()["code"]) == (401, "invalid_credentials")


def change(app: Flask, **values: Any) -> None:
    with app.app_context():
        db.session.execute(update(User).values(**values))
        db.session.commit()


@pytest.mark.parametrize("name", [{"email": EMAIL}, {"email": "TEST@Example.COM"}, {"username": "test", "email": None}])
def test_by_email_or_username(client: Client, register: Register, name: dict[str, str]) -> None:
    user = register()["user"]
    response = client.post(URL, {**name, "password": PASSWORD})
    answer = response.get_json()
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert answer.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (answer["user"]["id"], answer["user"]["email"]) == (user["id"], EMAIL)
    client.token = answer["access_token"]
    assert len(client.get("/api/auth/sessions").get_json()) == 2


def test_wrong_and_unknown_look_alike(client: Client, register: Register) -> None:
    register()
    wrong = client.post(URL, {"email": EMAIL, "password": "password124"}).get_json()
    unknown = client.post(URL, {"email": "nobody@example.com", "password": PASSWORD}).get_json()
    assert wrong["code"] == "invalid_credentials"
    assert wrong | {"request_id": 0} == unknown | {"request_id": 0}


def test_the_www_authenticate_header_of_a_refusal(client: Client) -> None:
    response = client.post(URL, {"email": EMAIL, "password": PASSWORD})
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "values", [{"is_active": False}, {"deleted_at": utcnow()}, {"hashed_password": None}, {"hashed_password": ""}]
)
def test_accounts_that_may_not_sign_in(app: Flask, client: Client, register: Register, values: dict[str, Any]) -> None:
    register()
    change(app, **values)
    assert refused(client, email=EMAIL)
    assert refused(client, username="test")


@pytest.mark.parametrize("password", ["", "x", PASSWORD + "x", "x" * 73, "x" * 100_000, PASSWORD.upper()])
def test_wrong_passwords_of_any_length(client: Client, register: Register, password: str) -> None:
    register()
    assert refused(client, email=EMAIL, password=password)


def test_a_longer_password_with_the_same_beginning_is_wrong(client: Client, register: Register) -> None:
    register(password="x" * 72)
    assert refused(client, email=EMAIL, password="x" * 73)


@pytest.mark.parametrize(
    "name", [{"email": "x" * 100_000}, {"username": "x" * 256}, {"username": ""}, {"email": "' OR 1=1"}]
)
def test_names_without_an_account(client: Client, register: Register, name: dict[str, str]) -> None:
    register()
    assert refused(client, **name)


@pytest.mark.parametrize("prefix", ["$2a$", "$2y$", "$2b$"])
def test_hashes_of_imported_databases(client: Client, make: Factory, prefix: str) -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    make.user(email=EMAIL, hashed_password=prefix + hashed[4:])
    assert client.post(URL, {"email": EMAIL, "password": PASSWORD}).status_code == 200
    assert refused(client, email=EMAIL, password="password124")


@pytest.mark.parametrize(
    "hashed", ["plain text", PASSWORD, "$2b$31$" + "a" * 53, "$2b$04$short", "pbkdf2:sha256$x$y", "$2b$04$å"]
)
def test_an_invalid_hash_matches_no_password(client: Client, make: Factory, hashed: str) -> None:
    make.user(email=EMAIL, hashed_password=hashed)
    assert refused(client, email=EMAIL)
    assert refused(client, email=EMAIL, password=hashed)


@pytest.mark.parametrize("account", ["known", "unknown", "deactivated", "without a password", "too long"])
def test_every_answer_costs_one_hash(
    app: Flask, client: Client, make: Factory, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    hashed = None if account == "without a password" else hash_password(PASSWORD)
    make.user(email=EMAIL, hashed_password=hashed, is_active=account != "deactivated")
    costs = []
    real = bcrypt.checkpw

    def counted(password: bytes, digest: bytes) -> bool:
        costs.append(digest[:7])
        return real(password, digest)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    email = "nobody@example.com" if account == "unknown" else EMAIL
    client.post(URL, {"email": email, "password": "x" * 73 if account == "too long" else PASSWORD})
    assert costs == [b"$2b$04$"]


def test_no_password_matches_the_dummy_hash() -> None:
    assert not check_password(PASSWORD, None)
    assert not check_password("", hashing.unmatchable_hash().decode())


@pytest.mark.parametrize("password", ["x\x00", "x\ud800", "x" * 73])
def test_a_check_never_fails(password: str) -> None:
    assert check_password(password, hash_password(PASSWORD)) is False


def test_no_transaction_is_open_while_a_password_is_checked(
    app: Flask, client: Client, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    register()
    checked_out = []
    real = bcrypt.checkpw

    def watch(password: bytes, digest: bytes) -> bool:
        checked_out.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return real(password, digest)

    monkeypatch.setattr(bcrypt, "checkpw", watch)
    assert client.post(URL, {"email": EMAIL, "password": PASSWORD}).status_code == 200
    assert checked_out == [0]


def test_no_transaction_is_open_while_a_password_is_hashed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_out = []
    real = bcrypt.hashpw

    def watch(password: bytes, salt: bytes) -> bytes:
        checked_out.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return real(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", watch)
    assert client.post("/api/auth/register", {"email": EMAIL, "password": PASSWORD}).status_code == 201
    assert checked_out == [0]


@pytest.mark.parametrize("values", [{"hashed_password": "changed"}, {"is_active": False}])
def test_a_password_that_changes_while_it_is_checked(app: Flask, register: Register, values: dict[str, Any]) -> None:
    register()
    with app.app_context():
        account = service.find_account(email=EMAIL)
        service.verify_password(account, PASSWORD)
        change(app, **values)
        with pytest.raises(InvalidCredentials):
            service.login(account, Device())
        assert len(db.session.scalars(select(UserSession.id)).all()) == 1


def test_the_device_and_the_address_are_stored(app: Flask, client: Client, register: Register) -> None:
    register()
    login = {"email": EMAIL, "password": PASSWORD}
    client.post(URL, login | {"device_info": "Ada's phone 📱"}, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    client.post(URL, login, headers={"User-Agent": "x" * 300})
    client.post(URL, login | {"device_info": None}, headers={"User-Agent": ""}, environ_base={"REMOTE_ADDR": ""})
    client.post(URL, login, headers={"User-Agent": "caf\xe9\x00"})
    with app.app_context():
        rows = db.session.execute(
            select(UserSession.device_info, UserSession.ip_address).order_by(UserSession.id)
        ).all()
    assert rows[1:] == [
        ("Ada's phone 📱", "203.0.113.9"),
        ("x" * 255, "127.0.0.1"),
        (None, None),
        ("caf\xe9", "127.0.0.1"),
    ]


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"password": PASSWORD}, "email"),
        ({"email": EMAIL, "username": "test", "password": PASSWORD}, "email"),
        ({"email": None, "username": None, "password": PASSWORD}, "email"),
        ({"email": EMAIL}, "password"),
        ({"email": EMAIL, "password": None}, "password"),
        ({"email": EMAIL, "password": 12345678}, "password"),
        ({"email": 7, "password": PASSWORD}, "email"),
        ({"email": "a\x00@example.com", "password": PASSWORD}, "email"),
        ({"username": "\ud800", "password": PASSWORD}, "username"),
        ({"email": EMAIL, "password": PASSWORD, "device_info": "x" * 256}, "device_info"),
        ({"email": EMAIL, "password": PASSWORD, "remember": True}, "remember"),
    ],
)
def test_errors_name_their_field(client: Client, fields: dict[str, Any], at_fault: str) -> None:
    response = client.post(URL, fields)
    assert (response.status_code, list(response.get_json()["errors"])) == (422, [at_fault])


def test_an_email_takes_precedence_over_an_equal_username(make: Factory, app: Flask) -> None:
    """Imported databases contain usernames with an `@`; an account with this email takes precedence."""
    make.user(username=EMAIL, email="squatter@example.com")
    owner = make.user(email=EMAIL)
    with app.app_context():
        assert service.find_account(email=EMAIL, username=EMAIL).user_id == owner.id


def test_under_gevent_passwords_are_hashed_outside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gevent.monkey.is_module_patched", lambda _: True)
    real, threads = bcrypt.checkpw, []
    monkeypatch.setattr(bcrypt, "checkpw", lambda *args: threads.append(threading.get_native_id()) or real(*args))
    assert check_password(PASSWORD, hash_password(PASSWORD))
    assert threads != [threading.get_native_id()]
