"""Deletion of the messages of a deleted room."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import String, delete, exc, func, insert, select

from backend.errors import NotFound
from backend.models import Message, Pin, Reaction, Room, RoomInvite
from backend.models.base import db, utcnow
from backend.rooms import purge
from tests.factories import Factory
from tests.races import hold_row
from tests.rooms.conftest import Cast, user_id
from tests.rooms.state import inboxes, last_modseq, memberships


def fill(app: Flask, cast: Cast, count: int) -> None:
    """Put messages into the room, each a reply to the first, with a reaction and a pin on the first."""
    now = utcnow()
    rows: list[dict[str, Any]] = [
        {
            "conversation_id": cast.room["conversation_id"],
            "room_id": cast.room["id"],
            "seq": n,
            "modseq": 1000 + n,
            "sender_id": user_id(cast.member),
            "content": f"message {n}",
        }
        for n in range(1, count + 1)
    ]
    with app.app_context():
        db.session.execute(insert(Message), rows[:1])
        first = db.session.scalars(select(Message.id)).one()
        if count > 1:
            db.session.execute(insert(Message), [row | {"parent_id": first} for row in rows[1:]])
        db.session.add(Reaction(message_id=first, user_id=user_id(cast.member), emoji="👍"))
        db.session.add(Pin(message_id=first, conversation_id=cast.room["conversation_id"]))
        db.session.add(RoomInvite(room_id=cast.room["id"], code="code", expires_at=now))
        db.session.commit()


def left_of(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {
            model.__tablename__: db.session.scalars(select(func.count()).select_from(model)).one()
            for model in (Message, Reaction, Pin, RoomInvite)
        }


def run(app: Flask) -> str:
    result = app.test_cli_runner().invoke(args=["rooms", "purge"])
    assert result.exit_code == 0, result.output
    return result.output.strip().splitlines()[-1]


def test_deleting_a_room_ends_memberships_and_deletes_messages(app: Flask, public: Cast) -> None:
    fill(app, public, 5)
    before = last_modseq(app, public.room)
    active = {user for user, row in memberships(app, public.room).items() if row.left_at is None}
    response = public.owner.delete(public.path)
    assert (response.status_code, response.get_data()) == (204, b"")
    rows = memberships(app, public.room)
    assert last_modseq(app, public.room) == before + 1
    assert {user for user, row in rows.items() if row.modseq == before + 1} == active
    assert all(row.left_at and not row.is_admin for row in rows.values())
    assert inboxes(app, public.room) == {}
    assert set(left_of(app).values()) == {0}


def test_the_row_stays_without_texts_and_its_id_is_not_reused(app: Flask, make: Factory, public: Cast) -> None:
    public.owner.patch(public.path, {"description": "secret"})
    public.owner.delete(public.path)
    with app.app_context():
        room = db.session.get_one(Room, public.room["id"])
        texts = {c.name: getattr(room, c.name) for c in Room.__table__.columns if isinstance(c.type, String)}
        assert texts == {**dict.fromkeys(texts), "name": "deleted room"}
        assert room.deleted_at is not None
    assert make.room(public.owner)["id"] > public.room["id"]


def test_a_superuser_deletes_a_room_that_they_cannot_see(private: Cast) -> None:
    assert private.superuser.get(private.path).status_code == 404
    assert private.superuser.delete(private.path).status_code == 204
    assert private.superuser.delete(private.path).status_code == 404
    assert private.owner.get(private.path).status_code == 404


def test_other_rooms_keep_their_messages(app: Flask, make: Factory, public: Cast) -> None:
    fill(app, public, 3)
    other = make.room(public.owner)
    assert public.owner.delete(f"/api/rooms/{other['id']}").status_code == 204
    assert left_of(app)["messages"] == 3
    with app.app_context(), pytest.raises(NotFound):
        purge.purge_room(public.room["id"])
    assert left_of(app)["messages"] == 3


def test_the_command_purges_what_the_request_left(app: Flask, public: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    monkeypatch.setattr(purge, "SECONDS_IN_REQUEST", 0.0)
    fill(app, public, 7)
    assert public.owner.delete(public.path).status_code == 204
    assert left_of(app) == {"messages": 5, "reactions": 1, "pins": 1, "room_invites": 0}
    assert run(app) == "purged 1 deleted rooms"
    assert set(left_of(app).values()) == {0}
    assert run(app) == "purged 0 deleted rooms"


def test_a_room_stays_deleted_if_the_purge_fails(app: Flask, public: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise exc.OperationalError("DELETE", {}, Exception("gone"))

    fill(app, public, 2)
    with monkeypatch.context() as patch:
        patch.setattr(purge, "delete_newest_messages", fail)
        assert public.owner.delete(public.path).status_code == 204
    assert public.owner.get(public.path).status_code == 404
    assert left_of(app)["messages"] == 2
    assert run(app) == "purged 1 deleted rooms"
    assert left_of(app)["messages"] == 0


def test_messages_are_purged_in_batches(app: Flask, public: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "SECONDS_IN_REQUEST", 60.0)  # long enough for a slow machine
    fill(app, public, 4_500)
    assert public.owner.delete(public.path).status_code == 204
    assert left_of(app)["messages"] == 0


def test_a_report_of_a_message_that_is_purged_meanwhile(app: Flask, public: Cast) -> None:
    fill(app, public, 1)
    with app.app_context():
        message_id = db.session.scalars(select(Message.id)).one()
    with hold_row(app, Message, id=message_id) as purging:
        report = {"reason": "spam"}
        late = purging.start(lambda: public.member.post(f"/api/chat/messages/{message_id}/report", report))
        purging.wait_until_blocked()
        purging.execute(delete(Message))
    assert (late.result().status_code, late.result().json["code"]) == (404, "not_found")
