"""Loads the session behind an access token or a ticket, together with its user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import make_transient_to_detached

from backend.batching import Batcher
from backend.database import is_unavailable, read_engine
from backend.errors import TokenRevoked
from backend.identity.last_use import is_stale, record_use
from backend.models import User, UserSession
from backend.models.base import db, utcnow
from backend.state import confab_state


@dataclass(slots=True)
class LoadedSession:
    """The columns of a session that authentication needs, and a detached snapshot of its user."""

    id: int
    is_active: bool
    expires_at: datetime
    last_seen_at: datetime | None
    authenticated_at: datetime | None
    user: User


_users, _user_sessions = cast(Table, User.__table__), cast(Table, UserSession.__table__)
_user_columns = {attribute.key: attribute.expression for attribute in User.__mapper__.column_attrs}
_SESSION_COLUMNS = ("id", "is_active", "expires_at", "last_seen_at", "authenticated_at")
_select_sessions = (
    select(
        *(_user_sessions.c[name] for name in _SESSION_COLUMNS),
        *_user_columns.values(),
    )
    .join_from(_user_sessions, _users, _user_sessions.c.user_id == _users.c.id)
    .where(_user_sessions.c.id.in_(bindparam("ids")))
)
# Rows of the tables and not entities: this is read for every request, and the ORM's loading takes as long as the query.


def active_session(session_id: int) -> LoadedSession:
    """The session with this id. Raises TokenRevoked if it ended or does not exist, or if its user was deactivated or deleted."""
    found: LoadedSession | None = confab_state().load_session(session_id)
    if found is None or not found.is_active or found.expires_at <= utcnow():
        raise TokenRevoked
    if not found.user.is_active or found.user.deleted_at is not None:
        raise TokenRevoked
    return found


def session_loader() -> Callable[[int], LoadedSession | None]:
    """A function that loads a session by its id. Concurrent calls share one query."""
    return Batcher(_load_sessions, max_batch_size=500, fails_all=is_unavailable)


def _load_sessions(ids: list[int]) -> Sequence[LoadedSession | None]:
    with read_engine(db.engine).connect() as connection:
        rows = connection.execute(_select_sessions, {"ids": list(set(ids))}).all()
    found = {row[0]: LoadedSession(row[0], row[1], row[2], row[3], row[4], _detached_user(row[5:])) for row in rows}
    _record_use(list(found.values()))
    return [found.get(wanted) for wanted in ids]


def _detached_user(values: Sequence[Any]) -> User:
    user = User()
    user.__dict__.update(zip(_user_columns, values, strict=True))
    make_transient_to_detached(user)
    return user


def _record_use(loaded: list[LoadedSession]) -> None:
    stale = [session for session in loaded if session.is_active and is_stale(session.last_seen_at)]
    if stale:
        sessions, users = {session.id for session in stale}, {session.user.id for session in stale}
        record_use("last_seen_at", (_user_sessions, sessions), (_users, users))
