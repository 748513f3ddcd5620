"""Factories: rows created directly, without the cost of a real password, and clients signed in as their users."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any, cast

from flask import Flask
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import make_transient_to_detached

from backend.identity.access_tokens import issue_access_token
from backend.identity.identity import FRESH_FOR
from backend.models import Block, Conversation, ConversationEntry, Room, User, UserSession
from backend.models.base import db, utcnow
from backend.models.conversation import LOBBY
from backend.models.user import fold_username
from backend.rooms.changes import start_membership
from backend.security.hashing import hash_secret, new_secret
from backend.users.emails import fold_email
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
        """A room created through the API; *members* join it together, as if an admin had added each."""
        room: dict[str, Any] = owner.post("/api/rooms", {"name": name, **fields}).get_json()
        if members:
            with self.app.app_context():
                row = db.session.get_one(Room, room["id"])
                for member in members:
                    start_membership(row, member.user.id, None)  # type: ignore[attr-defined]
                db.session.commit()
        return room

    def block(self, user: User, blocked: User) -> None:
        """Let *user* block *blocked*."""
        with self.app.app_context():
            db.session.add(Block(user_id=user.id, blocked_id=blocked.id))
            db.session.commit()


_USERS, _SESSIONS, _ENTRIES = (cast(Table, model.__table__) for model in (User, UserSession, ConversationEntry))
_COLUMNS = tuple(column.key for column in _USERS.columns)
_HEAD = select(Conversation.last_seq).where(Conversation.id == LOBBY).scalar_subquery()


def _add_user(username: str | None, fields: dict[str, Any]) -> User:
    """A new account in the current transaction, loaded and detached: the rows of `add_user`, without its savepoints."""
    n = next(_numbers)
    username, email = username or f"user{n}", fields.pop("email", f"user{n}@example.com")
    names = [fields[name] for name in ("first_name", "last_name") if fields.get(name)]
    values = {
        "username": username,
        "username_key": fold_username(username),
        "email": fold_email(email) if email else None,
        "mail_address": email or None,
        "full_name": " ".join(names) or None,
    } | fields
    connection = db.session.connection()
    row = connection.execute(insert(_USERS).values(**values).returning(*_USERS.columns)).one()
    entry = {"user_id": row.id, "conversation_id": LOBBY, "last_read_seq": _HEAD}
    connection.execute(insert(_ENTRIES).values(**entry))
    user = User()
    user.__dict__.update(zip(_COLUMNS, row, strict=True), role_names=[])
    make_transient_to_detached(user)
    return user


def _add_session(user_id: int, is_fresh: bool) -> int:
    """The id of a new session in the current transaction."""
    session = {
        "user_id": user_id,
        "session_token": hash_secret(new_secret()),
        "expires_at": utcnow() + timedelta(days=1),
        "authenticated_at": utcnow() - (timedelta() if is_fresh else FRESH_FOR),
    }
    statement = insert(_SESSIONS).values(**session).returning(_SESSIONS.columns.id)
    number: int = db.session.connection().execute(statement).scalar_one()
    return number
