"""Deletion of a conversation's messages."""

from __future__ import annotations

from sqlalchemy import delete, select

from backend.attachments.removal import delete_for_messages
from backend.models import Message
from backend.models.base import db
from backend.search.index import remove_from_index


def delete_newest_messages(conversation_id: str, limit: int) -> int:
    """Delete up to *limit* messages, and return how many were deleted. Does not commit.

    The newest are deleted first, so that a reply is deleted before its parent or together with it. Call
    `attachments.removal.remove_files` after the commit.
    """
    newest = select(Message.id).where(Message.conversation_id == conversation_id)
    ids = db.session.scalars(newest.order_by(Message.seq.desc()).limit(limit)).all()
    if ids:
        delete_for_messages(db.session, ids)
        remove_from_index(db.session.connection(), ids)
        db.session.execute(delete(Message).where(Message.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
