"""Succession in the rooms of a user whose account is erased."""

from __future__ import annotations

from sqlalchemy import select

from backend.errors import NotFound
from backend.events import publish_on_commit, room_updated_event
from backend.models import Room, RoomMembership, User
from backend.models.base import db
from backend.rooms.access import lock_room
from backend.rooms.changes import close_room, end, find_membership, set_admin
from backend.rooms.purge import purge_after_deletion
from backend.rooms.serialise import room_json


def leave_all_rooms(user_id: int) -> None:
    """End all memberships of *user_id*, and give each room that they own to a successor. Commits after each room.

    The successor is the admin who has been a member for longest, or else the oldest member; active users come first. A room
    without other members is closed. Safe to repeat.
    """
    owned = select(Room.id).where(Room.owner_id == user_id, Room.deleted_at.is_(None))
    joined = select(RoomMembership.room_id).where(RoomMembership.user_id == user_id, RoomMembership.left_at.is_(None))
    for room_id in sorted(set(db.session.scalars(owned.union(joined)))):
        _leave(user_id, room_id)


def _leave(user_id: int, room_id: int) -> None:
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
    """Make the successor of *user_id* the owner. Returns False if the room has no other member."""
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
    membership, successor = found
    set_admin(room, membership, is_admin=True)
    room.owner_id = successor.id
    db.session.flush()
    publish_on_commit(room_updated_event(room_json(room, successor)))
    return True
