"""How an erased user leaves the conversations: rooms pass to others, messages to "deleted user", each change with its modseq."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import case, delete, exists, func, or_, select, update

from backend.conversations.deletion import delete_newest_messages
from backend.conversations.sequence import allocate_modseq
from backend.errors import NotFound
from backend.events import publish_on_commit, room_updated_event
from backend.models import (
    Attachment,
    Conversation,
    ConversationEntry,
    Message,
    MessageMention,
    Reaction,
    Room,
    RoomMembership,
    User,
)
from backend.models.base import db, utcnow
from backend.models.conversation import LOBBY, dm_peer
from backend.rooms.access import lock_room
from backend.rooms.changes import close_room, end, find_membership, set_admin
from backend.rooms.purge import purge_after_deletion
from backend.rooms.serialise import room_json

BATCH = 500
"""Messages in one transaction: few enough that nobody waits long for their conversation."""


def leave_conversations(user_id: int, tombstone_id: int, deadline: float | None = None) -> bool:
    """Take *user_id* out of every conversation. Commits as it goes; returns False where *deadline* came first."""
    for room_id in _rooms_of(user_id):
        _leave_room(user_id, room_id)
    for conversation_id in _conversations_of(user_id):
        has_readers = _has_readers(conversation_id, user_id)
        while (
            _move_batch(conversation_id, user_id, tombstone_id) if has_readers else _drop_batch(conversation_id)
        ) == BATCH:
            if deadline is not None and time.monotonic() >= deadline:
                return False
    return True


def _rooms_of(user_id: int) -> list[int]:
    owned = select(Room.id).where(Room.owner_id == user_id, Room.deleted_at.is_(None))
    joined = select(RoomMembership.room_id).where(RoomMembership.user_id == user_id, RoomMembership.left_at.is_(None))
    return sorted(set(db.session.scalars(owned.union(joined))))


def _leave_room(user_id: int, room_id: int) -> None:
    """End the membership. A room that was theirs goes to its oldest admin, else its oldest member, else it closes."""
    try:
        lock_room(room_id)
    except NotFound:
        return
    room = db.session.scalars(select(Room).where(Room.id == room_id).execution_options(populate_existing=True)).one()
    if room.deleted_at is not None:
        db.session.rollback()
        return
    if room.owner_id == user_id and not _hand_over(room, user_id):
        close_room(room)
        db.session.commit()
        purge_after_deletion(room_id)
        return
    membership = find_membership(room, user_id)
    if membership is not None and membership.left_at is None:
        end(membership)
    db.session.commit()


def _hand_over(room: Room, user_id: int) -> bool:
    successors = (
        select(RoomMembership, User)
        .join(RoomMembership.user)
        .where(RoomMembership.room_id == room.id, RoomMembership.user_id != user_id, RoomMembership.left_at.is_(None))
        .where(User.deleted_at.is_(None))
        .order_by(User.is_active.desc(), RoomMembership.is_admin.desc(), RoomMembership.joined_at, RoomMembership.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    found = db.session.execute(successors).one_or_none()
    if found is None:
        return False
    membership, heir = found
    set_admin(room, membership, is_admin=True)
    room.owner_id = heir.id
    db.session.flush()
    publish_on_commit(room_updated_event(room_json(room, heir)))
    return True


def _conversations_of(user_id: int) -> list[str]:
    """Wherever *user_id* said something, was spoken to or named, or could write until now: those are locked once at least."""
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


def _move_batch(conversation_id: str, user_id: int, tombstone_id: int) -> int:
    """Rewrite the next messages of a conversation that show *user_id* in any way; how many those were."""
    try:
        lock = allocate_modseq(conversation_id, 0)
    except NotFound:
        return 0
    m = Message
    shown = or_(
        m.sender_id == user_id,
        m.recipient_id == user_id,
        *(exists().where(t.message_id == m.id, t.user_id == user_id) for t in (Reaction, MessageMention, Attachment)),
    )
    wanted = select(m.id).where(m.conversation_id == conversation_id, shown).order_by(m.seq).limit(BATCH)
    ids = db.session.scalars(wanted).all()
    if ids:
        allocate_modseq(conversation_id, len(ids))
        _rewrite(ids, lock, user_id, tombstone_id)
    db.session.commit()
    return len(ids)


def _rewrite(ids: Sequence[int], modseq: int, user_id: int, tombstone_id: int) -> None:
    m = Message
    for table in (Reaction, MessageMention, Attachment):
        db.session.execute(delete(table).where(table.message_id.in_(ids), table.user_id == user_id))
    place = select(m.id, func.row_number().over(order_by=m.seq).label("n")).where(m.id.in_(ids)).subquery()
    is_own, is_to = m.sender_id == user_id, m.recipient_id == user_id
    values = {
        "modseq": modseq + place.c.n,
        "sender_id": case((is_own, tombstone_id), else_=m.sender_id),
        "recipient_id": case((is_to, tombstone_id), else_=m.recipient_id),
        # A key is unique for its sender, and all the erased are one.
        "client_message_id": case((is_own, None), else_=m.client_message_id),
        "request_hash": case((is_own, None), else_=m.request_hash),
        "updated_at": utcnow(),
    }
    statement = update(m).where(m.id == place.c.id).values(values).execution_options(synchronize_session=False)
    db.session.execute(statement)


def _has_readers(conversation_id: str, user_id: int) -> bool:
    """False for a direct conversation that nobody is left to read: notes to oneself, and those of two erased."""
    peer_id = dm_peer(conversation_id, user_id)
    if peer_id is None:
        return True
    peer = select(User.id).where(User.id == peer_id, User.id != user_id, User.deleted_at.is_(None))
    return db.session.scalars(peer).first() is not None


def _drop_batch(conversation_id: str) -> int:
    """Delete the newest messages of a conversation, and return how many were deleted."""
    try:
        allocate_modseq(conversation_id, 0)
    except NotFound:
        return 0
    count = delete_newest_messages(conversation_id, BATCH)
    db.session.commit()
    return count
