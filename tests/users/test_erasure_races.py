"""Erasing a user who is sending, and concurrent erasures."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from backend.accounts.erasure import erase_user, finish
from backend.inbox.consistency import check_consistency
from backend.models import ApiToken, Conversation, Message, Report, Room, RoomMembership, User
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once, hold_row
from tests.users.conftest import PASSWORD


def test_concurrent_sends_leave_no_message_of_the_erased_user(app: Flask, make: Factory) -> None:
    """In any order, a message belongs to the deleted user or was refused."""
    ann = make.client()
    for round_ in range(3):
        zeph = make.client(make.user(hashed_password=hash_password(PASSWORD)))
        room, zid = make.room(ann, f"room {round_}", zeph), zeph.user.id
        fresh = make.client()
        places = [{}, {"room_id": room["id"]}, {"recipient_id": ann.user.id}, {"recipient_id": fresh.user.id}] * 3
        bodies = [{"content": f"late {round_}"} | place for place in places]
        calls: list[Any] = [lambda b=b, t=zeph.token: Client(app, t).post("/api/chat/send", b) for b in bodies]
        calls.append(partial(_erase_directly, app, zid))
        *sends, _ = at_once(calls)
        assert {a.status_code for a in sends} <= {201, 401, 403, 404}, [a.json for a in sends]
        with app.app_context():
            left = select(Message.id).where((Message.sender_id == zid) | (Message.recipient_id == zid))
            assert db.session.scalars(left).all() == []
            kept = db.session.scalars(select(Message.id).where(Message.content == f"late {round_}")).all()
            assert sorted(kept) == sorted(a.json["id"] for a in sends if a.status_code == 201)
            assert [fault for progress in check_consistency() for fault in progress.faults] == []


def test_a_send_that_waited_while_its_sender_was_erased_is_refused(postgresql_app: Flask, wiped: None) -> None:
    """It was authenticated before. On SQLite no erasure can commit while a send waits for the database."""
    app = postgresql_app
    zeph = Factory(app).client()
    with hold_row(app, Conversation, id="lobby") as held:
        sent = held.start(lambda: zeph.post("/api/chat/send", {"content": "late"}))
        held.wait_until_blocked()
        held.start(partial(_erase_directly, app, zeph.user.id))  # type: ignore[attr-defined]
        held.wait_until_blocked(2)  # the account is closed, and its messages in the lobby are next
    assert (sent.result().status_code, sent.result().json["code"]) == (401, "token_revoked")
    with app.app_context():
        assert db.session.scalars(select(Message.id)).all() == []


def _erase_directly(app: Flask, user_id: int) -> None:
    with app.app_context():
        erase_user(None, user_id)
        assert finish(user_id)


def test_concurrent_erasures_leave_no_room_without_an_active_owner(app: Flask, make: Factory) -> None:
    for _ in range(3):
        one, two, heir = (make.client() for _ in range(3))
        rooms = [make.room(one, "a", two, heir), make.room(two, "b", one, heir)]
        at_once([lambda u=c.user.id: _erase_directly(app, u) for c in (one, two)])
        with app.app_context():
            for room in rooms:
                owner = db.session.scalars(select(Room.owner_id).where(Room.id == room["id"])).one()
                assert owner == heir.user.id


def test_a_room_passes_to_nobody_who_leaves_at_the_same_moment(app: Flask, make: Factory) -> None:
    """The erasure chooses the successor under the lock of the room."""
    zeph, leaver, heir = (make.client() for _ in range(3))
    room = make.room(zeph, "room", leaver, heir)
    with hold_row(app, Conversation, id=room["conversation_id"]) as leaving:
        erasure = leaving.start(partial(_erase_directly, app, zeph.user.id))
        leaving.wait_until_blocked()
        own = (RoomMembership.room_id == room["id"], RoomMembership.user_id == leaver.user.id)
        leaving.execute(update(RoomMembership).where(*own).values(left_at=utcnow()))
    erasure.result()
    assert heir.get(f"/api/rooms/{room['id']}").json["owner_id"] == heir.user.id


def test_of_two_erasures_of_oneself_the_second_finds_its_token_revoked(app: Flask, make: Factory) -> None:
    zeph = make.client(make.user(hashed_password=hash_password(PASSWORD)))
    with hold_row(app, User, id=zeph.user.id) as held:  # type: ignore[attr-defined]
        late = held.start(lambda: zeph.delete("/api/users/me", {"password": PASSWORD}))
        held.wait_until_blocked()
        held.execute(update(User).where(User.id == zeph.user.id).values(deleted_at=utcnow(), is_active=False))  # type: ignore[attr-defined]
    assert (late.result().status_code, late.result().json["code"]) == (401, "token_revoked")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/rooms", {"name": "late"}),
        ("/api/rooms/{room}/join", None),
        ("/api/rooms/join", {"code": "{code}"}),
        ("/api/auth/tokens", {"name": "late"}),
        ("/api/chat/messages/{message}/report", {"reason": "late"}),
    ],
)
def test_nothing_new_belongs_to_a_user_who_is_erased_at_the_same_moment(
    app: Flask, make: Factory, path: str, body: dict[str, str] | None
) -> None:
    """The call is authenticated before the erasure, and waits for it."""
    ann, zeph = make.client(), make.client()
    zid, room = zeph.user.id, make.room(ann)  # type: ignore[attr-defined]
    known = {
        "room": room["id"],
        "code": ann.post(f"/api/rooms/{room['id']}/invites", {}).json["code"],
        "message": ann.post("/api/chat/send", {"content": "x"}).json["id"],
    }
    sent = {name: value.format(**known) for name, value in body.items()} if body else None
    with hold_row(app, User, id=zid) as erasing:
        late = erasing.start(lambda: zeph.post(path.format(**known), sent))
        erasing.wait_until_blocked()
        erasing.execute(update(User).where(User.id == zid).values(deleted_at=utcnow(), is_active=False))
    assert (late.result().status_code, late.result().json["code"]) == (401, "token_revoked")
    with app.app_context():
        owned = {Room: "owner_id", RoomMembership: "user_id", ApiToken: "user_id", Report: "reporter_id"}
        for model, column in owned.items():
            assert db.session.scalars(select(model).filter_by(**{column: zid})).all() == []


@pytest.mark.parametrize("is_transfer", [False, True])
def test_no_room_is_given_to_a_user_who_is_erased_at_the_same_moment(
    app: Flask, make: Factory, is_transfer: bool
) -> None:
    ann, zeph = make.client(), make.client()
    zid = zeph.user.id  # type: ignore[attr-defined]
    room = make.room(ann, "room", *([zeph] if is_transfer else []))
    path = f"/api/rooms/{room['id']}"
    with hold_row(app, User, id=zid) as erasing:
        late = erasing.start(
            lambda: ann.post(f"{path}/transfer", {"user_id": zid}) if is_transfer else ann.put(f"{path}/members/{zid}")
        )
        erasing.wait_until_blocked()
        erasing.execute(update(User).where(User.id == zid).values(deleted_at=utcnow(), is_active=False))
    assert (late.result().status_code, late.result().json["code"]) == (404, "not_found")
    assert ann.get(path).json["owner_id"] == ann.user.id  # type: ignore[attr-defined]
