"""`/api/auth/tokens`: API tokens. They are managed with a session; a token cannot create another."""

from __future__ import annotations

from typing import Any

from backend.auth import api_tokens
from backend.auth.schemas_tokens import ApiTokenBody, ApiTokenSchema, NewApiTokenSchema
from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.identity.guards import current_user, fresh_session_required, session_required
from backend.pagination import Page

bp = Blueprint("api-tokens", __name__, url_prefix="/api/auth/tokens", description="Keys for scripts")


@bp.get("")
@bp.response(200, ApiTokenSchema(many=True))
@session_required
@paged
@bp.arguments(PageArgs, location="query")
def list_api_tokens(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """List your API tokens

    The newest first, without their secrets. All calls about API tokens need a session: an API token gets 403.
    """
    return api_tokens.list_tokens(current_user, query["page_request"])


@bp.post("")
@bp.response(201, NewApiTokenSchema)
@fresh_session_required
@bp.arguments(ApiTokenBody)
def create_api_token(body: dict[str, Any]) -> Any:
    """Create an API token

    Only this answer has its secret, as `token`. Needs a fresh session (403 `reauthentication_required`). Only superusers may
    grant the scopes `admin` and `health` (403).
    """
    return api_tokens.create_token(current_user, **body)


@bp.delete("/<id:token_id>")
@bp.response(204)
@session_required
def delete_api_token(token_id: int) -> None:
    """Delete an API token

    It is refused from then on, and its sockets close.
    """
    api_tokens.delete_token(current_user, token_id)
