"""Who a message names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import cast

from sqlalchemy import Connection, Table, bindparam, select

from backend.models import RoomMembership, User

MOST = 50
"""How many users one message can name; a longer list is a broadcast, and the rest of it is plain text."""

# Not behind a letter, a digit or another @: the address a@name.example names nobody.
_MENTION = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})", re.ASCII)

_memberships = cast(Table, RoomMembership.__table__)
_MEMBERS = select(_memberships.c.room_id, _memberships.c.user_id).where(
    _memberships.c.room_id.in_(bindparam("rooms", expanding=True)),
    _memberships.c.user_id.in_(bindparam("users", expanding=True)),
    _memberships.c.left_at.is_(None),
)


def candidates(content: str) -> list[list[str]]:
    """For each mention the usernames that it may mean, the longest first: `@ann.` is `ann.` or `ann`."""
    if "@" not in content:
        return []
    return [list(_shorter(match[1])) for match in _MENTION.finditer(content)][:MOST]


def _shorter(name: str) -> Iterator[str]:
    yield name
    while name[-1] in ".-":
        name = name[:-1]
        yield name


def find_mentioned(connection: Connection, contents: Iterable[str]) -> dict[str, int]:
    """The ids of the users whose names occur as mentions in *contents*, by username."""
    names = {name for content in contents for options in candidates(content) for name in options}
    if not names:
        return {}
    statement = select(User.username, User.id).where(User.username.in_(names), User.deleted_at.is_(None))
    return dict(connection.execute(statement).all())


def mentioned_ids(content: str, known: dict[str, int], allowed: Collection[int] | None) -> list[int]:
    """Who *content* names, each once, in the order of their first mention; *allowed* is who can see it (None: all)."""
    named: dict[int, None] = {}
    for options in candidates(content):
        user_id = next((known[name] for name in options if name in known), None)
        if user_id is not None and (allowed is None or user_id in allowed):
            named[user_id] = None
    return list(named)


def members_among(connection: Connection, room_ids: Collection[int], user_ids: Collection[int]) -> set[tuple[int, int]]:
    """Which of *user_ids* are in which of *room_ids* now, as (room, user)."""
    if not room_ids or not user_ids:
        return set()
    return set(connection.execute(_MEMBERS, {"rooms": list(room_ids), "users": list(user_ids)}).all())
