"""The one door from an id to a user."""

from __future__ import annotations

from backend.errors import NotFound
from backend.models import User
from backend.models.base import db


def get_user(user_id: int) -> User:
    """The account *user_id*, deactivated ones included. Raises NotFound for those that never were and those erased."""
    user = db.session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise NotFound
    return user


def get_active_user(user_id: int) -> User:
    """Like `get_user`, where only somebody who can sign in will do: a deactivated account is not found either."""
    user = get_user(user_id)
    if not user.is_active:
        raise NotFound
    return user
