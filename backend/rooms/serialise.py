"""The serialiser of rooms and their members, for REST, socket, sync and export alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select

from backend.models import Room, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id
from backend.users.serialise import public_users_json


def room_json(room: Room, viewer: User) -> dict[str, Any]:
    """*room* as *viewer* may see it. A member also sees their own `is_admin` and `joined_at`."""
    return rooms_json([room], viewer)[0]


def rooms_json(rooms: Sequence[Room], viewer: User) -> list[dict[str, Any]]:
    """Like `room_json`, for a list. Reads member counts and the viewer's memberships in one query."""
    if not rooms:
        return []
    own = RoomMembership.user_id == viewer.id
    statement = (
        select(
            RoomMembership.room_id,
            func.count(),
            func.max(case((own & RoomMembership.is_admin, 1), else_=0)),
            func.max(case((own, RoomMembership.joined_at))),
        )
        .where(RoomMembership.room_id.in_([room.id for room in rooms]), RoomMembership.left_at.is_(None))
        .group_by(RoomMembership.room_id)
    )
    facts = {room_id: fact for room_id, *fact in db.session.execute(statement)}
    return [_room(room, *facts.get(room.id, (0, 0, None))) for room in rooms]


def room_by_member(room_id: int, user_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """A room as each member among *user_ids* sees it. Empty if the room is deleted. Takes three queries."""
    room = db.session.scalars(select(Room).where(Room.id == room_id, Room.deleted_at.is_(None))).one_or_none()
    if room is None:
        return {}
    m = RoomMembership
    present = (m.room_id == room_id, m.left_at.is_(None))
    count = db.session.scalar(select(func.count()).select_from(m).where(*present)) or 0
    own = select(m.user_id, m.is_admin, m.joined_at).where(*present, m.user_id.in_(user_ids))
    return {
        user_id: _room(room, count, is_admin, joined_at) for user_id, is_admin, joined_at in db.session.execute(own)
    }


def members_json(rows: Sequence[tuple[RoomMembership, User]], viewer: User) -> list[dict[str, Any]]:
    """Members with their public profiles, as *viewer* may see them. Reads the roles of all in one query."""
    users = public_users_json([user for _, user in rows], viewer)
    return [
        {"user": user, "is_admin": membership.is_admin, "joined_at": membership.joined_at}
        for (membership, _), user in zip(rows, users, strict=True)
    ]


def member_json(membership: RoomMembership, user: User, viewer: User) -> dict[str, Any]:
    """One member with `is_banned`, for the admin who changed them."""
    return members_json([(membership, user)], viewer)[0] | {"is_banned": membership.is_banned}


def _room(room: Room, member_count: int, is_admin: int, joined_at: datetime | None) -> dict[str, Any]:
    answer = {
        "id": room.id,
        "name": room.name,
        "description": room.description,
        "is_public": room.is_public,
        "owner_id": room.owner_id,
        "member_count": member_count,
        "conversation_id": room_conversation_id(room.id),
        "created_at": room.created_at,
        "updated_at": room.updated_at,
    }
    if joined_at is not None:
        answer |= {"is_admin": bool(is_admin), "joined_at": joined_at}
    return answer
