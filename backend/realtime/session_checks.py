"""Closes the sockets whose credentials were revoked or have expired."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BindParameter, Select, bindparam, func, select

from backend.identity.identity import Credentials
from backend.models import ApiToken, User, UserSession
from backend.models.base import db, utcnow
from backend.realtime.runtime import Runtime
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import Close

IN_ONE_QUERY = 1_000

# Compiled once: the heartbeat runs them twice a second.
_ids: BindParameter[list[int]] = bindparam("ids", expanding=True)
_user_is_active = (User.is_active, User.deleted_at.is_(None))
_session_is_active = (UserSession.is_active, UserSession.expires_at > bindparam("now"))
_valid_sessions = (
    select(UserSession.id).join(UserSession.user).where(UserSession.id.in_(_ids), *_session_is_active, *_user_is_active)
)
_valid_tokens = select(ApiToken.id).join(ApiToken.user).where(ApiToken.id.in_(_ids), *_user_is_active)
_count_sessions, _count_tokens = (
    valid.with_only_columns(func.count(), maintain_column_froms=True) for valid in (_valid_sessions, _valid_tokens)
)


class SessionChecks:
    """Compares the credentials of sockets with the database."""

    def __init__(self, runtime: Runtime):
        self._runtime = runtime

    def close_revoked(self, connections: Sequence[Connection]) -> None:
        """Close those of *connections* whose session, API token or user has ended (4401)."""
        if not connections:
            return
        with self._runtime.reading():
            revoked = revoked_credentials([connection.credentials for connection in connections])
        for connection in connections:
            if _key(connection.credentials) in revoked:
                connection.close(Close.UNAUTHORIZED)


def revoked_credentials(credentials: Collection[Credentials]) -> set[tuple[int | None, int | None]]:
    """The (session, API token) ids of the *credentials* that are no longer valid: signed out, deactivated, erased or expired."""
    sessions = {each.session_id for each in credentials if each.session_id is not None}
    tokens = {each.api_token_id for each in credentials if each.api_token_id is not None}
    revoked_sessions = _missing(_valid_sessions, _count_sessions, sessions)
    revoked_tokens = _missing(_valid_tokens, _count_tokens, tokens)
    return {(id_, None) for id_ in revoked_sessions} | {(None, id_) for id_ in revoked_tokens}


def _key(credentials: Credentials) -> tuple[int | None, int | None]:
    return credentials.session_id, credentials.api_token_id


def _missing(valid: Select[int], count: Select[int], ids: set[int]) -> set[int]:
    """Those of *ids* that *valid* does not return. While it returns all of them, they are only counted."""
    missing: set[int] = set()
    ordered = sorted(ids)
    for start in range(0, len(ordered), IN_ONE_QUERY):
        chunk = ordered[start : start + IN_ONE_QUERY]
        values = {"ids": chunk, "now": utcnow()}
        if db.session.scalar(count, values) != len(chunk):
            missing |= set(chunk).difference(db.session.scalars(valid, values))
    return missing
