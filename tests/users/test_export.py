"""The export: all data of a user, and no secrets."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

from flask import Flask
from PIL import Image
from sqlalchemy import text, update

from backend.audit.log import record, user_target
from backend.models import Attachment, Message, Reaction, User
from backend.models.base import db, utcnow
from backend.models.conversation import dm_conversation_id
from backend.storage import storage
from backend.users.schemas import AccountExportSchema
from tests.client import Client
from tests.factories import Factory

AVATAR = "/api/users/me/avatar"
MULTIPART = "multipart/form-data"


def png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


def test_the_export_holds_everything_and_no_secret(app: Flask, make: Factory, zeph: Client) -> None:
    ann = make.client()
    room = make.room(zeph, "room", ann)
    for n in range(3):
        zeph.post("/api/chat/send", {"content": f"mine {n}", "room_id": room["id"]})
    ann.post("/api/chat/send", {"content": "not mine", "room_id": room["id"]})
    zeph.put(f"/api/users/me/blocks/{ann.user.id}")
    token = zeph.post("/api/auth/tokens", {"name": "script"}).json["token"]
    response = zeph.get("/api/users/me/export")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Cache-Control"] == "no-store"
    found = response.json
    assert found["user"]["email"] == "zq@example.com"
    assert [m["content"] for m in found["messages"]] == ["mine 0", "mine 1", "mine 2"]
    assert [s["device_info"] for s in found["sessions"]] == ["Netscape-9"]
    assert [t["name"] for t in found["api_tokens"]] == ["script"]
    assert [b["blocked_id"] for b in found["blocks"]] == [ann.user.id]
    assert [r["room_id"] for r in found["rooms"]] == [room["id"]]
    assert {c["conversation_id"] for c in found["conversations"]} == {"lobby", room["conversation_id"]}
    assert "login.ok" in {e["action"] for e in found["security_events"]}
    assert found["reports"] == found["attachments"] == found["reactions"] == found["mentions"] == []
    raw = response.get_data(as_text=True)
    assert token not in raw
    with app.app_context():
        hashes = [h for row in db.session.execute(text("SELECT token FROM refresh_tokens")) for h in row]
        hashes += [h for row in db.session.execute(text("SELECT hashed_password FROM users")) for h in row if h]
    assert not any(h in raw for h in hashes)


def test_the_export_holds_edits_reactions_mentions_pins_and_files(
    make: Factory, zeph: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr("backend.accounts.export.BATCH", 2)
    ann, zid = make.client(), zeph.user.id  # type: ignore[attr-defined]
    file = zeph.post("/api/chat/attachments", data={"file": (BytesIO(png()), "red.png")}, content_type=MULTIPART).json
    sent = zeph.post("/api/chat/send", {"content": "one", "recipient_id": ann.user.id, "attachment_ids": [file["id"]]})
    message = sent.json
    for content in ("two", "three", "four"):
        zeph.patch(f"/api/chat/messages/{message['id']}", {"content": content})
    deleted = zeph.post("/api/chat/send", {"content": "slip"}).json
    zeph.patch(f"/api/chat/messages/{deleted['id']}", {"content": "slipped"})
    zeph.delete(f"/api/chat/messages/{deleted['id']}")
    named = ann.post("/api/chat/send", {"content": f"@{zeph.user.username}", "recipient_id": zid}).json  # type: ignore[attr-defined]
    ann.patch(f"/api/chat/messages/{named['id']}", {"content": f"hello @{zeph.user.username}"})  # type: ignore[attr-defined]
    for client, liked in ((zeph, named), (ann, message)):
        client.put(f"/api/chat/messages/{liked['id']}/reactions/%F0%9F%91%8D")
        client.put(f"/api/chat/messages/{liked['id']}/pin")

    found = zeph.get("/api/users/me/export").json

    assert [(row["message_id"], row["content"]) for row in found["edits"]] == [
        (message["id"], content) for content in ("one", "two", "three")
    ]
    assert all(row["edited_at"] for row in found["edits"])
    assert [(row["message_id"], row["emoji"]) for row in found["reactions"]] == [(named["id"], "👍")]
    place = named["conversation_id"]
    for name in ("pins", "mentions"):
        assert [(row["message_id"], row["conversation_id"]) for row in found[name]] == [(named["id"], place)]
    assert [(row["id"], row["filename"], row["size"]) for row in found["attachments"]] == [
        (file["id"], "red.png", len(png()))
    ]
    assert [(row["content"], len(row["attachments"])) for row in found["messages"]] == [("four", 1), ("", 0)]
    assert "slip" not in zeph.get("/api/users/me/export").text


def test_the_export_is_written_in_pages(app: Flask, make: Factory, zeph: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("backend.accounts.export.BATCH", 2)
    for n in range(5):
        zeph.post("/api/chat/send", {"content": f"{n}"})
    for _ in range(3):
        zeph.put(f"/api/users/me/blocks/{make.user().id}")
    found = zeph.get("/api/users/me/export").json
    assert [m["content"] for m in found["messages"]] == ["0", "1", "2", "3", "4"]
    assert len(found["blocks"]) == 3


def test_the_export_names_rooms_and_people(app: Flask, make: Factory, zeph: Client) -> None:
    ann, bob, eve = (make.client(make.user(name, full_name=name.title())) for name in ("ann_l", "bob_k", "eve_m"))
    room = make.room(zeph, "Ünder the stairs", ann)
    zeph.post("/api/chat/send", {"content": "hello @bob_k", "room_id": room["id"]})
    zeph.post("/api/chat/send", {"content": "hello", "recipient_id": ann.user.id})
    zeph.put(f"/api/users/me/blocks/{eve.user.id}")
    found = zeph.get("/api/users/me/export").json
    people = {
        user.id: {"id": user.id, "username": user.username, "full_name": user.full_name}
        for user in (ann.user, bob.user, eve.user)
    }
    conversations = {row["conversation_id"]: (row["room"], row["user"]) for row in found["conversations"]}
    assert conversations == {
        "lobby": (None, None),
        room["conversation_id"]: ({"id": room["id"], "name": "Ünder the stairs"}, None),
        dm_conversation_id(zeph.user.id, ann.user.id): (None, people[ann.user.id]),
    }
    assert [(row["room_id"], row["name"]) for row in found["rooms"]] == [(room["id"], "Ünder the stairs")]
    assert [row["user"] for row in found["blocks"]] == [people[eve.user.id]]
    named = {int(user_id): user for user_id, user in found["users"].items()}
    assert {user_id: user for user_id, user in named.items() if user_id != zeph.user.id} == {
        user_id: people[user_id] for user_id in (ann.user.id, eve.user.id)
    }
    assert named[zeph.user.id]["username"] == zeph.user.username


def test_the_export_names_those_who_were_mentioned_or_reacted_and_whom_events_concern(
    app: Flask, make: Factory, zeph: Client
) -> None:
    ann, bob, cleo = make.client(), make.client(), make.user()
    room = make.room(zeph, "room", ann, bob)
    sent = zeph.post("/api/chat/send", {"content": f"hello @{ann.user.username}", "room_id": room["id"]}).json
    with app.app_context():
        db.session.add(Reaction(message_id=sent["id"], user_id=bob.user.id, emoji="👍"))
        db.session.execute(update(Message).where(Message.id == sent["id"]).values(has_extras=True))
        record("role.granted", zeph.user.id, user_target(cleo.id), {"role_id": 1})
        db.session.commit()
    found = zeph.get("/api/users/me/export").json
    assert found["users"].keys() == {str(user.id) for user in (zeph.user, ann.user, bob.user, cleo)}


def test_the_export_names_nothing_that_the_caller_may_not_see(app: Flask, make: Factory, zeph: Client) -> None:
    ann, gone = make.client(), make.client()
    public, private = make.room(ann, "public room"), make.room(ann, "private room", zeph, is_public=False)
    closed = make.room(ann, "closed room", zeph)
    zeph.post(f"/api/rooms/{public['id']}/join")
    for room in (public, private, closed):
        zeph.post("/api/chat/send", {"content": "hello", "room_id": room["id"]})
    zeph.post("/api/chat/send", {"content": "hello", "recipient_id": gone.user.id})
    for room in (public, private):
        assert zeph.post(f"/api/rooms/{room['id']}/leave").status_code == 204
    assert ann.patch(f"/api/rooms/{private['id']}", {"name": "renamed since"}).status_code == 200
    assert ann.delete(f"/api/rooms/{closed['id']}").status_code == 204
    with app.app_context():
        db.session.execute(update(User).where(User.id == gone.user.id).values(deleted_at=utcnow(), is_active=False))
        db.session.commit()
    response = zeph.get("/api/users/me/export")
    names = {row["room_id"]: row["name"] for row in response.json["rooms"]}
    assert names[public["id"]] == "public room"
    assert names[private["id"]] is None
    assert names.get(closed["id"]) is None
    raw = response.get_data(as_text=True)
    for hidden in ("private room", "renamed since", "closed room", gone.user.username):
        assert hidden not in raw


def test_names_are_read_in_pages(app: Flask, make: Factory, zeph: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("backend.accounts.export.BATCH", 2)
    monkeypatch.setattr("backend.accounts.export_names.BATCH", 2)
    people = [make.user() for _ in range(5)]
    for user in people:
        zeph.post("/api/chat/send", {"content": "hello", "recipient_id": user.id})
    found = zeph.get("/api/users/me/export").json
    assert found["users"].keys() == {str(user.id) for user in (*people, zeph.user)}
    assert {row["user"]["id"] for row in found["conversations"] if row["user"]} == {user.id for user in people}


def test_the_zip_holds_the_same_document_and_the_files(app: Flask, make: Factory, zeph: Client) -> None:
    zeph.post("/api/chat/send", {"content": "mine"})
    assert zeph.put(AVATAR, data={"file": (BytesIO(png()), "me.png")}, content_type=MULTIPART).status_code == 200
    with app.app_context():
        for key, name, user in (
            ("a/1", "../naïve?.txt", zeph.user),
            ("a/2", "lost", zeph.user),
            ("a/3", "x", make.user()),
        ):
            if name != "lost":
                storage().write(key, BytesIO(b"the bytes of " + key.encode()))
            row = Attachment(user_id=user.id, filename=name, content_type="text/plain", size=16, storage_key=key)
            db.session.add(row)
        db.session.commit()
    response = zeph.get("/api/users/me/export?format=zip")
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    assert response.headers["Content-Disposition"] == 'attachment; filename="confab-export.zip"'
    assert response.headers["Cache-Control"] == "no-store"
    archive = zipfile.ZipFile(BytesIO(response.get_data()))
    assert archive.testzip() is None
    document = json.loads(archive.read("export.json"))
    number = document["attachments"][0]["id"]
    attachment = f"attachments/{number}-_naïve_.txt"
    assert archive.namelist() == ["export.json", "avatar.webp", attachment]
    assert archive.read(attachment) == b"the bytes of a/1"
    assert archive.read("avatar.webp") == zeph.get(f"/api/users/{zeph.user.id}/avatar").get_data()
    as_json = zeph.get("/api/users/me/export?format=json").json
    for changing in ("exported_at", "security_events"):
        document.pop(changing), as_json.pop(changing)
    assert document == as_json


def test_another_format_is_refused(zeph: Client) -> None:
    for given in ("xml", "ZIP", ""):
        response = zeph.get(f"/api/users/me/export?format={given}")
        assert response.status_code == 422
        assert response.json["errors"].keys() == {"format"}


def test_the_schema_names_every_part(zeph: Client) -> None:
    assert zeph.get("/api/users/me/export").json.keys() == AccountExportSchema().fields.keys()


def test_the_openapi_document_names_both_types(app: Flask) -> None:
    operation = Client(app).get("/openapi.json").json["paths"]["/api/users/me/export"]["get"]
    assert operation["responses"]["200"]["content"].keys() == {"application/json", "application/zip"}
    (parameter,) = [p for p in operation["parameters"] if p["name"] == "format"]
    assert parameter["schema"]["enum"] == ["json", "zip"]
    assert parameter["schema"]["default"] == "json"
