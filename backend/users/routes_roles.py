"""`/api/roles`, and the roles of users."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.identity.guards import current_user, login_required, own_answer, superuser
from backend.pagination import Page
from backend.users import roles
from backend.users.schemas import RoleBody, RoleChangesBody, RoleSchema

bp = Blueprint("roles", __name__, url_prefix="/api/roles", description="Names for groups of users")
accounts_bp = Blueprint(
    "accounts", __name__, url_prefix="/api/users", description="Administration of accounts by superusers"
)


@bp.get("")
@bp.response(200, RoleSchema(many=True))
@login_required
@paged
@bp.arguments(PageArgs, location="query")
def list_roles(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """List the roles, by name"""
    return roles.list_roles(query["page_request"])


@bp.post("")
@bp.response(201, RoleSchema)
@superuser
@own_answer
@bp.arguments(RoleBody)
def create_role(body: dict[str, Any]) -> dict[str, Any]:
    """Create a role

    A name that is taken is 409 `role_taken`.
    """
    return roles.create_role(current_user, **body)


@bp.patch("/<id:role_id>")
@bp.response(200, RoleSchema)
@superuser
@bp.arguments(RoleChangesBody)
def update_role(body: dict[str, Any], role_id: int) -> dict[str, Any]:
    """Change a role"""
    return roles.update_role(current_user, role_id, body)


@bp.delete("/<id:role_id>")
@bp.response(204)
@superuser
def delete_role(role_id: int) -> None:
    """Delete a role

    All users lose it.
    """
    roles.delete_role(current_user, role_id)


@accounts_bp.put("/<id:user_id>/roles/<id:role_id>")
@accounts_bp.response(204)
@superuser
def grant_role(user_id: int, role_id: int) -> None:
    """Give a user a role

    Repeating the call changes nothing.
    """
    roles.grant_role(current_user, user_id, role_id)


@accounts_bp.delete("/<id:user_id>/roles/<id:role_id>")
@accounts_bp.response(204)
@superuser
def revoke_role(user_id: int, role_id: int) -> None:
    """Take a role from a user

    Repeating the call changes nothing.
    """
    roles.revoke_role(current_user, user_id, role_id)
