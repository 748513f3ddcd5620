"""`/api/users`: who is here."""

from __future__ import annotations

from typing import Any

from backend.auth.access import current_user, signed_in
from backend.http.blueprint import Blueprint
from backend.http.pagination import paged
from backend.paging import Page, Slice
from backend.users import service
from backend.users.schemas import UserListArgs, UserSchema
from backend.users.serialise import user_json

bp = Blueprint("users", __name__, url_prefix="/api/users", description="Profiles")


@bp.get("/me")
@bp.response(200, UserSchema)
@signed_in
def get_me() -> dict[str, Any]:
    """The caller's own profile."""
    return user_json(current_user, current_user)


@bp.get("")
@bp.response(200, UserSchema(many=True))
@signed_in
@paged
@bp.arguments(UserListArgs, location="query")
def list_users(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Find people by username or name, in the order of their usernames.

    Deactivated accounts are listed to superusers alone.
    """
    part: Slice = query["part"]
    return service.list_users(current_user, part, query["q"])


@bp.get("/<id:user_id>")
@bp.response(200, UserSchema)
@signed_in
def get_user(user_id: int) -> dict[str, Any]:
    """A user's public profile; the caller's own, and any to a superuser, has the private fields too."""
    return service.get_profile(current_user, user_id)
