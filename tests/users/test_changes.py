"""Changes of one's own profile, and fields that no body can change."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backend.models import AccountToken, ApiToken, AuditEvent, User
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password, hash_secret
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once

ME = "/api/users/me"


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def script(app: Flask, user: User, *scopes: str) -> Client:
    token = f"confab_{user.id}_{'_'.join(scopes)}"
    with app.app_context():
        db.session.add(ApiToken(user_id=user.id, name="script", token=hash_secret(token), scopes=list(scopes)))
        db.session.commit()
    return Client(app, token)


def test_names_username_and_bio(make: Factory) -> None:
    ann = make.client(make.user("ann", first_name="Ann", last_name="Li"))
    body = {"username": "ann.li", "bio": "I fish.\nOften.", "full_name": "Dr. Ann Li"}
    changed = ann.patch(ME, body)
    assert changed.status_code == 200
    assert {name: changed.json[name] for name in body} == body
    assert ann.get(ME).json == changed.json | {"last_seen_at": ann.get(ME).json["last_seen_at"]}
    assert ann.patch(ME, {"bio": None, "first_name": ""}).json["bio"] is None
    assert ann.get(ME).json["full_name"] == "Dr. Ann Li"
    assert ann.patch(ME, {}).status_code == 200


def test_a_full_name_follows_first_and_last_name(make: Factory) -> None:
    ann = make.client(make.user(first_name="Ann", last_name="Li"))
    assert ann.patch(ME, {"first_name": " Anna "}).json["full_name"] == "Anna Li"
    assert ann.patch(ME, {"last_name": None}).json["full_name"] == "Anna"
    assert ann.patch(ME, {"first_name": None}).json["full_name"] is None
    assert ann.patch(ME, {"full_name": "A. L.", "first_name": "X"}).json["full_name"] == "A. L."


def test_a_username_that_is_taken(app: Flask, make: Factory) -> None:
    make.user("bob")
    ann = make.client(make.user("ann"))
    assert code(ann.patch(ME, {"username": "bob"})) == (409, "username_taken")
    assert ann.get(ME).json["username"] == "ann"
    rivals = [make.client() for _ in range(8)]
    answers = at_once([lambda c=c: c.patch(ME, {"username": "wanted"}) for c in rivals])
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7


@pytest.mark.parametrize(
    "body",
    [
        {"username": None},
        {"username": "a b"},
        {"username": "a@b"},
        {"first_name": "x" * 101},
        {"first_name": "a\nb"},
        {"full_name": "a\u202eb"},
        {"bio": "x" * 4001},
        {"bio": "a\0b"},
        {"bio": "\ud800"},
        {"email": None},
        {"email": "nobody"},
    ],
)
def test_invalid_names_are_refused(make: Factory, body: dict[str, Any]) -> None:
    assert code(make.client().patch(ME, body)) == (422, "validation_failed")


PRIVATE: dict[str, Any] = {
    "id": 1,
    "is_superuser": True,
    "is_active": False,
    "roles": ["admin"],
    "role": "admin",
    "hashed_password": "x",
    "password_hash": "x",
    "email_verified": True,
    "email_verified_at": "2026-01-01T00:00:00Z",
    "mobile": "+46701740605",
    "mobile_verified": True,
    "mobile_verified_at": "2026-01-01T00:00:00Z",
    "avatar": "avatars/1/x.webp",
    "avatar_url": "/x",
    "created_at": "2026-01-01T00:00:00Z",
    "last_seen_at": None,
    "deleted_at": None,
    "sessions": [],
    "user_roles": [],
    "__class__": "User",
    "_sa_instance_state": {},
}


@pytest.mark.parametrize("field", PRIVATE)
def test_only_documented_fields_can_be_assigned(make: Factory, field: str) -> None:
    """Every body that changes an account or its data, with each field that clients may not set."""
    ann = make.client(make.user("ann"))
    room = make.room(ann)["id"]
    before = ann.get(ME).json
    offered = {
        "PATCH /api/users/me": {"bio": "x"},
        "POST /api/rooms": {"name": "x"},
        f"PATCH /api/rooms/{room}": {"name": "x"},
        f"POST /api/rooms/{room}/invites": {},
        "POST /api/auth/tokens": {"name": "x"},
        "POST /api/auth/register": {"email": "new@example.com", "password": "password123"},
    }
    for call, body in offered.items():
        if field == "mobile" and call.endswith("register"):
            continue  # documented for this body
        method, _, path = call.partition(" ")
        assert code(ann.request(method, path, body | {field: PRIVATE[field]})) == (422, "validation_failed"), call
    assert ann.get(ME).json == before | {"last_seen_at": ann.get(ME).json["last_seen_at"]}


@pytest.mark.parametrize("field", sorted(set(PRIVATE) - {"is_superuser", "is_active", "roles"}))
def test_superusers_can_assign_only_documented_fields(make: Factory, field: str) -> None:
    root, ann = make.client(make.user(is_superuser=True)), make.user()
    role = root.post("/api/roles", {"name": "r"}).json["id"]
    for path in (f"/api/users/{ann.id}", f"/api/roles/{role}"):
        assert code(root.patch(path, {field: PRIVATE[field]})) == (422, "validation_failed")
    assert code(root.post("/api/roles", {"name": "x", field: PRIVATE[field]})) == (422, "validation_failed")


def test_a_new_email_is_unverified(app: Flask, make: Factory) -> None:
    user = make.user("ann", email="old@example.com", hashed_password=hash_password("password123"))
    with app.app_context():
        db.session.execute(db.update(User).values(email_verified_at=utcnow()))
        token = AccountToken(
            user_id=user.id, purpose="reset_password", token="x", email="old@example.com", expires_at=utcnow()
        )
        db.session.add(token)
        db.session.commit()
    ann = make.client(user)
    wrong = {"email": "new@example.com", "password": "wrong-password"}
    assert code(ann.patch(ME, wrong)) == (403, "invalid_password")
    changed = ann.patch(ME, {"email": " NEW@example.com", "password": "password123"}).json
    assert (changed["email"], changed["email_verified"]) == ("new@example.com", False)
    with app.app_context():
        assert db.session.scalars(select(AccountToken)).all() == []
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "email.changed")).all()
        assert [(e.actor_id, e.target, e.data) for e in events] == [(user.id, f"user:{user.id}", None)]
        topics = [t for (t,) in db.session.execute(db.text("select topic from outbox order by id"))]
    assert topics == ["email_changed", "verify_email"]
    assert ann.patch(ME, {"email": "new@example.com"}).status_code == 200


def test_a_password_alone_is_refused(make: Factory) -> None:
    ann = make.client(make.user(hashed_password=hash_password("password123")))
    for body in ({"password": "password456"}, {"password": "password123", "bio": "x"}):
        response = ann.patch(ME, body)
        assert code(response) == (422, "validation_failed")
        assert "change-password" in response.json["errors"]["password"][0]
    assert ann.get(ME).json["bio"] is None


def test_an_email_that_is_taken(make: Factory) -> None:
    make.user(email="bob@example.com")
    ann = make.client(make.user(email="ann@example.com"))
    assert code(ann.patch(ME, {"email": "Bob@example.com"})) == (409, "email_taken")
    assert ann.get(ME).json["email"] == "ann@example.com"


def test_an_api_token_changes_the_profile_and_not_the_email(app: Flask, make: Factory) -> None:
    ann = make.user(email="ann@example.com")
    client = script(app, ann, "write")
    assert client.patch(ME, {"bio": "x"}).status_code == 200
    for change in ({"email": "new@example.com"}, {"username": "another"}):
        assert code(client.patch(ME, change)) == (403, "reauthentication_required")
    assert code(script(app, ann, "read").patch(ME, {"bio": "y"})) == (403, "insufficient_scope")


def test_a_user_who_is_deactivated_meanwhile_changes_nothing(app: Flask, make: Factory, monkeypatch: Any) -> None:
    from backend.identity import authenticate

    ann = make.client()
    real = authenticate.identify

    def identify_then_deactivate(token: str) -> Any:
        found = real(token)
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(db.update(User).values(is_active=False))
        return found

    monkeypatch.setattr("backend.identity.guards.identify", identify_then_deactivate)
    assert code(ann.patch(ME, {"bio": "x"})) == (401, "token_revoked")
