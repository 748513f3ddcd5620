"""`flask messages verify` reports each kind of fault, and none in a healthy database."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from backend.inbox import consistency
from backend.models import Conversation, Message
from backend.models.base import db
from backend.search.index import remove_from_index
from tests.factories import Factory
from tests.messages import changing
from tests.messages.changing import react, send


def verify(app: Flask) -> tuple[int, list[str]]:
    result = app.test_cli_runner().invoke(args=["messages", "verify"])
    return result.exit_code, result.stdout.splitlines()


def talk(make: Factory) -> tuple[int, str]:
    """A room and a direct conversation, in which ann has 2 and 1 unread messages."""
    ann, ben = make.client(), make.client()
    room = make.room(ann, "r", ben)
    for client in (ann, ben, ben):
        client.post("/api/chat/send", {"content": "x", "room_id": room["id"]})
    parent = ben.post("/api/chat/send", {"content": "x", "recipient_id": ann.user.id}).get_json()["id"]
    ann.post("/api/chat/send", {"content": "y", "recipient_id": ben.user.id, "parent_id": parent})
    return ann.user.id, room["conversation_id"]


def test_a_healthy_database(app: Flask, make: Factory) -> None:
    talk(make)
    gone = make.client()
    gone.delete(f"/api/rooms/{make.room(gone, 'gone')['id']}")
    code, lines = verify(app)
    assert (code, lines) == (
        0,
        [
            "3 conversations have no gaps in their numbers, and their unread counts are right.",
            "5 messages agree with their mentions, reactions, replies, files and pins, and search finds them.",
        ],
    )


def test_every_page_is_checked(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "PAGE", 1)
    talk(make)
    assert verify(app)[1][0].startswith("3 conversations")


def test_a_missing_message(app: Flask, make: Factory) -> None:
    _, name = talk(make)
    with app.app_context():
        which = (Message.conversation_id == name, Message.seq == 2)
        # The message that follows may have begun a block of ids, so that this one is in the index on SQLite.
        remove_from_index(db.session.connection(), db.session.scalars(select(Message.id).where(*which)).all())
        db.session.execute(delete(Message).where(*which))
        db.session.commit()
    code, lines = verify(app)
    assert code == 1
    assert [line for line in lines if "unread" not in line] == [
        f"{name}: last seq 3, last modseq 5, but 2 messages up to seq 3, modseq 5"
    ]


def test_a_head_with_wrong_numbers(app: Flask, make: Factory) -> None:
    _, name = talk(make)
    with app.app_context():
        db.session.execute(update(Conversation).where(Conversation.id == name).values(last_modseq=3))
        db.session.commit()
    assert verify(app) == (1, [f"{name}: last seq 3, last modseq 3, but 3 messages up to seq 3, modseq 5"])


def test_a_wrong_unread_count(app: Flask, make: Factory) -> None:
    """A message was deleted by hand, and the subtraction still counts it."""
    user_id, name = talk(make)
    with app.app_context():
        db.session.execute(delete(Message).where(Message.conversation_id == name, Message.seq == 3))
        db.session.commit()
    assert f"{name}: user {user_id} is shown 2 unread messages, but has 1" in verify(app)[1]


@pytest.mark.parametrize("is_hard", [False, True])
def test_deleted_messages_are_not_faults(app: Flask, make: Factory, is_hard: bool) -> None:
    talk(make)
    ann = make.client()
    message = send(ann, "hello")
    react(ann, message, "👍")
    assert changing.delete(ann, message, hard=is_hard).status_code == 204
    assert verify(app)[0] == 0
