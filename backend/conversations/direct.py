"""Direct conversations come into being with the first message between two users, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from backend.conversations.references import ConversationRef
from backend.events import opened_event, publish
from backend.models import Conversation, ConversationEntry
from backend.models.base import db, insert_on_conflict


def open_direct(places: Iterable[tuple[int, ConversationRef]]) -> None:
    """Make the conversations of *places* (who opens, and where) and both sides' inbox rows, where they are missing.

    Each in a transaction of its own: two users who open the same one wait for each other, and for nothing else.
    """
    for opener_id, place in places:
        with db.engine.begin() as connection:
            insert_missing(connection, Conversation.__table__, [{"id": place.conversation_id, "kind": "dm"}])
            sides = sorted({opener_id, place.peer_id or opener_id})
            entries = [{"user_id": side, "conversation_id": place.conversation_id} for side in sides]
            insert_missing(connection, ConversationEntry.__table__, entries)
        publish([opened_event(place.conversation_id, side) for side in sides])


def insert_missing(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """INSERT … ON CONFLICT DO NOTHING: the database decides what is missing."""
    connection.execute(insert_on_conflict(table).on_conflict_do_nothing(), rows)
