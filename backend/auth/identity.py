"""From a bearer token to the user behind it. Every request, and every socket, comes through `identify`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session as DbSession

from backend.auth.secrets import hash_secret
from backend.combine import Combiner
from backend.database import reading
from backend.errors import TokenExpired, TokenRevoked, Unauthorized
from backend.models import ApiToken, User, UserSession
from backend.models.base import db, utcnow

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
SEEN_RESOLUTION = timedelta(minutes=1)
"""How stale `last_seen_at` may be: a write for every request would cost more than the request."""

API_TOKEN_PREFIX = "confab_"
SESSION_SCOPES = frozenset({"read", "write", "admin", "health"})
ALGORITHM = "HS256"
ISSUER = "confab"


@dataclass(frozen=True)
class Identity:
    """Who calls, and by what right. `user` is detached: a snapshot of this moment, to read from."""

    user: User
    scopes: frozenset[str]
    session_id: int | None = None
    api_token_id: int | None = None
    expires_at: datetime | None = None


def issue_access_token(user_id: int, session_id: int) -> str:
    """A JWT (RFC 7519) for 15 minutes, bound to its session. It holds no role, so none can be stale."""
    now = utcnow()
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(user_id),
        "sid": session_id,
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + ACCESS_TOKEN_LIFETIME,
        "type": "access",
    }
    return jwt.encode(claims, current_app.config["CONFAB"].jwt_secret_key, ALGORITHM)


def identify(token: str) -> Identity:
    """The identity behind *token*: an access token or an API token.

    Raises Unauthorized, TokenExpired or TokenRevoked. A session that ended, or a user who was deactivated, is seen at once.
    """
    if token.startswith(API_TOKEN_PREFIX):
        return _identify_api_token(token)
    claims = _claims(token)
    found = _sessions()(claims["sid"])
    if found is None or not found.is_active or found.expires_at <= utcnow():
        raise TokenRevoked
    user = found.user
    if str(user.id) != claims["sub"] or not user.is_active or user.deleted_at is not None:
        raise TokenRevoked
    return Identity(user, SESSION_SCOPES, session_id=found.id, expires_at=datetime.fromtimestamp(claims["exp"], UTC))


def _claims(token: str) -> dict[str, Any]:
    """The checked claims of an access token. Signature, algorithm, issuer, audience, times and type are all verified."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            current_app.config["CONFAB"].jwt_secret_key,
            algorithms=[ALGORITHM],
            audience=ISSUER,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "sid", "jti", "type"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Unauthorized from error
    if claims["type"] != "access" or type(claims["sid"]) is not int or not 0 < claims["sid"] < 2**63:
        raise Unauthorized
    return claims


def _sessions() -> Callable[[int], UserSession | None]:
    """This application's combined look-up of sessions: concurrent requests share one query."""
    combiner: Callable[[int], UserSession | None] = current_app.extensions.setdefault(
        "confab-sessions", Combiner(_load_sessions, most=500)
    )
    return combiner


def _load_sessions(ids: list[int]) -> Sequence[UserSession | None]:
    engine = reading(db.engine)
    statement = select(UserSession, User).join(UserSession.user).where(UserSession.id.in_(set(ids)))
    with DbSession(engine) as session:
        found = {}
        for user_session, user in session.execute(statement):
            user_session.user = user
            found[user_session.id] = user_session
        session.expunge_all()
    _record_seen(list(found.values()))
    return [found.get(wanted) for wanted in ids]


def _record_seen(sessions: list[UserSession]) -> None:
    now = utcnow()
    stale = [s for s in sessions if s.is_active and (s.last_seen_at is None or s.last_seen_at < now - SEEN_RESOLUTION)]
    if not stale:
        return
    with db.engine.begin() as connection:
        connection.execute(
            update(UserSession)
            .where(UserSession.id.in_([s.id for s in stale]))
            .values(last_seen_at=now, updated_at=now)
        )
        connection.execute(
            update(User)
            .where(User.id.in_({s.user_id for s in stale}))
            .values(last_seen_at=now, updated_at=User.updated_at)
        )


def _identify_api_token(token: str) -> Identity:
    with DbSession(reading(db.engine)) as session:
        statement = select(ApiToken, User).join(ApiToken.user).where(ApiToken.token == hash_secret(token))
        row = session.execute(statement).one_or_none()
        session.expunge_all()
    if row is None:
        raise Unauthorized
    api_token, user = row
    if api_token.expires_at is not None and api_token.expires_at <= utcnow():
        raise TokenExpired
    if not user.is_active or user.deleted_at is not None:
        raise TokenRevoked
    return Identity(user, frozenset(api_token.scopes), api_token_id=api_token.id, expires_at=api_token.expires_at)
