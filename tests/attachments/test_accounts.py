"""Attachments in the export of an account, and their removal by its erasure."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

from flask import Flask
from sqlalchemy import update

from backend.models import Attachment
from backend.models.base import db
from backend.security.hashing import hash_password
from backend.storage import Storage
from tests.attachments.conftest import code, keys, picture, rows, send, uploaded
from tests.client import Client
from tests.conftest import PASSWORD
from tests.factories import Factory
from tests.users.test_erasure import erase


def test_an_export_contains_the_files(app: Flask, make: Factory, store: Storage) -> None:
    ann, bob = make.client(), make.client()
    sent, unsent, pending = uploaded(ann, picture(), "a.png"), uploaded(ann, b"draft", "b.txt"), uploaded(ann)
    send(ann, attachment_ids=[sent["id"]])
    send(bob, attachment_ids=[uploaded(bob)["id"]])
    with app.app_context():
        db.session.execute(update(Attachment).where(Attachment.id == pending["id"]).values(state="pending"))
        db.session.commit()
    archive = zipfile.ZipFile(BytesIO(ann.get("/api/users/me/export?format=zip").data))
    document = json.loads(archive.read("export.json"))
    assert document["attachments"] == [sent, unsent]
    assert document["messages"][0]["attachments"] == [sent]
    names = [f"attachments/{sent['id']}-a.png", f"attachments/{unsent['id']}-b.txt"]
    assert archive.namelist() == ["export.json", *names]
    assert [archive.read(name) for name in names] == [picture(), b"draft"]


def test_erasure_deletes_all_files(app: Flask, make: Factory, store: Storage) -> None:
    ann, bob = make.client(make.user(hashed_password=hash_password(PASSWORD))), make.client()
    room = make.room(bob, "room", ann)
    with_picture = uploaded(ann, picture(), "Geheimplan.png")
    in_room = send(ann, room_id=room["id"], attachment_ids=[with_picture["id"]])
    to_self = send(ann, recipient_id=ann.user.id, attachment_ids=[uploaded(ann)["id"]])  # type: ignore[attr-defined]
    uploaded(ann)
    others = uploaded(bob)
    send(bob, room_id=room["id"], attachment_ids=[others["id"]])
    link = bob.get(f"{with_picture['url']}/link").json["url"]
    assert len(bob.get("/api/chat/search?q=geheimplan").json) == 1
    assert erase(ann).status_code == 204
    shown = bob.get(f"/api/chat/messages/{in_room['id']}").json
    assert (shown["content"], shown["attachments"]) == ("hello", [])
    assert shown["modseq"] > in_room["modseq"]
    assert code(bob.get(f"/api/chat/messages/{to_self['id']}")) == (404, "not_found")
    assert code(Client(app).get(link)) == (404, "not_found")
    assert bob.get("/api/chat/search?q=geheimplan").json == []
    [row] = rows(app)
    assert (row.id, keys(store)) == (others["id"], [row.storage_key])
