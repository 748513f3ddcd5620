"""The export: everything of a user and no secret."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import text

from backend.models.base import db
from tests.client import Client
from tests.factories import Factory


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


def test_the_export_is_written_in_pages(app: Flask, make: Factory, zeph: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("backend.accounts.export.BATCH", 2)
    for n in range(5):
        zeph.post("/api/chat/send", {"content": f"{n}"})
    for _ in range(3):
        zeph.put(f"/api/users/me/blocks/{make.user().id}")
    found = zeph.get("/api/users/me/export").json
    assert [m["content"] for m in found["messages"]] == ["0", "1", "2", "3", "4"]
    assert len(found["blocks"]) == 3
