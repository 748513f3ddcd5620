"""API tokens: long-lived keys for scripts, each with its scopes. A token is shown once and stored as a hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from backend.audit.log import record
from backend.errors import Conflict, Forbidden, NotFound
from backend.events import publish_on_commit, revoked_event
from backend.identity.api_token_lookup import API_TOKEN_PREFIX
from backend.models import ApiToken, RevokedToken, User
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.security.hashing import hash_secret, new_secret
from backend.users.access import lock_self

SCOPES = ("read", "write", "admin", "health")
DEFAULT_SCOPES = ("read", "write")
PRIVILEGED = frozenset({"admin", "health"})
"""Scopes that only superusers may grant."""

MOST = 100
"""The maximal number of tokens of one user."""


class TooManyTokens(Conflict):
    code = "too_many_tokens"
    detail = f"You have {MOST} API tokens. Delete one that is not used."


def create_token(
    user: User, name: str, scopes: Sequence[str] = DEFAULT_SCOPES, expires_at: datetime | None = None
) -> dict[str, Any]:
    """Create a token of *user*. Only this answer has the secret, as `token`.

    Raises Forbidden where *user* may not grant *scopes*, TooManyTokens, and TokenRevoked for a user who was erased or deactivated
    meanwhile.
    """
    owner = lock_self(user)
    if not PRIVILEGED.isdisjoint(scopes) and not owner.is_superuser:
        raise Forbidden("Only a superuser may grant the scopes admin and health.")
    count = db.session.scalar(select(func.count()).select_from(ApiToken).where(ApiToken.user_id == user.id)) or 0
    if count >= MOST:
        raise TooManyTokens
    secret = API_TOKEN_PREFIX + new_secret()
    wanted = [scope for scope in SCOPES if scope in scopes]
    row = ApiToken(user_id=user.id, name=name, token=hash_secret(secret), scopes=wanted, expires_at=expires_at)
    db.session.add(row)
    db.session.flush()
    record("api_token.created", user.id, f"api_token:{row.id}", {"scopes": wanted})
    answer = token_json(row) | {"token": secret}
    db.session.commit()
    return answer


def list_tokens(user: User, page_request: PageRequest) -> Page[dict[str, Any]]:
    """Return the tokens of *user*, the newest first, without their secrets."""
    statement = select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id.desc())
    rows = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1))
    return Page.from_rows([token_json(row) for row in rows], page_request)


def delete_token(user: User, token_id: int) -> None:
    """Delete a token of *user*. It is refused from then on, and its sockets close. Raises NotFound."""
    if not revoke(ApiToken.id == token_id, ApiToken.user_id == user.id):
        raise NotFound
    record("api_token.deleted", user.id, f"api_token:{token_id}")
    publish_on_commit(revoked_event(user.id))
    db.session.commit()


def revoke(*which: ColumnElement[bool]) -> int:
    """Delete tokens without a commit, and record that they were revoked. Returns their number."""
    hashes = db.session.scalars(delete(ApiToken).where(*which).returning(ApiToken.token)).all()
    db.session.add_all([RevokedToken(token=each) for each in hashes])
    return len(hashes)


def drop_privileges(user_id: int) -> None:
    """Remove from the tokens of *user_id* the scopes that only a superuser's token may have, without a commit.

    A token without any other scope is deleted.
    """
    for token in db.session.scalars(select(ApiToken).where(ApiToken.user_id == user_id).with_for_update()):
        kept = [scope for scope in token.scopes if scope not in PRIVILEGED]
        if not kept:
            revoke(ApiToken.id == token.id)
        elif kept != token.scopes:
            token.scopes = kept


def token_json(token: ApiToken) -> dict[str, Any]:
    """Serialise a token, for lists and the export alike. The hash is never part of it."""
    return {
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
