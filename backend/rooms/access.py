"""The one door from an id to a room: what a user may see of it, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Select, Table, and_, bindparam, or_, select

from backend.errors import Forbidden, NotFound
from backend.models import Conversation, Room, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id

IS_ACTIVE = and_(RoomMembership.id.is_not(None), RoomMembership.left_at.is_(None))
"""Whether a membership lasts; false, too, where an outer join found none."""


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
"""Made once, of tables and not of entities: to build it anew took as long as the database takes to answer it."""


@dataclass(frozen=True)
class RoomAccess:
    """A room, and the row that ties the user to it: a membership that is active, has ended, or is a ban."""

    room: Room
    own: RoomMembership | None

    @property
    def membership(self) -> RoomMembership | None:
        """The user's membership, where it is active."""
        return self.own if self.own is not None and self.own.left_at is None else None

    @property
    def is_member(self) -> bool:
        return self.membership is not None

    @property
    def is_admin(self) -> bool:
        return self.membership is not None and self.membership.is_admin

    @property
    def was_removed(self) -> bool:
        """Whether an admin ended the user's membership, and nobody let them in again since."""
        return self.own is not None and self.own.left_at is not None and self.own.left_by_self is False

    @property
    def is_banned(self) -> bool:
        return self.own is not None and self.own.is_banned


def rooms_seen_by(user: User) -> Select[Room, RoomMembership]:
    """Every room that *user* may see, beside their own row in it: public rooms, and those they are an active member of.

    A deleted room is nowhere. To be a superuser opens no private room, and to be banned hides no public one.
    """
    return _with_own(user).where(Room.deleted_at.is_(None), or_(Room.is_public, IS_ACTIVE))


def get_room_for(user: User, room_id: int, *, lock: bool = False) -> RoomAccess:
    """The room *room_id*, as *user* may see it. Raises NotFound where it is missing or hidden.

    With *lock* nobody else changes the room, its members or its messages until this transaction ends.
    """
    if lock:
        lock_room(room_id)
    return _one(rooms_seen_by(user).where(Room.id == room_id))


def check_member(user: User, room_id: int) -> None:
    """Raise NotFound unless *user* may see the room, and NotAMember where they see it and are not in it.

    Loads nothing: messages are read through here.
    """
    row = db.session.execute(_STANDING, {"room": room_id, "user": user.id}).one_or_none()
    if row is None:
        raise NotFound
    if row.id is None or row.left_at is not None:
        raise NotAMember if row.is_public else NotFound


def get_room_as_admin(user: User, room_id: int, *, lock: bool = False) -> RoomAccess:
    """Like `get_room_for`, for the room's admins alone. Raises Forbidden for others who can see it."""
    access = get_room_for(user, room_id, lock=lock)
    if not access.is_admin:
        raise Forbidden("Only an admin of this room may do that.")
    return access


def get_room_as_owner(user: User, room_id: int, *, lock: bool = False) -> RoomAccess:
    """Like `get_room_for`, for the room's owner alone. Raises Forbidden for others who can see it."""
    access = get_room_for(user, room_id, lock=lock)
    if access.room.owner_id != user.id:
        raise Forbidden("Only the owner of this room may do that.")
    return access


def get_room_to_delete(user: User, room_id: int) -> RoomAccess:
    """The locked room, for its owner or any superuser; a superuser reaches here even a room that they cannot see."""
    if not user.has_admin_power:
        return get_room_as_owner(user, room_id, lock=True)
    return get_room_with_own(user, room_id)


def get_room_with_own(user: User, room_id: int) -> RoomAccess:
    """The locked room, whether *user* may see it or not, for who got in by another right. Raises NotFound where it is deleted."""
    lock_room(room_id)
    return _one(_with_own(user).where(Room.deleted_at.is_(None), Room.id == room_id))


def lock_room(room_id: int) -> None:
    """Hold the room's conversation until this transaction ends, as every change in the room does first.

    The order is always the conversation, then what hangs on it, so no two changes wait for each other. What is read after
    this is the newest: READ COMMITTED gives each statement a snapshot of its own. Raises NotFound.
    """
    held = select(Conversation.id).where(Conversation.id == room_conversation_id(room_id))
    # key_share: as strong as an UPDATE of the counters, and no obstacle to rows that merely refer to the conversation.
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
