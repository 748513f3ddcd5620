"""Access to users. Every way from an id to a user goes through here."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from backend.errors import NotFound, TokenRevoked
from backend.models import User
from backend.models.base import db
from backend.users.tombstone import USERNAME as TOMBSTONE


def get_user(user_id: int) -> User:
    """The account *user_id*, which may be deactivated. Raises NotFound if it does not exist or is erased."""
    user = db.session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise NotFound
    return user


def is_shown() -> ColumnElement[bool]:
    """The condition that a user's profile is shown: the account is not erased, or it is the tombstone."""
    return or_(User.deleted_at.is_(None), User.username == TOMBSTONE)


def get_active_user(user_id: int) -> User:
    """Like `get_user`, but a deactivated account raises NotFound too."""
    user = get_user(user_id)
    if not user.is_active:
        raise NotFound
    return user


def lock_self(caller: User) -> User:
    """Lock the caller's own row, and return its present state. Raises TokenRevoked if they were deactivated or erased since."""
    own = select(User).where(User.id == caller.id, User.is_active, User.deleted_at.is_(None))
    # key_share: does not block inserts that refer to the user, such as a block by another user, and does not wait for them.
    statement = own.with_for_update(key_share=True)
    user = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if user is None:
        raise TokenRevoked
    return user
