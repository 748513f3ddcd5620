"""The single changes that membership is made of. Their callers hold the room (`lock_room`) and commit.

A membership that ends stays as a row: its `modseq` tells others of the leaving.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, exists, select, update

from backend.conversations.sequence import allocate_modseq
from backend.errors import Forbidden
from backend.events import member_event, opened_event, publish_on_commit, room_event
from backend.models import Conversation, ConversationEntry, Room, RoomInvite, RoomMembership
from backend.models.base import db, utcnow
from backend.models.conversation import room_conversation_id

SCRUBBED_NAME = "deleted room"


def find_membership(room: Room, user_id: int) -> RoomMembership | None:
    """The row that ties *user_id* to the room: an active membership, an ended one or a ban."""
    statement = select(RoomMembership).where(RoomMembership.user_id == user_id, RoomMembership.room_id == room.id)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def has_others(room: Room, user_id: int) -> bool:
    """Whether anybody but *user_id* is in the room."""
    others = exists().where(
        RoomMembership.room_id == room.id, RoomMembership.user_id != user_id, RoomMembership.left_at.is_(None)
    )
    return bool(db.session.scalar(select(others)))


def admit(room: Room, user_id: int, former: RoomMembership | None, is_admin: bool = False) -> RoomMembership:
    """Make *user_id* a member from now on: what was said before counts as read. *former* is their ended membership."""
    membership = former or _new_membership(room, user_id)
    membership.joined_at, membership.left_at, membership.is_admin = utcnow(), None, is_admin
    membership.left_by_self = None
    _stamp(membership, "member.joined")
    publish_on_commit(opened_event(room_conversation_id(room.id), user_id, membership.modseq - 1))
    conversation_id = room_conversation_id(room.id)
    head = select(Conversation.last_seq).where(Conversation.id == conversation_id).scalar_subquery()
    db.session.add(ConversationEntry(user_id=user_id, conversation_id=conversation_id, last_read_seq=head))
    db.session.flush()
    return membership


def end(membership: RoomMembership, *, by_self: bool = False) -> None:
    """End an active membership, take the room out of the user's inbox, and revoke the invites that the user made as an admin."""
    _revoke_invites(membership)
    membership.left_at, membership.is_admin, membership.left_by_self = utcnow(), False, by_self
    _stamp(membership)
    _drop_entries(room_conversation_id(membership.room_id), ConversationEntry.user_id == membership.user_id)


def ban(room: Room, user_id: int, membership: RoomMembership | None) -> RoomMembership:
    """Keep *user_id* out of the room, whether they are in it or not. Who is banned already stays so.

    The ban of somebody who is not in the room takes no modseq and no event: nobody but admins may learn of it.
    """
    if membership is None:
        membership = _new_membership(room, user_id)
        membership.joined_at = membership.left_at = utcnow()
    if membership.is_banned:
        return membership
    spare_owner(room, membership)
    if membership.left_at is None:
        end(membership)
    membership.is_banned = True
    return membership


def lift_ban(membership: RoomMembership) -> None:
    """Let the user come again, by an invite too. The membership that the ban ended stays ended, and nobody is told."""
    if membership.is_banned:
        membership.is_banned = False
        membership.left_by_self = membership.left_by_self or None


def set_admin(room: Room, membership: RoomMembership, is_admin: bool) -> None:
    """Make a member an admin, or no longer one."""
    if membership.is_admin == is_admin:
        return
    if not is_admin:
        spare_owner(room, membership)
        _revoke_invites(membership)
    membership.is_admin = is_admin
    _stamp(membership)


def spare_owner(room: Room, membership: RoomMembership) -> None:
    """Raise Forbidden where the membership is the owner's."""
    if membership.user_id == room.owner_id:
        raise Forbidden("The owner cannot be demoted, banned or removed. The owner hands the room over first.")


def close_room(room: Room) -> None:
    """Hide the room for ever and end every membership. Its row stays, without its texts: ids are never reused."""
    room.deleted_at = now = utcnow()
    room.name, room.description = SCRUBBED_NAME, None
    conversation_id = room_conversation_id(room.id)
    # One modseq serves them all: they end together, and whoever syncs hears of it as "gone".
    modseq = allocate_modseq(conversation_id)
    db.session.execute(
        update(RoomMembership)
        .where(RoomMembership.room_id == room.id, RoomMembership.left_at.is_(None))
        .values(left_at=now, is_admin=False, modseq=modseq)
    )
    _drop_entries(conversation_id)
    publish_on_commit(room_event("room.deleted", conversation_id, room_id=room.id))
    db.session.execute(delete(RoomInvite).where(RoomInvite.room_id == room.id))


def _revoke_invites(membership: RoomMembership) -> None:
    """Revoke what an admin's invites still open: they stay dead when their maker becomes an admin again."""
    if membership.is_admin:
        own = (RoomInvite.room_id == membership.room_id, RoomInvite.created_by_id == membership.user_id)
        lasting = update(RoomInvite).where(*own, RoomInvite.revoked_at.is_(None))
        db.session.execute(lasting.values(revoked_at=utcnow()))


def _new_membership(room: Room, user_id: int) -> RoomMembership:
    membership = RoomMembership(room_id=room.id, user_id=user_id, is_admin=False, is_banned=False)
    db.session.add(membership)
    return membership


def _stamp(membership: RoomMembership, type_: str | None = None) -> None:
    conversation_id = room_conversation_id(membership.room_id)
    with db.session.no_autoflush:  # the row goes in once, whole
        membership.modseq = allocate_modseq(conversation_id)
    if type_ is None:
        type_ = "member.updated" if membership.left_at is None else "member.left"
    publish_on_commit(member_event(type_, conversation_id, membership))


def _drop_entries(conversation_id: str, *which: ColumnElement[bool]) -> None:
    db.session.execute(delete(ConversationEntry).where(ConversationEntry.conversation_id == conversation_id, *which))
