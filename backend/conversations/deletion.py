"""Deleting the messages of a conversation."""

from __future__ import annotations

from sqlalchemy import delete, select

from backend.models import Message
from backend.models.base import db
from backend.search.index import remove_from_index


def delete_newest_messages(conversation_id: str, limit: int) -> int:
    """Delete up to *limit* messages, and return how many were deleted. Does not commit.

    The newest go first: a reply is deleted before, or together with, the message that it refers to.
    """
    newest = select(Message.id).where(Message.conversation_id == conversation_id)
    ids = db.session.scalars(newest.order_by(Message.seq.desc()).limit(limit)).all()
    if ids:
        remove_from_index(db.session.connection(), ids)
        db.session.execute(delete(Message).where(Message.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
