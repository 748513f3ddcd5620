"""Usernames: comparison, and reserved names."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_

from backend.models import User
from backend.models.user import fold_username

RESERVED = frozenset(
    {
        *("admin", "administrator", "confab", "moderator", "root", "security", "staff", "support", "system"),
        *("all", "channel", "everyone", "here", "lobby", "me", "room"),
        *("anonymous", "deleted", "nobody", "null", "undefined"),
    }
)
"""Names that look like the operator's, or that are or may become special mentions. `flask users create` may use them."""


def is_reserved(username: str) -> bool:
    """True for a name of `RESERVED`, in any case."""
    return fold_username(username) in RESERVED


def is_named(username: str) -> ColumnElement[bool]:
    """The condition that a user has this name, in any case.

    Older accounts may have names that differ only in case. The younger ones of them have no `username_key`, and are found only by
    the exact name.
    """
    return or_(User.username_key == fold_username(username), User.username == username)
