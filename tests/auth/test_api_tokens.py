"""API tokens: their scopes, who may grant them, and that a deleted token is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select, text

from backend.auth.sweeping import sweep
from backend.events import Event
from backend.models import ApiToken, RevokedToken
from backend.models.base import db, utcnow
from backend.state import confab_state
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries
from tests.races import at_once, hold_row

URL = "/api/auth/tokens"


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def create(client: Client, **body: Any) -> dict[str, Any]:
    response = client.post(URL, {"name": "script"} | body)
    assert response.status_code == 201, response.json
    assert response.headers["Cache-Control"] == "no-store"
    made: dict[str, Any] = response.json
    return made


def test_a_token_is_shown_once_and_kept_as_a_hash(app: Flask, make: Factory) -> None:
    ann = make.client()
    made = create(ann, name=" backup ")
    assert made["token"].startswith("confab_")
    assert (made["name"], made["scopes"], made["expires_at"], made["last_used_at"]) == (
        "backup", ["read", "write"], None, None,
    )  # fmt: skip
    (listed,) = ann.get(URL).json
    assert listed == {name: value for name, value in made.items() if name != "token"}
    with app.app_context():
        dump = str(db.session.execute(text("SELECT * FROM api_tokens")).all())
    assert made["token"] not in dump
    assert Client(app, made["token"]).get("/api/users/me").json["id"] == ann.user.id


def test_scopes(app: Flask, make: Factory) -> None:
    ann = make.client()
    reader = Client(app, create(ann, scopes=["read"])["token"])
    writer = Client(app, create(ann, scopes=["write", "write"])["token"])
    assert reader.get("/api/rooms").status_code == 200
    assert code(reader.post("/api/rooms", {"name": "x"})) == (403, "insufficient_scope")
    assert writer.post("/api/rooms", {"name": "x"}).status_code == 201
    assert code(writer.get("/api/rooms")) == (403, "insufficient_scope")
    catching_up = "/api/chat/sync", {"conversations": {}}
    assert reader.post(*catching_up).status_code == 200
    assert code(writer.post(*catching_up)) == (403, "insufficient_scope")
    assert [t["scopes"] for t in ann.get(URL).json] == [["write"], ["read"]]


@pytest.mark.parametrize("scope", ["admin", "health"])
def test_only_superusers_grant_the_superusers_scopes(app: Flask, make: Factory, scope: str) -> None:
    assert code(make.client().post(URL, {"name": "x", "scopes": ["read", scope]})) == (403, "forbidden")
    root = make.client(make.user(is_superuser=True))
    token = Client(app, create(root, scopes=[scope])["token"])
    seeing = Client(app, create(root, scopes=["read", scope])["token"])
    expected = {"admin": 200, "health": 403}[scope]
    assert (seeing.get("/api/audit").status_code, seeing.get("/api/health/detailed").status_code) == (expected, 200)
    assert (token.get("/api/audit").status_code, token.get("/api/health/detailed").status_code) == (403, 200)
    assert code(token.get("/api/users/me")) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": ["read", "root"]},
        {"scopes": []},
        {"scopes": "read"},
        {"scopes": None},
        {"scopes": [1]},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": None},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2099-01-01T00:00:00"},
        {"expires_at": "tomorrow"},
        {"expires_at": 4102444800},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"token": "confab_mine"},
        {"user_id": 1},
        {"last_used_at": None},
    ],
)
def test_invalid_tokens_are_refused(make: Factory, body: dict[str, Any]) -> None:
    assert code(make.client().post(URL, {"name": "script"} | body)) == (422, "validation_failed")


def test_a_token_expires(app: Flask, make: Factory) -> None:
    ann = make.client()
    made = create(ann, expires_at=(utcnow() + timedelta(hours=2)).isoformat())
    assert made["expires_at"].endswith("Z")
    script = Client(app, made["token"])
    assert script.get("/api/rooms").status_code == 200
    with app.app_context():
        db.session.execute(db.update(ApiToken).values(expires_at=utcnow()))
        db.session.commit()
    assert code(script.get("/api/rooms")) == (401, "token_expired")


def test_a_token_is_valid_until_it_expires(app: Flask, make: Factory) -> None:
    with time_machine.travel(utcnow().replace(microsecond=0), tick=False) as clock:
        script = Client(app, create(make.client(), expires_at=(utcnow() + timedelta(minutes=2)).isoformat())["token"])
        clock.shift(119)
        assert script.get("/api/rooms").status_code == 200
        clock.shift(1)
        assert code(script.get("/api/rooms")) == (401, "token_expired")


def test_tokens_of_other_users_are_neither_listed_nor_counted(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.auth.api_tokens.MOST", 2)
    ann, bob = make.client(), make.client()
    hers = [create(ann)["id"], create(ann)["id"]]
    his = [create(bob)["id"], create(bob)["id"]]
    assert [t["id"] for t in ann.get(URL).json] == hers[::-1]
    assert "Link" not in ann.get(f"{URL}?limit=2").headers
    assert ann.delete(f"{URL}/{hers[0]}").status_code == 204
    assert [[t["id"] for t in each.get(URL).json] for each in (ann, bob)] == [[hers[1]], his[::-1]]


def test_a_user_has_100_tokens(app: Flask, make: Factory) -> None:
    ann = make.client()
    user_id: int = ann.user.id  # type: ignore[attr-defined]
    with app.app_context():
        rows = [{"user_id": user_id, "name": "x", "token": f"{n}", "scopes": ["read"]} for n in range(99)]
        db.session.execute(insert(ApiToken), rows)
        db.session.commit()
    create(ann)
    assert code(ann.post(URL, {"name": "x"})) == (409, "too_many_tokens")


def test_a_deleted_token_is_refused(app: Flask, make: Factory) -> None:
    ann, mallory = make.client(), make.client()
    made = create(ann)
    script = Client(app, made["token"])
    ticket = script.post("/api/auth/ws-ticket").json["ticket"]
    assert code(mallory.delete(f"{URL}/{made['id']}")) == (404, "not_found")
    assert ann.delete(f"{URL}/{made['id']}").status_code == 204
    assert code(ann.delete(f"{URL}/{made['id']}")) == (404, "not_found")
    assert code(script.get("/api/rooms")) == (401, "token_revoked")
    assert code(Client(app, made["token"] + "x").get("/api/rooms")) == (401, "unauthorized")
    with app.app_context():
        from backend.errors import Unauthorized
        from backend.identity.tickets import identify_socket

        with pytest.raises(Unauthorized):
            identify_socket(ticket)
    root = make.client(make.user(is_superuser=True))
    found = [(e["action"], e["data"]) for e in root.get(f"/api/audit?target=api_token:{made['id']}").json]
    assert found == [("api_token.deleted", None), ("api_token.created", {"scopes": ["read", "write"]})]


def test_the_sockets_of_a_deleted_token_are_told_to_close(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    made = create(ann)
    published: list[Event] = []
    monkeypatch.setattr(confab_state(app).bus, "publish", published.extend)
    assert ann.delete(f"{URL}/{made['id'] + 1}").status_code == 404
    assert published == []
    assert ann.delete(f"{URL}/{made['id']}").status_code == 204
    assert [(event.type, event.user_id) for event in published] == [("control.credentials_revoked", ann.user.id)]


def test_a_revoked_token_is_remembered_for_a_year(app: Flask, make: Factory) -> None:
    ann = make.client()
    long_ago, lately = create(ann), create(ann)
    assert ann.delete(f"{URL}/{long_ago['id']}").status_code == 204
    with app.app_context():
        db.session.execute(db.update(RevokedToken).values(created_at=utcnow() - timedelta(days=366)))
        db.session.commit()
    assert ann.delete(f"{URL}/{lately['id']}").status_code == 204
    with app.app_context():
        sweep()
    answers = [code(Client(app, each["token"]).get("/api/rooms")) for each in (long_ago, lately)]
    assert answers == [(401, "unauthorized"), (401, "token_revoked")]


def test_a_token_may_neither_create_list_nor_delete_tokens(app: Flask, make: Factory) -> None:
    root = make.client(make.user(is_superuser=True))
    made = create(root, scopes=["read", "write", "admin", "health"])
    script = Client(app, made["token"])
    assert code(script.post(URL, {"name": "x"})) == (403, "reauthentication_required")
    for call in (script.get(URL), script.delete(f"{URL}/{made['id']}")):
        assert code(call) == (403, "forbidden")
    assert len(root.get(URL).json) == 1


def test_the_last_use_is_recorded_once_a_minute(app: Flask, make: Factory) -> None:
    ann = make.client()
    create(ann)
    script, other = Client(app, create(ann)["token"]), create(make.client())
    assert script.get("/api/rooms").status_code == 200
    listed, unused = ann.get(URL).json
    assert listed["last_used_at"] is not None
    assert unused["last_used_at"] is None
    assert Client(app, other["token"]).get("/api/rooms").status_code == 200
    with count_queries(app) as queries:
        script.get("/api/rooms")
    assert not any(q.startswith("UPDATE") for q in queries)
    assert ann.get(URL).json == [listed, unused]
    with app.app_context():
        db.session.execute(db.update(ApiToken).values(last_used_at=utcnow() - timedelta(seconds=61)))
        db.session.commit()
    script.get("/api/rooms")
    assert ann.get(URL).json[0]["last_used_at"] > listed["last_used_at"]


def test_a_use_does_not_wait_for_a_lock_on_its_row(postgresql_app: Flask, wiped: None) -> None:
    make = Factory(postgresql_app)
    script = Client(postgresql_app, create(make.client())["token"])
    with hold_row(postgresql_app, ApiToken) as held:
        assert script.get("/api/rooms").status_code == 200
        assert held.execute(select(ApiToken.last_used_at)).scalar() is None


def test_a_call_succeeds_although_its_use_cannot_be_recorded(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import Engine, exc

    script = Client(app, create(make.client())["token"])

    def away(_: Engine) -> None:
        raise exc.TimeoutError("no connection is free")

    monkeypatch.setattr(Engine, "begin", away)
    assert script.get("/api/rooms").status_code == 200


def test_the_number_of_tokens_of_a_user_is_limited(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.auth.api_tokens.MOST", 3)
    ann = make.client()
    answers = at_once([lambda: Client(app, ann.token).post(URL, {"name": "x"}) for _ in range(8)])
    assert sorted(a.status_code for a in answers) == [201] * 3 + [409] * 5
    assert code(ann.post(URL, {"name": "x"})) == (409, "too_many_tokens")
    page = ann.get(f"{URL}?limit=2")
    assert len(page.json) == 2
    assert "skip=2" in page.headers["Link"]
