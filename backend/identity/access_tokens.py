"""Access tokens: JWTs (RFC 7519) that Flask-JWT-Extended issues and decodes. No other module uses the library.

`backend.identity.authenticate.identify` calls `identify_access_token`. The library's decorators are not used: they serve requests
only, and sockets authenticate outside of one. They would answer correctly nevertheless, see `init_app`.
"""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, InvalidSignatureError, MissingRequiredClaimError, PyJWTError

from backend.database import MAX_ID
from backend.errors import TokenExpired, TokenRevoked, Unauthorized
from backend.http.errors import chat_error
from backend.identity.errors import ReauthenticationRequired
from backend.identity.identity import SESSION_SCOPES, Credentials, Identity
from backend.identity.session_lookup import LoadedSession, active_session
from backend.models.base import utcnow

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"
ISSUER = "confab"
"""The `iss` and the `aud` of every access token."""

REQUIRED_CLAIMS = ("iss", "aud", "sub", "sid", "jti", "iat", "exp", "type")
LAST_SECOND = 253_402_300_799
"""The last second of the year 9999, in seconds since 1970."""

_candidate_key: ContextVar[str | None] = ContextVar("candidate_key", default=None)
"""The key to verify with, where it is not JWT_SECRET_KEY. The library's hook for choosing a key does not see the signature."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The claims of an access token whose signature and claims were verified. Its session may have ended."""

    user_id: str
    session_id: int
    expires_at: datetime


def init_app(app: Flask) -> None:
    """Configure the library from our configuration, and make all its errors answer as `backend.http.errors` does."""
    app.config.update(
        JWT_SECRET_KEY=app.config["CONFAB"].jwt_secret_key,
        JWT_ALGORITHM=ALGORITHM,
        JWT_DECODE_ALGORITHMS=[ALGORITHM],
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=ISSUER,
        JWT_DECODE_AUDIENCE=ISSUER,
        JWT_ENCODE_NBF=False,
        JWT_TOKEN_LOCATION=("headers",),
        JWT_COOKIE_CSRF_PROTECT=False,  # or each token would have a claim `csrf`
        JWT_ACCESS_TOKEN_EXPIRES=ACCESS_TOKEN_LIFETIME,
    )
    manager = JWTManager(app)
    manager.decode_key_loader(_choose_key)
    manager.user_lookup_loader(lambda _header, claims: _identity(_checked(claims)).user)
    manager.unauthorized_loader(lambda _reason: chat_error(Unauthorized()))
    manager.invalid_token_loader(lambda _reason: chat_error(Unauthorized()))
    manager.expired_token_loader(lambda _header, _claims: chat_error(TokenExpired()))
    manager.user_lookup_error_loader(lambda _header, _claims: chat_error(TokenRevoked()))
    manager.needs_fresh_token_loader(lambda _header, _claims: chat_error(ReauthenticationRequired()))


def issue_access_token(user_id: int, session_id: int, lifetime: timedelta = ACCESS_TOKEN_LIFETIME) -> str:
    """An access token for a session of a user. It names no role, so that none can be out of date."""
    claims = {"sid": session_id, "jti": secrets.token_hex(8)}
    return create_access_token(str(user_id), expires_delta=lifetime, additional_claims=claims)


def identify_access_token(token: str) -> Identity:
    """The identity behind an access token. Needs an application context, and no request.

    Raises Unauthorized, TokenExpired or TokenRevoked. The session and the user are loaded anew at each call.
    """
    return _identity(_decode(token))


def _identity(token: AccessToken) -> Identity:
    session = _session_of(token)
    user = session.user
    credentials = Credentials(user.id, SESSION_SCOPES, session_id=session.id, expires_at=token.expires_at)
    return Identity(user, credentials, session.authenticated_at)


def _session_of(token: AccessToken) -> LoadedSession:
    session = active_session(token.session_id)
    if str(session.user.id) != token.user_id:
        raise TokenRevoked
    return session


def _decode(token: str) -> AccessToken:
    config = current_app.config["CONFAB"]
    try:
        decoded = _verify(token, config.jwt_secret_key, config.jwt_secret_key_previous)
    except ExpiredSignatureError as error:
        raise TokenExpired from error
    except (PyJWTError, JWTExtendedException, ValueError, RecursionError) as error:
        raise Unauthorized from error
    if decoded.expires_at <= utcnow():
        raise TokenExpired
    return decoded


@lru_cache(maxsize=4096)
def _verify(token: str, key: str, previous_key: str | None) -> AccessToken:
    """Verify a token with either key. Cached, because it takes a fifth of a short request; what it raises is not cached."""
    try:
        return _verify_with(key, token)
    except InvalidSignatureError:
        if previous_key is None:
            raise
        return _verify_with(previous_key, token)


def _verify_with(key: str, token: str) -> AccessToken:
    reset = _candidate_key.set(key)
    try:
        return _checked(decode_token(token))
    finally:
        _candidate_key.reset(reset)


def _choose_key(_header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The key to verify a token with. Raises MissingRequiredClaimError before the library completes missing claims itself."""
    for claim in REQUIRED_CLAIMS:
        if claims.get(claim) is None:
            raise MissingRequiredClaimError(claim)
    key: str = _candidate_key.get() or current_app.config["CONFAB"].jwt_secret_key
    return key


def _checked(claims: dict[str, Any]) -> AccessToken:
    """Check what the library does not. Raises Unauthorized unless these are the claims of an access token."""
    session_id, expires = claims["sid"], claims["exp"]
    if claims["type"] != "access" or not _is_number(session_id, MAX_ID) or not _is_number(expires, LAST_SECOND):
        raise Unauthorized
    return AccessToken(claims["sub"], session_id, datetime.fromtimestamp(expires, UTC))


def _is_number(value: Any, maximum: int) -> bool:
    return type(value) is int and 0 < value <= maximum
