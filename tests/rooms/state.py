"""The state of a room in the database, for tests of what responses do not show."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select

from backend.models import Conversation, ConversationEntry, RoomMembership
from backend.models.base import db


def last_modseq(app: Flask, room: dict[str, Any]) -> int:
    """The modseq of the room's last change."""
    with app.app_context():
        number: int = db.session.scalars(
            select(Conversation.last_modseq).where(Conversation.id == room["conversation_id"])
        ).one()
    return number


def memberships(app: Flask, room: dict[str, Any]) -> dict[int, RoomMembership]:
    """All memberships of the room by user, including ended ones."""
    with app.app_context():
        rows = db.session.scalars(select(RoomMembership).where(RoomMembership.room_id == room["id"])).all()
        db.session.expunge_all()
    return {row.user_id: row for row in rows}


def inboxes(app: Flask, room: dict[str, Any]) -> dict[int, int]:
    """The read marks of the users who have the room in their inbox."""
    statement = select(ConversationEntry.user_id, ConversationEntry.last_read_seq)
    with app.app_context():
        rows = db.session.execute(statement.where(ConversationEntry.conversation_id == room["conversation_id"]))
        return {row.user_id: row.last_read_seq for row in rows}
