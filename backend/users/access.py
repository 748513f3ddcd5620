"""The one door from an id to a user."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from backend.errors import NotFound, TokenRevoked
from backend.models import User
from backend.models.base import db
from backend.users.tombstone import USERNAME as TOMBSTONE


def get_user(user_id: int) -> User:
    """The account *user_id*, deactivated ones included. Raises NotFound for those that never were and those erased."""
    user = db.session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise NotFound
    return user


def is_shown() -> ColumnElement[bool]:
    """Return the condition that a user's profile is shown: the account is not erased, or it is the tombstone."""
    return or_(User.deleted_at.is_(None), User.username == TOMBSTONE)


def get_active_user(user_id: int) -> User:
    """Like `get_user`, where only somebody who can sign in will do: a deactivated account is not found either."""
    user = get_user(user_id)
    if not user.is_active:
        raise NotFound
    return user


def lock_self(caller: User) -> User:
    """The caller's own row, locked, as it is now. Raises TokenRevoked where they were deactivated or erased meanwhile."""
    own = select(User).where(User.id == caller.id, User.is_active, User.deleted_at.is_(None))
    # key_share: rows that merely refer to the user, such as a block by another, are no obstacle, nor do they wait.
    statement = own.with_for_update(key_share=True)
    user = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if user is None:
        raise TokenRevoked
    return user
