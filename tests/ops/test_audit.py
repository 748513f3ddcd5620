"""The audit trail: complete, correct, without secrets, and for superusers."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from backend.audit.log import ACTIONS, record
from backend.models import AuditEvent
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries
from tests.servers import ROOT

PASSWORD = "password123"


@pytest.fixture
def root(make: Factory) -> Client:
    return make.client(make.user("root", is_superuser=True))


def test_every_recorded_action_is_described() -> None:
    used = set()
    for path in (ROOT / "backend").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("record") and node.args:
                used |= {
                    leaf.value
                    for leaf in ast.walk(node.args[0])
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
                }
    assert used - set(ACTIONS) == set()
    assert set(ACTIONS) - used == set(), "described, and never recorded"


def test_logins_and_their_failures(app: Flask, root: Client) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD}
    client = Client(app)
    where = {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}}
    ann = client.post("/api/auth/register", body, **where).json["user"]["id"]
    client.post("/api/auth/login", body, **where)
    client.post("/api/auth/login", body | {"password": "wrong-password"}, **where)
    client.post("/api/auth/login", body | {"email": "nobody@example.com"}, **where)
    client.post("/token", data={"username": "ann@example.com", "password": "wrong"}, **where)
    events = [(e["action"], e["actor_id"], e["target"]) for e in root.get("/api/audit").json]
    mine = f"user:{ann}"
    assert [e for e in events if e[0] == "login.failed"] == [
        ("login.failed", None, mine),
        ("login.failed", None, None),
        ("login.failed", None, mine),
    ]
    assert [e[0] for e in events if e[1] == ann] == ["login.ok", "login.ok", "account.created"]
    assert {e["ip_address"] for e in root.get("/api/audit").json} == {"203.0.113.7"}
    with app.app_context():
        dump = str(db.session.execute(text("SELECT * FROM audit_events")).all())
    for secret in (PASSWORD, "wrong", "nobody@example.com", "ann@example.com"):
        assert secret not in dump


def test_ended_sessions_and_reused_tokens(app: Flask, root: Client, monkeypatch: Any) -> None:
    from datetime import timedelta

    body = {"email": "ann@example.com", "password": PASSWORD}
    client = Client(app)
    first = client.post("/api/auth/register", body).json
    client.post("/api/auth/refresh", {"refresh_token": first["refresh_token"]})
    monkeypatch.setattr("backend.auth.sessions.REUSE_GRACE", timedelta(0))
    client.post("/api/auth/refresh", {"refresh_token": first["refresh_token"]})
    tokens = [client.post("/api/auth/login", body).json["access_token"] for _ in range(3)]
    sessions = Client(app, tokens[0]).get("/api/auth/sessions").json
    Client(app, tokens[0]).delete(f"/api/auth/sessions/{sessions[0]['id']}")
    Client(app, tokens[0]).delete("/api/auth/sessions")
    Client(app, tokens[0]).post("/api/auth/logout")
    events = [e for e in root.get("/api/audit").json if e["action"] in ("session.ended", "token.reused")]
    assert [(e["action"], (e["data"] or {}).get("why")) for e in events] == [
        ("session.ended", "logout"),
        ("session.ended", "by hand"),
        ("session.ended", "by hand"),
        ("token.reused", None),
    ]


def test_a_room_that_a_superuser_deletes(root: Client, make: Factory) -> None:
    ann = make.client()
    own, hers = make.room(root, "own"), make.room(ann, "hers", is_public=False)
    for room in (own, hers):
        assert root.delete(f"/api/rooms/{room['id']}").status_code == 204
    events = root.get("/api/audit?action=room.deleted").json
    assert [(e["actor_id"], e["target"]) for e in events] == [(root.user.id, f"room:{hers['id']}")]  # type: ignore[attr-defined]


def test_filters_and_pages(app: Flask, root: Client) -> None:
    with app.app_context():
        for n in range(6):
            record("login.ok" if n % 2 else "login.failed", n % 3 or None, f"user:{n}", {"n": n})
        db.session.commit()

    def numbers(query: str) -> list[int]:
        return [e["data"]["n"] for e in root.get(f"/api/audit?{query}").json]

    assert numbers("") == [5, 4, 3, 2, 1, 0]
    assert numbers("action=login.ok") == [5, 3, 1]
    assert numbers("actor_id=2") == [5, 2]
    assert numbers("target=user:4") == [4]
    assert numbers("action=login.ok&actor_id=2") == [5]
    assert numbers("action=nothing") == []
    page = root.get("/api/audit?action=login.ok&limit=2")
    assert page.headers["Link"] == '</api/audit?action=login.ok&limit=2&skip=2>; rel="next"'
    assert numbers("action=login.ok&limit=2&skip=2") == [1]
    with count_queries(app) as queries:
        root.get("/api/audit")
    assert len(queries) == 2


@pytest.mark.parametrize("query", ["actor_id=x", "actor_id=0", "action=a%00b", "limit=101", "target=" + "x" * 101])
def test_invalid_filters(root: Client, query: str) -> None:
    assert root.get(f"/api/audit?{query}").status_code == 422


def test_an_event_is_rolled_back_with_its_change(app: Flask) -> None:
    with app.app_context():
        record("login.ok", 1)
        db.session.rollback()
        record("login.ok", 2)
        db.session.commit()
        (event,) = db.session.scalars(select(AuditEvent)).all()
        assert (event.actor_id, event.target, event.data, event.ip_address) == (2, None, None, None)
        null = db.session.execute(text("SELECT count(*) FROM audit_events WHERE data IS NULL")).scalar()
        assert null == 1, "no data is NULL, and not the text null"
