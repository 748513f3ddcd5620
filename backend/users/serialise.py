"""The one shape of a user, for REST, socket and export alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from backend.models import User

_AVATAR = re.compile(r"avatars/[0-9]+/([A-Za-z0-9_-]+)\.webp")


def user_json(user: User, viewer: User | None) -> dict[str, Any]:
    """*user* as *viewer* may see it: the private fields are for the user itself and for superusers.

    *viewer* must be the user of an `Identity`, who acts by its scopes: a row that was merely loaded sees no private field.
    """
    answer = _public(user)
    if viewer is not None and viewer.may_read and (viewer.id == user.id or viewer.has_admin_power):
        answer |= _private(user)
    return answer


def own_json(user: User) -> dict[str, Any]:
    """*user* with the private fields, for who has just signed in as that user, and for the operator's command line."""
    return _public(user) | _private(user)


def users_json(users: Iterable[User], viewer: User | None) -> list[dict[str, Any]]:
    """Like `user_json`, for a list."""
    return [user_json(user, viewer) for user in users]


def avatar_version(user: User) -> str | None:
    """What tells this picture of *user* from others; None where there is none of ours (adopted rows hold anything)."""
    found = _AVATAR.fullmatch(user.avatar or "")
    return found[1] if found else None


def avatar_url(user: User) -> str | None:
    """Where the picture of *user* is: another address for every picture, so that it can be kept for ever."""
    version = avatar_version(user)
    return f"/api/users/{user.id}/avatar?v={version}" if version else None


def _public(user: User) -> dict[str, Any]:
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
        "last_seen_at": user.last_seen_at,
    }


def _private(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "mobile": user.mobile,
        "is_superuser": user.is_superuser,
        "email_verified": user.email_verified_at is not None,
        "mobile_verified": user.mobile_verified_at is not None,
    }
