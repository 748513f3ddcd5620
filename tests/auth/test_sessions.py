"""Logout, and the list of sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from backend.identity.access_tokens import issue_access_token
from backend.models import ApiToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret
from tests.client import Client
from tests.factories import Factory

URL = "/api/auth/sessions"


def api_client(app: Flask, user: User, *scopes: str) -> Client:
    with app.app_context():
        token = f"confab_{user.id}_{'_'.join(scopes)}"
        db.session.add(ApiToken(user_id=user.id, name="script", token=hash_secret(token), scopes=list(scopes)))
        db.session.commit()
    return Client(app, token)


def ids(client: Client) -> list[int]:
    return [session["id"] for session in client.get(URL).get_json()]


def ids_of(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(UserSession.id)))


def revoked(client: Client) -> bool:
    response = client.get(URL)
    return (response.status_code, response.get_json()["code"]) == (401, "token_revoked")


def test_logout_ends_this_session_at_once(make: Factory) -> None:
    phone = make.client()
    laptop = make.client(phone.user)  # type: ignore[attr-defined]
    response = phone.post("/api/auth/logout")
    assert (response.status_code, response.get_data()) == (204, b"")
    assert revoked(phone)
    assert phone.post("/api/auth/logout").get_json()["code"] == "token_revoked"
    assert len(ids(laptop)) == 1


def test_logout_with_an_api_token(app: Flask, make: Factory) -> None:
    user = make.user()
    response = api_client(app, user, "read", "write").post("/api/auth/logout")
    assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")
    assert "session" in response.get_json()["detail"]
    response = api_client(app, user, "read").post("/api/auth/logout")
    assert (response.status_code, response.get_json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("scopes", [("read", "write"), ("read", "write", "admin")])
def test_an_api_token_ends_no_session(app: Flask, make: Factory, scopes: tuple[str, ...]) -> None:
    phone = make.client(make.user(is_superuser=True))
    script = api_client(app, phone.user, *scopes)  # type: ignore[attr-defined]
    (session,) = ids(phone)
    for path in (URL, f"{URL}/{session}", f"{URL}/{session + 1}"):
        response = script.delete(path)
        assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")
        assert "sign in" in response.get_json()["detail"].lower()
    assert ids(phone) == [session]


def test_the_list_begins_with_the_newest_and_marks_the_current(make: Factory) -> None:
    first = make.client()
    second = make.client(first.user)  # type: ignore[attr-defined]
    make.client()
    sessions = first.get(URL).get_json()
    assert [s["is_current"] for s in sessions] == [False, True]
    assert sessions[0]["id"] > sessions[1]["id"]
    assert [s["is_current"] for s in second.get(URL).get_json()] == [True, False]
    assert sessions[0].keys() == {
        *("id", "device_info", "ip_address", "created_at", "last_seen_at", "expires_at", "is_current"),
    }
    assert sessions[1]["last_seen_at"].endswith("Z")


def test_the_list_has_only_live_sessions(make: Factory) -> None:
    client = make.client()
    make.client(client.user).post("/api/auth/logout")  # type: ignore[attr-defined]
    with time_machine.travel(utcnow() - timedelta(days=2)):
        make.token(client.user)  # type: ignore[attr-defined]
    assert len(ids(client)) == 1


def test_a_session_that_expires_now_is_neither_listed_nor_ended(app: Flask, make: Factory) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        expiring = make.client()
        (session,) = ids(expiring)
        clock.shift(1)
        client = make.client(expiring.user)  # type: ignore[attr-defined]
        assert session in ids(client)
        clock.shift(timedelta(days=1) - timedelta(seconds=1))
        with app.app_context():
            client.token = issue_access_token(client.user.id, max(ids_of(app)))  # type: ignore[attr-defined]
        assert session not in ids(client)
        response = client.delete(f"{URL}/{session}")
        assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


def test_a_new_session_was_last_seen_when_it_began(client: Client, register: Callable[..., dict[str, Any]]) -> None:
    client.token = register()["access_token"]
    with time_machine.travel(utcnow() + timedelta(minutes=5), tick=False):
        body = {"email": "test@example.com", "password": "password123", "device_info": "laptop"}
        assert Client(client.app).post("/api/auth/login", body).status_code == 200
        laptop, first = client.get(URL).get_json()
    assert laptop["last_seen_at"] == laptop["created_at"] > first["created_at"]
    assert (laptop["device_info"], laptop["ip_address"], first["ip_address"]) == ("laptop", "127.0.0.1", "127.0.0.1")


def test_the_list_has_pages(make: Factory) -> None:
    client = make.client()
    for _ in range(3):
        make.token(client.user)  # type: ignore[attr-defined]
    every = ids(client)
    page = client.get(URL + "?limit=3")
    assert [s["id"] for s in page.get_json()] == every[:3]
    assert page.headers["Link"] == '</api/auth/sessions?limit=3&skip=3>; rel="next"'
    assert [s["id"] for s in client.get(URL + "?skip=3&limit=3").get_json()] == every[3:]
    assert client.get(URL + "?limit=101").status_code == 422


def test_an_api_token_sees_the_sessions_none_of_which_is_current(app: Flask, make: Factory) -> None:
    client = make.client()
    script = api_client(app, client.user, "read", "write")  # type: ignore[attr-defined]
    assert [s["is_current"] for s in script.get(URL).get_json()] == [False]
    assert script.delete(URL).status_code == 403


def test_one_session_is_ended(make: Factory) -> None:
    phone = make.client()
    laptop = make.client(phone.user)  # type: ignore[attr-defined]
    lost = ids(phone)[-1]
    assert laptop.delete(f"{URL}/{lost}").status_code == 204
    assert revoked(phone)
    assert laptop.delete(f"{URL}/{lost}").get_json()["code"] == "not_found"


def test_sessions_of_others_do_not_exist(make: Factory) -> None:
    mallory, alice = make.client(), make.client()
    for unseen in (ids(alice)[0], 10**6, 2**63 - 1):
        response = mallory.delete(f"{URL}/{unseen}")
        assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
    assert len(ids(alice)) == 1


def test_all_others_are_ended(app: Flask, make: Factory) -> None:
    client, stranger = make.client(), make.client()
    others = [make.client(client.user) for _ in range(3)]  # type: ignore[attr-defined]
    assert client.delete(URL).status_code == 204
    assert client.delete(URL + "/").status_code == 204
    assert all(revoked(other) for other in others)
    assert len(ids(client)) == len(ids(stranger)) == 1
    with app.app_context():
        assert sorted(db.session.scalars(select(UserSession.is_active))) == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/auth/logout"), ("GET", URL), ("DELETE", URL), ("DELETE", URL + "/1")]
)
def test_without_credentials(client: Client, method: str, path: str) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.get_json()["code"]) == (401, "unauthorized")
