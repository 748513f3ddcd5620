"""Changes of memberships, and the closing of rooms. The caller has locked the room (`lock_room`), and commits.

The row of a membership that ends stays, so that its `modseq` tells other members of the end.
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
    """The user's row of memberships in the room: an active membership, an ended one or a ban."""
    statement = select(RoomMembership).where(RoomMembership.user_id == user_id, RoomMembership.room_id == room.id)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def has_others(room: Room, user_id: int) -> bool:
    """Whether the room has members besides *user_id*."""
    others = exists().where(
        RoomMembership.room_id == room.id, RoomMembership.user_id != user_id, RoomMembership.left_at.is_(None)
    )
    return bool(db.session.scalar(select(others)))


def start_membership(room: Room, user_id: int, former: RoomMembership | None, is_admin: bool = False) -> RoomMembership:
    """Make *user_id* a member. Earlier messages count as read. *former* is their ended membership."""
    membership = former or _new_membership(room, user_id)
    membership.left_at, membership.is_admin, membership.left_by_self = None, is_admin, None
    _stamp(membership, "member.joined")
    membership.set_joined()  # now, because the stamp may have waited for a lock
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
    """Ban *user_id* from the room, whether they are a member or not. Repeating it changes nothing.

    The ban of a user who is not a member takes no modseq and publishes no event, because only admins may know of it.
    """
    if membership is None:
        membership = _new_membership(room, user_id)
        membership.joined_at = membership.left_at = utcnow()
    if membership.is_banned:
        return membership
    ensure_not_owner(room, membership)
    if membership.left_at is None:
        end(membership)
    membership.is_banned = True
    return membership


def lift_ban(membership: RoomMembership) -> None:
    """Lift a ban. The user may join again, also by an invite. The ended membership stays ended, and no event is published."""
    if membership.is_banned:
        membership.is_banned = False
        membership.left_by_self = membership.left_by_self or None


def set_admin(room: Room, membership: RoomMembership, is_admin: bool) -> None:
    """Make a member an admin, or revoke it."""
    if membership.is_admin == is_admin:
        return
    if not is_admin:
        ensure_not_owner(room, membership)
        _revoke_invites(membership)
    membership.is_admin = is_admin
    _stamp(membership)


def ensure_not_owner(room: Room, membership: RoomMembership) -> None:
    """Raise Forbidden if the membership is the owner's."""
    if membership.user_id == room.owner_id:
        raise Forbidden("The owner cannot be demoted, banned or removed. The owner has to transfer the room first.")


def close_room(room: Room) -> None:
    """Delete the room: hide it and end all memberships. Its row stays without its texts, so that its id is not reused."""
    room.deleted_at = now = utcnow()
    room.name, room.description = SCRUBBED_NAME, None
    conversation_id = room_conversation_id(room.id)
    # All memberships get one modseq: they end together, and to clients that sync the room is "gone".
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
    """Revoke an admin's invites. They stay revoked if the user becomes an admin again."""
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
    with db.session.no_autoflush:  # the row is inserted once, with its modseq
        membership.modseq = allocate_modseq(conversation_id)
    if type_ is None:
        type_ = "member.updated" if membership.left_at is None else "member.left"
    publish_on_commit(member_event(type_, conversation_id, membership))


def _drop_entries(conversation_id: str, *which: ColumnElement[bool]) -> None:
    db.session.execute(delete(ConversationEntry).where(ConversationEntry.conversation_id == conversation_id, *which))
