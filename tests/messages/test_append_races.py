"""Two concurrent workers: unique constraints decide where the locks of conversations do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backend.conversations.references import ConversationRef
from backend.conversations.sequence import allocate_modseq
from backend.errors import NotFound
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.messages.validation import IdempotencyConflict
from backend.models import Conversation, Message
from backend.models.base import db
from tests.factories import Factory
from tests.races import paused_before_commit

LOBBY = ConversationRef("lobby", "lobby")


@pytest.fixture
def send_behind(postgresql_app: Flask, wiped: None) -> Callable[[Draft, list[Draft]], list[Any]]:
    """Sends a draft while a second worker's batch, with the other drafts, waits for its commit. Returns the others' results."""

    def append(drafts: list[Draft]) -> list[Any]:
        with postgresql_app.app_context():
            return append_messages(drafts)

    def race(first: Draft, others: list[Draft]) -> list[Any]:
        with paused_before_commit(postgresql_app, writes=Message) as paused:
            sent = paused.start(lambda: append([first]))
            paused.wait_until_reached()
            behind = paused.start(lambda: append(others))
            paused.wait_until_blocked()
        assert isinstance(sent.result()[0], Sent)
        return behind.result()

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
