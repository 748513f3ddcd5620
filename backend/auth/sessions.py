"""Sessions: how they start, continue and end.

A session ends SESSION_DAYS after signing in, or 30 days after its last refresh. Its refresh tokens form a chain: each is used
once, and refers to its successor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, delete, select, update

from backend.audit.log import record, user_target
from backend.errors import NotFound, TokenExpired, TokenReused, TokenRevoked, Unauthorized
from backend.events import publish_on_commit, revoked_event
from backend.identity.access_tokens import ACCESS_TOKEN_LIFETIME, issue_access_token
from backend.identity.identity import FRESH_FOR, Identity
from backend.models import RefreshToken, User, UserSession
from backend.models.base import db, utcnow
from backend.pagination import Page, PageRequest
from backend.security.hashing import hash_secret, new_secret
from backend.users.serialise import own_json

IDLE_LIFETIME = timedelta(days=30)
REUSE_GRACE = timedelta(seconds=10)
"""How long a repeated use is no theft: two tabs may refresh with the same token, and an answer may be lost."""

NO_REFRESH_TOKEN = "Send a valid refresh token."


@dataclass(frozen=True)
class Device:
    """The device of a new session: the name that it gives itself, and its address."""

    info: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Grant:
    """A session with a new refresh token, before the commit."""

    user: dict[str, Any]
    user_id: int
    session_id: int
    ends_at: datetime
    refresh_token: str

    def answer(self) -> dict[str, Any]:
        """Return the token answer of the contract. No access token outlives its session."""
        lifetime = min(ACCESS_TOKEN_LIFETIME, self.ends_at - utcnow())
        return {
            "access_token": issue_access_token(self.user_id, self.session_id, lifetime),
            "refresh_token": self.refresh_token,
            "token_type": "bearer",
            "expires_in": max(int(lifetime.total_seconds()), 0),
            "user": self.user,
        }


def start_session(user: User, device: Device, by: str = "password") -> Grant:
    """Add a session of *user* to the current transaction, without a commit. *by* is the method of authentication."""
    now = utcnow()
    session = UserSession(
        user_id=user.id,
        session_token=hash_secret(new_secret()),
        device_info=device.info,
        ip_address=device.address,
        created_at=now,
        expires_at=min(now + IDLE_LIFETIME, now + max_age()),
        last_seen_at=now,
        authenticated_at=now,
    )
    db.session.add(session)
    db.session.flush()
    record("login.ok", user.id, f"session:{session.id}", {"by": by})
    return Grant(own_json(user), user.id, session.id, session.expires_at, _add_refresh_token(session))


def max_age() -> timedelta:
    """Return the maximal lifetime of a session in use."""
    return timedelta(days=current_app.config["CONFAB"].session_days)


def lock_own_session(caller: Identity) -> UserSession:
    """Return the caller's own session, locked. Raises TokenRevoked where it has ended."""
    live = (UserSession.id == caller.session_id, UserSession.is_active)
    session = db.session.scalars(select(UserSession).where(*live).with_for_update()).one_or_none()
    if session is None:
        raise TokenRevoked
    return session


def make_others_stale(caller: Identity) -> None:
    """Make every other session of the caller stale, in the current transaction."""
    others = (UserSession.user_id == caller.user.id, UserSession.id != caller.session_id)
    fresh = UserSession.authenticated_at > utcnow() - FRESH_FOR
    db.session.execute(update(UserSession).where(*others, fresh).values(authenticated_at=None))


def _add_refresh_token(session: UserSession) -> str:
    secret = new_secret()
    row = RefreshToken(
        user_id=session.user_id, session_id=session.id, token=hash_secret(secret), expires_at=session.expires_at
    )
    db.session.add(row)
    return secret


def refresh(refresh_token: str) -> dict[str, Any]:
    """Redeem *refresh_token* and return a new pair of its session, which lives 30 more days, up to its maximal age.

    A token that was used before ends its session and raises TokenReused; within 10 s of its first use it returns one more pair
    instead. Raises TokenRevoked where the session has ended, TokenExpired, and Unauthorized for anything but a refresh token.
    """
    hashed, now = hash_secret(refresh_token), utcnow()
    session, user = _lock_session_of(hashed)
    token = db.session.scalars(select(RefreshToken).where(RefreshToken.token == hashed)).one_or_none()
    if token is None:  # it had expired, and was deleted while this request waited for the session
        raise Unauthorized(NO_REFRESH_TOKEN)
    if not session.is_active or not user.is_active or user.deleted_at is not None:
        raise TokenRevoked
    if token.used_at is not None and now - token.used_at > REUSE_GRACE:
        end_sessions(UserSession.id == session.id)
        record("token.reused", session.user_id, f"session:{session.id}")
        db.session.commit()
        raise TokenReused
    too_old_at = session.created_at + max_age()
    if min(token.expires_at, session.expires_at, too_old_at) <= now:
        raise TokenExpired
    session.expires_at, session.last_seen_at = min(now + IDLE_LIFETIME, too_old_at), now
    fresh = _add_refresh_token(session)
    if token.used_at is None:
        token.is_used, token.used_at, token.successor = True, now, hash_secret(fresh)
    db.session.execute(
        delete(RefreshToken).where(RefreshToken.session_id == session.id, RefreshToken.expires_at <= now)
    )
    grant = Grant(own_json(user), user.id, session.id, session.expires_at, fresh)
    db.session.commit()
    return grant.answer()


def _lock_session_of(hashed: str) -> tuple[UserSession, User]:
    """Return the session of a refresh token, locked, so that the tokens read afterwards are current."""
    session_id = select(RefreshToken.session_id).where(RefreshToken.token == hashed).scalar_subquery()
    statement = select(UserSession, User).join(UserSession.user).where(UserSession.id == session_id)
    row = db.session.execute(statement.with_for_update(of=UserSession)).one_or_none()
    if row is None:
        raise Unauthorized(NO_REFRESH_TOKEN)
    return row[0], row[1]


def end_sessions(*which: ColumnElement[bool]) -> list[int]:
    """End the live sessions that match, in the current transaction, and return their ids.

    Every session that ends, ends here. From the commit on its access and refresh tokens are refused, and its sockets close.
    """
    # In order of id, so that two transactions that end many sessions do not deadlock.
    wanted = select(UserSession.id, UserSession.user_id).where(UserSession.is_active, *which).order_by(UserSession.id)
    ended = db.session.execute(wanted.with_for_update()).all()
    ids = [row.id for row in ended]
    if ids:
        db.session.execute(update(UserSession).where(UserSession.id.in_(ids)).values(is_active=False))
        publish_on_commit(*(revoked_event(user_id) for user_id in {row.user_id for row in ended}))
    return ids


def logout(caller: Identity) -> None:
    """End the caller's own session."""
    if end_sessions(UserSession.id == caller.session_id):
        record("session.ended", caller.user.id, f"session:{caller.session_id}", {"why": "logout"})
    db.session.commit()


def list_sessions(caller: Identity, page_request: PageRequest) -> Page[dict[str, Any]]:
    """Return the caller's live sessions, the newest first."""
    statement = (
        select(UserSession)
        .where(UserSession.user_id == caller.user.id, UserSession.is_active, UserSession.expires_at > utcnow())
        .order_by(UserSession.id.desc())
        .offset(page_request.skip)
        .limit(page_request.limit + 1)
    )
    return Page.from_rows([_session_json(row, caller) for row in db.session.scalars(statement)], page_request)


def end_session(caller: Identity, session_id: int) -> None:
    """End one of the caller's live sessions. Raises NotFound."""
    own = (UserSession.user_id == caller.user.id, UserSession.expires_at > utcnow())
    if not end_sessions(UserSession.id == session_id, *own):
        raise NotFound
    record("session.ended", caller.user.id, f"session:{session_id}", {"why": "by hand"})
    db.session.commit()


def end_other_sessions(caller: Identity) -> None:
    """End all of the caller's sessions except the calling one."""
    ended = end_sessions(UserSession.user_id == caller.user.id, UserSession.id != caller.session_id)
    if ended:
        record("session.ended", caller.user.id, user_target(caller.user.id), {"why": "by hand", "count": len(ended)})
    db.session.commit()


def _session_json(session: UserSession, caller: Identity) -> dict[str, Any]:
    return {
        "id": session.id,
        "device_info": session.device_info,
        "ip_address": session.ip_address,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
        "is_current": session.id == caller.session_id,
    }
