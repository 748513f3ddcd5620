"""Two concurrent workers: unique constraints decide where the locks of conversations do not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, select, text, update

from backend.conversations.references import ConversationRef
from backend.conversations.sequence import allocate_modseq
from backend.errors import NotFound
from backend.messages.append import append_messages
from backend.messages.batch_sql import NewRows, begin_batch
from backend.messages.drafts import Draft, Sent
from backend.messages.validation import IdempotencyConflict
from backend.models import Conversation, Message
from backend.models.base import db, utcnow
from tests.factories import Factory
from tests.processes import wait_until

LOBBY = ConversationRef("lobby", "lobby")


def write(batch: Any, draft: Draft) -> None:
    """Write *draft* as another worker's batch does before its commit."""
    now, id_ = utcnow(), batch.open({draft.place.conversation_id}, set(), set(), 1).ids[0]
    place = draft.place
    row = {
        "id": id_, "conversation_id": place.conversation_id, "seq": 1, "modseq": 3, "sender_id": draft.sender_id,
        "room_id": place.room_id, "content": draft.content, "client_message_id": draft.client_message_id,
        "request_hash": draft.request_hash, "created_at": now, "updated_at": now,
    }  # fmt: skip
    connection: Connection = batch.connection
    connection.execute(Message.__table__.insert().values(row))  # type: ignore[attr-defined]
    head = {"last_seq": 1, "last_modseq": 3, "last_message_at": now}
    connection.execute(update(Conversation).where(Conversation.id == place.conversation_id).values(head))


def waits_for_another() -> bool:
    statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    db.session.rollback()  # within a transaction the result would stay the same
    return bool(db.session.execute(text(statement)).scalar())


@pytest.fixture
def send_behind(postgresql_app: Flask, wiped: None) -> Callable[[Draft, list[Draft]], list[Any]]:
    """Writes a draft while a second transaction, with the other drafts, waits for its commit. Returns their results."""

    def race(first: Draft, others: list[Draft]) -> list[Any]:
        def send() -> list[Any]:
            with postgresql_app.app_context():
                return append_messages(others)

        with postgresql_app.app_context(), ThreadPoolExecutor(1) as pool:
            with begin_batch(db.engine) as batch:
                write(batch, first)
                sent = pool.submit(send)
                wait_until(waits_for_another, "the other transaction")
                batch.write(NewRows([], [], []))
            return sent.result(10)

    return race


def test_one_key_in_two_conversations(make_pg: Factory, send_behind: Callable[[Draft, list[Draft]], list[Any]]) -> None:
    ann = make_pg.client()
    ann_id: int = ann.user.id  # type: ignore[attr-defined]
    room_id: int = make_pg.room(ann)["id"]
    first = Draft(ann_id, ConversationRef(f"room:{room_id}", "room", room_id=room_id), "in the room", None, "key")
    refused, sent = send_behind(
        first, [Draft(ann_id, LOBBY, "in the lobby", None, "key"), Draft(ann_id, LOBBY, "next")]
    )
    assert isinstance(refused, IdempotencyConflict)
    assert isinstance(sent, Sent)
    assert (sent.message["content"], sent.message["seq"], sent.message["modseq"]) == ("next", 1, 1)


def test_one_key_in_two_conversations_without_other_drafts(
    make_pg: Factory, send_behind: Callable[[Draft, list[Draft]], list[Any]]
) -> None:
    ann = make_pg.client()
    ann_id: int = ann.user.id  # type: ignore[attr-defined]
    room_id: int = make_pg.room(ann)["id"]
    first = Draft(ann_id, ConversationRef(f"room:{room_id}", "room", room_id=room_id), "in the room", None, "key")
    [refused] = send_behind(first, [Draft(ann_id, LOBBY, "in the lobby", None, "key")])
    assert isinstance(refused, IdempotencyConflict)
    with make_pg.app.app_context():
        assert db.session.scalars(select(Message.content)).all() == ["in the room"]
        assert db.session.get_one(Conversation, "lobby").last_seq == 0


@pytest.fixture
def make_pg(postgresql_app: Flask) -> Factory:
    return Factory(postgresql_app)


def test_numbers_of_a_conversation_that_does_not_exist(app: Flask) -> None:
    with app.app_context(), pytest.raises(NotFound):
        allocate_modseq("room:404")
