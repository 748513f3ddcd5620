"""Loads the API token and the user behind a secret that starts with `confab_`."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session as DbSession

from backend.database import read_engine
from backend.errors import TokenExpired, TokenRevoked, Unauthorized
from backend.identity.identity import Credentials, Identity
from backend.identity.last_use import is_stale, record_use
from backend.models import ApiToken, RevokedToken, User
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret

API_TOKEN_PREFIX = "confab_"


def identify_api_token(secret: str) -> Identity:
    """The identity of an API token. Raises Unauthorized, TokenExpired or TokenRevoked."""
    digest = hash_secret(secret)
    with DbSession(read_engine(db.engine)) as session:
        statement = select(ApiToken, User).join(ApiToken.user).where(ApiToken.token == digest)
        row = session.execute(statement).one_or_none()
        if row is None and session.scalar(select(RevokedToken.id).where(RevokedToken.token == digest)):
            raise TokenRevoked
    identity = _identity_of(row)
    if row is not None and is_stale(row[0].last_used_at):
        record_use("last_used_at", (cast(Table, ApiToken.__table__), {row[0].id}))
    return identity


def identity_of_api_token(api_token_id: int) -> Identity:
    """The identity of the API token with this id. Raises Unauthorized, TokenExpired or TokenRevoked."""
    with DbSession(read_engine(db.engine)) as session:
        statement = select(ApiToken, User).join(ApiToken.user).where(ApiToken.id == api_token_id)
        row = session.execute(statement).one_or_none()
    return _identity_of(row)


def _identity_of(row: Any) -> Identity:
    if row is None:
        raise Unauthorized
    api_token, user = row
    if api_token.expires_at is not None and api_token.expires_at <= utcnow():
        raise TokenExpired
    if not user.is_active or user.deleted_at is not None:
        raise TokenRevoked
    scopes = frozenset(api_token.scopes)
    return Identity(user, Credentials(user.id, scopes, api_token_id=api_token.id, expires_at=api_token.expires_at))
