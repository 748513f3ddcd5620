"""Administration by superusers: roles, grants, deactivation, and their audit events."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from backend.errors import Unauthorized
from backend.identity.tickets import identify_socket
from backend.models import ApiToken, User, UserSession
from backend.models.base import db
from backend.security.hashing import hash_secret
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once, hold_row


@pytest.fixture
def root(make: Factory) -> Client:
    return make.client(make.user("root", is_superuser=True))


def trail(root: Client, query: str = "") -> list[dict[str, Any]]:
    response = root.get(f"/api/audit{query}")
    assert response.status_code == 200
    return response.json  # type: ignore[no-any-return]


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def role(root: Client, name: str) -> int:
    return int(root.post("/api/roles", {"name": name}).json["id"])


def test_superusers_manage_roles_and_everybody_reads_them(root: Client, make: Factory) -> None:
    made = root.post("/api/roles", {"name": " support ", "description": "First line"})
    assert made.status_code == 201
    assert (made.json["name"], made.json["description"]) == ("support", "First line")
    role(root, "audit")
    ann = make.client()
    assert [r["name"] for r in ann.get("/api/roles").json] == ["audit", "support"]
    page = ann.get("/api/roles?limit=1")
    assert [r["name"] for r in page.json] == ["audit"]
    assert "skip=1" in page.headers["Link"]
    changed = root.patch(f"/api/roles/{made.json['id']}", {"name": "helpers", "description": None}).json
    assert (changed["name"], changed["description"]) == ("helpers", None)
    assert root.patch(f"/api/roles/{made.json['id']}", {}).json == changed
    assert root.delete(f"/api/roles/{made.json['id']}").status_code == 204
    assert code(root.delete(f"/api/roles/{made.json['id']}")) == (404, "not_found")
    assert [r["name"] for r in ann.get("/api/roles").json] == ["audit"]


def test_the_name_of_a_role_is_unique(root: Client) -> None:
    role(root, "support")
    other = role(root, "other")
    assert code(root.post("/api/roles", {"name": "support"})) == (409, "role_taken")
    assert code(root.patch(f"/api/roles/{other}", {"name": "support"})) == (409, "role_taken")
    assert root.patch(f"/api/roles/{other}", {"name": "other"}).status_code == 200


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x7fb", "a\u202eb", "\0", "\ud800", 1, None])
def test_invalid_names_of_roles(root: Client, name: Any) -> None:
    assert code(root.post("/api/roles", {"name": name})) == (422, "validation_failed")
    assert code(root.patch(f"/api/roles/{role(root, 'x')}", {"name": name})) == (422, "validation_failed")


def test_one_of_several_concurrent_callers_creates_a_role(app: Flask, root: Client) -> None:
    answers = at_once([lambda: Client(app, root.token).post("/api/roles", {"name": "one"}) for _ in range(10)])
    assert sorted(a.status_code for a in answers) == [201] + [409] * 9


def test_grants(root: Client, make: Factory) -> None:
    ann = make.client()
    support = role(root, "support")
    path = f"/api/users/{ann.user.id}/roles/{support}"
    for _ in range(2):
        assert root.put(path).status_code == 204
    assert ann.get("/api/users/me").json["roles"] == ["support"]
    for _ in range(2):
        assert root.delete(path).status_code == 204
    assert ann.get("/api/users/me").json["roles"] == []
    granted = [e for e in trail(root, f"?target=user:{ann.user.id}") if e["action"].startswith("role.")]
    assert [(e["action"], e["data"]) for e in granted] == [
        ("role.revoked", {"role_id": support}),
        ("role.granted", {"role_id": support}),
    ]
    for missing in (f"/api/users/{2**62}/roles/{support}", f"/api/users/{ann.user.id}/roles/{2**62}"):
        assert code(root.put(missing)) == code(root.delete(missing)) == (404, "not_found")


def test_users_lose_a_deleted_role(root: Client, make: Factory) -> None:
    ann, support = make.client(), role(root, "support")
    root.put(f"/api/users/{ann.user.id}/roles/{support}")
    root.delete(f"/api/roles/{support}")
    assert ann.get("/api/users/me").json["roles"] == []
    assert trail(root, "?action=role.deleted")[0]["data"] == {"holders": 1}


def test_roles_are_set_by_name(root: Client, make: Factory) -> None:
    ann = make.client()
    for name in ("a", "b", "c"):
        role(root, name)
    path = f"/api/users/{ann.user.id}"
    assert root.patch(path, {"roles": ["a", "b", "a"]}).json["roles"] == ["a", "b"]
    assert root.patch(path, {"roles": ["b", "c"]}).json["roles"] == ["b", "c"]
    assert code(root.patch(path, {"roles": ["a", "none"]})) == (422, "validation_failed")
    assert root.get(path).json["roles"] == ["b", "c"]
    assert root.patch(path, {"roles": []}).json["roles"] == []


def test_a_deactivated_user_is_signed_out_at_once(app: Flask, root: Client, make: Factory) -> None:
    ann = make.client()
    script = Client(app, ann.post("/api/auth/tokens", {"name": "script"}).json["token"])
    tickets = [each.post("/api/auth/ws-ticket").json["ticket"] for each in (ann, script)]
    path = f"/api/users/{ann.user.id}"
    assert root.patch(path, {"is_active": False}).json["is_active"] is False
    assert code(ann.get("/api/users/me")) == (401, "token_revoked")
    with app.app_context():
        assert set(db.session.scalars(select(UserSession.is_active).where(UserSession.user_id == ann.user.id))) == {
            False
        }
    assert root.patch(path, {"is_active": True}).json["is_active"] is True
    assert code(ann.get("/api/users/me")) == (401, "token_revoked")
    assert script.get("/api/users/me").status_code == 200
    for ticket in tickets:
        with app.app_context(), pytest.raises(Unauthorized):
            identify_socket(ticket)
    actions = [e["action"] for e in trail(root, f"?target=user:{ann.user.id}")]
    assert actions == ["account.activated", "account.deactivated"]


def test_a_change_without_effect_is_not_recorded(root: Client, make: Factory) -> None:
    ann = make.user()
    before = len(trail(root))
    body = {"is_active": True, "is_superuser": False, "full_name": None, "roles": []}
    assert root.patch(f"/api/users/{ann.id}", body).status_code == 200
    assert root.patch(f"/api/users/{ann.id}", {}).status_code == 200
    assert len(trail(root)) == before


def test_a_superuser_sets_a_name(root: Client, make: Factory) -> None:
    ann = make.user(full_name="Rude Word")
    assert root.patch(f"/api/users/{ann.id}", {"full_name": "Ann"}).json["full_name"] == "Ann"
    assert trail(root)[0]["data"] == {"fields": ["full_name"]}


def test_the_last_superuser_stays(root: Client, make: Factory) -> None:
    me = f"/api/users/{root.user.id}"
    make.user("asleep", is_superuser=True, is_active=False)
    for body in ({"is_active": False}, {"is_superuser": False}):
        assert code(root.patch(me, body)) == (409, "last_superuser")
    other = make.user("other", is_superuser=True)
    assert root.patch(me, {"is_superuser": False}).status_code == 200
    assert code(root.get("/api/audit")) == (403, "forbidden")
    assert other.id


def test_two_superusers_who_demote_each_other(app: Flask, make: Factory) -> None:
    for _ in range(5):
        pair = [make.client(make.user(is_superuser=True)) for _ in range(2)]
        others = (pair[1].user.id, pair[0].user.id)
        calls = [
            lambda c=client, u=other: c.patch(f"/api/users/{u}", {"is_superuser": False})
            for client, other in zip(pair, others, strict=True)
        ]
        assert sorted(a.status_code for a in at_once(calls)) == [200, 403]
        with app.app_context():
            left = db.session.scalars(select(User).where(User.is_superuser)).all()
            assert len(left) == 1
            left[0].is_superuser = False
            db.session.commit()


def test_a_demotion_takes_privileged_scopes_from_tokens(app: Flask, root: Client, make: Factory) -> None:
    other = make.user(is_superuser=True)
    with app.app_context():
        for name, scopes in (("confab_1", ["health"]), ("confab_2", ["read", "admin"]), ("confab_3", ["read"])):
            db.session.add(ApiToken(user_id=other.id, name=name, token=hash_secret(name), scopes=scopes))
        db.session.commit()
    assert Client(app, "confab_1").get("/api/health/detailed").status_code == 200
    assert root.patch(f"/api/users/{other.id}", {"is_superuser": False}).status_code == 200
    assert code(Client(app, "confab_1").get("/api/health/detailed")) == (401, "token_revoked")
    with app.app_context():
        kept = {t.name: t.scopes for t in db.session.scalars(select(ApiToken))}
    assert kept == {"confab_2": ["read"], "confab_3": ["read"]}


def test_a_token_that_is_deleted_during_a_demotion(app: Flask, root: Client, make: Factory) -> None:
    other = make.user(is_superuser=True)
    with app.app_context():
        db.session.add(ApiToken(user_id=other.id, name="x", token=hash_secret("confab_x"), scopes=["read", "admin"]))
        db.session.commit()
    with hold_row(app, ApiToken) as deleting:
        answer = deleting.start(lambda: root.patch(f"/api/users/{other.id}", {"is_superuser": False}))
        deleting.wait_until_blocked()
        deleting.execute(delete(ApiToken))
    assert (answer.result().status_code, answer.result().json.get("is_superuser")) == (200, False)


@pytest.mark.parametrize(
    "body",
    [
        {"is_active": 1},
        {"is_superuser": "true"},
        {"is_active": None},
        {"roles": "admin"},
        {"roles": [1]},
        {"roles": [None]},
        {"roles": ["x"] * 101},
        {"full_name": "x" * 256},
        {"full_name": "a\0b"},
        {"full_name": ["x"]},
    ],
)
def test_invalid_bodies_are_refused(root: Client, make: Factory, body: dict[str, Any]) -> None:
    assert code(root.patch(f"/api/users/{make.user().id}", body)) == (422, "validation_failed")


def test_an_erased_account_cannot_be_changed(root: Client, make: Factory) -> None:
    from backend.models.base import utcnow

    erased = make.user(deleted_at=utcnow(), is_active=False)
    assert code(root.patch(f"/api/users/{erased.id}", {"is_active": True})) == (404, "not_found")
    assert code(root.patch(f"/api/users/{2**62}", {"is_active": True})) == (404, "not_found")
