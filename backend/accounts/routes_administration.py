"""`PATCH /api/users/{id}`: administration of accounts by superusers."""

from __future__ import annotations

from typing import Any

from backend.accounts import administration
from backend.identity.guards import current_user, superuser
from backend.users.routes_roles import accounts_bp
from backend.users.schemas import AccountChangesBody, UserSchema


@accounts_bp.patch("/<id:user_id>")
@accounts_bp.response(200, UserSchema)
@superuser
@accounts_bp.arguments(AccountChangesBody)
def update_account(body: dict[str, Any], user_id: int) -> dict[str, Any]:
    """Change an account

    The sessions and sockets of a deactivated account end at once. The last active superuser cannot be deactivated or demoted
    (409 `last_superuser`).
    """
    return administration.update_account(current_user, user_id, body)
