"""The serialiser of users, for REST, socket and export alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from backend.models import Block, User
from backend.models.base import db

IN_ONE_QUERY = 1_000
_select_blocks = select(Block.user_id, Block.created_at).where(
    Block.blocked_id == bindparam("viewer_id"), Block.user_id.in_(bindparam("ids", expanding=True))
)  # built once, because most responses about users need it
_AVATAR = re.compile(r"avatars/[0-9]+/([A-Za-z0-9_-]+)\.webp")


def user_json(user: User, viewer: User) -> dict[str, Any]:
    """*user* as *viewer* may see it. The private fields are for the user itself and for superusers.

    If *user* blocks *viewer*, `last_seen_at` is not later than the block. *viewer* must be the user of an `Identity`, because
    its scopes decide: a row that was only loaded from the database sees no private fields.
    """
    return users_json([user], viewer)[0]


def own_json(user: User) -> dict[str, Any]:
    """*user* with the private fields, for a user who has just signed in, and for the command line."""
    return _public(user) | _private(user)


def users_json(users: Iterable[User], viewer: User) -> list[dict[str, Any]]:
    """Like `user_json`, for a list. Takes one query for the blocks, and none for *viewer* alone."""
    users = list(users)
    answers = public_users_json(users, viewer)
    for user, answer in zip(users, answers, strict=True):
        if viewer.may_read and (viewer.id == user.id or viewer.has_admin_power):
            answer.update(_private(user))
    return answers


def public_users_json(users: Iterable[User], viewer: User) -> list[dict[str, Any]]:
    """Like `users_json`, without private fields, whoever *viewer* is."""
    users = list(users)
    blocked_at = _blocked_at({user.id for user in users} - {viewer.id}, viewer.id)
    return [_public(user, blocked_at.get(user.id)) for user in users]


def avatar_version(user: User) -> str | None:
    """The version of the avatar of *user*; None if there is none, or only one of an imported account that is not stored here."""
    found = _AVATAR.fullmatch(user.avatar or "")
    return found[1] if found else None


def avatar_url(user: User) -> str | None:
    """The URL of the avatar of *user*. Every avatar has a URL of its own, so that it can be cached for ever."""
    version = avatar_version(user)
    return f"/api/users/{user.id}/avatar?v={version}" if version else None


def _blocked_at(user_ids: Collection[int], viewer_id: int) -> dict[int, datetime]:
    """The times at which those of *user_ids* who block the viewer did so, by user."""
    ids, found = list(user_ids), dict[int, datetime]()
    for start in range(0, len(ids), IN_ONE_QUERY):
        some = {"viewer_id": viewer_id, "ids": ids[start : start + IN_ONE_QUERY]}
        found.update((user_id, created_at) for user_id, created_at in db.session.execute(_select_blocks, some))
    return found


def _public(user: User, blocked_at: datetime | None = None) -> dict[str, Any]:
    last_seen_at = user.last_seen_at
    if last_seen_at is not None and blocked_at is not None:
        last_seen_at = min(last_seen_at, blocked_at)  # later times are hidden
    return {
        "id": user.id,
        "username": user.username,
        "full_name": user.full_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "bio": user.bio,
        "avatar_url": avatar_url(user),
        "is_active": user.is_active,
        "roles": user.role_names,
        "created_at": user.created_at,
        "last_seen_at": last_seen_at,
    }


def _private(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "mobile": user.mobile,
        "is_superuser": user.is_superuser,
        "email_verified": user.email_verified_at is not None,
        "mobile_verified": user.mobile_verified_at is not None,
    }
