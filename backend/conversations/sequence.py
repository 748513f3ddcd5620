"""Allocation of a conversation's numbers. It locks the conversation until the transaction ends."""

from __future__ import annotations

from sqlalchemy import update

from backend.errors import NotFound
from backend.models import Conversation
from backend.models.base import db


def allocate_modseq(conversation_id: str, count: int = 1) -> int:
    """Lock the conversation, allocate its next *count* modseqs, and return the last of them.

    Numbers are allocated under the lock of the row, so they follow commit order without gaps. Every durable change takes
    exactly one. Raises NotFound if the conversation does not exist.
    """
    statement = (
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(last_modseq=Conversation.last_modseq + count)
        .returning(Conversation.last_modseq)
        .execution_options(synchronize_session=False)
    )
    modseq = db.session.execute(statement).scalar_one_or_none()
    if modseq is None:
        raise NotFound
    return modseq
