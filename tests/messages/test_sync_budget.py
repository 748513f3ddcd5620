"""Answers of /sync are limited in bytes, and repeated calls return everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, text

from backend.inbox import sync as syncing
from backend.models import Conversation, ConversationEntry, Room, RoomMembership, User
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries

ABOUT = 1024 * 1024 + 64 * 1024
MANY = 2_500
"""Rooms of one user. With a quarter of `MAX_BYTES` they need as many answers as 10,000 with all of it."""


def fill(app: Flask, room: dict[str, Any], sender_id: int, count: int, size: int) -> None:
    """Add messages of *size* characters to *room* by SQL."""
    with app.app_context():
        statement = text(
            "INSERT INTO messages (conversation_id, room_id, seq, modseq, sender_id, content, is_read, created_at, updated_at)"
            " VALUES (:name, :room, :seq, :modseq, :sender, :content, false, :now, :now)"
        )
        head = db.session.get(Conversation, room["conversation_id"])
        assert head is not None
        rows = [
            {
                "name": head.id, "room": room["id"], "seq": head.last_seq + n, "modseq": head.last_modseq + n,
                "sender": sender_id, "content": "\U0001f511" * size, "now": utcnow(),
            }
            for n in range(1, count + 1)
        ]  # fmt: skip
        db.session.execute(statement, rows)
        head.last_seq, head.last_modseq = head.last_seq + count, head.last_modseq + count
        db.session.commit()


def many_rooms(app: Flask, user_id: int, count: int) -> list[str]:
    """Add *count* rooms of one user by SQL. Returns the ids of their conversations."""
    with app.app_context():
        first = (db.session.scalar(text("SELECT max(id) FROM chat_rooms")) or 0) + 1
        ids = range(first, first + count)
        names = [f"room:{id_}" for id_ in ids]
        db.session.execute(insert(Room), [{"id": id_, "name": f"r{id_}", "owner_id": user_id} for id_ in ids])
        conversations = [{"id": f"room:{id_}", "kind": "room", "room_id": id_, "last_modseq": 1} for id_ in ids]
        db.session.execute(insert(Conversation), conversations)
        db.session.execute(insert(ConversationEntry), [{"user_id": user_id, "conversation_id": name} for name in names])
        members = [{"user_id": user_id, "room_id": id_, "is_admin": True, "modseq": 1} for id_ in ids]
        db.session.execute(insert(RoomMembership), members)
        if db.engine.dialect.name == "postgresql":  # the ids were set by hand, and there are no statistics yet
            db.session.execute(
                text("SELECT setval(pg_get_serial_sequence('chat_rooms', 'id'), (SELECT max(id) FROM chat_rooms))")
            )
            db.session.execute(text("ANALYZE"))
        db.session.commit()
    return names


def add_members(app: Flask, room: dict[str, Any], count: int, **fields: Any) -> list[int]:
    """Add *count* new users with these *fields* to *room* by SQL. Returns their ids."""
    with app.app_context():
        people = [{"username": f"m{n}", "email": f"m{n}@example.com", **fields} for n in range(count)]
        db.session.execute(insert(User), people)
        ids = list(db.session.scalars(text("SELECT id FROM users WHERE username LIKE 'm%' ORDER BY id")))
        head = db.session.get(Conversation, room["conversation_id"])
        assert head is not None
        modseqs = range(head.last_modseq + 1, head.last_modseq + count + 1)
        rows = [
            {"user_id": id_, "room_id": room["id"], "modseq": modseq, "joined_at": utcnow()}
            for id_, modseq in zip(ids, modseqs, strict=True)
        ]
        db.session.execute(insert(RoomMembership), rows)
        head.last_modseq += count
        db.session.commit()
    return ids


def answers(client: Client, seen: dict[str, int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Answers of /sync with their sizes, as a client gets them that asks until nothing is truncated."""
    seen = dict(seen)
    for _ in range(500):
        response = client.post("/api/chat/sync", {"conversations": seen})
        assert response.status_code == 200, response.get_data()[:300]
        answer = response.json
        yield len(response.data), answer
        for row in answer["conversations"]:
            changes = [*row["messages"], *row["members"]]
            seen[row["id"]] = max(change["modseq"] for change in changes) if row["truncated"] else row["last_modseq"]
        if not any(row["truncated"] for row in answer["conversations"]):
            return
    raise AssertionError("it never ends")


def test_an_answer_is_limited_to_about_a_mebibyte(app: Flask, make: Factory) -> None:
    """20 rooms, each with a page of messages of maximum length. Without a limit they would be 63 MB."""
    ann = make.client()
    rooms = [make.room(ann, f"r{n}") for n in range(4)]
    for room in rooms:
        fill(app, room, ann.user.id, 150, 4_000)  # type: ignore[attr-defined]
    told: dict[str, set[int]] = {}
    for size, answer in answers(ann, {}):
        assert size < ABOUT
        for row in answer["conversations"]:
            told.setdefault(row["id"], set()).update(message["seq"] for message in row["messages"])
            assert not row["truncated"] or row["messages"] or row["members"], "there is no last one to go on from"
    assert [told[room["conversation_id"]] for room in rooms] == [set(range(1, 151))] * 4


def test_the_amount_of_data_read_is_limited_too(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No group of conversations is much larger than an answer: of 3,000 changed messages only few are read."""
    ann = make.client()
    rooms = [make.room(ann, f"r{n}") for n in range(30)]
    for room in rooms:
        fill(app, room, ann.user.id, 100, 4_000)  # type: ignore[attr-defined]
    loaded: list[int] = []
    load = syncing.load_changes

    def counting(*args: Any) -> Any:
        found = load(*args)
        loaded.append(sum(len(changes.messages) for changes in found.values()))
        return found

    monkeypatch.setattr(syncing, "load_changes", counting)
    size, _ = next(answers(ann, {}))
    assert size < ABOUT
    assert sum(loaded) <= 2 * syncing.GROUP_CHANGES


def test_many_members_are_sent_in_pages(app: Flask, make: Factory) -> None:
    """All of them have a long bio."""
    ann = make.client()
    room = make.room(ann, "large")
    ids = add_members(app, room, 450, bio="\U0001f511" * 1_000)
    told = []
    for size, answer in answers(ann, {"lobby": 0}):
        assert size < ABOUT
        told += [
            m["user_id"]
            for row in answer["conversations"]
            for m in row["members"]
            if row["id"] == room["conversation_id"]
        ]
    assert sorted(told) == sorted({*ids, ann.user.id})  # type: ignore[attr-defined]


def test_many_members_are_sent_with_the_message_after_them(app: Flask, make: Factory) -> None:
    """A client continues from the last message of a truncated row, so the row needs one."""
    ann = make.client()
    room = make.room(ann, "large")
    ids = add_members(app, room, 700)
    fill(app, room, ann.user.id, 250, 10)  # type: ignore[attr-defined]
    pages = [answer for _, answer in answers(ann, {})]
    rows = [row for page in pages for row in page["conversations"] if row["id"] == room["conversation_id"]]
    assert [len(row["messages"]) for row in rows] == [200, 50]
    assert [member["user_id"] for member in rows[0]["members"]] == [ann.user.id, *ids]  # type: ignore[attr-defined]


def test_thousands_of_conversations(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "MAX_BYTES", syncing.MAX_BYTES // 4)
    limit = syncing.MAX_BYTES + 64 * 1024
    ann = make.client()
    names = many_rooms(app, ann.user.id, MANY)  # type: ignore[attr-defined]
    told: set[str] = set()
    pages = 0
    for size, answer in answers(ann, {}):
        assert size < limit
        told.update(row["id"] for row in answer["conversations"] if row["members"])
        pages += 1
    assert told == set(names)
    assert 2 < pages < 20
    with count_queries(app) as queries:
        response = ann.post("/api/chat/sync", {"conversations": {**dict.fromkeys(names[1:], 1), "room:1000000": 4}})
    assert (response.status_code, response.json["gone"]) == (200, ["room:1000000"])
    assert len(response.data) < limit
    assert len(queries) < 62
    assert not any(row["truncated"] for row in response.json["conversations"])


def test_changed_conversations_come_first(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "MAX_BYTES", 4_096)
    ann = make.client()
    names = many_rooms(app, ann.user.id, 60)  # type: ignore[attr-defined]
    seen = dict.fromkeys(names, 1)
    room_id = int(names[-1].partition(":")[2])
    sent = ann.post("/api/chat/send", {"content": "x", "room_id": room_id}).json
    [(size, answer)] = answers(ann, {**seen, "lobby": 0})
    first, *others = answer["conversations"]
    assert (first["id"], [message["id"] for message in first["messages"]]) == (names[-1], [sent["id"]])
    assert 0 < len(others) < 60, "the unchanged ones as far as they fit"
    assert size < 5_000
