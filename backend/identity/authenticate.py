"""From a bearer token to the user behind it. Every request, and every socket, comes through `identify`."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast

import jwt
from flask import current_app
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session as DbSession
from sqlalchemy.orm import make_transient_to_detached

from backend.batching import Batcher
from backend.database import UNAVAILABLE, is_unavailable, read_engine
from backend.errors import TokenExpired, TokenRevoked, Unauthorized
from backend.identity.credentials import Credentials
from backend.identity.errors import ReauthenticationRequired, SessionRequired
from backend.models import ApiToken, RevokedToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret
from backend.state import confab_state

log = logging.getLogger("confab.auth")

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
FRESH_FOR = timedelta(minutes=10)
"""How long a session is fresh after its user proved who they are."""

SEEN_RESOLUTION = timedelta(minutes=1)
"""How stale `last_seen_at` may be: a write for every request would cost more than the request."""

API_TOKEN_PREFIX = "confab_"
SESSION_SCOPES = frozenset({"read", "write", "admin", "health"})
ALGORITHM = "HS256"
ISSUER = "confab"
LAST_SECOND = 253_402_300_800
"""The end of the year 9999, in seconds since 1970."""

MAX_TOKEN = 4096
"""Ours have some 300 characters; nothing is computed over a header of any length."""


@dataclass(frozen=True)
class Identity:
    """Who calls, and by what right. `user` is a snapshot of this moment, to read from, and acts by these scopes."""

    user: User
    scopes: frozenset[str]
    session_id: int | None = None
    api_token_id: int | None = None
    expires_at: datetime | None = None
    authenticated_at: datetime | None = None

    def __post_init__(self) -> None:
        self.user.scopes = self.scopes

    @property
    def credentials(self) -> Credentials:
        """What a socket keeps of this identity."""
        return Credentials(self.user.id, self.scopes, self.session_id, self.api_token_id, self.expires_at)


def check_session(caller: Identity) -> None:
    """Raises SessionNeeded for an API token: one that leaks must not be able to outlive its own deletion."""
    if caller.session_id is None:
        raise SessionRequired


def need_fresh(caller: Identity) -> None:
    """Raise ReauthenticationRequired unless the caller's session is fresh. That of an API token, which has none, never is.

    A stolen access token must not be enough for what would become a lasting way in.
    """
    if caller.session_id is None:
        raise ReauthenticationRequired("An API token may not do that. Sign in for it.")
    if caller.authenticated_at is None or caller.authenticated_at <= utcnow() - FRESH_FOR:
        raise ReauthenticationRequired


def issue_access_token(user_id: int, session_id: int, lifetime: timedelta = ACCESS_TOKEN_LIFETIME) -> str:
    """A JWT (RFC 7519) bound to its session. It holds no role, so none can be stale."""
    now = utcnow()
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(user_id),
        "sid": session_id,
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + lifetime,
        "type": "access",
    }
    return jwt.encode(claims, current_app.config["CONFAB"].jwt_secret_key, ALGORITHM)


def identify(token: str) -> Identity:
    """The identity behind *token*: an access token or an API token.

    Raises Unauthorized, TokenExpired or TokenRevoked. A session that ended, or a user who was deactivated, is seen at once.
    """
    if len(token) > MAX_TOKEN:
        raise Unauthorized
    if token.startswith(API_TOKEN_PREFIX):
        return _identify_api_token(token)
    claims = _claims(token)
    opened = _live_session(claims["sid"])
    if str(opened.user.id) != claims["sub"]:
        raise TokenRevoked
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return Identity(
        opened.user,
        SESSION_SCOPES,
        session_id=opened.id,
        expires_at=expires_at,
        authenticated_at=opened.authenticated_at,
    )


def user_of_session(session_id: int) -> User:
    """The user whom a session belongs to, as it is at this moment. Raises TokenRevoked where either has ended."""
    return _live_session(session_id).user


def _live_session(session_id: int) -> _Opened:
    found = confab_state().load_session(session_id)
    if found is None or not found.is_active or found.expires_at <= utcnow():
        raise TokenRevoked
    if not found.user.is_active or found.user.deleted_at is not None:
        raise TokenRevoked
    return found


def _claims(token: str) -> dict[str, Any]:
    """The checked claims of an access token. Signature, algorithm, issuer, audience, times and type are all verified."""
    config = current_app.config["CONFAB"]
    try:
        try:
            claims = _decode(token, config.jwt_secret_key)
        except jwt.InvalidSignatureError:
            if config.jwt_secret_key_previous is None:
                raise
            claims = _decode(token, config.jwt_secret_key_previous)
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Unauthorized from error
    if claims["exp"] <= utcnow().timestamp():
        raise TokenExpired
    return claims


@lru_cache(maxsize=4096)
def _decode(token: str, key: str) -> dict[str, Any]:
    """What stays true of a token once it was verified, which took a fifth of a short request; a failure is not remembered."""
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=ISSUER,
        issuer=ISSUER,
        options={"require": ["exp", "iat", "sub", "sid", "jti", "type"]},
    )
    if claims["type"] != "access" or not _is_number(claims["sid"], 2**63) or not _is_number(claims["exp"], LAST_SECOND):
        raise ValueError("not one of our access tokens")
    return claims


def _is_number(value: Any, below: int) -> bool:
    return type(value) is int and 0 < value < below


@dataclass(slots=True)
class _Opened:
    """A session as `identify` needs it, with its user."""

    id: int
    is_active: bool
    expires_at: datetime
    last_seen_at: datetime | None
    authenticated_at: datetime | None
    user: User


_users, _user_sessions = cast(Table, User.__table__), cast(Table, UserSession.__table__)
_user_columns = {attribute.key: attribute.expression for attribute in User.__mapper__.column_attrs}
_OPENED = ("id", "is_active", "expires_at", "last_seen_at", "authenticated_at")
_select_opened = (
    select(
        *(_user_sessions.c[name] for name in _OPENED),
        *_user_columns.values(),
    )
    .join_from(_user_sessions, _users, _user_sessions.c.user_id == _users.c.id)
    .where(_user_sessions.c.id.in_(bindparam("ids", expanding=True)))
)
# Rows of the tables and not entities: this is read for every request, and the ORM's loading takes as long as the query.


def session_loader() -> Callable[[int], _Opened | None]:
    """A function that loads a session by its id. Concurrent calls share one query."""
    return Batcher(_load_sessions, max_batch_size=500, fails_all=is_unavailable)


def _load_sessions(ids: list[int]) -> Sequence[_Opened | None]:
    with read_engine(db.engine).connect() as connection:
        rows = connection.execute(_select_opened, {"ids": list(set(ids))}).all()
    found = {row[0]: _Opened(row[0], row[1], row[2], row[3], row[4], _detached_user(row[5:])) for row in rows}
    _record_seen(list(found.values()))
    return [found.get(wanted) for wanted in ids]


def _detached_user(values: Sequence[Any]) -> User:
    user = User()
    user.__dict__.update(zip(_user_columns, values, strict=True))
    make_transient_to_detached(user)
    return user


def _record_seen(opened: list[_Opened]) -> None:
    """Note that these sessions are in use."""
    stale = [session for session in opened if session.is_active and _is_stale(session.last_seen_at)]
    if stale:
        sessions, users = {session.id for session in stale}, {session.user.id for session in stale}
        _touch("last_seen_at", (_user_sessions, sessions), (_users, users))


def _is_stale(at: datetime | None) -> bool:
    return at is None or at < utcnow() - SEEN_RESOLUTION


def _touch(column: str, *places: tuple[Table, set[int]]) -> None:
    """Note in *column* that these rows are in use. Nobody waits for it: a row that is locked is left out."""
    try:
        with db.engine.begin() as connection:
            for table, ids in places:
                unlocked = select(table.c.id).where(table.c.id.in_(ids)).with_for_update(skip_locked=True)
                values = {column: utcnow(), "updated_at": table.c.updated_at}
                connection.execute(update(table).where(table.c.id.in_(unlocked)).values(values))
    except UNAVAILABLE as error:
        log.warning("%s was not recorded: %s", column, type(error).__name__)


def _identify_api_token(token: str) -> Identity:
    digest = hash_secret(token)
    with DbSession(read_engine(db.engine)) as session:
        statement = select(ApiToken, User).join(ApiToken.user).where(ApiToken.token == digest)
        row = session.execute(statement).one_or_none()
        if row is None and session.scalar(select(RevokedToken.id).where(RevokedToken.token == digest)):
            raise TokenRevoked
        session.expunge_all()
    identity = _of_api_token(row)
    if row is not None and _is_stale(row[0].last_used_at):
        _touch("last_used_at", (cast(Table, ApiToken.__table__), {row[0].id}))
    return identity


def identity_of_api_token(api_token_id: int) -> Identity:
    """The identity behind an API token's row. Raises Unauthorized, TokenExpired and TokenRevoked like `identify`."""
    with DbSession(read_engine(db.engine)) as session:
        statement = select(ApiToken, User).join(ApiToken.user).where(ApiToken.id == api_token_id)
        row = session.execute(statement).one_or_none()
        session.expunge_all()
    return _of_api_token(row)


def _of_api_token(row: Any) -> Identity:
    if row is None:
        raise Unauthorized
    api_token, user = row
    if api_token.expires_at is not None and api_token.expires_at <= utcnow():
        raise TokenExpired
    if not user.is_active or user.deleted_at is not None:
        raise TokenRevoked
    return Identity(user, frozenset(api_token.scopes), api_token_id=api_token.id, expires_at=api_token.expires_at)
