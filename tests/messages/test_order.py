"""Order under concurrency: numbers in commit order without gaps, so that a reader by seq misses nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backend.conversations.references import ConversationRef
from backend.events import Event
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.models import Conversation, Message
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory

WRITERS, BATCH, MESSAGES = 8, 25, 20_000


def test_a_reader_by_seq_misses_no_message_of_eight_writers(postgresql_app: Flask, wiped: None) -> None:
    app = postgresql_app
    senders = [Factory(app).user().id for _ in range(WRITERS)]
    done = threading.Event()
    failures: list[Any] = []

    def write(sender_id: int) -> None:
        with app.app_context():
            for n in range(MESSAGES // WRITERS // BATCH):
                drafts = [
                    Draft(sender_id, ConversationRef("lobby", "lobby"), f"{sender_id} {n} {k}") for k in range(BATCH)
                ]
                failures.extend(result for result in append_messages(drafts) if not isinstance(result, Sent))

    def read_on() -> None:
        statement = select(Message.seq, Message.modseq).where(Message.conversation_id == "lobby")
        while True:
            was_done = done.is_set()
            with app.app_context():
                rows = db.session.execute(
                    statement.where(Message.seq > cursor[0]).order_by(Message.seq).limit(500)
                ).all()
            seen.extend(rows)
            cursor[0] = rows[-1].seq if rows else cursor[0]
            if was_done and not rows:
                return

    seen: list[Any] = []
    cursor = [0]
    writers = [threading.Thread(target=write, args=(sender,)) for sender in senders]
    reader = threading.Thread(target=read_on)
    for thread in [reader, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()

    assert failures == []
    assert [row.seq for row in seen] == list(range(1, MESSAGES + 1))
    assert [row.modseq for row in seen] == list(range(1, MESSAGES + 1))
    with app.app_context():
        lobby = db.session.get_one(Conversation, "lobby")
        assert (lobby.last_seq, lobby.last_modseq) == (MESSAGES, MESSAGES)
        times = db.session.scalars(select(Message.created_at).order_by(Message.seq)).all()
        assert times == sorted(times)


def test_sends_over_http_from_many_threads(app: Flask, make: Factory) -> None:
    """Concurrent sends to the lobby, a room and direct conversations, with replies that change their parents."""
    clients = [make.client() for _ in range(6)]
    room = make.room(clients[0], "r", *clients[1:])
    root = clients[0].post("/api/chat/send", {"content": "root"}).get_json()["id"]
    addresses: list[dict[str, Any]] = [
        {}, {"room_id": room["id"]}, {"recipient_id": clients[0].user.id}, {"parent_id": root},
    ]  # fmt: skip
    statuses: list[int] = []

    def work(client: Client) -> None:
        for n in range(20):
            body = {"content": f"{n}", **addresses[n % len(addresses)]}
            statuses.append(client.post("/api/chat/send", body).status_code)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [201] * 120
    with app.app_context():
        for conversation in db.session.scalars(select(Conversation)):
            rows = db.session.execute(
                select(Message.seq, Message.modseq).filter_by(conversation_id=conversation.id).order_by(Message.seq)
            ).all()
            assert [row.seq for row in rows] == list(range(1, conversation.last_seq + 1))
            modseqs = [row.modseq for row in rows]
            assert len(set(modseqs)) == len(modseqs)
            assert max(modseqs, default=0) <= conversation.last_modseq
        lobby = db.session.get_one(Conversation, "lobby")
        # Replies that are written together count as one change of their parent.
        assert lobby.last_seq < lobby.last_modseq <= lobby.last_seq + 30
        assert db.session.get_one(Message, root).reply_count == 30


def test_two_batches_over_the_same_conversations_never_deadlock(postgresql_app: Flask, wiped: None) -> None:
    app, make = postgresql_app, Factory(postgresql_app)
    clients = [make.client() for _ in range(2)]
    rooms = [make.room(clients[0], f"r{n}", clients[1])["id"] for n in range(6)]
    failures: list[Any] = []

    def work(sender_id: int, order: list[int]) -> None:
        with app.app_context():
            for _ in range(40):
                drafts = [
                    Draft(sender_id, ConversationRef(f"room:{room}", "room", room_id=room), "x") for room in order
                ]
                failures.extend(result for result in append_messages(drafts) if not isinstance(result, Sent))

    threads = [
        threading.Thread(target=work, args=(clients[0].user.id, rooms)),
        threading.Thread(target=work, args=(clients[1].user.id, rooms[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_one_refusal_in_a_batch_leaves_no_gap(app: Flask, make: Factory) -> None:
    ann = make.user()
    lobby, nowhere = ConversationRef("lobby", "lobby"), ConversationRef("room:77", "room", room_id=77)
    with app.app_context():
        results = append_messages([Draft(ann.id, lobby, "1"), Draft(ann.id, nowhere, "no"), Draft(ann.id, lobby, "2")])
    assert [result.message["seq"] if isinstance(result, Sent) else type(result).__name__ for result in results] == [
        1,
        "NotFound",
        2,
    ]


def test_replies_of_one_batch_leave_no_gap(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a number had no event, every subscriber would wait for it until it is looked up in the database."""
    told: list[Event] = []
    monkeypatch.setattr("backend.messages.append.publish", told.extend)
    with app.app_context():
        sender, lobby = make.user().id, ConversationRef("lobby", "lobby")
        parents = [r.message["id"] for r in append_messages([Draft(sender, lobby, "a"), Draft(sender, lobby, "b")])]
        append_messages([Draft(sender, lobby, "reply", parent_id=parents[n % 2]) for n in range(5)])
    numbers = [event.modseq for event in told]
    assert sorted(numbers) == list(range(1, 2 + 5 + 2 + 1))
    counts = [e.body["message"]["reply_count"] for e in told if e.type == "message.updated"]
    assert counts == [3, 2]
