"""The one shape of a room and of its members, for REST, socket, sync and export alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from backend.models import Room, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id
from backend.rooms.access import RoomAccess
from backend.users.serialise import users_json


def room_json(access: RoomAccess) -> dict[str, Any]:
    """The room as the user of *access* may see it."""
    return rooms_json([access])[0]


def rooms_json(seen: Sequence[RoomAccess]) -> list[dict[str, Any]]:
    """Like `room_json`, for a list; counts the members of all in one query."""
    counts = member_counts([access.room.id for access in seen])
    return [_room(access.room, counts.get(access.room.id, 0)) | _own(access.membership) for access in seen]


def member_counts(room_ids: Sequence[int]) -> dict[int, int]:
    """How many active members each of the rooms has. Rooms without any are left out."""
    statement = (
        select(RoomMembership.room_id, func.count())
        .where(RoomMembership.room_id.in_(room_ids), RoomMembership.left_at.is_(None))
        .group_by(RoomMembership.room_id)
    )
    return {room_id: count for room_id, count in db.session.execute(statement)}


def members_json(rows: Sequence[tuple[RoomMembership, User]]) -> list[dict[str, Any]]:
    """Members with their public profiles; reads the roles of all in one query."""
    users = users_json([user for _, user in rows], viewer=None)
    return [
        {"user": user, "is_admin": membership.is_admin, "joined_at": membership.joined_at}
        for (membership, _), user in zip(rows, users, strict=True)
    ]


def member_json(membership: RoomMembership, user: User) -> dict[str, Any]:
    """One member, to the admin who changed something about them: with `is_banned`."""
    return members_json([(membership, user)])[0] | {"is_banned": membership.is_banned}


def _room(room: Room, member_count: int) -> dict[str, Any]:
    return {
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


def _own(membership: RoomMembership | None) -> dict[str, Any]:
    if membership is None:
        return {}
    return {"is_admin": membership.is_admin, "joined_at": membership.joined_at}
