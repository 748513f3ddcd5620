"""`/api/rooms/{id}/invites` and `/api/rooms/join`: links that let people into a room."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.http.rate_limits import enforce
from backend.identity.guards import current_user, login_required, own_answer
from backend.pagination import Page
from backend.rate_limiting.limits import RateLimit
from backend.rooms import invites
from backend.rooms.schemas import JoinByCodeBody, RoomInviteBody, RoomInviteSchema, RoomSchema

INVITE = RateLimit("create-invite", "60 per hour")

bp = Blueprint("invites", __name__, url_prefix="/api/rooms", description="Links that let people into a room")


@bp.get("/<id:room_id>/invites")
@bp.response(200, RoomInviteSchema(many=True))
@login_required
@paged
@bp.arguments(PageArgs, location="query")
def list_invites(query: dict[str, Any], room_id: int) -> Page[dict[str, Any]]:
    """List a room's invites

    Those that are valid, newest first. For admins of the room.
    """
    return invites.list_invites(current_user, room_id, query["page_request"])


@bp.post("/<id:room_id>/invites")
@bp.response(201, RoomInviteSchema)
@login_required
@own_answer
@bp.arguments(RoomInviteBody, required=False)
def create_invite(body: dict[str, Any], room_id: int) -> dict[str, Any]:
    """Invite people into a room

    As an admin of it. The link is valid for 7 days by default; with `expires_in` null it never expires. The invite
    becomes invalid when its creator is not an admin of the room any more. At most 60 an hour.
    """
    enforce(INVITE, str(current_user.id))
    return invites.create_invite(current_user, room_id, **body)


@bp.delete("/<id:room_id>/invites/<secret:code>")
@bp.response(204)
@login_required
def revoke_invite(room_id: int, code: str) -> None:
    """Revoke an invite

    Users who have joined with it stay members.
    """
    invites.revoke_invite(current_user, room_id, code)


@bp.post("/join")
@bp.response(200, RoomSchema)
@login_required
@bp.arguments(JoinByCodeBody)
def join_by_code(body: dict[str, Any]) -> dict[str, Any]:
    """Join a room with an invite

    A code that is unknown, expired, used up or revoked, or whose creator is not an admin any more, is 404. So is every code
    for a user whom an admin removed from the room. Banned users get 403 `banned`. For a member nothing changes, and no use is
    counted.
    """
    return invites.join_by_code(current_user, body["code"])
