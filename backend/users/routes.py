"""`/api/users`: the directory, avatars and blocks."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.http.view_metadata import upload
from backend.identity.guards import current_user, login_required
from backend.pagination import Page, PageRequest
from backend.users import avatars, blocks, service
from backend.users.schemas import AvatarArgs, AvatarBody, PublicUserSchema, UserListArgs, UserSchema

bp = Blueprint("users", __name__, url_prefix="/api/users", description="Profiles")


@bp.put("/me/avatar")
@bp.response(200, UserSchema)
@login_required
@upload
@bp.arguments(AvatarBody, location="files")
def set_avatar(files: dict[str, Any]) -> dict[str, Any]:
    """Set your avatar

    JPEG, PNG, WebP or GIF. It is encoded anew as a square of 512 pixels without metadata.
    """
    return avatars.set_avatar(current_user, files["file"].stream)


@bp.delete("/me/avatar")
@bp.response(204)
@login_required
def delete_avatar() -> None:
    """Remove your avatar"""
    avatars.delete_avatar(current_user)


@bp.get("/me/blocks")
@bp.response(200, PublicUserSchema(many=True))
@login_required
@paged
@bp.arguments(PageArgs, location="query")
def list_blocks(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """List the users that you block

    Latest block first.
    """
    return blocks.list_blocks(current_user, query["page_request"])


@bp.put("/me/blocks/<id:user_id>")
@bp.response(204)
@bp.alt_response(422, "UNPROCESSABLE_ENTITY")
@login_required
def block_user(user_id: int) -> None:
    """Block a user

    A blocked user cannot send you direct messages (403 `blocked`). Repeating the call changes nothing.
    """
    blocks.block_user(current_user, user_id)


@bp.delete("/me/blocks/<id:user_id>")
@bp.response(204)
@login_required
def unblock_user(user_id: int) -> None:
    """Lift a block

    If there is none, nothing changes.
    """
    blocks.unblock_user(current_user, user_id)


@bp.get("/<id:user_id>/avatar")
@bp.response(200, {"type": "string", "format": "binary"}, content_type=avatars.CONTENT_TYPE)
@bp.alt_response(304, description="You have this avatar already.", success=True)
@login_required
@bp.arguments(AvatarArgs, location="query")
def get_avatar(query: dict[str, Any], user_id: int) -> Any:
    """Get a user's avatar

    `avatar_url` contains its version. The avatar at that URL never changes.
    """
    picture = avatars.get_avatar(current_user, user_id)
    response = Response(picture.data, mimetype=avatars.CONTENT_TYPE)
    response.set_etag(picture.version)
    fresh = query.get("v") == picture.version
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable" if fresh else "private, no-cache"
    return response.make_conditional(request.environ)


@bp.get("")
@bp.response(200, UserSchema(many=True))
@login_required
@paged
@bp.arguments(UserListArgs, location="query")
def list_users(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Find users by username or name, or by their ids, in the order of their usernames.

    The search shows deactivated accounts to superusers alone. With DIRECTORY=shared others find only those with whom they share
    a room or a direct conversation, and with DIRECTORY=off the search finds nobody.
    """
    page_request: PageRequest = query["page_request"]
    return service.list_users(current_user, page_request, query["q"], query.get("ids"))


@bp.get("/<id:user_id>")
@bp.response(200, UserSchema)
@login_required
def get_user(user_id: int) -> dict[str, Any]:
    """A user's public profile. Your own profile, and any for a superuser, also has the private fields."""
    return service.get_profile(current_user, user_id)
