"""The rights of API tokens: a superuser's power needs the scope `admin`, and to see anything needs `read`."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from backend.models import ApiToken, Reaction, User
from backend.models.base import db
from backend.security.hashing import hash_secret, new_secret
from tests.client import Client
from tests.factories import Factory

PRIVATE = {"email", "mobile", "is_superuser", "email_verified", "mobile_verified"}


def script(app: Flask, user: User, *scopes: str) -> Client:
    """A client with an API token of *user*."""
    secret = f"confab_{new_secret()}"
    with app.app_context():
        db.session.add(ApiToken(user_id=user.id, name="script", token=hash_secret(secret), scopes=list(scopes)))
        db.session.commit()
    return Client(app, secret)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


@pytest.fixture
def root(make: Factory) -> User:
    return make.user(is_superuser=True)


def test_a_superusers_token_without_admin_reads_no_private_fields(app: Flask, make: Factory, root: User) -> None:
    ann = make.client()
    make.user("gone", is_active=False)
    room = make.room(ann, "room", make.client(root))
    reader, powerful = script(app, root, "read", "write"), script(app, root, "read", "admin")
    reader.post("/api/chat/send", {"content": "hello", "recipient_id": ann.user.id})  # type: ignore[attr-defined]

    def faces(client: Client) -> list[dict[str, Any]]:
        inbox = client.get("/api/chat/conversations").json
        synced = client.post("/api/chat/sync", {"conversations": {}}).json["conversations"]
        members = next(row["members"] for row in synced if row["id"] == f"room:{room['id']}")
        found = [member["user"] for member in members] + [row["user"] for row in inbox if row["kind"] == "dm"]
        found += client.get("/api/users").json
        found.append(client.get(f"/api/users/{ann.user.id}").json)  # type: ignore[attr-defined]
        return [face for face in found if face["id"] != root.id]

    assert len(faces(reader)) >= 4
    assert [face for face in faces(reader) if not PRIVATE.isdisjoint(face)] == []
    assert [face for face in faces(powerful) if not face.keys() >= PRIVATE] == []
    assert "gone" not in {face["username"] for face in faces(reader)}
    assert "gone" in {face["username"] for face in faces(powerful)}
    assert reader.get("/api/users/me").json.keys() >= PRIVATE


def test_a_superusers_token_without_admin_cannot_delete_other_owners_rooms(
    app: Flask, make: Factory, root: User
) -> None:
    rooms = [make.room(make.client(), is_public=is_public)["id"] for is_public in (False, True)]
    writer, powerful = script(app, root, "read", "write"), script(app, root, "write", "admin")
    assert code(writer.delete(f"/api/rooms/{rooms[0]}")) == (404, "not_found")
    assert code(writer.delete(f"/api/rooms/{rooms[1]}")) == (403, "forbidden")
    assert code(script(app, root, "read", "admin").delete(f"/api/rooms/{rooms[0]}")) == (403, "insufficient_scope")
    assert [powerful.delete(f"/api/rooms/{id_}").status_code for id_ in rooms] == [204, 204]


def test_the_scope_alone_gives_no_power(app: Flask, make: Factory, root: User) -> None:
    powerless = script(app, make.user(), "read", "write", "admin")
    room = make.room(make.client(), is_public=False)
    assert code(powerless.delete(f"/api/rooms/{room['id']}")) == (404, "not_found")
    assert PRIVATE.isdisjoint(powerless.get(f"/api/users/{root.id}").json)
    assert code(powerless.get("/api/audit")) == (403, "forbidden")


@pytest.mark.parametrize("path", ["/api/audit", "/api/reports"])
def test_what_superusers_read_needs_read_as_well(app: Flask, root: User, path: str) -> None:
    assert script(app, root, "read", "admin").get(path).status_code == 200
    assert code(script(app, root, "admin", "write").get(path)) == (403, "insufficient_scope")


def test_a_superusers_write_without_read_returns_nobodys_fields(app: Flask, make: Factory, root: User) -> None:
    ann = make.user(full_name="Ann Li")
    blind = script(app, root, "admin")
    changed = blind.patch(f"/api/users/{ann.id}", {"full_name": "Ann Lind", "is_active": True})
    assert (changed.status_code, changed.json) == (200, {"id": ann.id, "full_name": "Ann Lind", "is_active": True})
    seeing = script(app, root, "admin", "read").patch(f"/api/users/{ann.id}", {"is_active": True})
    assert seeing.json["email"] == ann.email


def test_a_token_without_read_does_not_see_its_owner(app: Flask, make: Factory) -> None:
    ann = make.user(first_name="Ann", mobile="+46701740605")
    writer = script(app, ann, "write")
    changed = writer.patch("/api/users/me", {"bio": "I fish.", "last_name": " Li "})
    assert (changed.status_code, changed.json) == (200, {"id": ann.id, "bio": "I fish."})
    assert script(app, ann, "read", "write").patch("/api/users/me", {}).json["mobile"] == "+46701740605"


def test_a_token_without_read_does_not_see_the_messages_of_others(app: Flask, make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "plans", bob, description="secret", is_public=False)
    bob.post("/api/chat/send", {"content": "a secret", "room_id": room["id"]})
    writer = script(app, ann.user, "write")  # type: ignore[attr-defined]
    inbox = f"/api/chat/conversations/room:{room['id']}"
    assert writer.post(f"{inbox}/read", {"seq": 1}).json == {"id": f"room:{room['id']}"}
    assert writer.patch(inbox, {"is_muted": True}).json == {"id": f"room:{room['id']}", "is_muted": True}
    assert writer.patch(f"/api/rooms/{room['id']}", {"is_public": False}).json == {"id": room["id"], "is_public": False}
    made = writer.post("/api/rooms", {"name": "mine"})
    assert (made.status_code, made.json["member_count"]) == (201, 1)


def test_a_token_without_read_sees_its_own_message_as_it_sent_it(app: Flask, make: Factory) -> None:
    ann, bob = make.client(), make.client()
    body = {"content": "hello", "recipient_id": bob.user.id, "client_message_id": "a"}  # type: ignore[attr-defined]
    writer = script(app, ann.user, "write")  # type: ignore[attr-defined]
    sent = writer.post("/api/chat/send", body)
    assert (sent.status_code, sent.json["content"], sent.json["client_message_id"]) == (201, "hello", "a")
    name = sent.json["conversation_id"]
    bob.post("/api/chat/send", {"content": "hi", "conversation_id": name, "parent_id": sent.json["id"]})
    bob.post(f"/api/chat/conversations/{name}/read", {"seq": 1})
    with app.app_context():
        reaction = Reaction(message_id=sent.json["id"], user_id=bob.user.id, emoji="👍")  # type: ignore[attr-defined]
        db.session.add(reaction)
        db.session.commit()
    again = writer.post("/api/chat/send", body)
    others = {"is_read": False, "reply_count": 0, "is_pinned": False, "reactions": []}
    assert again.status_code == 200
    assert {name: again.json[name] for name in others} == others
    seen = ann.post("/api/chat/send", body).json
    assert (seen["is_read"], seen["reply_count"]) == (True, 1)
