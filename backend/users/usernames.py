"""Usernames: which are the same, and which nobody may choose."""

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
"""Names that would pass for the operator's, or that a mention may come to mean. `flask users create` may give them."""


def is_reserved(username: str) -> bool:
    """True for a name of `RESERVED`, in any case."""
    return fold_username(username) in RESERVED


def is_named(username: str) -> ColumnElement[bool]:
    """The condition that a user has this name, in any case.

    Accounts that were made before case was ignored may share a name but for its case. The younger ones have no
    `username_key`: they are found by the exact name alone.
    """
    return or_(User.username_key == fold_username(username), User.username == username)
