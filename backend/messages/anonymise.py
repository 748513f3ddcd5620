"""What becomes of the messages of a user whose account is erased: they stay, and name the "deleted user" instead."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import case, delete, exists, func, or_, select, update

from backend.attachments.removal import remove_files
from backend.conversations.deletion import delete_newest_messages
from backend.conversations.sequence import allocate_modseq
from backend.errors import NotFound
from backend.models import (
    Attachment,
    Conversation,
    ConversationEntry,
    Message,
    MessageEdit,
    MessageMention,
    Reaction,
    User,
)
from backend.models.base import db, utcnow
from backend.models.conversation import LOBBY, dm_peer
from backend.search.documents import read_documents
from backend.search.index import index_messages

BATCH = 500
"""Messages in one transaction. It is short enough that nobody waits long for the lock of the conversation."""


def anonymise_messages(user_id: int, tombstone_id: int, deadline: float | None = None) -> bool:
    """Replace *user_id* in every conversation by the user *tombstone_id*. Each message that changes gets a new modseq.

    The user's reactions, mentions and attachments are deleted, and of the user's messages the former versions and the content of
    those that were deleted. So are direct conversations that nobody is left to read. Commits each batch, and returns False if the
    monotonic time *deadline* passed before the end. Safe to repeat.
    """
    for conversation_id in _conversations_of(user_id):
        has_readers = _has_readers(conversation_id, user_id)
        while (
            _anonymise_batch(conversation_id, user_id, tombstone_id) if has_readers else _delete_batch(conversation_id)
        ) == BATCH:
            if deadline is not None and time.monotonic() >= deadline:
                return False
    return True


def _conversations_of(user_id: int) -> list[str]:
    """The conversations that *user_id* occurs in, or could write to until now. Each of them is locked at least once."""
    m, e = Message, ConversationEntry
    inbox = select(Conversation.id).where(
        or_(*(Conversation.id.like(p) for p in (f"dm:{user_id}:%", f"dm:%:{user_id}")))
    )
    reacted = select(m.conversation_id).join(Reaction, Reaction.message_id == m.id).where(Reaction.user_id == user_id)
    found = (
        select(m.conversation_id)
        .where(or_(m.sender_id == user_id, m.recipient_id == user_id))
        .union(
            inbox,
            reacted,
            select(e.conversation_id).where(e.user_id == user_id),
            select(MessageMention.conversation_id).where(MessageMention.user_id == user_id),
        )
    )
    return sorted({LOBBY, *db.session.scalars(found)})


def _anonymise_batch(conversation_id: str, user_id: int, tombstone_id: int) -> int:
    """Rewrite the next messages of a conversation that refer to *user_id*, and return their number."""
    try:
        lock = allocate_modseq(conversation_id, 0)
    except NotFound:
        return 0
    m = Message
    refers = or_(
        m.sender_id == user_id,
        m.recipient_id == user_id,
        *(exists().where(t.message_id == m.id, t.user_id == user_id) for t in (Reaction, MessageMention, Attachment)),
    )
    wanted = select(m.id).where(m.conversation_id == conversation_id, refers).order_by(m.seq).limit(BATCH)
    ids = db.session.scalars(wanted).all()
    if ids:
        allocate_modseq(conversation_id, len(ids))
        _rewrite(ids, lock, user_id, tombstone_id)
    db.session.commit()
    return len(ids)


def _rewrite(ids: Sequence[int], modseq: int, user_id: int, tombstone_id: int) -> None:
    m = Message
    with_files = select(Attachment.message_id).where(Attachment.message_id.in_(ids), Attachment.user_id == user_id)
    named_ids = set(db.session.scalars(with_files))
    for table in (Reaction, MessageMention, Attachment):
        db.session.execute(delete(table).where(table.message_id.in_(ids), table.user_id == user_id))
    if named_ids:  # the index must not find the names of files that are gone
        connection = db.session.connection()
        index_messages(connection, read_documents(connection, m.id.in_(named_ids)))
    _wipe_unseen_contents(ids, user_id)
    place = select(m.id, func.row_number().over(order_by=m.seq).label("n")).where(m.id.in_(ids)).subquery()
    is_own, is_to = m.sender_id == user_id, m.recipient_id == user_id
    values = {
        "modseq": modseq + place.c.n,
        "sender_id": case((is_own, tombstone_id), else_=m.sender_id),
        "recipient_id": case((is_to, tombstone_id), else_=m.recipient_id),
        # client_message_id is unique for a sender, and the messages of all erased users have the same sender.
        "client_message_id": case((is_own, None), else_=m.client_message_id),
        "request_hash": case((is_own, None), else_=m.request_hash),
        "updated_at": utcnow(),
    }
    statement = update(m).where(m.id == place.c.id).values(values).execution_options(synchronize_session=False)
    db.session.execute(statement)


def _wipe_unseen_contents(ids: Sequence[int], user_id: int) -> None:
    """Delete the former versions of the user's messages, and the content that a soft deletion kept."""
    own = select(Message.id).where(Message.id.in_(ids), Message.sender_id == user_id)
    db.session.execute(delete(MessageEdit).where(MessageEdit.message_id.in_(own)))
    deleted = update(Message).where(Message.id.in_(own), Message.deleted_at.is_not(None)).values(content="")
    db.session.execute(deleted.execution_options(synchronize_session=False))


def _has_readers(conversation_id: str, user_id: int) -> bool:
    """False for a direct conversation that nobody is left to read: notes to self, and those of two erased users."""
    peer_id = dm_peer(conversation_id, user_id)
    if peer_id is None:
        return True
    peer = select(User.id).where(User.id == peer_id, User.id != user_id, User.deleted_at.is_(None))
    return db.session.scalars(peer).first() is not None


def _delete_batch(conversation_id: str) -> int:
    """Delete the newest messages of a conversation, and return how many were deleted."""
    try:
        allocate_modseq(conversation_id, 0)
    except NotFound:
        return 0
    count = delete_newest_messages(conversation_id, BATCH)
    db.session.commit()
    remove_files()
    return count
