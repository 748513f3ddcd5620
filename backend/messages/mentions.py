"""Who a message names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from backend.models import User

MOST = 50
"""How many users one message can name; a longer list is a broadcast, and the rest of it is plain text."""

# Not behind a letter, a digit or another @: the address a@name.example names nobody.
_MENTION = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})", re.ASCII)


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


def mentioned_ids(content: str, known: dict[str, int]) -> list[int]:
    """Whom of *known* (ids by username) *content* names, each once, in the order of their first mention."""
    named: dict[int, None] = {}
    for options in candidates(content):
        user_id = next((known[name] for name in options if name in known), None)
        if user_id is not None:
            named[user_id] = None
    return list(named)
