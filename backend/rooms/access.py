"""Access to rooms. Every way from an id to a room goes through here, and checks what the user may see and do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Select, Table, and_, bindparam, or_, select

from backend.errors import Forbidden, NotFound
from backend.models import Conversation, Room, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id

IS_ACTIVE = and_(RoomMembership.id.is_not(None), RoomMembership.left_at.is_(None))
"""The condition that a membership is active. It is false, too, if an outer join found no row."""


class NotAMember(Forbidden):
    code = "not_a_member"
    detail = "Join the room to read and write in it."


_rooms, _memberships = cast(Table, Room.__table__), cast(Table, RoomMembership.__table__)
_STANDING = (
    select(_rooms.c.is_public, _memberships.c.id, _memberships.c.left_at)
    .outerjoin_from(
        _rooms,
        _memberships,
        and_(_memberships.c.room_id == _rooms.c.id, _memberships.c.user_id == bindparam("user")),
    )
    .where(_rooms.c.id == bindparam("room"), _rooms.c.deleted_at.is_(None))
)
"""Built once, and from tables instead of entities, because building it took as long as the query itself."""


@dataclass(frozen=True)
class RoomAccess:
    """A room, and the user's row of memberships in it: an active membership, an ended one, or a ban."""

    room: Room
    own: RoomMembership | None

    @property
    def membership(self) -> RoomMembership | None:
        """The user's active membership."""
        return self.own if self.own is not None and self.own.left_at is None else None

    @property
    def is_member(self) -> bool:
        return self.membership is not None

    @property
    def is_admin(self) -> bool:
        return self.membership is not None and self.membership.is_admin

    @property
    def was_removed(self) -> bool:
        """Whether an admin ended the user's last membership."""
        return self.own is not None and self.own.left_at is not None and self.own.left_by_self is False

    @property
    def is_banned(self) -> bool:
        return self.own is not None and self.own.is_banned


def rooms_seen_by(user: User) -> Select[Room, RoomMembership]:
    """Select every room that *user* may see, with their own row of memberships: public rooms, and those of active memberships.

    Deleted rooms are left out. Superusers see no private rooms of others, and banned users still see public rooms.
    """
    return _with_own(user).where(Room.deleted_at.is_(None), or_(Room.is_public, IS_ACTIVE))


def get_room_for(user: User, room_id: int, *, lock: bool = False) -> RoomAccess:
    """The room *room_id*, as *user* may see it. Raises NotFound if it is missing or hidden.

    With *lock* the room, its members and its messages are locked until the end of the transaction.
    """
    if lock:
        lock_room(room_id)
    return _one(rooms_seen_by(user).where(Room.id == room_id))


def check_member(user: User, room_id: int) -> None:
    """Raise NotFound if *user* may not see the room, and NotAMember if they may but are not a member.

    It loads no entities, because every read of messages calls it.
    """
    row = db.session.execute(_STANDING, {"room": room_id, "user": user.id}).one_or_none()
    if row is None:
        raise NotFound
    if row.id is None or row.left_at is not None:
        raise NotAMember if row.is_public else NotFound


def get_room_as_admin(user: User, room_id: int, *, lock: bool = False) -> RoomAccess:
    """Like `get_room_for`, only for admins of the room. Raises Forbidden for others who may see it."""
    access = get_room_for(user, room_id, lock=lock)
    if not access.is_admin:
        raise Forbidden("Only an admin of this room may do this.")
    return access


def get_room_as_owner(user: User, room_id: int) -> RoomAccess:
    """The locked room, for its owner. Raises NotFound if it is missing or hidden, and Forbidden for others who may see it."""
    access = get_room_for(user, room_id, lock=True)
    if access.room.owner_id != user.id:
        raise Forbidden("Only the owner of this room may do this.")
    return access


def get_room_to_delete(user: User, room_id: int) -> RoomAccess:
    """The locked room, for its owner or any superuser. It may be a room that the superuser cannot see otherwise."""
    if not user.has_admin_power:
        return get_room_as_owner(user, room_id)
    return get_room_with_own(user, room_id)


def get_room_with_own(user: User, room_id: int) -> RoomAccess:
    """The locked room, even if *user* may not see it: the caller has checked another right. Raises NotFound if it is deleted."""
    lock_room(room_id)
    return _one(_with_own(user).where(Room.deleted_at.is_(None), Room.id == room_id))


def lock_room(room_id: int) -> None:
    """Lock the room's conversation until the end of the transaction. Every change in a room begins with this.

    The conversation is always locked before the rows that belong to it, so that two changes cannot deadlock. Statements after
    this read the newest state, because in READ COMMITTED each statement has a snapshot of its own. Raises NotFound.
    """
    held = select(Conversation.id).where(Conversation.id == room_conversation_id(room_id))
    # key_share: as strong as an UPDATE of the counters, and does not block inserts that refer to the conversation.
    if db.session.scalar(held.with_for_update(key_share=True)) is None:
        raise NotFound


def _with_own(user: User) -> Select[Room, RoomMembership]:
    own = and_(RoomMembership.room_id == Room.id, RoomMembership.user_id == user.id)
    return select(Room, RoomMembership).outerjoin(RoomMembership, own)


def _one(statement: Select[Room, RoomMembership]) -> RoomAccess:
    row = db.session.execute(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound
    room, own = row
    return RoomAccess(room, own)
