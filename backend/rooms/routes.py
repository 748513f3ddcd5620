"""`/api/rooms`: rooms and their members."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.http.pagination import paged
from backend.http.rate_limits import enforce
from backend.identity.guards import current_user, large_answer, login_required, own_answer
from backend.pagination import Page
from backend.rate_limiting.limits import RateLimit
from backend.rooms import membership, service
from backend.rooms.schemas import (
    ChangedRoomMemberSchema,
    MemberListArgs,
    NewRoomMemberBody,
    RoomBody,
    RoomChangesBody,
    RoomListArgs,
    RoomMemberChangesBody,
    RoomMemberSchema,
    RoomSchema,
    RoomTransferBody,
)

CREATE, ADD, TRANSFER = (
    RateLimit("create-room", "30 per hour"),
    RateLimit("add-member", "300 per hour"),
    RateLimit("transfer-room", "10 per hour"),
)

bp = Blueprint("rooms", __name__, url_prefix="/api/rooms", description="Rooms and their members")


@bp.get("")
@bp.response(200, RoomSchema(many=True))
@login_required
@paged
@bp.arguments(RoomListArgs, location="query")
def list_rooms(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Public rooms and the caller's own, newest first."""
    return service.list_rooms(current_user, **query)


@bp.post("")
@bp.response(201, RoomSchema)
@login_required
@own_answer
@bp.arguments(RoomBody)
def create_room(body: dict[str, Any]) -> dict[str, Any]:
    """Create a room

    You own it, and are a member and an admin. At most 30 an hour, and 200 owned at a time (409 `too_many_rooms`). With
    ROOM_CREATION=superusers others get 403.
    """
    enforce(CREATE, str(current_user.id))
    return service.create_room(current_user, **body)


@bp.get("/<id:room_id>")
@bp.response(200, RoomSchema)
@login_required
def get_room(room_id: int) -> dict[str, Any]:
    """A public room, or one that the caller is a member of."""
    return service.get_room(current_user, room_id)


@bp.patch("/<id:room_id>")
@bp.response(200, RoomSchema)
@login_required
@bp.arguments(RoomChangesBody)
def update_room(body: dict[str, Any], room_id: int) -> dict[str, Any]:
    """Change a room, as an admin of it. Fields that are left out stay."""
    return service.update_room(current_user, room_id, body)


@bp.delete("/<id:room_id>")
@bp.response(204)
@login_required
def delete_room(room_id: int) -> None:
    """Delete a room with all its messages, as its owner or a superuser."""
    service.delete_room(current_user, room_id)


@bp.post("/<id:room_id>/join")
@bp.response(200, RoomSchema)
@login_required
def join_room(room_id: int) -> dict[str, Any]:
    """Join a public room. Repeating the call changes nothing. Banned users get 403 `banned`."""
    return membership.join_room(current_user, room_id)


@bp.post("/<id:room_id>/leave")
@bp.response(204)
@login_required
def leave_room(room_id: int) -> None:
    """Leave a room. Its owner has to transfer it first (409 `owner_must_transfer`), or deletes it if nobody else is a member."""
    membership.leave_room(current_user, room_id)


@bp.get("/<id:room_id>/members")
@bp.response(200, RoomMemberSchema(many=True))
@login_required
@large_answer
@paged
@bp.arguments(MemberListArgs, location="query")
def list_members(query: dict[str, Any], room_id: int) -> Page[dict[str, Any]]:
    """The members of a room, in the order in which they joined. Everybody may list the members of a public room."""
    return membership.list_members(current_user, room_id, **query)


@bp.put("/<id:room_id>/members/<id:user_id>")
@bp.response(200, ChangedRoomMemberSchema)
@login_required
@bp.arguments(NewRoomMemberBody, required=False)
def add_member(body: dict[str, Any], room_id: int, user_id: int) -> dict[str, Any]:
    """Add a user to a room

    As an admin of it. Repeating the call changes nothing. A banned user is 409 `user_banned`, and a user who blocks you 403
    `blocked`. A user who left by themselves is 403 `left` for a day; they can return by joining or with an invite.
    """
    enforce(ADD, str(current_user.id))
    return membership.add_member(current_user, room_id, user_id, **body)


@bp.patch("/<id:room_id>/members/<id:user_id>")
@bp.response(200, ChangedRoomMemberSchema)
@login_required
@bp.arguments(RoomMemberChangesBody)
def update_member(body: dict[str, Any], room_id: int, user_id: int) -> dict[str, Any]:
    """Make a member an admin, ban a user, or undo either, as an admin. A ban ends the membership, and needs none."""
    return membership.update_member(current_user, room_id, user_id, **body)


@bp.delete("/<id:room_id>/members/<id:user_id>")
@bp.response(204)
@login_required
def remove_member(room_id: int, user_id: int) -> None:
    """Remove a member, as an admin. To remove yourself is to leave."""
    membership.remove_member(current_user, room_id, user_id)


@bp.post("/<id:room_id>/transfer")
@bp.response(200, RoomSchema)
@login_required
@bp.arguments(RoomTransferBody)
def transfer_room(body: dict[str, Any], room_id: int) -> dict[str, Any]:
    """Transfer the room to another member

    As its owner. The new owner becomes an admin. A user who blocks you is 403 `blocked`, and one who owns 200 rooms is 409
    `too_many_rooms`.
    """
    enforce(TRANSFER, str(current_user.id))
    return membership.transfer_room(current_user, room_id, **body)
