"""The inbox: its conversations, their order, and exact unread counts."""

from __future__ import annotations

import random
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from backend.models import ConversationEntry, Message
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory


def inbox(client: Client) -> dict[str, dict[str, Any]]:
    response = client.get("/api/chat/conversations")
    assert response.status_code == 200
    return {row["id"]: row for row in response.get_json()}


def send(client: Client, **body: Any) -> dict[str, Any]:
    return client.post("/api/chat/send", {"content": "x", **body}).get_json()


def read(client: Client, conversation_id: str, seq: Any) -> Any:
    return client.post(f"/api/chat/conversations/{conversation_id}/read", {"seq": seq})


def test_last_activity_first_with_room_user_and_last_message(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "Kitchen", bob)
    direct = send(bob, recipient_id=ann.user.id)
    in_room = send(ann, room_id=room["id"])
    rows = ann.get("/api/chat/conversations").get_json()
    assert [row["id"] for row in rows] == [in_room["conversation_id"], direct["conversation_id"], "lobby"]
    assert [row["kind"] for row in rows] == ["room", "dm", "lobby"]
    assert rows[0]["room"]["name"] == "Kitchen"
    assert rows[0]["last_message"]["id"] == in_room["id"]
    assert rows[1]["user"]["id"] == bob.user.id
    assert "email" not in rows[1]["user"]
    assert (rows[2]["last_message"], rows[2]["last_seq"]) == (None, 0)
    send(bob)
    assert ann.get("/api/chat/conversations?limit=1").get_json()[0]["id"] == "lobby"


def test_a_refused_first_message_does_not_appear_in_the_inbox(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    assert ann.post("/api/chat/send", {"content": "x", "recipient_id": bob.user.id, "parent_id": 99}).status_code == 404
    assert list(inbox(bob)) == ["lobby"]


def test_unread_counts_what_others_sent(make: Factory) -> None:
    ann, bob = make.client(make.user("ann")), make.client()
    for n in range(3):
        send(bob, recipient_id=ann.user.id, content=f"@ann {n}")
    dm = send(ann, recipient_id=bob.user.id, content="@ann")["conversation_id"]
    row = inbox(ann)[dm]
    assert (row["unread_count"], row["mention_count"], row["last_read_seq"], row["last_seq"]) == (3, 3, 0, 4)
    assert inbox(bob)[dm]["unread_count"] == 1

    answer = read(ann, dm, 2)
    assert answer.status_code == 200
    assert (answer.get_json()["last_read_seq"], answer.get_json()["unread_count"]) == (2, 1)
    assert inbox(ann)[dm]["mention_count"] == 1


def test_mentions_count_in_their_own_conversation(make: Factory) -> None:
    ann, bob = make.client(make.user("ann")), make.client()
    dm = send(bob, recipient_id=ann.user.id, content="hello")["conversation_id"]
    for n in range(2):
        send(bob, content=f"@ann {n}")
    assert {id_: row["mention_count"] for id_, row in inbox(ann).items()} == {"lobby": 2, dm: 0}
    send(bob, recipient_id=ann.user.id, content="@ann")
    read(ann, "lobby", 1)
    assert {id_: row["mention_count"] for id_, row in inbox(ann).items()} == {"lobby": 1, dm: 1}


def test_the_mark_moves_forward_only(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    for _ in range(3):
        send(bob)
    assert read(ann, "lobby", 3).get_json()["last_read_seq"] == 3
    assert read(ann, "lobby", 1).get_json()["last_read_seq"] == 3
    past = read(ann, "lobby", 4)
    assert (past.status_code, past.get_json()["errors"].keys()) == (422, {"seq"})


def test_read_refuses_an_invalid_seq_or_conversation(make: Factory) -> None:
    ann, eve = make.client(), make.client()
    private, public = make.room(ann, is_public=False), make.room(ann)
    for seq in (-1, "1", 1.5, None, 2**63, True):
        assert read(ann, "lobby", seq).status_code == 422
    assert read(eve, private["conversation_id"], 0).status_code == 404
    assert read(eve, public["conversation_id"], 0).status_code == 403
    assert read(eve, "dm:1000001:1000002", 0).status_code == 404
    assert read(eve, "%00", 0).status_code == 404
    never_used = f"dm:{ann.user.id}:{eve.user.id}"
    assert read(ann, never_used, 0).status_code == 404
    assert ann.patch(f"/api/chat/conversations/{never_used}", {"is_muted": True}).status_code == 404


def test_direct_messages_become_read_without_a_modseq(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    messages = [send(bob, recipient_id=ann.user.id) for _ in range(3)]
    dm = messages[0]["conversation_id"]
    read(ann, dm, 2)
    shown = bob.get(f"/api/chat/messages?conversation_id={dm}").get_json()
    assert [(m["seq"], m["is_read"], m["modseq"]) for m in shown] == [(3, False, 3), (2, True, 2), (1, True, 1)]


def test_conversations_start_as_read_for_new_members_and_accounts(make: Factory) -> None:
    ann = make.client()
    room = make.room(ann)
    send(ann)
    send(ann, room_id=room["id"])
    bob = make.client()
    bob.post(f"/api/rooms/{room['id']}/join")
    assert inbox(bob)["lobby"]["unread_count"] == 0
    assert inbox(bob)[room["conversation_id"]]["unread_count"] == 0
    send(ann, room_id=room["id"])
    assert inbox(bob)[room["conversation_id"]]["unread_count"] == 1


def test_one_row_is_the_same_as_in_the_list(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room, closed = make.room(ann, "r", bob), make.room(ann, "closed")
    send(ann, room_id=room["id"])
    for client in (ann, bob):
        for name, row in inbox(client).items():
            assert client.get(f"/api/chat/conversations/{name}").get_json() == row
    pair = "dm:{}:{}".format(*sorted(client.get("/api/users/me").get_json()["id"] for client in (ann, bob)))
    for name, status in (
        (closed["conversation_id"], 403),
        (pair, 404),
        ("room:77", 404),
        ("dm:77:78", 404),
        ("x", 404),
    ):
        assert bob.get(f"/api/chat/conversations/{name}").status_code == status


def test_leaving_removes_the_row(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "r", bob)
    assert room["conversation_id"] in inbox(bob)
    bob.post(f"/api/rooms/{room['id']}/leave")
    assert room["conversation_id"] not in inbox(bob)


def test_muted_and_pinned_are_settings_of_one_user(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    answer = ann.patch("/api/chat/conversations/lobby", {"is_muted": True})
    assert (answer.status_code, answer.get_json()["is_muted"], answer.get_json()["is_pinned"]) == (200, True, False)
    ann.patch("/api/chat/conversations/lobby", {"is_pinned": True})
    assert (inbox(ann)["lobby"]["is_muted"], inbox(ann)["lobby"]["is_pinned"]) == (True, True)
    assert (inbox(bob)["lobby"]["is_muted"], inbox(bob)["lobby"]["is_pinned"]) == (False, False)
    assert ann.patch("/api/chat/conversations/room:77", {"is_muted": True}).status_code == 404
    assert ann.patch("/api/chat/conversations/lobby", {"is_muted": 1}).status_code == 422


def test_unread_equals_the_count_over_rows_after_random_operations(app: Flask, make: Factory) -> None:
    rng = random.Random(4)
    clients = [make.client() for _ in range(3)]
    room = make.room(clients[0], "r", *clients[1:])
    addresses: list[dict[str, Any]] = [{}, {"room_id": room["id"]}, {"recipient_id": clients[1].user.id}]
    for _ in range(60):
        client = rng.choice(clients)
        if rng.random() < 0.6:
            send(client, **rng.choice(addresses))
        elif rng.random() < 0.5:
            row = rng.choice(list(inbox(client).values()))
            read(client, row["id"], rng.randint(0, row["last_seq"]))
        else:
            _delete_one(app, rng)
    for client in clients:
        for id_, row in inbox(client).items():
            assert row["unread_count"] == _counted(app, client.user.id, id_), id_


def _delete_one(app: Flask, rng: random.Random) -> None:
    with app.app_context():
        ids = list(db.session.scalars(select(Message.id).where(Message.deleted_at.is_(None))))
        if ids:
            db.session.get_one(Message, rng.choice(ids)).deleted_at = utcnow()
            db.session.commit()


def _counted(app: Flask, user_id: int, conversation_id: str) -> int:
    with app.app_context():
        mark = select(ConversationEntry.last_read_seq).filter_by(user_id=user_id, conversation_id=conversation_id)
        rows = select(func.count()).where(
            Message.conversation_id == conversation_id,
            Message.seq > mark.scalar_subquery(),
            Message.sender_id != user_id,
            Message.deleted_at.is_(None),
        )
        return db.session.scalar(rows) or 0
