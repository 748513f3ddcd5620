"""The numbers of a conversation. Whoever takes one holds the conversation until its transaction ends."""

from __future__ import annotations

from sqlalchemy import update

from backend.errors import NotFound
from backend.models import Conversation
from backend.models.base import db


def allocate_modseq(conversation_id: str, count: int = 1) -> int:
    """Lock the conversation and give out its next *count* modseqs; returns the last of them.

    The number is given under the row's lock, so modseqs follow commit order and have no gaps. Every durable change takes
    exactly one. Raises NotFound where there is no such conversation.
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
