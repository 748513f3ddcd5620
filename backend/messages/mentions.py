"""Who a message names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from sqlalchemy import Connection, select

from backend.models import User
from backend.models.user import fold_username

MOST = 50
"""How many users one message can name; a longer list is a broadcast, and the rest of it is plain text."""

AT_ONCE = 500
"""Names in one statement; SQLite takes some 32,000 parameters, and a long list is planned slowly."""

# Not behind a letter, a digit or another @: the address a@name.example names nobody.
_MENTION = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})", re.ASCII)


_ROOM_MENTION = re.compile(r"(?<![\w@.+/-])@room(?![\w-]|\.\w)", re.IGNORECASE)


def names_room(content: str) -> bool:
    """Whether *content* has the mention `@room`. `@roomy`, `@room-mates` and `me@room` are none."""
    return "@" in content and _ROOM_MENTION.search(content) is not None


def candidates(content: str) -> list[list[str]]:
    """For each mention the folded usernames that it may mean, the longest first: `@Ann.` is `ann.` or `ann`.

    Three at most for each of `MOST` mentions, so that no message costs more look-ups than that.
    """
    if "@" not in content:
        return []
    return [_readings(fold_username(match[1])) for match in islice(_MENTION.finditer(content), MOST)]


def _readings(name: str) -> list[str]:
    """*name* whole, without its last sign, and without all signs at its end: the rest of a sentence may stand behind it."""
    bare = name.rstrip(".-")
    return [name] if bare == name else list(dict.fromkeys((name, name[:-1], bare)))


def find_mentioned(connection: Connection, contents: Iterable[str]) -> dict[str, int]:
    """The ids of the users whose names occur as mentions in *contents*, by folded username."""
    names = sorted({name for content in contents for options in candidates(content) for name in options})
    found: dict[str, int] = {}
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        statement = select(User.username_key, User.id).where(User.username_key.in_(some), User.deleted_at.is_(None))
        found |= {name: user_id for name, user_id in connection.execute(statement) if name is not None}
    return found


def mentioned_ids(content: str, known: dict[str, int]) -> list[int]:
    """Whom of *known* (ids by folded username) *content* names, each once, in the order of their first mention."""
    named: dict[int, None] = {}
    for options in candidates(content):
        user_id = next((known[name] for name in options if name in known), None)
        if user_id is not None:
            named[user_id] = None
    return list(named)
