"""Factories: rows created directly, without the cost of a real password, and clients signed in as their users."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from flask import Flask

from backend.identity.access_tokens import issue_access_token
from backend.identity.identity import FRESH_FOR
from backend.models import Block, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret, new_secret
from backend.users.creation import add_user
from tests.client import Client

_numbers = itertools.count(1)


class Factory:
    """Creates committed rows. The returned objects are detached."""

    def __init__(self, app: Flask):
        self.app = app

    def user(self, username: str | None = None, **fields: Any) -> User:
        """An account without a password, unless `hashed_password` is given."""
        with self.app.app_context():
            user = _add_user(username, fields)
            db.session.commit()
        return user

    def token(self, user: User, is_fresh: bool = True) -> str:
        """An access token of a new session of *user*, which is fresh (just signed in) by default."""
        with self.app.app_context():
            session_id = _add_session(user.id, is_fresh)
            db.session.commit()
            return issue_access_token(user.id, session_id)

    def client(self, user: User | None = None, is_fresh: bool = True) -> Client:
        """A client signed in as *user*, or as a new one. `client.user` is the user."""
        with self.app.app_context():
            user = user or _add_user(None, {})
            session_id = _add_session(user.id, is_fresh)
            db.session.commit()  # of both: there are thousands of clients
            client = Client(self.app, issue_access_token(user.id, session_id))
        client.user = user  # type: ignore[attr-defined]
        return client

    def room(self, owner: Client, name: str = "room", *members: Client, **fields: Any) -> dict[str, Any]:
        """A room created through the API; *members* join it (an admin adds them if it is private)."""
        room = owner.post("/api/rooms", {"name": name, **fields}).get_json()
        for member in members:
            response = owner.put(f"/api/rooms/{room['id']}/members/{member.user.id}")  # type: ignore[attr-defined]
            assert response.status_code == 200, response.get_data()
        return room

    def block(self, user: User, blocked: User) -> None:
        """Let *user* block *blocked*."""
        with self.app.app_context():
            db.session.add(Block(user_id=user.id, blocked_id=blocked.id))
            db.session.commit()


_LATER = ("is_active", "deleted_at", "bio", "full_name", "mobile_verified_at")
"""Fields that `add_user` does not take."""


def _add_user(username: str | None, fields: dict[str, Any]) -> User:
    """A new account in the current transaction, loaded and detached."""
    n = next(_numbers)
    later = {name: fields.pop(name) for name in list(fields) if name in _LATER}
    user = add_user(
        username=username or f"user{n}",
        email=fields.pop("email", f"user{n}@example.com"),
        may_be_reserved=True,
        **fields,
    )
    for name, value in later.items():
        setattr(user, name, value)
    db.session.flush()
    db.session.refresh(user)
    db.session.expunge(user)  # a commit would expire its fields
    return user


def _add_session(user_id: int, is_fresh: bool) -> int:
    """The id of a new session in the current transaction."""
    session = UserSession(
        user_id=user_id,
        session_token=hash_secret(new_secret()),
        expires_at=utcnow() + timedelta(days=1),
        authenticated_at=utcnow() - (timedelta() if is_fresh else FRESH_FOR),
    )
    db.session.add(session)
    db.session.flush()
    return session.id
