"""Creation of direct conversations, with the first message between two users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from backend.conversations.references import ConversationRef
from backend.events import opened_event, publish
from backend.models import Conversation, ConversationEntry
from backend.models.base import db, insert_on_conflict


def open_direct(places: Iterable[tuple[int, ConversationRef]]) -> None:
    """Create the conversations of *places*, as (sender, conversation) pairs, and both sides' inbox rows, if they are missing.

    Each is created in a transaction of its own, so that it waits only for a user who creates the same one.
    """
    for opener_id, place in places:
        with db.engine.begin() as connection:
            insert_missing(connection, Conversation.__table__, [{"id": place.conversation_id, "kind": "dm"}])
            sides = sorted({opener_id, place.peer_id or opener_id})
            entries = [{"user_id": side, "conversation_id": place.conversation_id} for side in sides]
            insert_missing(connection, ConversationEntry.__table__, entries)
        publish([opened_event(place.conversation_id, side) for side in sides])


def insert_missing(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert the *rows* that do not exist yet (ON CONFLICT DO NOTHING)."""
    connection.execute(insert_on_conflict(table).on_conflict_do_nothing(), rows)
